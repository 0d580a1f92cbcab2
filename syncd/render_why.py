"""Why one person is decided as they are, as people read it, and as programs do. The JSON keys are an interface."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from syncd.core.explain import Explained, Fact, Rule, Step


def explained_document(person: Explained) -> dict[str, Any]:
    """One person of `why --json`."""
    return {
        "who": person.who,
        "says": person.says,
        "steps": [{"step": step.name, "facts": [_fact(fact) for fact in step.facts]} for step in person.steps],
    }


def _fact(fact: Fact) -> dict[str, Any]:
    rules = [{"key": rule.key, "line": rule.line} for rule in fact.rules]
    return {"says": fact.says, "values": dict(fact.values), "rules": rules}


def show_explained(console: Console, person: Explained, file: str) -> None:
    """One person, a step after the other.

    Args:
        console: where to.
        person: see there.
        file: the configuration file's name, before the lines.
    """
    console.print(f"[bold]{escape(person.who)}[/] {escape(person.says)}\n", soft_wrap=not console.is_terminal)
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, style="bold", min_width=8)
    table.add_column(overflow="fold")
    for step in person.steps:
        for place, line in enumerate(_lines(step, file)):
            table.add_row("" if place else step.name, line)
    console.print(table)


def _lines(step: Step, file: str) -> Iterator[RenderableType]:
    for fact in step.facts:
        yield escape(fact.says)
        if fact.values:
            values = Table.grid(padding=(0, 2, 0, 0))
            values.add_column(no_wrap=True, style="dim")
            values.add_column(overflow="fold")
            for name, value in fact.values.items():
                values.add_row(escape(name), escape(text_of(value)))
            yield Padding(values, (0, 0, 0, 2))
        for rule in fact.rules:
            yield Padding(f"[dim]{escape(_rule(rule, file))}[/]", (0, 0, 0, 2))


def _rule(rule: Rule, file: str) -> str:
    return f"by {rule.key}, {file} line {rule.line}" if rule.line else f"by {rule.key}, by default"


def text_of(value: object) -> str:
    """A value as people read it."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return ", ".join(map(text_of, value)) or "none"
    if isinstance(value, Mapping):
        return "; ".join(f"{name} {text_of(one)}" for name, one in value.items())
    return str(value) or "(empty)"
