"""Calls of webhooks that were taken, so that none is taken twice."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Engine, delete, insert
from sqlalchemy.exc import IntegrityError

from syncd.store.daemon_tables import hook_calls
from syncd.store.engine import writing


def note(engine: Engine, signature: bytes, now: datetime, forget: datetime) -> bool:
    """Note a call by its signature. Returns False when it was taken before.

    Args:
        engine: the store's.
        signature: 32 bytes.
        now: the time.
        forget: calls before this are too old to be taken again in any case.
    """
    try:
        with writing(engine) as connection:
            connection.execute(delete(hook_calls).where(hook_calls.c.at < forget))
            connection.execute(insert(hook_calls).values(signature=signature, at=now))
    except IntegrityError:
        return False
    return True
