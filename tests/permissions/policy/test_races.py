"""O5: of two changes of the policy at once, one is told of the other."""

from __future__ import annotations

from dataclasses import replace
from threading import Barrier

from permissions.policy.services import change_policy, read_policy
from permissions.profiles.services import ChangedMeanwhileError
from tests.factories.scenes import brokerage
from tests.permissions.policy.test_policy import facts
from tests.support.threads import at_once


def test_o5_of_two_at_once_one_is_told(committing_db: str) -> None:
    harbor = brokerage()
    seen = read_policy(harbor.company.pk)
    start = Barrier(2)

    def save(policy: str) -> bool:
        start.wait()
        try:
            change_policy(actor=harbor.broker, wanted=replace(seen, personal_leads=policy), seen=seen.digest())
        except ChangedMeanwhileError:
            return False
        return True

    assert sorted(at_once(lambda: save("private"), lambda: save("managed"))) == [False, True]
    assert len(facts(harbor.company)) == 1
