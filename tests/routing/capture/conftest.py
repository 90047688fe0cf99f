from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.routing.capture.graphs import Graph, standing_in


@pytest.fixture
def graph(settings: Any) -> Iterator[Graph]:
    with standing_in() as found:
        settings.GRAPH_URL = found.url
        yield found
