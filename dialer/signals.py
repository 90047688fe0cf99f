"""What happens in the dialer that other parts of it may want to know. Sent inside the transaction of its cause."""

from django.dispatch import Signal

disposed = Signal()  # campaign, lead, actor, disposition: she said what came of her call
