"""Secrets that the web side makes for itself, once: the same in every process, and after a restart."""

from __future__ import annotations

import secrets

from sqlalchemy import Engine

from syncd.store import runs


def seal(store: Engine, name: str) -> str:
    """What things of this kind (cursors, cookies, …) are signed with."""
    runs.remember_first(store, name, secrets.token_urlsafe(32))
    kept = runs.recall(store, name)
    assert kept is not None
    return kept
