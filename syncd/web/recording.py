"""Each deed in the audit, with who asked for it and by what: written here once, so that no page can forget it.

`ask` stands there before the deed, `fail` after one that did not succeed. What is secret is never written.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from pydantic import BaseModel, SecretStr

from syncd.errors import advice
from syncd.web.desk import Desk
from syncd.web.frame import Entry

_SECRET: Final = re.compile(r"password|secret|passphrase|token|credential|(^|_)code($|_)|(^|_)key($|_)")
"""Names of fields that are not written down, whatever their type is."""
_HIDDEN: Final = "***"
_LONGEST: Final = 300
_MOST: Final = 50
_BITS: Final = 63
"""A larger number is written as a text: the audit's JSON has none."""


@contextmanager
def recorded(desk: Desk, entry: Entry, form: BaseModel, of_the_path: Mapping[str, Any]) -> Iterator[None]:
    """Write down that a deed is asked for; and that it failed, if it does."""
    by = "console" if desk.who.user_id is not None else "api"
    desk.note("ask", entry.name, by=by, path=dict(of_the_path), form=told(form))
    try:
        yield
    except Exception as error:
        known = advice(error)
        desk.note("fail", entry.name, by=by, path=dict(of_the_path), why=known.what if known else type(error).__name__)
        raise


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
