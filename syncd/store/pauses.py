"""Whether the daemon is paused, by whom, why and until when. Both the beginning and the end are in the audit."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final

import orjson
from sqlalchemy import Engine, delete

from syncd.sayings import Said
from syncd.store import runs
from syncd.store.audit import Event, append
from syncd.store.engine import writing
from syncd.store.sql import upsert
from syncd.store.tables import meta

_NAME: Final = "pause"


@dataclass(frozen=True, slots=True)
class Pause:
    """The daemon begins nothing by itself."""

    by: str
    at: datetime
    until: datetime | None = None
    """None: until somebody ends it."""
    reason: str = ""

    @property
    def sentence(self) -> str:
        """For a person."""
        why = f": {self.reason}" if self.reason else ""
        said = {"by": self.by, "at": f"{self.at:%Y-%m-%d %H:%M}", "why": why}
        if self.until is None:
            return Said("the daemon is paused by %(by)s since %(at)s UTC, until `syncd resume`%(why)s", **said)
        until = f"{self.until:%Y-%m-%d %H:%M}"
        return Said("the daemon is paused by %(by)s since %(at)s UTC, until %(until)s UTC%(why)s", until=until, **said)


def pause(engine: Engine, wanted: Pause) -> None:
    """Pause the daemon; a pause that is there already is replaced."""
    detail = {"until": wanted.until.isoformat() if wanted.until else None, "reason": wanted.reason}
    with writing(engine) as connection:
        value = orjson.dumps(asdict(wanted)).decode()
        connection.execute(upsert(connection, meta), [{"name": _NAME, "value": value}])
        append(connection, [Event(wanted.by, "pause", "daemon", detail)], wanted.at)


def resume(engine: Engine, by: str, now: datetime) -> bool:
    """End the pause. Returns whether there was one."""
    there = paused(engine, now) is not None
    with writing(engine) as connection:
        if connection.execute(delete(meta).where(meta.c.name == _NAME)).rowcount and there:
            append(connection, [Event(by, "resume", "daemon", {})], now)
    return there


def paused(engine: Engine, now: datetime) -> Pause | None:
    """The pause that holds now; None: there is none, or its time is over."""
    kept = runs.recall(engine, _NAME)
    if kept is None:
        return None
    said = orjson.loads(kept)
    until = datetime.fromisoformat(said["until"]) if said["until"] else None
    if until is not None and until <= now:
        return None
    return Pause(said["by"], datetime.fromisoformat(said["at"]), until, said["reason"])
