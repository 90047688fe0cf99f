"""What happens to leads that higher rooms may want to know. Sent inside the transaction of its cause, leads locked."""

from django.dispatch import Signal

worked = Signal()  # lead, actor, act (call, text, email, note, stage …): a person did something with the lead by hand
worked_in_mass = Signal()  # lead_ids, actor, act: the same with many at once, or by a machine
ready_for_routing = Signal()  # company_id, unit_id, lead_ids, maybe but: leads of a unit want an agent, not that one
owner_changed = Signal()  # company_id, lead_ids, actor_id: they have another owner, and their slots are settled
reassigned = Signal()  # company_id, lead_ids, actor_id: somebody decided who works them, and is about to say so
removed = Signal()  # company_id, lead_ids, actor_id: they are deleted, or merged into others, in this transaction
erased = Signal()  # company_id, lead_ids: nothing that was written of them may stay, beside counts
released = Signal()  # company_id, lead_ids, actor_id: nobody is in their Agent slot any more
departing = Signal()  # user, units: she leaves these (None: the company); answers what brings her back, as JSON
coming_back = Signal()  # user, kept: what `departing` answered, by the module of whoever did; her departure is undone
closing = Signal()  # unit: it is about to be closed; answers what opens it again, as JSON
reopening = Signal()  # unit, kept: what `closing` answered, by the module of whoever did
