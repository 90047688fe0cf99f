"""What the benchmark says of leads that come in by HTTP is of each that was sent. No times here."""

from __future__ import annotations

from datetime import timedelta

from crm.bench.arriving import fire
from crm.bench.capture import bodies
from tests.faults.test_capture import open_channel
from tests.support.product import Product


def test_each_lead_that_is_sent_is_answered_and_seen_to_be_offered(running_product: Product) -> None:
    with running_product.database():
        _, channel = open_channel(timedelta(minutes=15))
        due, answered, offered = fire(running_product.port, channel, dict(enumerate(bodies(20))))
    assert due.keys() == answered.keys() == offered.keys() == set(range(20))
    assert all(due[number] < answered[number] and due[number] < offered[number] for number in due)
