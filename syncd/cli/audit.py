"""audit verify, export."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

import click
import orjson

from connectors.fluix.csv_files import write_table
from syncd.bootstrap import App
from syncd.cli.common import out, print_json, standard, write_whole
from syncd.cli.users.history import moment
from syncd.errors import Exit, UsageError
from syncd.render_audit import COLUMNS, cells, walk_document
from syncd.store.audit import Mark, Walk, stream, walk
from syncd.store.engine import snapshot


@click.group()
def audit() -> None:
    """Who did what and when, as a chain that cannot be changed unnoticed."""


@audit.command(short_help="Find the first row that is not as it was written.")
@click.option("--mark", metavar="PLACE:HASH", help="Look for a row that was written down elsewhere.")
@standard
def verify(app: App, *, as_json: bool, mark: str | None) -> int:
    """Walk the chain, and find the first row that was changed, removed or moved. Exits with 1 if there is one.

    What a row told of a person may have been erased since: a later row says so, and the chain is whole all the same.
    """
    found = walk(app.store, _mark(mark) if mark else None)
    if as_json:
        print_json(walk_document(found))
    else:
        for line in _said(found):
            out.print(line, soft_wrap=not out.is_terminal)
    return Exit.DONE if found.first_broken is None and found.marked is not False else Exit.FAILED


def _said(found: Walk) -> Iterator[str]:
    if found.first_broken is None:
        erased = f"; what {found.erased} of them told of people was erased" if found.erased else ""
        retired = f"; {found.begins - 1} older ones were retired" if found.begins > 1 else ""
        yield f"[green]whole[/]: {found.rows} rows, each as it was written{erased}{retired}"
        yield f"[dim]last row[/] {found.head} [dim](keep this line elsewhere; --mark looks for it)[/]"
    else:
        what = f"row {found.first_broken} is not as it was written or not there at all"
        yield f"[red]broken[/]: {what} ({found.rows} rows)"
        yield "[dim]to do[/] compare the store with its last backup, and find out who can write its file"
    if found.marked:
        yield "[green]found[/]: the marked row, and so every row before it, is as it was"
    elif found.marked is False:
        yield "[red]not found[/]: the marked row is not there, was changed, or is older than what was retired"


@audit.command(short_help="Write the audit to a file.")
@click.option("--out", "out_file", type=click.Path(path_type=Path), required=True, help="The file to write.")
@click.option("--format", "form", type=click.Choice(["jsonl", "csv"]), default="jsonl", help="jsonl (default) or csv.")
@click.option("--since", metavar="DATE", help="From this day or moment on (2026-11-01); UTC.")
@standard
def export(app: App, *, as_json: bool, out_file: Path, form: str, since: str | None) -> int:
    """Write the audit to a file, whole or not at all: a JSON document on each line, or CSV for spreadsheets.

    A CSV cell that a spreadsheet would take for a formula begins with an apostrophe.
    """
    first, last, count = moment(since, "--since"), Mark(), 0

    def rows() -> Iterator[Mapping[str, Any]]:
        nonlocal last, count
        with snapshot(app.store) as connection:
            for row in stream(connection, first):
                last, count = Mark(row["place"], bytes.fromhex(row["hash"])), count + 1
                yield row

    def write(file: TextIO) -> None:
        if form == "csv":
            write_table(COLUMNS, (cells(row) for row in rows()), file)
        else:
            file.writelines(orjson.dumps(row).decode() + "\n" for row in rows())

    # The mark at the beginning tells spreadsheets that this is UTF-8.
    write_whole(out_file, write, encoding="utf-8-sig" if form == "csv" else "utf-8")
    if as_json:
        print_json({"file": str(out_file), "rows": count, "head": str(last)})
    else:
        out.print(f"{count} rows to {out_file}", markup=False, soft_wrap=True)
        if count:
            out.print(f"[dim]last row[/] {last} [dim](keep this line elsewhere)[/]", soft_wrap=True)
    return Exit.DONE


def _mark(text: str) -> Mark:
    try:
        return Mark.parse(text)
    except ValueError:
        cure = "copy the whole line that `syncd audit verify` printed, as 1234:9f2c…"
        raise UsageError(f'"{text}" is no row with its hash', where="--mark", cure=cure) from None
