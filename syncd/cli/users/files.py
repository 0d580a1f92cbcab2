"""users import, export: Fluix's CSV layouts, in and out."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from connectors.errors import UnreadableError
from connectors.fluix.csv_files import ImportRow, read_import
from connectors.model import normalise_email
from syncd.bootstrap import App
from syncd.by_hand import embedded
from syncd.cli.common import by_hand, err, out, print_json, say, standard, write_whole
from syncd.errors import Exit, UsageError
from syncd.render import counted, labelled

_VERDICT = {"new": "green", "exists": "dim", "duplicate": "yellow", "invalid": "red"}


@click.command("import", short_help="Import users from a CSV in one of Fluix's layouts.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--select", multiple=True, metavar="EMAIL", help="Import only this one; may be given again.")
@click.option("--create-groups", is_flag=True, help="Create the groups that are missing.")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@standard
def import_(app: App, *, as_json: bool, file: Path, select: tuple[str, ...], create_groups: bool, dry_run: bool) -> int:
    """Import users from a CSV in one of Fluix's layouts: a verdict for each row, then the new ones are added.

    Verdicts: new, exists, invalid, duplicate. Only the new ones are added, all of them or none.
    """
    target = embedded(app)
    missing: list[str] = []
    if dry_run:
        rows, added = _chosen(_read(file, target.addresses()), select), 0
        missing = target.missing_groups(rows)
    else:
        with by_hand(app, "users import", str(file)) as detail:
            rows = _chosen(_read(file, target.addresses()), select)
            with _bar(sum(row.verdict == "new" for row in rows)) as advance:
                detail["added"] = added = target.import_users(rows, create_groups=create_groups, progress=advance)
    if as_json:
        keys = ("email", "name", "groups", "verdict", "message")
        said = {"rows": [{key: getattr(row, key) for key in keys} for row in rows], "added": added}
        print_json({**said, "missing_groups": missing} if dry_run else said)
        return Exit.DONE
    for row in rows:
        groups = f": {', '.join(row.groups)}" if row.groups else ""
        named = f"{row.email} ({row.name}{groups})"
        labelled(
            out,
            f"[{_VERDICT[row.verdict]}]{row.verdict:<9}[/]",
            named if row.verdict in {"new", "exists"} else row.message,
        )
    if missing:
        made = "would be created" if create_groups else "are missing: create them, or import with --create-groups"
        labelled(out, f"[yellow]{counted(len(missing), 'group')}[/]", f"{', '.join(missing)} {made}")
    met = Counter(row.verdict for row in rows)
    others = "".join(f", {met[verdict]} {verdict}" for verdict in ("exists", "duplicate", "invalid") if met[verdict])
    out.print(f"{met['new']} {'would be ' * dry_run}added{others}")
    return Exit.DONE


def _read(file: Path, addresses: set[str]) -> list[ImportRow]:
    """The rows; a file that holds none has another cure here than a source's has."""
    try:
        return read_import(file, addresses)
    except UnreadableError as error:
        cure = "save it as CSV UTF-8 in Fluix's layout; `syncd users export` shows it"
        raise UnreadableError(error.what, where=error.where, cure=cure) from error


def _chosen(rows: list[ImportRow], select: tuple[str, ...]) -> list[ImportRow]:
    if not select:
        return rows
    wanted = set(map(normalise_email, select))
    if unknown := wanted - {normalise_email(row.email) for row in rows}:
        raise UsageError(
            f"not in the file: {', '.join(sorted(unknown))}", cure="select emails as they stand in the file"
        )
    return [row for row in rows if normalise_email(row.email) in wanted]


@contextmanager
def _bar(total: int) -> Iterator[Callable[[int], None]]:
    """How far an import is, where somebody watches."""
    columns = (TextColumn("adding users"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task("import", total=total)
        yield lambda count: bar.advance(task, count)


@click.command(short_help="Export users as CSV in Fluix's layout.")
@click.option("--out", "out_file", type=click.Path(path_type=Path), help="Write to a file, whole or not at all.")
@click.option("--select", multiple=True, metavar="EMAIL", help="Export only this one; may be given again.")
@standard
def export(app: App, *, as_json: bool, out_file: Path | None, select: tuple[str, ...]) -> int:
    """Export users as CSV in Fluix's layout, safe to open in a spreadsheet."""
    target = embedded(app)
    wanted = set(map(normalise_email, select))
    if wanted and (unknown := wanted - target.addresses()):
        raise UsageError(f"there is no user {', '.join(sorted(unknown))}", cure="see `syncd users list`")
    if out_file is None:
        if as_json:
            found = target.list_users()
            print_json([user for user in found if not wanted or normalise_email(user["email"]) in wanted])
        else:
            target.export_users(sys.stdout, select)
        return Exit.DONE
    count = 0

    def write(stream: TextIO) -> None:
        nonlocal count
        count = target.export_users(stream, select)

    # The mark at the beginning tells spreadsheets that this is UTF-8.
    write_whole(out_file, write, encoding="utf-8-sig")
    document = {"users": count, "file": str(out_file)}
    return say(f"wrote {counted(count, 'user')} to {out_file}", document, as_json=as_json)
