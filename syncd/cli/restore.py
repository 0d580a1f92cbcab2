"""restore: deleted users, and the text with which Fluix support is asked to recover a set-up. Nothing is recovered here."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click
from rich.markup import escape
from rich.table import Table

from syncd import restoring
from syncd.bootstrap import App, actor
from syncd.cli.common import out, print_json, say, standard
from syncd.core.returning import Departure, TicketState
from syncd.errors import Exit
from syncd.render import counted
from syncd.store import departures


@click.group()
def restore() -> None:
    """Deleted users, whose set-ups Fluix support can recover for 30 days; this program cannot."""


@restore.command("list", short_help="Who was deleted within the last 30 days, and who is back.")
@standard
def list_(app: App, *, as_json: bool) -> int:
    """List who was deleted within the last 30 days: days left, whether the person is back, and how far the ticket is."""
    now = app.clock()
    found = departures.recoverable(app.store, now)
    if as_json:
        print_json([_document(app, one, now) for one in found])
        return Exit.DONE
    if not found:
        out.print("nobody was deleted within the last 30 days")
        return Exit.DONE
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for title in ("email", "name", "deleted (UTC)", "days left", "by", "back", "ticket"):
        table.add_column(title, overflow="fold", no_wrap=title in {"days left", "ticket"})
    for one in found:
        by = f"plan p{one.plan_id}" if one.plan_id else f"hand ({one.actor})"
        back = (restoring.new_user(app, one) or ("no", ""))[0]
        deleted = f"{one.deleted_at:%Y-%m-%d %H:%M}"
        table.add_row(*map(escape, (one.email, one.name, deleted, str(one.days_left(now)), by, back, one.ticket or "")))
    out.print(table)
    waiting = sum(one.ticket == "open" for one in found)
    if waiting:
        out.print(f"\n{counted(waiting, 'ticket')} to write: [dim]next[/] syncd restore ticket EMAIL")
    return Exit.DONE


@restore.command("ticket", short_help="Print the text for Fluix support.")
@click.argument("email")
@standard
def ticket_(app: App, *, as_json: bool, email: str) -> int:
    """Print the text that asks Fluix support to recover a returned user's set-up. Send it yourself."""
    now = app.clock()
    one = restoring.by_email(app, email, now)
    new_user = restoring.new_user(app, one)
    text = restoring.text(app, one, now)
    restoring.mark(app, one, "written" if one.ticket != "done" else "done", "restore ticket", actor=actor(), now=now)
    if as_json:
        state: TicketState = "done" if one.ticket == "done" else "written"
        print_json({**_document(app, one, now), "ticket": state, "setup": one.setup, "text": text})
        return Exit.DONE
    click.echo(text)
    if new_user is None:
        click.echo(f"\nnote: {one.email} is no user yet. Create the person first: Fluix needs the new user.", err=True)
    return Exit.DONE


@restore.command(short_help="Fluix support has answered: nothing is left to do.")
@click.argument("email")
@standard
def close(app: App, *, as_json: bool, email: str) -> int:
    """Say that Fluix support has recovered the set-up, or never will: nobody is reminded of it any more."""
    now = app.clock()
    one = restoring.by_email(app, email, now)
    restoring.mark(app, one, "done", "restore close", actor=actor(), now=now)
    return say(f"closed: {one.email}", {"email": one.email, "ticket": "done"}, as_json=as_json)


def _document(app: App, one: Departure, now: datetime) -> dict[str, Any]:
    new_user = restoring.new_user(app, one)
    return {
        "email": one.email,
        "name": one.name,
        "fluix_id": one.fluix_id,
        "deleted_at": one.deleted_at.isoformat(),
        "days_left": one.days_left(now),
        "plan_id": f"p{one.plan_id}" if one.plan_id else None,
        "actor": one.actor,
        "approvers": list(one.approvers),
        "returned": new_user is not None,
        "returned_at": one.returned_at.isoformat() if one.returned_at else None,
        "new_user": {"email": new_user[0], "fluix_id": new_user[1]} if new_user else None,
        "ticket": one.ticket,
    }
