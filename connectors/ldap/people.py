"""From an entry to a person's record.

A value that leaves doubt (bytes that are no text, characters that nobody sees, an address that is none, a state that cannot be
read) makes a `BadEntryError`; nothing is repaired but outer white space. May not: use a DN as anybody's id.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

from connectors.email import email_problem
from connectors.ldap.activity import ACTIVITY_ATTRIBUTES, active, next_change
from connectors.ldap.addresses import PROXIES, primary_address
from connectors.text import shown, unwanted_character

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from connectors.ldap.kinds import Kind
    from connectors.ldap.settings import People
    from connectors.ldap.wire import Entry
    from connectors.model import Value

_READER = "1"
"""To be raised when this room reads the same entry differently: every entry then counts as changed once."""
_MAIL = "mail"
_NO_JOINERS = frozenset({"email", "user_name"})
BINARY = frozenset(
    {
        "objectguid", "objectsid", "msexchmailboxguid", "ms-ds-consistencyguid", "guid", "jpegphoto", "thumbnailphoto",
        "photo", "audio", "userpassword", "usercertificate", "usercertificate;binary", "usersmimecertificate",
        "usersmimecertificate;binary", "userpkcs12",
    }
)  # fmt: skip
"""Attributes that hold bytes and no text; they become base64."""


class BadEntryError(Exception):
    """An entry that is no person to be handed over. `attribute` names the LDAP attribute at fault, where it is one."""

    def __init__(self, reason: str, attribute: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.attribute = attribute


class PeopleReader:
    """Reads the entries of one read.

    Args:
        kind: the kind of server.
        settings: which attributes hold what.
        now: the time at which accounts are active or not.
        more: LDAP attributes to ask for beside these (of other rooms).
    """

    def __init__(self, kind: Kind, settings: People, now: datetime, more: Iterable[str] = ()) -> None:
        self._kind = kind
        self._now = now
        self._mapping = settings.mapping()
        self._manager = self._mapping.pop("manager", ())
        self._several = settings.several
        wanted = [kind.key_attribute, *ACTIVITY_ATTRIBUTES, *self._manager, *more]
        wanted += [attribute for of in self._mapping.values() for attribute in of]
        self._proxies = kind.ranged and _MAIL in self._mapping.get("email", ())
        wanted += [PROXIES] * self._proxies
        self.asked = tuple({attribute.lower(): attribute for attribute in wanted}.values())
        """What to ask the server for."""
        self.manager_attributes = self._manager
        """Where the manager's name stands, in small letters."""
        self._watched = frozenset(a for of in (*self._mapping.values(), self._manager) for a in of)
        by = repr(
            (
                _READER,
                kind.name,
                kind.key_attribute,
                sorted(self._mapping.items()),
                self._manager,
                sorted(self._several),
            )
        )
        self._by = hashlib.blake2b(by.encode(), digest_size=hashlib.blake2b.PERSON_SIZE).digest()

    def key(self, entry: Entry) -> str:
        """The immutable id.

        Raises:
            BadEntryError: it is absent or cannot be read.
        """
        try:
            return self._kind.key(entry.attributes)
        except ValueError as error:
            raise BadEntryError(str(error), self._kind.key_attribute) from None

    def active(self, entry: Entry) -> bool:
        """Whether the account is in use.

        Raises:
            BadEntryError: that cannot be told.
        """
        try:
            return active(entry.attributes, self._now, self._kind.activity_required)[0]
        except ValueError as error:
            raise BadEntryError(str(error)) from None

    def next_change(self, entry: Entry) -> datetime | None:
        """When the account expires, if it is not known to stay."""
        return next_change(entry.attributes, self._now)

    def managers(self, entry: Entry) -> list[bytes]:
        """The names of those who may be the manager."""
        return [value for attribute in self._manager for value in entry.attributes.get(attribute, ())]

    def sources(self) -> list[tuple[str, tuple[str, ...]]]:
        """Attribute of a record -> the LDAP attributes (small letters) that may hold it."""
        of = [*self._mapping.items(), *([("manager", self._manager)] if self._manager else [])]
        if self._proxies:
            of = [(name, (*names, PROXIES.lower()) if name == "email" else names) for name, names in of]
        return of

    @property
    def marks(self) -> tuple[str, ...]:
        """The LDAP attributes (small letters) that say who is active."""
        return tuple(name.lower() for name in ACTIVITY_ATTRIBUTES)

    def shown_by(self, names: Iterable[str]) -> list[str]:
        """Which of the mapped LDAP attributes an entry with these attributes shows, as `Memory` names them."""
        return [f"people {name}" for name in self._watched.intersection(names)]

    def manager(self, entry: Entry, resolve: Callable[[bytes], str | None]) -> str | None:
        """The manager's external id; None when there is no manager, or nobody of this source."""
        return next(filter(None, map(resolve, self.managers(entry))), None)

    def version(self, entry: Entry, *, is_active: bool, manager: str | None) -> bytes:
        """16 bytes of everything that the record is made of: the entry as it came, and what depends on others and time."""
        told = f"\0{is_active}\0{manager or ''}".encode()
        return hashlib.blake2b(entry.raw + told, digest_size=16, person=self._by).digest()

    def attributes(self, entry: Entry, *, is_active: bool, manager: str | None) -> dict[str, Value]:
        """The record's attributes.

        Raises:
            BadEntryError: a value leaves doubt.
        """
        found: dict[str, Value] = {}
        for name, of in self._mapping.items():
            for attribute in of:
                values = _values(entry, attribute)
                if name == "email" and attribute == PROXIES.lower():
                    values = _primary(entry)
                elif name == "email" and attribute == _MAIL and self._proxies and len(values or ()) != 1:
                    values = _primary(entry) or values
                if values:
                    value = self._value(name, attribute, values)
                    if value:
                        found[name] = value
                        break
        if manager is not None:
            found["manager"] = manager
        found["active"] = is_active
        return found

    def _value(self, name: str, attribute: str, values: list[bytes]) -> Value:
        if len(values) == 1 and attribute not in BINARY and name not in self._several and name != "email":
            return _text(name, attribute, values[0])
        if attribute in BINARY:
            texts = [base64.b64encode(value).decode("ascii") for value in values]
        else:
            texts = [text for value in values if (text := _text(name, attribute, value))]
        if name in self._several:
            return tuple(sorted(set(texts)))
        if name == "email":
            return _email(attribute, texts)
        return texts[0] if texts else ""


def _values(entry: Entry, attribute: str) -> list[bytes] | None:
    """The values of exactly this description; where there are none, those of the first of its languages."""
    attributes = entry.attributes
    values = attributes.get(attribute)
    if values is not None:
        return values
    tagged = min((name for name in attributes if name.startswith(attribute + ";lang-")), default=None)
    return None if tagged is None else attributes[tagged]


def _primary(entry: Entry) -> list[bytes] | None:
    """Exchange's primary address, as if it were the one value of `mail`."""
    try:
        found = primary_address(entry.attributes)
    except ValueError as error:
        raise BadEntryError(str(error), PROXIES) from None
    return [found.encode()] if found else None


def _text(name: str, attribute: str, value: bytes) -> str:
    try:
        text = value.decode("utf-8").strip()
    except UnicodeDecodeError:
        raise BadEntryError(
            f"{attribute} holds the bytes {value[:20].hex()}, which are no UTF-8 text", attribute
        ) from None
    if not text.isprintable() and (hidden := unwanted_character(text, joiners=name not in _NO_JOINERS)):
        raise BadEntryError(f"{attribute} is {shown(text)}, which contains {hidden}", attribute)
    return text


def _email(attribute: str, texts: list[str]) -> str:
    """The first good address, in the server's order: a new alias must not become somebody's address by its spelling."""
    problem = ""
    for text in texts:
        reason = email_problem(text)
        if reason is None:
            return text
        problem = problem or f"{attribute} is {shown(text)}, which is no email address ({reason})"
    if problem:
        raise BadEntryError(problem, attribute)
    return ""
