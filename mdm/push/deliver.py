"""One place: what is there, what it becomes, and the proof. The admin's other keys are never dropped."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from mdm.merge import Difference, combine
from mdm.model import same
from mdm.plist import full_plist
from mdm.push.base import Held, LostError, Product, PushError, Settings, State


@dataclass(frozen=True, slots=True)
class Draft:
    """What one place would be given."""

    place: str
    held: Held
    wanted: Settings
    differences: tuple[Difference, ...]

    @property
    def needed(self) -> bool:
        """Whether anything is different."""
        return self.held.settings is None or not same(self.held.settings, self.wanted)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one place."""

    place: str
    state: State
    differences: tuple[Difference, ...] = ()
    note: str = ""


def digest(settings: Settings) -> str:
    """Tells two configs apart; the order of keys does not count."""
    return hashlib.sha256(full_plist(settings)).hexdigest()


def draft(product: Product, place: str, ours: Settings) -> Draft:
    """Look what is there, and put ours over it.

    Raises:
        PushError: what is there cannot be told.
        MdmError: it holds what must not be written again.
    """
    return over(place, product.get(place), ours)


def over(place: str, held: Held, ours: Settings) -> Draft:
    """Ours over what a place holds.

    Raises:
        MdmError: it holds what must not be written again.
    """
    before = held.settings or {}
    wanted, differences = combine(before, ours, place)
    return Draft(place, held, wanted, differences)


def send(product: Product, one: Draft, *, unfinished: bool = False) -> Outcome:
    """Give it away, and read it back. Not for products whose proof comes later from the device.

    When an answer is lost, the read-back tells whether the deed was done.

    Args:
        product: where to.
        one: what was looked up just before.
        unfinished: whether an earlier push may have been broken off half-way: then it is written even when it looks the same.
    """
    if not one.needed and not unfinished:
        return Outcome(one.place, State.UNCHANGED, one.differences)
    failure = ""
    try:
        product.put(one.place, one.wanted, one.held)
    except LostError as error:
        failure = error.what
    except PushError as error:
        return Outcome(one.place, State.FAILED, one.differences, ": ".join(filter(None, (error.what, error.cure))))
    state, note = _read_back(product, one, failure)
    return Outcome(one.place, state, one.differences, note)


def _read_back(product: Product, one: Draft, failure: str) -> tuple[State, str]:
    try:
        now = product.get(one.place).settings
    except PushError as error:
        return (State.FAILED, failure) if failure else (State.SENT, f"it could not be read back: {error.what}")
    if now is not None and same(now, one.wanted):
        return State.ACKNOWLEDGED, ""
    if failure:
        return State.FAILED, failure
    return State.DIFFERING, f"it holds otherwise: {_keys(now, one.wanted)}"


def _keys(now: Settings | None, wanted: Settings) -> str:
    now = now or {}
    found: Iterable[str] = (
        key for key in sorted({*now, *wanted}) if key not in now or key not in wanted or not same(now[key], wanted[key])
    )
    return ", ".join(found)
