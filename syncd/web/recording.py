"""What is asked for, done; and each deed in the audit, once, with who asked for it: here, so that no page can forget it.

A room that tells the audit itself, in the words of the command that does the same (`users edit`), has said it. For the others
`ask` stands there, and `fail` for every deed that did not succeed. What is secret is never written.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel, SecretStr
from werkzeug.exceptions import Forbidden

from syncd.errors import advice
from syncd.sayings import Said
from syncd.store.audit import hearing
from syncd.web.desk import Desk, Document, Form, Query
from syncd.web.frame import Entry
from syncd.web.roles import Who

_SECRET: Final = re.compile(r"password|secret|passphrase|token|credential|(^|_)code($|_)|(^|_)key($|_)")
"""Names of fields that are not written down, whatever their type is."""
_HIDDEN: Final = "***"
_LONGEST: Final = 300
_MOST: Final = 50
_BITS: Final = 63
"""A larger number is written as a text: the audit's JSON has none."""


def performed(desk: Desk, entry: Entry, asked: Query | Form, of_the_path: Mapping[str, Any]) -> Document:
    """What an entry answers. A page and a question change nothing, and stand in no audit."""
    if entry.kind != "deed":
        return entry.function(desk, asked, **of_the_path)
    said = {"by": "console" if desk.who.user_id is not None else "api", "path": dict(of_the_path)}
    try:
        with hearing() as heard:
            document = entry.function(desk, asked, **of_the_path)
    except Exception as error:
        known = advice(error)
        desk.note("fail", entry.name, **said, form=told(asked), why=known.what if known else type(error).__name__)
        raise
    if not any(event.actor == desk.who.name for event in heard):
        desk.note("ask", entry.name, **said, form=told(asked))
    return document


def require(who: Who, entry: Entry, *, by_token: bool) -> None:
    """Refuse who may not.

    Args:
        who: asks.
        entry: what is asked for.
        by_token: whether a program asks.

    Raises:
        Forbidden: the role is too small.
    """
    if who.role < entry.role:
        has, needed = Said(who.role.word), Said(entry.role.word)
        if by_token:
            raise Forbidden(Said("this token is %(role)s; this takes %(needed)s", role=has, needed=needed))
        is_a = {"name": who.name, "role": has, "needed": needed}
        raise Forbidden(Said("%(name)s is %(role)s here; this takes %(needed)s", **is_a))


def told(form: BaseModel) -> dict[str, Any]:
    """A form as it may stand in the audit: without secrets, files by their checksum, long values cut."""
    return {name: _told(name, value) for name, value in form if name in form.model_fields_set}


def _told(name: str, value: Any) -> Any:
    if isinstance(value, SecretStr) or (isinstance(value, str | bytes) and _SECRET.search(name)):
        return _HIDDEN
    if isinstance(value, bytes):
        return f"{len(value)} bytes, sha256 {hashlib.sha256(value).hexdigest()}"
    if isinstance(value, str):
        return value if len(value) <= _LONGEST else f"{value[:_LONGEST]}… ({len(value)} characters)"
    if isinstance(value, list | tuple | set | frozenset):
        several = [_told(name, one) for one in value]
        return several if len(several) <= _MOST else [*several[:_MOST], f"and {len(several) - _MOST} more"]
    if isinstance(value, BaseModel):
        return told(value)
    fits = value is None or isinstance(value, float) or (isinstance(value, int) and value.bit_length() <= _BITS)
    return value if fits else str(value)
