"""A store for each test: the real one on a file, and its twin in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.pool import StaticPool

from syncd.store.engine import open_engine, require_current


@pytest.fixture(params=["sqlite", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """The statements are the contract: both must answer alike."""
    if request.param == "sqlite":
        engine = open_engine(f"sqlite:///{tmp_path}/syncd.db")
    else:
        engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
        event.listen(engine, "connect", lambda connection, _record: setattr(connection, "isolation_level", None))
    require_current(engine)
    yield engine
    engine.dispose()
