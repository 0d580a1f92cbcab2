"""documents: drafts and assigned documents by their users, in the embedded account."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.markup import escape
from rich.table import Table

from connectors.fluix.csv_files import write_table
from syncd.bootstrap import App
from syncd.by_hand import embedded
from syncd.cli.common import by_hand, out, print_json, say, standard, write_whole
from syncd.errors import Exit
from syncd.render import counted

HEADER = ("Title", "State", "Email", "User Name")

_STATE = click.Choice(["draft", "assigned"])


@click.group()
def documents() -> None:
    """The documents of the embedded Fluix account's users."""


@documents.command("list", short_help="List documents by user.")
@click.option("--user", metavar="EMAIL", help="Only this user's.")
@click.option("--state", type=_STATE, help="Only these.")
@click.option("--csv", "csv_file", type=click.Path(path_type=Path), help="Write the list to a CSV file.")
@standard
def list_(app: App, *, as_json: bool, user: str | None, state: str | None, csv_file: Path | None) -> int:
    """List documents by user: what to download or to give away before somebody is deleted."""
    account = embedded(app)
    with account.documents(user, state) as stream:
        if csv_file is not None:
            written = [0]
            rows = ((one["title"], one["state"], one["user"], one["name"]) for one in stream)
            # The mark at the beginning tells spreadsheets that this is UTF-8.
            write_whole(csv_file, lambda file: written.append(write_table(HEADER, rows, file)), encoding="utf-8-sig")
            document = {"documents": written[-1], "file": str(csv_file)}
            return say(f"wrote {counted(written[-1], 'document')} to {csv_file}", document, as_json=as_json)
        found = list(stream)
    if as_json:
        print_json(found)
        return Exit.DONE
    _show(found)
    return Exit.DONE


def _show(found: list[dict[str, Any]]) -> None:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for title in ("title", "state", "user"):
        table.add_column(title, overflow="fold", no_wrap=title == "state")
    for one in found:
        table.add_row(*map(escape, (one["title"], one["state"], one["user"])))
    if found:
        out.print(table)
    out.print(f"[dim]{counted(len(found), 'document')}[/]")


@documents.command(short_help="Give a user's documents to somebody else.")
@click.argument("email")
@click.option("--to", required=True, metavar="EMAIL", help="Who gets them.")
@click.option("--state", type=_STATE, help="Only these.")
@standard
def reassign(app: App, *, as_json: bool, email: str, to: str, state: str | None) -> int:
    """Give a user's drafts and assigned documents to somebody else."""
    target = embedded(app)
    detail = {"state": state} if state else {}
    with by_hand(app, "documents reassign", email, to=to, **detail) as told:
        told["documents"] = count = target.reassign_documents(email, to, state)
    document = {"email": email, "to": to, "documents": count}
    return say(f"{to} has {counted(count, 'document')} of {email} now", document, as_json=as_json)
