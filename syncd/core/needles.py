"""Finding people in texts: their addresses and names, whole, in any case. Pure.

A text is searched once however many people are looked for: addresses where a sign `@` stands, names where their last word
stands, which is the rarer one.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

_WORD = re.compile(r"\w+")
_LOCAL = re.compile(r"[\w.+\-]")
"""What before an address makes it a longer one."""


@dataclass(frozen=True, slots=True)
class Person:
    """Whom to find, and what stands there afterwards."""

    mark: str
    emails: frozenset[str]
    names: frozenset[str]


@dataclass(slots=True)
class Needles:
    """All people looked for.

    Args:
        people: whom to find.
        shared: emails and names (as `folded`) that living people have as well: they are replaced only where a text is about
            the person anyway.
    """

    people: Collection[Person]
    shared: Collection[str] = ()
    _domains: dict[str, dict[int, dict[str, str]]] = field(default_factory=dict)
    """Domain -> length of the part before it -> address -> mark."""
    _tails: set[str] = field(default_factory=set)
    """The last signs (three, if there are) before the `@` of each address: most texts are passed over by them."""
    _last: dict[str, dict[tuple[int, int], dict[str, tuple[str, bool]]]] = field(default_factory=dict)
    """A name's last word -> where it stands in names, and their length -> name -> mark, whether it is replaced everywhere."""

    def __post_init__(self) -> None:
        for person in self.people:
            for written, email in {(one, spelling) for one in person.emails for spelling in _spellings(one)}:
                local, _, domain = email.rpartition("@")
                if local and domain and folded(written) not in self.shared:
                    self._domains.setdefault(domain, {}).setdefault(len(local), {})[email] = person.mark
                    self._tails.add(local[-3:])
            for written, name in {(one, spelling) for one in person.names for spelling in _spellings(one)}:
                words = _WORD.findall(name)
                if words:
                    # A name of one word is a word as well.
                    everywhere = len(words) > 1 and folded(written) not in self.shared
                    shape = (name.rindex(words[-1]), len(name))
                    self._last.setdefault(words[-1], {}).setdefault(shape, {})[name] = (person.mark, everywhere)

    def met(self, text: str) -> set[str]:
        """The marks of those whose address, or unshared name, stands in this text."""
        low = _low(text)
        found = {mark for _, _, mark in self._addresses(low)} if "@" in low else set()
        return found | {mark for _, _, mark in self._names(low, ())}

    def scrub(self, text: str, about: Collection[str] = ()) -> str:
        """The text without them.

        Args:
            text: as it stands.
            about: marks of those whom the text is about: their names go even if living people have them.
        """
        low = _low(text)
        if len(low) != len(text):  # a letter that folds to several: places differ, and so all of it goes
            return "erased" if self.met(text) or any(True for _ in self._names(low, about)) else text
        spots = sorted([*self._addresses(low), *self._names(low, about)], key=lambda spot: (spot[0], -spot[1]))
        parts, end = [], 0
        for start, stop, mark in spots:
            if start >= end:
                parts += [text[end:start], mark]
                end = stop
        return "".join([*parts, text[end:]])

    def _addresses(self, low: str) -> Iterator[tuple[int, int, str]]:
        at = low.find("@")
        while at >= 0:
            tails = (low[max(0, at - 3) : at], low[max(0, at - 2) : at], low[max(0, at - 1) : at])
            for domain, lengths in () if self._tails.isdisjoint(tails) else self._near(low, at):
                stop = at + 1 + len(domain)
                for length, emails in lengths.items():
                    start = at - length
                    mark = emails.get(low[start:stop]) if start >= 0 else None
                    if mark and _begins(low, start):
                        yield start, stop, mark
            at = low.find("@", at + 1)

    def _near(self, low: str, at: int) -> Iterator[tuple[str, dict[int, dict[str, str]]]]:
        for domain, lengths in self._domains.items():
            if low.startswith(domain, at + 1) and _ends(low, at + 1 + len(domain)):
                yield domain, lengths

    def _names(self, low: str, about: Collection[str]) -> Iterator[tuple[int, int, str]]:
        if self._last.keys().isdisjoint(_WORD.findall(low)):
            return
        for word in _WORD.finditer(low):
            for (before, length), names in self._last.get(word[0], {}).items():
                start = word.start() - before
                stop = start + length
                mark, everywhere = names.get(low[start:stop], ("", False)) if start >= 0 else ("", False)
                if (everywhere or (mark and mark in about)) and _alone(low, start, stop):
                    yield start, stop, mark


def _low(text: str) -> str:
    """As it is searched: in one case, and without the letters that stand for line breaks inside of JSON."""
    low = text.casefold()
    return low.replace("\\n", "\n ").replace("\\t", "\t ") if "\\" in low else low


def folded(text: str) -> str:
    """The form in which texts are compared here."""
    return unicodedata.normalize("NFC", text.strip()).casefold()


def _spellings(name: str) -> Iterable[str]:
    """As it is written, and as it stands inside of JSON: with signs escaped, or all that is not ASCII as well."""
    plain = folded(name)
    return {plain, _low(json.dumps(plain, ensure_ascii=False)[1:-1]), _low(json.dumps(plain)[1:-1])}


def _alone(low: str, start: int, stop: int) -> bool:
    """Whether a name stands here that is no part of a longer one."""
    return not (low[max(0, start - 1) : start].isalnum() or low[stop : stop + 1].isalnum())


def _begins(low: str, start: int) -> bool:
    """Whether an address begins here, and is not the end of a longer one (`joanna@`, `o'anna@`)."""
    before = low[start - 1 : start]
    if not before:
        return True
    if before == "'":
        return not low[max(0, start - 2) : start - 1].isalnum()
    return not _LOCAL.match(before)


def _ends(low: str, stop: int) -> bool:
    """Whether a domain ends here, and does not go on."""
    after = low[stop : stop + 1]
    return not (after.isalnum() or after == "-" or (after == "." and low[stop + 1 : stop + 2].isalnum()))
