"""The words of messages: templates in a sandbox, ours or yours. The first line is the title.

A template of yours that is broken never keeps a message back: ours is taken, and the message says so at its end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import StrictUndefined
from jinja2.exceptions import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from syncd import log

_LARGEST: Final = 1 << 16
_OURS: Final = Path(__file__).parent / "templates"
_ENVIRONMENT: Final = ImmutableSandboxedEnvironment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


@dataclass(frozen=True, slots=True)
class Words:
    """A message's title and text."""

    title: str
    text: str


def words(event: str, items: Sequence[Mapping[str, Any]], folder: Path | None = None) -> Words:
    """The words for one matter, or for several of the same event.

    Args:
        event: its name, and that of its template.
        items: the facts of each; those of the first are at hand by their names as well.
        folder: where templates stand in for ours.
    """
    facts = {**(items[0] if items else {}), "items": list(items), "event": event}
    own = folder / f"{event}.txt" if folder else None
    if own is None or not own.is_file():
        return _parted(_ENVIRONMENT.from_string(_ours(event)).render(facts))
    try:
        return _parted(_ENVIRONMENT.from_string(_read(own)).render(facts))
    except (OSError, TemplateError, ValueError, TypeError, ArithmeticError, LookupError, AttributeError) as error:
        said = f"{type(error).__name__}: {error}"
        log.tell("notification_template", template=own.name, error=said)
        plain = _parted(_ENVIRONMENT.from_string(_ours(event)).render(facts))
        return Words(plain.title, f"{plain.text}\n\n(Your template {own.name} is broken, so this is ours: {said})")


def _read(file: Path) -> str:
    with file.open("rb") as stream:
        content = stream.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise ValueError("the file is larger than 64 KiB")
    return content.decode("utf-8-sig")


@cache
def _ours(event: str) -> str:
    return (_OURS / f"{event}.txt").read_text(encoding="utf-8")


def _parted(rendered: str) -> Words:
    title, _, text = rendered.strip().partition("\n")
    if not title.strip():
        raise ValueError("it has no first line, which is the title")
    return Words(title.strip(), text.strip() or title.strip())
