"""Delivery: what waits in the outbox goes out, a message for each matter; more than a receiver's `per_hour` comes in one.

A message that is not taken is tried again, later each time, until `give_up_hours` are over. Nothing here makes a run fail.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from threading import Event, Thread
from types import TracebackType
from typing import Any, Final, Self
from uuid import uuid4

from sqlalchemy import Row

from syncd import log
from syncd.bootstrap import App
from syncd.config_notify import NotificationConfig
from syncd.notify.gathering import Gatherer
from syncd.notify.sending import Message, send
from syncd.notify.texts import words
from syncd.secrets import SecretError
from syncd.store import notices

_AGAIN: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 180, 360))
_HOUR: Final = timedelta(hours=1)
_LEASE: Final = timedelta(seconds=30)
"""On top of a message's own time: what a killed process was sending is due again after it."""
_LOOKS_EVERY: Final = 10.0
_TOGETHER: Final = frozenset({"ledger_day_25", "invitation_bounced"})
"""Events whose matters are told as a list in one message."""

_at_work: Final[set[Thread]] = set()
"""Threads of this process that do it already."""

Rows = list[Row[Any]]


@dataclass(slots=True)
class Delivered:
    """What became of what was due."""

    sent: int = 0
    failed: int = 0


def deliver(app: App, *, seconds: float = float("inf")) -> Delivered:
    """Send what is due.

    Args:
        app: the program.
        seconds: no further message is begun after this time.
    """
    until, done = time.monotonic() + seconds, Delivered()
    for receiver in app.config.notifications:
        due = notices.due(app.store, receiver.name, app.clock())
        free = receiver.per_hour - notices.sent_since(app.store, receiver.name, app.clock() - _HOUR) if due else 0
        for rows in _messages(due, free):
            if time.monotonic() >= until:
                return done
            if (sent := _deliver(app, receiver, rows)) is not None:
                done.sent += sent
                done.failed += not sent
    return done


def _messages(due: Sequence[Row[Any]], free: int) -> list[Rows]:
    """The rows, by the message that they go in; when there would be too many, the last one holds the rest."""
    several: dict[object, Rows] = {}
    for row in due:
        several.setdefault(row.event if row.event in _TOGETHER else row.id, []).append(row)
    messages = list(several.values())
    if free <= 0:
        return []
    if len(messages) <= free:
        return messages
    return [*messages[: free - 1], [row for rows in messages[free - 1 :] for row in rows]]


def _deliver(app: App, receiver: NotificationConfig, rows: Rows) -> bool | None:
    """Send one message. Returns whether it was taken; None when another process sends it."""
    name, tag, now = receiver.name, uuid4().hex, app.clock()
    lease = timedelta(seconds=receiver.timeout_seconds) + _LEASE
    if not notices.take(app.store, name, [row.id for row in rows], tag, now=now, lease=lease):
        return None
    try:
        error = send(receiver.to.reveal(), message_of(rows, receiver), receiver.timeout_seconds)
    except SecretError as problem:
        error = problem.what
    now, tries = app.clock(), max(row.tries for row in rows) + 1
    if not error:
        notices.taken(app.store, tag, now)
        log.tell("notification_sent", target=name, about=sorted({row.event for row in rows}), notices=len(rows))
        return True
    again = now + _AGAIN[min(tries, len(_AGAIN)) - 1]
    if again - min(row.queued_at for row in rows) > timedelta(hours=receiver.give_up_hours):
        notices.refused(app.store, tag, error, None)
        log.tell("notification_given_up", target=name, error=error)
    else:
        notices.refused(app.store, tag, error, again)
        log.tell("notification_failed", target=name, tries=tries, error=error)
    return False


def message_of(rows: Iterable[Any], receiver: NotificationConfig) -> Message:
    """The message for rows of one event, or for a mixture."""
    rows = list(rows)
    events = {row.event for row in rows}
    folder = receiver.templates_folder
    if len(rows) == 1 or (len(events) == 1 and events <= _TOGETHER):
        said = words(rows[0].event, [row.facts for row in rows], folder)
        days = rows[0].facts.get("days") if rows[0].event == "weekly_digest" else None
        return Message(said.title, said.text, _picture(days) if days else None)
    items = [{"title": words(row.event, [row.facts], folder).title, "per_hour": receiver.per_hour} for row in rows]
    said = words("summary", items, folder)
    return Message(said.title, said.text)


def _picture(days: Mapping[str, Mapping[str, int]]) -> bytes:
    from syncd.notify.chart import chart  # noqa: PLC0415 - Pillow is large, and a digest is written once a week

    return chart(days)


def test_message(receiver: NotificationConfig) -> Message:
    """A sample."""
    said = words("test", [{"target": receiver.name, "events": receiver.events}], receiver.templates_folder)
    return Message(said.title, said.text)


def look_after(app: App, *, seconds: float = 20.0) -> None:
    """Once, after a command: gather, and send what can be sent in this time. Whatever goes wrong is told, and nothing more."""
    if app.config.notifications and not _at_work:
        _once(Gatherer(app), app, seconds)


def _once(gatherer: Gatherer, app: App, seconds: float) -> None:
    try:
        gatherer.gather()
        deliver(app, seconds=seconds)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with telling, what is told of goes on
        log.tell("notifications_stuck", error=f"{type(error).__name__}: {error}")


class Courier:
    """Gathers and delivers as long as the `with` lasts, in a thread; without receivers it does nothing.

    Args:
        app: the program.
        every: seconds between two looks.
    """

    def __init__(self, app: App, every: float = _LOOKS_EVERY) -> None:
        self._app = app
        self._every = every
        self._stopped = Event()
        self._thread = Thread(target=self._work, name="notifications", daemon=True)

    def __enter__(self) -> Self:
        if self._app.config.notifications:
            self._thread.start()
            _at_work.add(self._thread)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        _at_work.discard(self._thread)
        if self._thread.is_alive():
            self._thread.join(1.0)  # what is being sent is due again after its time

    def _work(self) -> None:
        gatherer = Gatherer(self._app)
        while not self._stopped.is_set():
            _once(gatherer, self._app, self._every * 6)
            self._stopped.wait(self._every)
