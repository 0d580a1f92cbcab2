"""A store for each test: on a file, in memory, and on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from syncd.store.engine import open_engine, require_current
from tests.postgres import needs_postgres, postgres
from tests.stores import in_memory


@pytest.fixture(params=["sqlite", "memory", pytest.param("postgresql", marks=needs_postgres)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """The statements are the contract: all must answer alike."""
    match request.param:
        case "sqlite":
            engine = open_engine(f"sqlite:///{tmp_path}/syncd.db")
        case "memory":
            engine = in_memory()
        case _:
            engine = open_engine(postgres().new_store())
    require_current(engine)
    yield engine
    engine.dispose()
