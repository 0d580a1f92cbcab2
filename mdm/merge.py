"""Our key into an admin's own file. A push replaces the whole dictionary, so every key of the admin's stays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from mdm.errors import MdmError
from mdm.lint import Finding, lint
from mdm.model import EMAIL_KEY, Value, same
from mdm.plist import fragment, full_plist
from mdm.reading import read
from mdm.types import require_types
from mdm.values import shown, unwritable
from mdm.vendors import Chosen, Form

_MENDED = frozenset(
    {
        "key_missing",
        "email_type",
        "email_empty",
        "email_wrong",
        "token_like",
        "foreign_token",
        "literal",
        "form",
        "token",
    }
)
"""What a merge puts right, or what does not concern what it writes."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What becomes of one key."""

    key: str
    what: Literal["added", "changed", "kept"]
    before: Value
    """None when it was not there."""
    after: Value


@dataclass(frozen=True, slots=True)
class Merged:
    """The file as it is to be used, and what is different in it."""

    content: bytes
    differences: tuple[Difference, ...]
    """Every key, sorted."""
    findings: tuple[Finding, ...]
    """What is worth knowing of the admin's own keys."""


def merge(content: bytes, where: str, chosen: Chosen) -> Merged:
    """Put the product's variable for the email into an admin's file.

    Args:
        content: the admin's file.
        where: its name, for messages.
        chosen: the product.

    Raises:
        MdmError: the file cannot be read, is of a kind that cannot work, or holds what cannot be written.
    """
    if chosen.vendor.per_device:
        cure = "give the file as `mdm.extra` in the configuration: it goes into every person's config"
        raise MdmError(f"{chosen.vendor.title} replaces no variables", where=where, cure=cure)
    findings = [
        one
        for one in lint(content, where, chosen.vendor, chosen.token)
        if one.check not in _MENDED or one.key not in {"", EMAIL_KEY}
    ]
    for one in findings:
        if one.level == "error":
            raise MdmError(one.message, where=one.where, cure=one.cure)
    after, differences = combine(read(content, where).settings, {EMAIL_KEY: chosen.token}, where)
    require_types(chosen.vendor, after)
    write = full_plist if chosen.vendor.form is Form.PLIST else fragment
    made = write(after, in_order=True)  # reads it back: every key is there, and as it was
    return Merged(made, differences, tuple(findings))


def combine(
    before: Mapping[str, Value], ours: Mapping[str, Value], where: str
) -> tuple[dict[str, Value], tuple[Difference, ...]]:
    """Our keys over what is there: every other key stays, as it is and where it is.

    Args:
        before: the admin's.
        ours: the keys that are to be there.
        where: what it is about, for messages.

    Returns:
        The whole, and what becomes of every key, sorted.

    Raises:
        MdmError: a text of the admin's cannot be written again.
    """
    for key, value in before.items():
        if isinstance(value, str) and key not in ours and (problem := unwritable(value)):
            raise MdmError(f"the value {shown(value)} cannot be written: {problem}", where=f"{where}, {key}")
    after = {**before, **ours}
    return after, tuple(_difference(key, before, after) for key in sorted(after))


def _difference(key: str, before: Mapping[str, Value], after: Mapping[str, Value]) -> Difference:
    if key not in before:
        return Difference(key, "added", None, after[key])
    kept = same(before[key], after[key])
    return Difference(key, "kept" if kept else "changed", before[key], after[key])
