"""What the tests of promotion and of what follows it share: an instance, and models that nobody has made yet."""

from collections.abc import Iterator

import dagster as dg
import pytest
from promoted import BROKEN, INCOMPLETE, SKILL


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def untrained(store_folder, monkeypatch) -> None:
    """No model was made, and what is made now is of the whole data."""
    SKILL.clear()
    BROKEN.clear()
    INCOMPLETE.clear()
    monkeypatch.setenv("ATOLL_PROFILE", "full")
