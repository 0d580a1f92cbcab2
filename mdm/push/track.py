"""A config that goes to a device by a queue: what was asked, sent and answered so far, and what to do next. Pure.

The device answers when it likes, perhaps days later, in any order, and some answers are lost. So nothing is concluded from
silence: a config counts as acknowledged only when the device itself told that it holds it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum, auto

from mdm.model import same
from mdm.push.base import Settings, State
from mdm.push.deliver import digest


@dataclass(frozen=True, slots=True)
class Delivery:
    """What is known of one place."""

    target: str
    place: str
    state: State
    at: datetime
    """When the state was reached."""
    digest: str = ""
    """Of the config that was sent last; empty: none was."""
    round: int = 0
    """Makes the commands of one try different from those of the next."""
    command: str = ""
    """UUID of the command that carries the config."""
    question: str = ""
    """UUID of the command that asks what the device holds; empty: none is open."""
    older: tuple[str, ...] = ()
    """UUIDs of earlier commands with a config: a device that said "not now" may take one of them late."""
    applied: bool = False
    """Whether the device said that it took the config."""
    held: Settings | None = field(default=None, hash=False)
    """What the device told last; None: it never did."""
    note: str = ""

    @property
    def occasion(self) -> str:
        """What makes the commands for this place and try unlike all others: two devices of one person say the same."""
        return f"{self.target}\n{self.place}\n{self.round}"


class Said(Enum):
    """What a device says to a command."""

    TAKEN = auto()
    NOT_NOW = auto()
    REFUSED = auto()


@dataclass(frozen=True, slots=True)
class Report:
    """A device's answer."""

    place: str
    """Its enrollment id."""
    command: str
    """UUID of the command that it answers."""
    said: Said
    settings: Settings | None = field(default=None, hash=False)
    """The app's config, where it was asked for it."""
    note: str = ""


class Step(Enum):
    """What to do with one place."""

    NOTHING = auto()
    ASK = auto()
    SEND = auto()


def next_step(one: Delivery | None, ours: Settings, now: datetime, *, patience: timedelta, ask_first: bool) -> Step:
    """What to do now.

    Args:
        one: what is known; None: nothing.
        ours: the keys that are to be there.
        now: the moment.
        patience: how long an answer is waited for before the same is tried again, and what a device told is believed.
        ask_first: whether a device is asked what it holds before the first config is sent to it.
    """
    due = one is not None and now - one.at >= patience
    if one is None or (one.held is None and ask_first):
        waits = one is not None and one.state is not State.FAILED and bool(one.question) and not due
        return Step.NOTHING if waits else Step.ASK if ask_first else Step.SEND
    wanted = wanted_of(one.held, ours)
    if one.held is not None and same(one.held, wanted) and one.state not in {State.SENT, State.FAILED}:
        return Step.ASK if due else Step.NOTHING
    if one.state is not State.SENT or one.digest != digest(wanted):
        return Step.SEND
    if one.applied and not one.question:
        return Step.ASK  # it told what it holds before it took the config
    return Step.SEND if due else Step.NOTHING


def wanted_of(held: Settings | None, ours: Settings) -> dict[str, object]:
    """Ours over what the device holds."""
    return {**(held or {}), **ours}


def heard(one: Delivery, report: Report, now: datetime) -> Delivery | None:
    """What is known after an answer; None: the answer is about none of our open commands."""
    if report.command in one.older and report.said is Said.TAKEN:
        note = "the device took an earlier config late: it is asked what it holds"
        return replace(one, state=State.DIFFERING, at=now, held=None, question="", note=note)
    if not report.command or report.command not in {one.command, one.question}:
        return None
    if report.said is Said.NOT_NOW:
        return replace(one, note="the device said: not now; its MDM asks it again")
    if why := _failure(one, report):
        return replace(one, state=State.FAILED, at=now, question="", note=why)
    if report.command == one.command:
        return replace(one, applied=True, note="")
    return _told(replace(one, held=report.settings, question=""), now)


def _failure(one: Delivery, report: Report) -> str:
    if report.said is Said.REFUSED:
        return report.note or "the device refused"
    if report.command == one.question and report.settings is None:
        return "the app is not among those that the device manages"
    return ""


def _told(one: Delivery, now: datetime) -> Delivery:
    """The device told what it holds."""
    if not one.digest:
        return one
    if one.held is not None and digest(one.held) == one.digest:
        return replace(one, state=State.ACKNOWLEDGED, at=now, note="")
    if one.applied or one.state is not State.SENT:
        return replace(one, state=State.DIFFERING, at=now, note="the device holds another config than was sent")
    return replace(one, note="the device has not taken the config yet")
