"""From the cells of a row to a person: the key, the attributes, and several rows that mean one person.

A row that leaves any doubt becomes a `BadRowError`, which names the column; nothing is repaired but outer white space.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING

from connectors.email import email_problem
from connectors.model import normalise_email, normalise_name
from connectors.text import shown, unwanted_character

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from connectors.csv_format import Format
    from connectors.model import Value

_ACTIVE = {"": True, "true": True, "yes": True, "y": True, "1": True, "active": True} | {
    "false": False,
    "no": False,
    "n": False,
    "0": False,
    "inactive": False,
}
_NOT_TEXT = frozenset({"id", "active", "groups"})
_NO_JOINERS = frozenset({"id", "email", "user_name", "active"})
"""Attributes that identify: there a zero-width joiner makes two of one."""


class BadRowError(Exception):
    """A row that is no person. `attribute` is the one whose cell is at fault; None for the row as a whole."""

    def __init__(self, reason: str, attribute: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.attribute = attribute


class GroupNames(dict[str, str]):
    """Every group name met, as written -> trimmed; splits cells. Memory grows with the different names only."""

    def __init__(self, separator: str | None) -> None:
        super().__init__()
        self._separator = separator
        self._get = self.__getitem__
        self._normal: dict[str, str] = {}
        self._first: dict[str, str] = {}
        self._variants: set[str] = set()

    def __missing__(self, written: str) -> str:
        name = written.strip()
        if hidden := unwanted_character(name, joiners=True):
            raise BadRowError(f"{shown(name)} contains {hidden}", "groups")
        self[written] = name
        normal = self._normal[name] = normalise_name(name)
        if normal and self._first.setdefault(normal, name) != name:
            self._variants |= {name, self._first[normal]}
        return name

    @property
    def count(self) -> int:
        """How many different groups were met."""
        return len(self._first)

    def split(self, cell: str) -> tuple[str, ...]:
        """The groups of a cell, sorted, each once; of several spellings of a group the first.

        Raises:
            BadRowError: a name holds a character that nobody can see.
        """
        if self._separator is None:
            return (self[cell],) if cell else ()
        parts = cell.split(self._separator)
        once = set(map(self._get, parts))
        if self._variants:
            return self.unique(map(self._get, parts))
        once.discard("")
        return tuple(sorted(once))

    def unique(self, names: Iterable[str]) -> tuple[str, ...]:
        """Names that were met before, sorted, each once."""
        listed = list(names)
        once = set(listed)
        if not self._variants.isdisjoint(once):
            spelled: dict[str, str] = {}
            for name in listed:
                spelled.setdefault(self._normal[name], name)
            once = set(spelled.values())
        once.discard("")
        return tuple(sorted(once))


class People:
    """Reads the rows of one file.

    Args:
        layout: the file's format.
        names: the group names of the whole read.
    """

    def __init__(self, layout: Format, names: GroupNames) -> None:
        columns = layout.columns
        self._layout = layout
        self._width = len(layout.headers)
        self._by_id = "id" in columns
        self._key_at = columns["id" if self._by_id else "email"]
        self._texts = ["email", *(a for a in columns if a != "email" and a not in _NOT_TEXT)]
        self._asked = [*self._texts, "active" if "active" in columns else "email", "id" if self._by_id else "email"]
        self._cells = itemgetter(*(columns[attribute] for attribute in self._asked))
        self._has_active = "active" in columns
        self._groups = columns.get("groups")
        self._names = names
        caseless = {a for a in self._texts if columns[a] == columns["email"]} | {"email", "user_name"}
        self._caseless = frozenset(caseless)

    def key(self, row: Sequence[str]) -> str:
        """Whom a row means, good or bad: the external id; empty when the row does not say."""
        try:
            cell = row[self._key_at].strip()
        except IndexError:
            return ""
        if self._by_id:
            return cell
        return cell.lower() if cell.isascii() else normalise_email(cell)

    def email(self, row: Sequence[str]) -> str | None:
        """The email of a bad row, as far as there is one."""
        at = self._layout.columns["email"]
        return (row[at].strip() or None) if at < len(row) else None

    def attributes(self, row: list[str]) -> dict[str, Value]:
        """A row's attributes, `active` always among them, `groups` where there is a column for them.

        Raises:
            BadRowError: the row is no person.
        """
        if len(row) != self._width:
            self._fit(row)
        cells = list(map(str.strip, self._cells(row)))
        if not "".join(cells).isprintable():
            self._refuse_hidden(cells)
        # The texts come first in the cells; `active` and the key, which end them, find no name here.
        found: dict[str, Value] = dict(zip(self._texts, cells))  # noqa: B905 - asked a million times
        if reason := email_problem(cells[0]):
            raise BadRowError(f"{shown(cells[0])} is no email address ({reason})", "email")
        if not cells[-1]:
            raise BadRowError("the cell is empty, and a person needs an id", "id")
        found["active"] = not self._has_active or _truth(cells[-2])
        if self._groups is not None:
            found["groups"] = self._names.split(row[self._groups].strip())
        return found

    def _fit(self, row: list[str]) -> None:
        if len(row) < self._width:
            raise BadRowError(f"the row has {len(row)} cells, and the header has {self._width}")
        if any(map(str.strip, row[self._width :])):
            raise BadRowError(f"the row has {len(row)} cells, and the header only {self._width}")

    def _refuse_hidden(self, cells: list[str]) -> None:
        for attribute, cell in zip(self._asked, cells, strict=True):
            hidden = unwanted_character(cell, joiners=attribute not in _NO_JOINERS)
            if hidden is not None:
                raise BadRowError(f"{shown(cell)} contains {hidden}", attribute)

    def differing(self, one: Mapping[str, Value], other: Mapping[str, Value]) -> list[str]:
        """The attributes in which two rows of a person contradict each other; the case of an email is none."""
        return [a for a in {**one, **other} if self._form(a, one) != self._form(a, other)]

    def _form(self, attribute: str, attributes: Mapping[str, Value]) -> Value | None:
        value = attributes.get(attribute)
        return normalise_email(value) if attribute in self._caseless and isinstance(value, str) else value


def _truth(cell: str) -> bool:
    truth = _ACTIVE.get(cell)
    if truth is None:
        truth = _ACTIVE.get(cell.lower())
    if truth is None:
        raise BadRowError(f"{shown(cell)} is neither active nor inactive (true, yes, y, 1; false, no, n, 0)", "active")
    return truth


_PARSER = "1"
"""To be raised when this room reads the same row differently: every row then counts as changed once."""


def read_by(layout: Format, groups_separator: str | None) -> bytes:
    """16 bytes of everything that gives a row's text its meaning."""
    said = repr((_PARSER, layout.headers, sorted(layout.columns.items()), groups_separator))
    return hashlib.blake2b(said.encode("utf-8", "surrogatepass"), digest_size=hashlib.blake2b.PERSON_SIZE).digest()


def versions(layout: Format, groups_separator: str | None) -> Callable[[Sequence[str]], bytes]:
    """What tells whether a row has to be read anew: 16 bytes of its text, and of everything that it is read by."""
    blake2b, join, by = hashlib.blake2b, "\x1f".join, read_by(layout, groups_separator)

    def version(row: Sequence[str]) -> bytes:
        return blake2b(join(row).encode(), digest_size=16, person=by).digest()

    return version


@dataclass(slots=True)
class Gathered:
    """The rows met so far of a person who has several."""

    attributes: dict[str, Value] | None = None
    """The first good row's, without groups; None before it."""
    place: str = ""
    """File and line of the first good row."""
    broken: bool = False
    """A row of this person was bad or contradicted another: the person is not handed over."""
    groups: dict[str, None] | None = None
    """Of all good rows, in their order, since the first of several spellings counts; None: no row has such a column."""

    def add_groups(self, groups: Iterable[str]) -> None:
        """Take the groups of one more row."""
        if self.groups is None:
            self.groups = {}
        self.groups.update(dict.fromkeys(groups))

    def whole(self, names: GroupNames) -> dict[str, Value] | None:
        """The person's attributes with the groups of all rows; None when there is no such person to hand over."""
        if self.broken or self.attributes is None:
            return None
        return self.attributes if self.groups is None else {**self.attributes, "groups": names.unique(self.groups)}
