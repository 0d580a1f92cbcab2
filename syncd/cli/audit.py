"""audit verify."""

from __future__ import annotations

import click

from syncd.bootstrap import App
from syncd.cli.common import out, print_json, standard
from syncd.errors import Exit
from syncd.store.audit import walk


@click.group()
def audit() -> None:
    """Who did what and when, as a chain that cannot be changed unnoticed."""


@audit.command(short_help="Find the first row that is not as it was written.")
@standard
def verify(app: App, *, as_json: bool) -> int:
    """Walk the chain, and find the first row that was changed, removed or moved. Exits with 1 if there is one.

    What a row told of a person may have been erased since: a later row says so, and the chain is whole all the same.
    """
    found = walk(app.store)
    rows, broken = found.rows, found.first_broken
    if as_json:
        print_json({"rows": rows, "whole": broken is None, "first_broken": broken, "erased": found.erased})
    elif broken is None:
        erased = f"; what {found.erased} of them told of people was erased" if found.erased else ""
        out.print(f"[green]whole[/]: {rows} rows, each as it was written{erased}", soft_wrap=not out.is_terminal)
    else:
        out.print(f"[red]broken[/]: row {broken} of {rows} is not as it was written, or a row before it is missing")
        out.print("[dim]to do[/] compare the store with its last backup, and find out who can write its file")
    return Exit.DONE if broken is None else Exit.FAILED
