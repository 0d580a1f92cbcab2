"""The few forms of Markdown that the reference needs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; the cells are Markdown already."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(_cell(text) for text in line)} |" for line in lines) + "\n"


def code(text: str) -> str:
    """A word as it is written in a file or typed."""
    return f"``{text}``" if "`" in text else f"`{text}`"


def sentences(text: str) -> str:
    """A docstring's text: wrapped lines are one paragraph, empty lines part them."""
    return "\n\n".join(" ".join(part.split()) for part in text.strip().split("\n\n"))


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
