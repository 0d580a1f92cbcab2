"""What tells whether a run goes on from where the last one ended: the runs before it, and a note beside the store.

The note (`STORE.witness`) says how far the last run had come. It is not part of the store, so a store that is restored from a
backup is older than its note. Back up the store alone, not the note with it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import orjson
from sqlalchemy import Engine, select

from syncd.core.continuity import Doubt, Witness
from syncd.errors import StoreError
from syncd.store import runs
from syncd.store.engine import reading
from syncd.store.tables import audit
from syncd.store.tables import runs as run_lines

_LOOKS_BACK = 10
_NAME = "doubts"


def begins(engine: Engine, before: int) -> list[datetime]:
    """When the runs before this one began, the last one first."""
    query = select(run_lines.c.started_at).where(run_lines.c.id < before)
    with reading(engine) as connection:
        return list(connection.execute(query.order_by(run_lines.c.id.desc()).limit(_LOOKS_BACK)).scalars())


def doubts(engine: Engine) -> list[Doubt]:
    """The doubts that were kept, ended ones too."""
    kept = runs.recall(engine, _NAME)
    found = orjson.loads(kept) if kept else []
    return [Doubt(check, message, datetime.fromisoformat(until)) for check, message, until in found]


def keep(engine: Engine, standing: Iterable[Doubt]) -> None:
    """Keep the doubts; the same again writes nothing."""
    standing = list(standing)
    if standing != doubts(engine):
        rows = [[one.check, one.message, one.until.isoformat()] for one in standing]
        runs.remember(engine, {_NAME: orjson.dumps(rows).decode()})


def witness(engine: Engine) -> Witness | None:
    """What the note beside the store says; None when there is none, or none that can be read."""
    path = _path(engine)
    if path is None:
        return None
    try:
        noted = json.loads(path.read_text(encoding="utf-8"))
        return Witness(int(noted["run"]), int(noted["place"]), str(noted["hash"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def row_hash(engine: Engine, place: int) -> str | None:
    """The hash of the audit's row at this place."""
    with reading(engine) as connection:
        found = connection.execute(select(audit.c.hash).where(audit.c.place == place)).scalar()
    return found.hex() if found is not None else None


def bear_witness(engine: Engine, run_id: int) -> None:
    """Note how far this run has come.

    Raises:
        StoreError: the note cannot be written.
    """
    path = _path(engine)
    if path is None:
        return
    with reading(engine) as connection:
        last = connection.execute(select(audit.c.place, audit.c.hash).order_by(audit.c.place.desc()).limit(1)).first()
    noted = {"run": run_id, "place": last.place if last else 0, "hash": last.hash.hex() if last else ""}
    new = path.with_name(f"{path.name}.new")
    try:
        new.write_text(json.dumps(noted) + "\n", encoding="utf-8")
        new.replace(path)
    except OSError as error:
        cure = "give this user the right to write the store's folder, and see that there is space on its disk"
        raise StoreError(
            f"the note beside the store cannot be written: {error.strerror}", where=str(path), cure=cure
        ) from error


def _path(engine: Engine) -> Path | None:
    database = engine.url.database
    if engine.url.get_backend_name() != "sqlite" or not database or database == ":memory:":
        return None
    return Path(f"{database}.witness")
