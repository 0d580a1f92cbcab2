"""The weekly digest: what was done in the last seven days, from the counts that the store keeps anyhow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Engine, func, select

from syncd.store import figures
from syncd.store.engine import reading
from syncd.store.tables import runs, tallies

HOUR: Final = 7
"""It is due on Monday at this hour, UTC."""
KINDS: Final = ("create", "update", "email_change", "delete", "remove_member")


def _end(now: datetime) -> datetime:
    """The Monday before which the week ends that is due."""
    monday = (now - timedelta(days=now.weekday())).replace(hour=HOUR, minute=0, second=0, microsecond=0)
    return (monday if now >= monday else monday - timedelta(days=7)).replace(hour=0)


def week_of(now: datetime) -> str:
    """The number of the week that is told now: `2026-W47`."""
    return f"{_end(now) - timedelta(days=1):%G-W%V}"


def weekly(engine: Engine, now: datetime) -> Iterator[Mapping[str, Any]]:
    """The digest of the last seven whole days; none where there was no run before their end."""
    end = _end(now)
    begin = end - timedelta(days=7)
    with reading(engine) as connection:
        first = connection.execute(select(func.min(runs.c.started_at))).scalar()
        if first is None or first >= end:
            return
        week = (runs.c.started_at >= begin, runs.c.started_at < end)
        states: dict[str, int] = dict(
            connection.execute(select(runs.c.state, func.count()).where(*week).group_by(runs.c.state)).all()
        )
        counted = select(tallies.c.hour, tallies.c.kind, tallies.c.changes).where(
            tallies.c.hour >= begin, tallies.c.hour < end, tallies.c.group_name == "", tallies.c.kind.in_(KINDS)
        )
        days = {begin.date() + timedelta(days=day): dict.fromkeys(KINDS, 0) for day in range(7)}
        for hour, kind, changes in connection.execute(counted):
            days[hour.date()][kind] += changes
    there = figures.figures(engine, [], now)
    yield {
        "begin": f"{begin:%Y-%m-%d}",
        "end": f"{end - timedelta(days=1):%Y-%m-%d}",
        "days": {f"{day:%a %d}": kinds for day, kinds in days.items()},
        "totals": {kind: sum(kinds[kind] for kinds in days.values()) for kind in KINDS},
        "runs": states,
        "held": sum(count for (word, _), count in there.waiting.items() if word == "hold"),
        "recoverable": there.ledger.get("deleted", 0),
        **figures.sizes(engine),
    }
