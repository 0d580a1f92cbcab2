"""plan, run, approve, apply: the main job."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import click

from syncd.approving import approve as give_approval
from syncd.bootstrap import App, actor
from syncd.cli.common import (
    in_parts,
    number_of,
    out,
    print_json,
    show_error,
    show_note,
    standard,
    verbose_option,
    working,
    write_whole,
)
from syncd.cli.mail import send_waiting
from syncd.core.change import Decision
from syncd.core.report import Report
from syncd.daemon.following import stay
from syncd.errors import Exit, UsageError
from syncd.render import counted, plan_document, report_document, show_plan, show_report
from syncd.run import apply_plan, make_plan
from syncd.run import run as run_once
from syncd.store.pauses import paused
from syncd.sync import Request

_wait = click.option(
    "--wait", type=click.FloatRange(min=0), default=0.0, metavar="SECONDS", help="Wait for another run to end."
)
_user = click.option("--user", metavar="EMAIL", help="Only whoever has, or should have, this address.")
_full = click.option("--full", is_flag=True, help="Look at everybody, not only at what changed.")
_everything = click.option("--all", "everything", is_flag=True, help="Show every change, however many.")


@click.command()
@click.option("--check", "only_check", is_flag=True, help="Exit with 6 if anything is to do.")
@_user
@_full
@click.option("--out", "out_file", type=click.Path(path_type=Path), help="Also write the JSON to a file.")
@_wait
@_everything
@verbose_option
@standard
def plan(
    app: App,
    *,
    as_json: bool,
    only_check: bool,
    user: str | None,
    full: bool,
    out_file: Path | None,
    wait: float,
    everything: bool,
) -> int:
    """Compute and show what would be done. Writes nothing to Fluix.

    Exit codes: 0 everything may proceed, 3 something is held, 4 refused, 6 changes pending (with --check).
    """
    with working(app, "plan", wait) as sync:
        report = make_plan(sync, Request("plan", user=user, full=full))
    document = plan_document(report)
    if out_file:
        write_whole(out_file, lambda stream: stream.writelines(in_parts(document)))
    if as_json:
        print_json(document)
    else:
        show_plan(out, report, everything=everything)
    if only_check and report.plan.changes:
        return Exit.PENDING
    return _decided(report)


def one_run(app: App, command: str, request: Request, wait: float) -> Report:
    """A run, and then the mails that it left to be sent.

    Args:
        app: the program.
        command: who holds the store's lock meanwhile.
        request: see there.
        wait: seconds to wait for another run to end.
    """
    with working(app, command, wait) as sync:
        report = run_once(sync, request)
    send_waiting(app)
    return report


@click.command()
@click.option("--source", "sources", multiple=True, metavar="NAME", help="Read only this source; may be given again.")
@_user
@_full
@click.option("--follow", is_flag=True, help="Stay, and run again when a source changes.")
@click.option(
    "--every", type=click.FloatRange(min=1), default=60.0, metavar="SECONDS", help="With --follow: at least so often."
)
@_wait
@_everything
@verbose_option
@standard
def run(
    app: App,
    *,
    as_json: bool,
    sources: tuple[str, ...],
    user: str | None,
    full: bool,
    follow: bool,
    every: float,
    wait: float,
    everything: bool,
) -> int:
    """Plan, then apply what may proceed. What is held waits for `syncd approve`.

    Exit codes: 0 done, 1 failed, 3 something is held, 4 refused, 5 partly applied.
    """
    if follow and (as_json or user or full):
        raise UsageError("--follow goes with none of --json, --user and --full", cure="run it once, or leave them out")

    if pause := paused(app.store, app.clock()):
        show_note(f"{pause.sentence}; this run is done all the same")

    def once(request: Request) -> Report:
        return one_run(app, "run", request, wait)

    if follow:
        stay(
            app.sync().sources,
            sources,
            every,
            lambda request: show_report(out, once(request), everything=everything),
            note=show_note,
            failed=show_error,
        )
    return _show(once(Request("run", sources, user, full)), as_json=as_json, everything=everything)


@click.command()
@click.argument("plan_id")
@click.option("--only", multiple=True, metavar="KEY", help="Approve only this change; may be given again.")
@click.option(
    "--except", "without", multiple=True, metavar="KEY", help="Approve all but this change; may be given again."
)
@click.option("--comment", required=True, metavar="TEXT", help="Why; kept in the audit.")
@standard
def approve(
    app: App, *, as_json: bool, plan_id: str, only: tuple[str, ...], without: tuple[str, ...], comment: str
) -> int:
    """Say yes to what a plan holds: all of it, or item by item. Apply it with `syncd apply`."""
    number, rules = number_of(plan_id, "p"), app.config.approvals
    approval = give_approval(
        app.store,
        number,
        approver=actor(),
        comment=comment,
        only=only,
        without=without,
        now=app.clock(),
        lasts=timedelta(hours=rules.expire_hours),
        four_eyes=rules.four_eyes,
    )
    if as_json:
        print_json(
            {
                "plan_id": f"p{number}",
                "digest": approval.digest,
                "approved": sorted(approval.keys),
                "approver": approval.approver,
                "expires_at": approval.expires_at.isoformat(),
            }
        )
    else:
        until = f"{approval.expires_at:%Y-%m-%d %H:%M} UTC"
        out.print(f"approved {counted(len(approval.keys), 'change')} of plan p{number} until {until}")
        out.print(f"[dim]next[/] syncd apply p{number}")
    return Exit.DONE


@click.command()
@click.argument("plan_id")
@_wait
@_everything
@standard
def apply(app: App, *, as_json: bool, plan_id: str, wait: float, everything: bool) -> int:
    """Apply a plan: what needs no approval, and what is approved. Each change is checked again first."""
    with working(app, "apply", wait) as sync:
        report = apply_plan(sync, number_of(plan_id, "p"))
    send_waiting(app)
    return _show(report, as_json=as_json, everything=everything)


def _show(report: Report, *, as_json: bool, everything: bool) -> int:
    if as_json:
        print_json(report_document(report))
    else:
        show_report(out, report, everything=everything)
    applied = report.applied
    if applied and (applied.failed or applied.unproven):
        return Exit.PARTLY if applied.done else Exit.FAILED
    return _decided(report)


def _decided(report: Report) -> int:
    return {Decision.PROCEED: Exit.DONE, Decision.HOLD: Exit.HELD, Decision.REFUSE: Exit.REFUSED}[report.decision]
