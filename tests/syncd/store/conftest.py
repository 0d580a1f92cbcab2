"""A store for each test: the real one on a file, and its twin in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from syncd.store.engine import open_engine, require_current
from tests.stores import in_memory


@pytest.fixture(params=["sqlite", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """The statements are the contract: both must answer alike."""
    engine = open_engine(f"sqlite:///{tmp_path}/syncd.db") if request.param == "sqlite" else in_memory()
    require_current(engine)
    yield engine
    engine.dispose()
