"""Stores and gates for the SCIM rooms."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from scim.access import tables as access_tables  # noqa: F401 - puts its tables there
from scim.events import tables as event_tables  # noqa: F401
from scim.metadata import scim_metadata
from syncd.store.engine import open_engine
from tests.house import Clock


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """An empty store on the disk, opened as the program opens it."""
    made = open_engine(f"sqlite:///{tmp_path / 'scim.db'}")
    scim_metadata.create_all(made)
    yield made
    made.dispose()


@pytest.fixture
def clock() -> Clock:
    """A clock that tests turn."""
    return Clock()
