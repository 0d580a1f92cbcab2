"""runs, show: what was done before."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click
from rich.markup import escape
from rich.table import Table

from syncd.bootstrap import App
from syncd.cli.common import number_of, out, print_json, standard
from syncd.core.approval import Approval, decide
from syncd.core.report import Report
from syncd.errors import Exit, UsageError
from syncd.render import labelled, plan_document, show_plan
from syncd.store import plans
from syncd.store import runs as run_lines

_STATE = {"done": "green", "failed": "red", "interrupted": "yellow", "running": "cyan"}


@click.command()
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="How many.")
@standard
def runs(app: App, *, as_json: bool, limit: int) -> int:
    """List the last runs, the newest first."""
    rows = run_lines.history(app.store, limit)
    if as_json:
        print_json([_document(row) for row in rows])
        return Exit.DONE
    if not rows:
        out.print("no runs yet: begin with `syncd plan`")
        return Exit.DONE
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in ("run", "command", "started (UTC)", "state", "plan", "decision", "outcome"):
        table.add_column(title, overflow="fold")
    for row in rows:
        outcome = ", ".join(f"{count} {name}" for name, count in (row.outcome or {}).items() if count)
        state = f"[{_STATE.get(row.state, 'default')}]{row.state}[/]"
        plan = f"p{row.plan_id}" if row.plan_id else ""
        started = f"{row.started_at:%Y-%m-%d %H:%M:%S}"
        table.add_row(
            f"r{row.id}", row.command, started, state, plan, row.decision or "", outcome or escape(row.error or "")
        )
    out.print(table)
    return Exit.DONE


@click.command()
@click.argument("run_or_plan_id")
@click.option("--all", "everything", is_flag=True, help="Show every change, however many.")
@standard
def show(app: App, *, as_json: bool, run_or_plan_id: str, everything: bool) -> int:
    """Show a run (r7) or a plan (p12), as it was."""
    row = None
    if run_or_plan_id.startswith("r"):
        row = run_lines.find(app.store, number_of(run_or_plan_id, "r"))
        if row is None:
            raise UsageError(f"there is no run {run_or_plan_id}", cure="see `syncd runs`")
        plan_id = row.plan_id
    else:
        plan_id = number_of(run_or_plan_id, "p")
    report = _report(app, plan_id, row.id if row else None) if plan_id else None
    if row is None and report is None:
        raise UsageError(f"there is no plan {run_or_plan_id}", cure="see `syncd runs`")
    if as_json:
        given = {"approvals": [_approval(one) for one in _approvals(app, report)]} if report else {}
        print_json({**(plan_document(report) if report else {}), **given, **(_document(row) if row else {})})
        return Exit.DONE
    if row is not None:
        ended = f"{row.ended_at:%H:%M:%S}" if row.ended_at else "…"
        when = f"{row.started_at:%Y-%m-%d %H:%M:%S} to {ended} UTC"
        out.print(f"[bold]run r{row.id}[/] {row.command} by {escape(row.actor)}, {when}: {row.state}")
        if row.error:
            out.print(f"[red]{escape(row.error)}[/]", soft_wrap=True)
        if row.outcome:
            out.print(", ".join(f"{count} {name}" for name, count in row.outcome.items()))
        out.print()
    if report:
        show_plan(out, report, everything=everything)
        for one in _approvals(app, report):
            lapsed = "" if one.holds(report.plan.digest, app.clock()) else ", which is over"
            text = f"{len(one.keys)} of them on {one.approved_at:%Y-%m-%d %H:%M} UTC by {one.approver}: {one.comment}"
            labelled(out, "[green]approved[/]", f"{text} (until {one.expires_at:%Y-%m-%d %H:%M} UTC{lapsed})")
    return Exit.DONE


def _approvals(app: App, report: Report) -> list[Approval]:
    return plans.approvals_of(app.store, report.plan.digest)


def _approval(one: Approval) -> dict[str, Any]:
    return {
        "approver": one.approver,
        "comment": one.comment,
        "approved": sorted(one.keys),
        "approved_at": _iso(one.approved_at),
        "expires_at": _iso(one.expires_at),
    }


def _report(app: App, plan_id: int, run_id: int | None) -> Report | None:
    stored = plans.load(app.store, plan_id)
    if stored is None:
        return None
    approvals = plans.approvals_of(app.store, stored.plan.digest)
    decisions = decide(stored.plan, stored.review.decisions, approvals, app.clock())
    return Report(run_id or stored.run_id, plan_id, stored.plan, stored.review, stored.sources, decisions)


def _document(row: Any) -> dict[str, Any]:
    return {
        "run_id": f"r{row.id}",
        "command": row.command,
        "actor": row.actor,
        "started_at": _iso(row.started_at),
        "ended_at": _iso(row.ended_at),
        "state": row.state,
        "plan_id": f"p{row.plan_id}" if row.plan_id else None,
        "decision": row.decision,
        "outcome": row.outcome,
        "error": row.error,
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
