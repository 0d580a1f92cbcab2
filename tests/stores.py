"""Stores for tests."""

from __future__ import annotations

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.pool import StaticPool


def in_memory() -> Engine:
    """An empty store's engine, without its tables."""
    engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    event.listen(engine, "connect", lambda connection, _record: setattr(connection, "isolation_level", None))
    return engine
