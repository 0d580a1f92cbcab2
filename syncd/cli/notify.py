"""notify: what people are told by the program itself, and whether it arrives."""

from __future__ import annotations

import click
from rich.markup import escape
from rich.table import Table

from syncd.bootstrap import App
from syncd.cli.common import out, print_json, standard
from syncd.config_notify import NotificationConfig
from syncd.errors import Exit, UsageError
from syncd.notify.courier import test_message
from syncd.notify.sending import send
from syncd.secrets import SecretError
from syncd.store import notices

_STATES = ("waiting", "sending", "sent", "failed", "over")
_COLOUR = {"waiting": "cyan", "sending": "cyan", "sent": "green", "failed": "red", "over": "dim"}


@click.group()
def notify() -> None:
    """Messages that the program sends by itself."""


@notify.command(short_help="Send a sample to each receiver.")
@click.option("--target", metavar="NAME", help="Only to this receiver.")
@standard
def test(app: App, *, as_json: bool, target: str | None) -> int:
    """Send a sample to each receiver, at once, and say what became of it. Ends with 1 when one was not taken."""
    tried = [(one.name, _error(one)) for one in _receivers(app, target)]
    if as_json:
        print_json([{"target": name, "sent": not error, "error": error or None} for name, error in tried])
    else:
        for name, error in tried:
            out.print(f"{name}: {f'not taken: {error}' if error else 'taken'}", markup=False, soft_wrap=True)
    return Exit.FAILED if any(error for _, error in tried) else Exit.DONE


@notify.command("list", short_help="List what was sent, and what was not.")
@click.option("--state", type=click.Choice(_STATES), help="Only these.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most so many.")
@standard
def listed(app: App, *, as_json: bool, state: str | None, limit: int) -> int:
    """List messages, the newest first."""
    rows = notices.listed(app.store, limit, state)
    if as_json:
        names = ("id", "target", "event", "state", "tries", "error", "facts")
        print_json(
            [
                {name: getattr(row, name) for name in names}
                | {name: at.isoformat() if (at := getattr(row, name)) else None for name in ("queued_at", "sent_at")}
                for row in rows
            ]
        )
        return Exit.DONE
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for title in ("id", "target", "event", "state", "tries", "when", "error"):
        table.add_column(title, overflow="fold", no_wrap=title != "error")
    for row in rows:
        when = row.sent_at or (row.next_at if row.state == "waiting" else row.queued_at)
        state_shown = f"[{_COLOUR[row.state]}]{row.state}[/]"
        cells = (f"{row.id}", row.target, row.event, state_shown, f"{row.tries}", f"{when:%Y-%m-%d %H:%M}")
        table.add_row(*cells, escape(row.error or ""))
    out.print(table if rows else "nothing was told yet")
    return Exit.DONE


def _receivers(app: App, target: str | None) -> list[NotificationConfig]:
    """Those that are meant.

    Raises:
        UsageError: there is none, or none of this name.
    """
    there = app.config.notifications
    if not there:
        raise UsageError("nobody is told anything", where="notifications", cure="see config.example.yaml, section 9")
    found = [one for one in there if target in {None, one.name}]
    if not found:
        names = ", ".join(one.name for one in there)
        raise UsageError(f"there is no receiver {target}", where="notifications", cure=f"receivers are: {names}")
    return found


def _error(receiver: NotificationConfig) -> str:
    try:
        return send(receiver.to.reveal(), test_message(receiver), receiver.timeout_seconds)
    except SecretError as error:
        return error.what
