"""What happens in the organisation that higher rooms may want to know. Sent inside the transaction of its cause."""

from django.dispatch import Signal

company_created = Signal()  # company
