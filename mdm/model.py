"""A managed app config and whom it is for: frozen values, checked when they are made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from math import isfinite
from typing import Any, Final, TypeAlias

from mdm.errors import MdmError
from mdm.values import bundle_id_problem, key_problem, literal_problem, shown, text_problem

EMAIL_KEY: Final = "com.fluix.mdm.userEmail"
"""The one key that Fluix documents: the login page shows its text in the user name field."""

MAX_BYTES: Final = 64 * 1024
"""How large a property list may be that is read."""

Value: TypeAlias = Any
"""What a property list holds: str, int, float, bool, bytes, naive datetime, a list or a dict of these."""

_LEAST, _MOST = -(2**63), 2**63 - 1


@dataclass(frozen=True, slots=True)
class AppConfig:
    """What an MDM gives one app: the dictionary that iOS shows it at `com.apple.configuration.managed`.

    iOS keeps it unencrypted: no secrets.

    Raises:
        MdmError: the bundle identifier, a key or a value must not be written.
    """

    bundle_id: str
    settings: Mapping[str, Value] = field(hash=False)

    def __post_init__(self) -> None:
        require_bundle_id(self.bundle_id)
        if not isinstance(self.settings.get(EMAIL_KEY, ""), str):
            raise MdmError("the email must be a string", where=EMAIL_KEY, cure="write it as <string>")
        for path, value in walk(self.settings):
            if problem := value_problem(value):
                raise MdmError(f"the value {_worded(value)} must not be written: {problem}", where=path, cure=_CURE)


_CURE: Final = "correct it where it comes from; nothing is rewritten silently"


def require_bundle_id(text: str) -> None:
    """Refuse what is no bundle identifier.

    Raises:
        MdmError: it is none.
    """
    if problem := bundle_id_problem(text):
        cure = "copy it from your MDM's page of the app, as com.example.app; it is never guessed"
        raise MdmError(f"{shown(text)} is no bundle identifier: {problem}", where="bundle_id", cure=cure)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who gets a config of his or her own."""

    id: str
    """What stays when the email changes."""
    email: str
    shared_with: tuple[str, ...] = ()
    """Ids of others who have the same email, where they do not stand beside this one anyway."""


@dataclass(frozen=True, slots=True)
class Change:
    """One person as he or she is now, and what was given before."""

    person: Person
    """The email is empty when the person left."""
    before: str | None
    """The email that was given; None: nothing was."""
    left: bool = False

    @property
    def kind(self) -> str:
        """`new`, `changed`, `left`, or empty when nothing is to be done."""
        if self.left:
            return "" if self.before is None else "left"
        if self.before is None:
            return "new"
        return "changed" if self.before != self.person.email else ""


def walk(value: Value, path: str = "") -> Iterator[tuple[str, Value]]:
    """Every plain value with its path (`server.hosts[0]`); a key that must not be written as a value of its own path.

    Raises:
        MdmError: a key must not be written.
    """
    if isinstance(value, Mapping):
        for key, inner in value.items():
            problem = key_problem(key) if isinstance(key, str) else "it is no text"
            if problem:
                raise MdmError(f"the key {shown(str(key))} must not be written: {problem}", where=path, cure=_CURE)
            yield from walk(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list | tuple):
        for place, inner in enumerate(value):
            yield from walk(inner, f"{path}[{place}]")
    else:
        yield path, value


def value_problem(value: Value, *, tokens: bool = True) -> str | None:
    """Why a plain value must not be written, as half a sentence; None when it may.

    Args:
        value: no list and no dict.
        tokens: let variables pass: which vendor's they are is the vendor table's affair.
    """
    problem = None
    match value:
        case str():
            problem = text_problem(value) if tokens else literal_problem(value)
        case bool() | bytes() | datetime(tzinfo=None, microsecond=0):
            pass
        case int() if not _LEAST <= value <= _MOST:
            problem = "it does not fit into 64 bits"
        case float() if not isfinite(value):
            problem = "it is no finite number"
        case datetime():
            problem = "a moment is written in UTC, without a zone and in whole seconds"
        case int() | float():
            pass
        case _:
            problem = f"a property list has no such type ({type(value).__name__})"
    return problem


def same(one: Value, other: Value) -> bool:
    """Whether two values are equal, types included: for Python 1, 1.0 and True are."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and bool(one == other)


def _worded(value: Value) -> str:
    return shown(value) if isinstance(value, str) else shown(repr(value))
