"""Stores for the service provider's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from scim.tables import scim_metadata
from syncd.store.engine import open_engine


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    found = open_engine(f"sqlite:///{tmp_path}/scim.db")
    scim_metadata.create_all(found)
    yield found
    found.dispose()
