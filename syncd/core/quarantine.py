"""A source that keeps failing is left alone for a while, longer each time. Pure.

A failed read costs time (a server that does not answer is waited for), and says the same again and again. After three in a row
the source is read only when its time has come, or when somebody asks for it; the other sources go on. Rows that could not be
read are no failure: they are named one by one, and everybody else of that source goes on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from syncd.core.change import Decision, Finding

READS = 3
"""After so many failed reads in a row a source is left alone."""

BACK_OFF = (timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=6), timedelta(hours=24))
"""For how long, the first time, the second, and so on; from then on always the last."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """How it stands with a source whose last read failed."""

    source: str
    failures: int
    """In a row."""
    since: datetime
    """When the first of them was."""
    until: datetime | None
    """When it is tried again; None while it is still tried with every run."""
    why: str
    """What the last failure said."""

    def waits(self, now: datetime) -> bool:
        """Whether it is left alone now. A clock that was set back lets nobody wait longer than the longest time."""
        return self.until is not None and now < self.until <= now + BACK_OFF[-1]


def failed(before: Trouble | None, source: str, why: str, now: datetime) -> Trouble:
    """How it stands after one more read that failed."""
    trouble = replace(before, failures=before.failures + 1, why=why) if before else Trouble(source, 1, now, None, why)
    times = trouble.failures - READS
    return replace(trouble, until=now + BACK_OFF[min(times, len(BACK_OFF) - 1)]) if times >= 0 else trouble


def left_alone(
    troubles: Iterable[Trouble], asked: Collection[str], now: datetime, *, every: bool = False
) -> dict[str, Trouble]:
    """The sources that a run does not read.

    Args:
        troubles: of all sources.
        asked: sources that somebody asked for by name: they are read in any case.
        now: the time.
        every: whether everything is asked for.
    """
    if every:
        return {}
    return {one.source: one for one in troubles if one.waits(now) and one.source not in asked}


def findings(waiting: Iterable[Trouble], ended: Iterable[Trouble], entered: Iterable[Trouble]) -> Iterator[Finding]:
    """What a run says of quarantines.

    Args:
        waiting: sources that it did not read.
        ended: as they stood before this run read them well.
        entered: sources whose read failed in this run, and that are left alone from now on.
    """
    for one in waiting:
        yield Finding("quarantine", Decision.HOLD, f"{one.source} was not read: {sentence(one)}")
    for one in entered:
        yield Finding("quarantine", Decision.HOLD, f"{one.source} is left alone for a while: {sentence(one)}")
    for one in ended:
        if one.until:
            failed_reads = f"{one.failures} failed reads since {_at(one.since)} (the last: {one.why})"
            yield Finding("quarantine", Decision.PROCEED, f"{one.source} is read again, after {failed_reads}")


def sentence(trouble: Trouble) -> str:
    """Since when, why, when it is tried next, and how to try it now."""
    assert trouble.until is not None, "only who waits has a time"
    return (
        f"its last {trouble.failures} reads failed, since {_at(trouble.since)} ({trouble.why}); it is tried again from "
        f"{_at(trouble.until)} on, or now with `syncd run --source {trouble.source}`"
    )


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
