"""What happens to leads that higher rooms may want to know. Sent inside the transaction of its cause, leads locked."""

from django.dispatch import Signal

worked = Signal()  # lead, actor, act (call, text, email, note, stage …): a person did something with the lead by hand
ready_for_routing = Signal()  # company_id, unit_id, lead_ids: new leads of a unit that want their next agent
owner_changed = Signal()  # company_id, lead_ids, actor_id: they have another owner, and their slots are settled
reassigned = Signal()  # company_id, lead_ids, actor_id: somebody decided who works them, and is about to say so
removed = Signal()  # company_id, lead_ids, actor_id: they are deleted, or merged into others, in this transaction
released = Signal()  # company_id, lead_ids, actor_id: nobody is in their Agent slot any more
departing = Signal()  # user: she leaves the company; answers what it takes to bring her back, as JSON
coming_back = Signal()  # user, kept: what `departing` answered, by the module of whoever did; her departure is undone
