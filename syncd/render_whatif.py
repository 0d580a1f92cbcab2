"""What another configuration would do, as people read it, and as programs do. The JSON keys are an interface."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from syncd.core.change import KINDS, Change, Decision, Finding
from syncd.core.outlook import Contrast, Otherwise, Outlook
from syncd.render import STYLE, TITLES, change_document, finding_document, what_of

_MOST = 15
"""How many changes and findings of a sort are shown unless all are asked for."""


def contrast_document(file: str, now: Outlook, then: Outlook, found: Contrast, notes: Sequence[str]) -> dict[str, Any]:
    """`whatif --json`."""
    return {
        "with": file,
        "now": _outlook(now),
        "then": _outlook(then),
        "only_now": [change_document(change, decision) for change, decision in found.only_now],
        "only_then": [change_document(change, decision) for change, decision in found.only_then],
        "otherwise": [
            {
                "key": pair.now.key,
                "now": change_document(pair.now, pair.decided_now),
                "then": change_document(pair.then, pair.decided_then),
            }
            for pair in found.otherwise
        ],
        "findings_now": [finding_document(finding) for finding in found.findings_now],
        "findings_then": [finding_document(finding) for finding in found.findings_then],
        "notes": list(notes),
    }


def _outlook(outlook: Outlook) -> dict[str, Any]:
    return {
        "decision": outlook.review.decision.word,
        "counts": outlook.plan.counts(),
        "held": outlook.review.held(outlook.plan),
        "adopted": len(outlook.plan.links),
    }


def show_contrast(
    console: Console, now: Outlook, then: Outlook, found: Contrast, file: str, *, everything: bool
) -> None:
    """The counts of both, and what differs."""
    _show_counts(console, now, then, file)
    most = None if everything else _MOST
    _show_changes(console, f"Only with {file}", found.only_then, most)
    _show_changes(console, "Not any more", found.only_now, most)
    _show_otherwise(console, found.otherwise, most)
    _show_findings(console, "Findings that come", found.findings_then, most)
    _show_findings(console, "Findings that go", found.findings_now, most)
    console.print()
    if found.same:
        console.print("it makes no difference to these records")


def _show_counts(console: Console, now: Outlook, then: Outlook, file: str) -> None:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 3, 0, 0))
    table.add_column("")
    table.add_column("now", justify="right")
    table.add_column(f"with {escape(file)}", justify="right", overflow="fold")
    counts, others = now.plan.counts(), then.plan.counts()
    for kind in KINDS:
        if kind in counts or kind in others:
            table.add_row(TITLES[kind], str(counts.get(kind, 0)), str(others.get(kind, 0)))
    held, would_hold = (sum(one.review.held(one.plan).values()) for one in (now, then))
    table.add_row("held or refused", str(held), str(would_hold))
    if now.plan.links or then.plan.links:
        table.add_row("accounts that become ours", str(len(now.plan.links)), str(len(then.plan.links)))
    table.add_row("decision", _word(now.review.decision), _word(then.review.decision))
    console.print(table)


def _word(decision: Decision) -> str:
    return f"[{STYLE[decision]}]{decision.word}[/]"


def _show_changes(console: Console, title: str, changes: Sequence[tuple[Change, Decision]], most: int | None) -> None:
    rows = [
        (_word(decision), TITLES[change.kind], what_of(change), escape(change.reason)) for change, decision in changes
    ]
    _show(console, title, rows, most)


def _show_otherwise(console: Console, pairs: Sequence[Otherwise], most: int | None) -> None:
    rows = []
    for pair in pairs:
        words = _word(pair.decided_then)
        if pair.decided_now is not pair.decided_then:
            words = f"{_word(pair.decided_now)} → {words}"
        said = what_of(pair.then)
        if what_of(pair.now) != said:
            said = f"{what_of(pair.now)} [dim]becomes[/] {said}"
        rows.append((words, TITLES[pair.then.kind], said, ""))
    _show(console, "Otherwise", rows, most)


def _show_findings(console: Console, title: str, findings: Sequence[Finding], most: int | None) -> None:
    rows = []
    for finding in findings:
        word = "[green]note[/]" if finding.decision is Decision.PROCEED else _word(finding.decision)
        rows.append((word, finding.check, escape(finding.message), ""))
    _show(console, title, rows, most)


def _show(console: Console, title: str, rows: Sequence[Iterable[str]], most: int | None) -> None:
    if not rows:
        return
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_column(overflow="fold", style="dim")
    for word, *rest in rows[:most]:
        table.add_row(f"  {word}", *rest)
    console.print(f"\n[bold]{escape(title)}[/] ({len(rows)})")
    console.print(table)
    if most is not None and len(rows) > most:
        console.print(f"  [dim]and {len(rows) - most} more (--all shows them)[/]")
