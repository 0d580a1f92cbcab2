"""A plan and a run as people read them, and as programs do. The JSON keys are an interface."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from syncd.core.change import Change, Decision, Finding
from syncd.core.humans import Link
from syncd.core.report import Report
from syncd.core.safety import SourceRead

_MOST = 15
"""How many changes of a kind, and findings of a check, are shown unless all are asked for."""

_FEW = 5
"""The same for findings that are but notes."""

STYLE = {Decision.PROCEED: "green", Decision.HOLD: "yellow", Decision.REFUSE: "red"}
TITLES = {
    "rename_group": "Rename group",
    "create_group": "Create group",
    "create_user": "Create user",
    "update_user": "Update user",
    "add_member": "Add to group",
    "remove_member": "Take out of group",
    "resend_invite": "Resend invitation",
    "delete_user": "Delete user",
}


class _Changes(list[Any]):
    """The changes of a plan, each made into its document when its turn comes: a million of these are never there at once."""

    def __init__(self, report: Report) -> None:
        super().__init__(report.plan.changes)
        self._decisions = report.decisions

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (change_document(change, self._decisions[change.key]) for change in super().__iter__())


def plan_document(report: Report) -> dict[str, Any]:
    """`plan --json`."""
    return {
        "plan_id": f"p{report.plan_id}",
        "run_id": f"r{report.run_id}",
        "digest": report.plan.digest,
        "decision": report.decision.word,
        "counts": report.plan.counts(),
        "held": _held(report),
        "changes": _Changes(report),
        "adoptions": [_adoption(link) for link in report.plan.links],
        "findings": [finding_document(finding) for finding in report.review.findings],
        "sources": [_source(read) for read in report.sources],
    }


def report_document(report: Report) -> dict[str, Any]:
    """`run --json` and `apply --json`."""
    applied = report.applied
    assert applied is not None
    failed = [{"key": change.key, "message": why} for change, why in applied.failed]
    unproven = [{"key": change.key, "message": why} for change, why in applied.unproven]
    return {
        **plan_document(report),
        "outcome": report.outcome,
        "failures": failed + unproven,
        "proof": {"read_back": applied.read_back, "unproven": unproven},
        "stale": [{"key": change.key, "message": why} for change, why in applied.stale],
        "resumed": report.resumed,
    }


def _held(report: Report) -> dict[str, int]:
    held: dict[str, int] = {}
    for change in report.plan.changes:
        if report.decisions[change.key] is not Decision.PROCEED:
            held[change.kind] = held.get(change.kind, 0) + 1
    return held


def change_document(change: Change, decision: Decision) -> dict[str, Any]:
    """One change of a plan."""
    return {
        "key": change.key,
        "kind": change.kind,
        "user": change.user,
        "group": change.group,
        "before": change.before,
        "after": change.after,
        "reason": change.reason,
        "decision": decision.word,
    }


def _adoption(link: Link) -> dict[str, Any]:
    return {"user": link.given.get("email"), "fluix_id": link.fluix_id, "record": str(link.key)}


def finding_document(finding: Finding) -> dict[str, Any]:
    """What one check found."""
    return {
        "check": finding.check,
        "decision": finding.decision.word,
        "message": finding.message,
        "changes": list(finding.changes),
    }


def _source(read: SourceRead) -> dict[str, Any]:
    return {
        "name": read.name,
        "records": read.records,
        "groups": read.groups,
        "certified": read.certified,
        "problems": list(read.problems),
        "notes": list(read.notes),
    }


def counted(number: int, noun: str) -> str:
    """`1 change`, `2 changes`."""
    return f"{number} {noun}{'s' * (number != 1)}"


def labelled(console: Console, label: str, text: str) -> None:
    """A label and a text: wrapped between words on a terminal, and never wrapped in a file, where it is searched."""
    if not console.is_terminal:
        console.print(f"{label} {escape(text)}", soft_wrap=True)
        return
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row(label, escape(text))
    console.print(table)


def show_plan(console: Console, report: Report, *, everything: bool = False) -> None:
    """A plan for a person: sources, changes, findings, what to do next."""
    _show_sources(console, report.sources, everything=everything)
    _show_changes(console, report, everything=everything)
    _show_findings(console, report.review.findings, everything=everything)
    _show_verdict(console, report)


def show_report(console: Console, report: Report, *, everything: bool = False) -> None:
    """A run for a person: the plan, and what became of it."""
    applied = report.applied
    assert applied is not None
    if report.resumed:
        console.print(f"finished {counted(report.resumed, 'change')} that an earlier run had left open\n")
    show_plan(console, report, everything=everything)
    for change, why in applied.failed:
        labelled(console, "[red]failed[/] ", f"{change.key}: {why}")
    for change, why in applied.unproven:
        labelled(console, "[red]unproven[/]", f"{change.key}: {why}")
    for change, why in applied.stale:
        labelled(console, "[yellow]dropped[/]", f"{change.key}: {why}")
    said = [f"{applied.done.total()} done"]
    said += [f"{applied.ordered.total()} ordered (syncd workorders list)"] * bool(applied.ordered)
    said += [f"{report.already_done} done before"] * bool(report.already_done)
    said += [f"{len(applied.failed)} failed"] * bool(applied.failed)
    said += [f"{len(applied.unproven)} unproven (the next run looks again)"] * bool(applied.unproven)
    said += [f"{len(applied.stale)} dropped"] * bool(applied.stale)
    said += [f"{report.skipped} not let through"] * bool(report.skipped)
    said += [f"{applied.read_back} read back"] * bool(applied.read_back)
    console.print(f"[bold]run r{report.run_id}[/]: {', '.join(said)}")


def _show_sources(console: Console, sources: Iterable[SourceRead], *, everything: bool) -> None:
    for read in sources:
        state = "[green]read whole[/]" if read.certified else "[yellow]not read whole[/]"
        console.print(f"[bold]{escape(read.name)}[/]: {read.records} people, {read.groups} groups, {state}")
        shown = read.notes if everything else read.notes[:_FEW]
        for note in shown:
            labelled(console, "  [dim]note[/]", note)
        if len(shown) < len(read.notes):
            console.print(f"  [dim]and {len(read.notes) - len(shown)} more notes (--all shows them)[/]")


def _show_changes(console: Console, report: Report, *, everything: bool) -> None:
    for kind, count in report.plan.counts().items():
        table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        table.add_column(overflow="fold", style="dim")
        changes = sorted(report.plan.of_kind(kind), key=lambda change: -report.decisions[change.key])
        shown = changes if everything else changes[:_MOST]
        for change in shown:
            decision = report.decisions[change.key]
            table.add_row(f"  [{STYLE[decision]}]{decision.word}[/]", what_of(change), escape(change.reason))
        console.print(f"\n[bold]{TITLES[kind]}[/] ({count})")
        console.print(table)
        if len(shown) < count:
            console.print(f"  [dim]and {count - len(shown)} more (--all shows them)[/]")


def what_of(change: Change) -> str:
    """What a change does to whom, as markup."""
    who = escape(change.user or "")
    match change.kind:
        case "create_user":
            after = change.after or {}
            groups = ", ".join(after["groups"])
            return f"{who} [dim]({escape(after['display_name'])}{': ' + escape(groups) if groups else ''})[/]"
        case "update_user":
            return f"{who} {_arrows(change.before or {}, change.after or {})}"
        case "add_member" | "remove_member":
            return f"{who} {'→' if change.kind == 'add_member' else '←'} {escape(change.group or '')}"
        case "rename_group":
            return f"{escape(change.group or '')} → {escape((change.after or {})['display_name'])}"
        case "create_group":
            return escape(change.group or "")
        case _:
            return who


def _arrows(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    return ", ".join(f"[dim]{name}[/] {escape(str(before.get(name)))} → {escape(str(after[name]))}" for name in after)


def _show_findings(console: Console, findings: Iterable[Finding], *, everything: bool) -> None:
    findings = list(findings)
    if not findings:
        return
    console.print(f"\n[bold]Findings[/] ({len(findings)})")
    shown = findings if everything else list(_first_of_each(findings))
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, style="dim")
    table.add_column(overflow="fold")
    for finding in shown:
        word = "note" if finding.decision is Decision.PROCEED else finding.decision.word
        table.add_row(f"  [{STYLE[finding.decision]}]{word}[/]", finding.check, escape(finding.message))
    console.print(table)
    if left := Counter(finding.check for finding in findings) - Counter(finding.check for finding in shown):
        more = ", ".join(f"{count} {check}" for check, count in left.items())
        console.print(f"  [dim]and {left.total()} more: {more} (--all shows them)[/]")


def _first_of_each(findings: Iterable[Finding]) -> Iterator[Finding]:
    """A few of each check, so that none drowns the others."""
    met: Counter[str] = Counter()
    for finding in findings:
        met[finding.check] += 1
        if met[finding.check] <= (_FEW if finding.decision is Decision.PROCEED else _MOST):
            yield finding


def _show_verdict(console: Console, report: Report) -> None:
    console.print()
    adopted = len(report.plan.links)
    if adopted:
        console.print(f"{counted(adopted, 'account')}, there already with the same address, become ours")
    if not report.plan.changes:
        console.print("nothing to do: the account is as the directory wants it")
    decided = Counter(report.decisions[key] for key in report.review.decisions)
    held, refused = decided[Decision.HOLD], decided[Decision.REFUSE]
    said = f"{counted(len(report.plan.changes), 'change')}, {held} held" + f", {refused} refused" * bool(refused)
    style = STYLE[report.decision]
    console.print(f"[bold]plan p{report.plan_id}[/]: {said}; decision [{style}]{report.decision.word}[/]")
    if not held and not refused and report.decision is not Decision.PROCEED:
        console.print("[dim]next[/] mend what the findings name: until then it is left as it is")
    if held:
        approving = f'syncd approve p{report.plan_id} --comment "…"'
        console.print(f"[dim]next[/] {approving}[dim], then[/] syncd apply p{report.plan_id}")
    if held > 1:
        key = next(key for key in report.review.decisions if report.decisions[key] is Decision.HOLD)
        console.print(f"[dim]     for one alone add[/] --only {escape(shlex.quote(key))}", soft_wrap=True)
