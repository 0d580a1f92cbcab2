"""From a SCIM user to a person's record (RFC 7643, 4.1 and 4.3).

A value that leaves doubt (an address that is none, characters that nobody sees, an `active` that is neither true nor false)
makes a `BadResourceError`; nothing is repaired but outer white space. What a service writes in its own way and without doubt
is understood: `"False"`, a manager as a bare text.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import orjson

from connectors.email import email_problem
from connectors.text import shown, unwanted_character

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connectors.model import Value
    from connectors.scim.service import Json

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
_USUAL = {
    "user_name": "userName",
    "given_name": "name.givenName",
    "family_name": "name.familyName",
    "nick_name": "nickName",
    "title": "title",
    "user_type": "userType",
    "preferred_language": "preferredLanguage",
    "locale": "locale",
    "timezone": "timezone",
    "employee_number": f"{ENTERPRISE}:employeeNumber",
    "cost_center": f"{ENTERPRISE}:costCenter",
    "organization": f"{ENTERPRISE}:organization",
    "division": f"{ENTERPRISE}:division",
    "department": f"{ENTERPRISE}:department",
}
_OURS = frozenset({"email", "display_name", "manager"})
"""Read by their own rules, unless a path is configured."""
_NO_JOINERS = frozenset({"email", "user_name"})
_FILTER = re.compile(r'([A-Za-z][\w$-]*)\[([A-Za-z][\w$-]*) eq "([^"]*)"\](?:\.([A-Za-z][\w$-]*))?')
_TRUTHS = {"true": True, "false": False}
_READER = b"1"
"""To be raised when this room reads the same resource differently: every one then counts as changed once."""

Path = tuple[str, ...]


class BadResourceError(Exception):
    """A user that is no person to be handed over."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class PeopleReader:
    """Reads users.

    Args:
        attributes: attribute -> path, on top of the usual ones.
    """

    def __init__(self, attributes: Mapping[str, str]) -> None:
        paths = {**_USUAL, **attributes}
        self._paths = [
            (name, path, parse_path(path)) for name, path in paths.items() if name not in _OURS or name in attributes
        ]
        self._own = _OURS - attributes.keys()
        self._by = orjson.dumps(sorted(paths.items())) + _READER

    @property
    def by(self) -> bytes:
        """Everything that gives a resource its meaning, for its version."""
        return self._by

    def attributes(self, user: Json) -> dict[str, Value]:
        """The record's attributes.

        Raises:
            BadResourceError: a value leaves doubt.
        """
        found: dict[str, Value] = {}
        for name, path, parts in self._paths:
            value = _at(user, parts)
            if value is None or value == "":
                continue
            if text := _text(name, path, value):
                found[name] = text
        if "email" in self._own:
            if email := email_of(user):
                found["email"] = email
        elif (mapped := found.get("email")) and (reason := email_problem(str(mapped))):
            raise BadResourceError(f"email is {shown(str(mapped))}, which is no email address ({reason})")
        if "display_name" in self._own and (name := _display_name(user)):
            found["display_name"] = name
        if "manager" in self._own and (manager := _manager(user)):
            found["manager"] = manager
        found["active"] = active(user)
        return found


def parse_path(path: str) -> Path:
    """A path of RFC 7644, 3.10, as parts: names; or attribute, compared, value and wanted of `emails[type eq "work"].value`.

    Raises:
        ValueError: it is none.
    """
    if match := _FILTER.fullmatch(path):
        return (match[1], match[2], match[3], match[4] or "value")
    schema, names = "", path
    if path.lower().startswith("urn:"):
        schema, _, names = path.rpartition(":")
        # A version stands in the URN with a dot of its own: `…:2.0:User:department`.
    parts = names.split(".")
    if not all(re.fullmatch(r"[A-Za-z$][\w$-]*", part) for part in parts) or len(parts) > 2:  # noqa: PLR2004 - RFC 7643 nests once
        raise ValueError(f"{path} is no path of an attribute: write title, name.formatted or URN:attribute")
    return ((schema,) if schema else ()) + tuple(parts)


def active(user: Json) -> bool:
    """Whether the account is in use; who does not say so is.

    Raises:
        BadResourceError: it is neither true nor false.
    """
    value = _get(user, "active")
    if value is None:
        return True
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in _TRUTHS:
        return _TRUTHS[value.strip().lower()]
    raise BadResourceError(f"active is {shown(str(value))}, which is neither true nor false")


def email_of(user: Json) -> str:
    """The primary address, else the one for work, else the first, else the user name where it is one.

    Raises:
        BadResourceError: what stands there is no address.
    """
    emails = _get(user, "emails")
    entries = emails if isinstance(emails, list) else [emails] if emails else []
    there = [(entry, _value_of(entry)) for entry in entries]
    there = [(entry, value) for entry, value in there if value]
    if not there:
        name = _get(user, "userName")
        text = name.strip() if isinstance(name, str) else ""
        return text if "@" in text and email_problem(text) is None else ""
    _, text = min(there, key=_rank)
    if reason := email_problem(text):
        raise BadResourceError(f"emails holds {shown(text)}, which is no email address ({reason})")
    return text


def _rank(entry: tuple[Any, str]) -> int:
    """The lower, the sooner; of equal ones the first."""
    told = entry[0] if isinstance(entry[0], dict) else {}
    primary = told.get("primary")
    if primary is True or (isinstance(primary, str) and primary.lower() == "true"):
        return 0
    kind = told.get("type")
    return 1 if isinstance(kind, str) and kind.lower() == "work" else 2


def _value_of(entry: Any) -> str:
    value = _get(entry, "value") if isinstance(entry, dict) else entry
    return value.strip() if isinstance(value, str) else ""


def _display_name(user: Json) -> str:
    name = _get(user, "name")
    named = name if isinstance(name, dict) else {}
    for value in (_get(user, "displayName"), named.get("formatted")):
        if isinstance(value, str) and value.strip():
            return _text("display_name", "displayName", value)
    both = [value.strip() for value in (named.get("givenName"), named.get("familyName")) if isinstance(value, str)]
    return _text("display_name", "name", " ".join(filter(None, both)))


def _manager(user: Json) -> str:
    """The manager's id, as RFC 7643, 4.3 has it, or as a bare text or a list of one."""
    extension = _get(user, ENTERPRISE)
    manager = _get(extension, "manager") if isinstance(extension, dict) else None
    if isinstance(manager, list):
        manager = manager[0] if len(manager) == 1 else None
    return _value_of(manager) if manager else ""


def _text(name: str, path: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, dict):
        value = value.get("value")
    if not isinstance(value, str):
        raise BadResourceError(f"{path} is no text")
    text = value.strip()
    if not text.isprintable() and (hidden := unwanted_character(text, joiners=name not in _NO_JOINERS)):
        raise BadResourceError(f"{path} is {shown(text)}, which contains {hidden}")
    return text


def _get(of: Json, name: str) -> Any:
    """An attribute's value; names are compared without case (RFC 7643, 2.1)."""
    value = of.get(name)
    if value is None and name not in of:
        key = _spellings(tuple(of)).get(name.lower())
        return None if key is None else of[key]
    return value


@lru_cache(maxsize=1024)
def _spellings(names: tuple[str, ...]) -> dict[str, str]:
    """Small letters -> as it is written. Remembered, because most users of a service have the same attributes."""
    return {name.lower(): name for name in names}


def _at(user: Json, parts: Path) -> Any:
    if len(parts) == 4:  # noqa: PLR2004 - attribute, compared, value, wanted
        attribute, compared, wanted, inner = parts
        entries = _get(user, attribute)
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, dict) and str(_get(entry, compared) or "").lower() == wanted.lower():
                return _get(entry, inner)
        return None
    found: Any = user
    for part in parts:
        if not isinstance(found, dict):
            return None
        found = _get(found, part)
    return found
