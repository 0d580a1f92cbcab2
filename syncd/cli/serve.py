"""serve: the daemon. It runs by itself, and serves SCIM."""

from __future__ import annotations

from pathlib import Path

import click

from syncd.bootstrap import App, open_app
from syncd.cli.access import first_link
from syncd.cli.common import config_option, out, show_error, show_note, verbose_option
from syncd.cli.runs import one_run
from syncd.config import load_config
from syncd.core.report import Report
from syncd.daemon import WebSide, listen, stay
from syncd.errors import Exit, Interrupted
from syncd.render import counted
from syncd.sync import Request

_LOCK_SECONDS = 60.0
"""So long a run waits for one that somebody began by hand."""


@click.command()
@config_option
@verbose_option
def serve(config_file: Path) -> int:
    """Stay: run as often as `schedule` says and when a source changes, and answer over HTTP.

    Ends with 0 when it is stopped (SIGINT, SIGTERM), once what was begun is done.
    """
    config = load_config(config_file)
    app = open_app(config)
    listener = listen(config.serve.listen)
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    with WebSide(config_file.resolve(), listener, show_note):
        out.print(f"serving http://{shown}:{port}", soft_wrap=True)
        if address := first_link(app, f"{shown}:{port}"):
            out.print(f"make the first admin of the console, within an hour: {address}", markup=False, soft_wrap=True)
        try:
            stay(
                app.sync().sources,
                (),
                lambda: config.schedule.wait(app.clock()),
                lambda request: _once(app, request),
                note=show_note,
                failed=show_error,
            )
        except (KeyboardInterrupt, Interrupted):
            out.print("stopped")
    return Exit.DONE


def _once(app: App, request: Request) -> None:
    report = one_run(app, "serve", request, _LOCK_SECONDS)
    if report.plan.changes or report.resumed:
        out.print(f"[dim]{app.clock():%Y-%m-%d %H:%M:%S}[/] {_line(report)}", soft_wrap=True)


def _line(report: Report) -> str:
    outcome = {name: count for name, count in report.outcome.items() if count}
    told = ", ".join(f"{count} {name}" for name, count in outcome.items()) or "nothing done"
    return f"r{report.run_id}: {counted(len(report.plan.changes), 'change')}, {told} (syncd show p{report.plan_id})"
