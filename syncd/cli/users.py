"""users: the embedded account's users, as an admin sees them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
from rich.markup import escape
from rich.table import Table

from connectors.fluix.csv_files import ImportRow, export_users, read_import
from connectors.model import normalise_email
from syncd.bootstrap import App
from syncd.cli.common import by_hand, embedded, out, print_json, standard, write_whole
from syncd.errors import Exit, UsageError

_VERDICT = {"new": "green", "exists": "dim", "duplicate": "yellow", "invalid": "red"}


@click.group()
def users() -> None:
    """The users of the embedded Fluix account."""


@users.command("list")
@click.option("--search", metavar="TEXT", help="Part of a name or email.")
@click.option("--state", type=click.Choice(["invited", "active"]), help="Only these.")
@click.option("--group", metavar="NAME", help="Only members of this group.")
@standard
def list_(app: App, *, as_json: bool, search: str | None, state: str | None, group: str | None) -> int:
    """List users."""
    found = embedded(app).list_users(search, state, group)
    if as_json:
        print_json(found)
        return Exit.DONE
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for title in ("email", "name", "state", "role", "groups"):
        table.add_column(title, overflow="fold", no_wrap=title in {"email", "state", "role"})
    for user in found:
        role = "owner" if user["owner"] else user["role"] or ""
        cells = (user["email"], user["name"], user["state"], role, ", ".join(user["groups"]))
        table.add_row(*map(escape, cells))
    out.print(table)
    out.print(f"[dim]{len(found)} users[/]")
    return Exit.DONE


@users.command()
@click.argument("email")
@standard
def show(app: App, *, as_json: bool, email: str) -> int:
    """Show everything that is held of one user."""
    user = embedded(app).show_user(email)
    if as_json:
        print_json(user)
        return Exit.DONE
    role = "owner" if user["owner"] else user["role"] or "none"
    out.print(f"[bold]{escape(user['name'])}[/]  {escape(user['email'])}")
    out.print(f"  state   {user['state']}, since {user['created_at'][:10]}")
    out.print(f"  role    {escape(role)}")
    out.print(f"  groups  {escape(', '.join(user['groups'])) or 'none'}")
    _section(
        "workflows", [f"{part['workflow']} / {part['step']}{' (alone)' * part['alone']}" for part in user["workflows"]]
    )
    _section("documents", [f"{document['title']} ({document['state']})" for document in user["documents"]])
    _section("invitations", [f"{mail['sent_at'][:16]} to {mail['to']}" for mail in user["invitations"]])
    _section("activity", [f"{one['at'][:16]} {one['kind']} {one['text']}" for one in user["activity"]])
    return Exit.DONE


def _section(title: str, lines: list[str]) -> None:
    if lines:
        out.print(f"  [dim]{title}[/]")
        for line in lines:
            out.print(f"    {escape(line)}")


@users.command()
@click.option("--name", required=True, help="The full name.")
@click.option("--email", required=True, help="The address, with which the user logs in.")
@click.option("--group", "groups", multiple=True, metavar="NAME", help="May be given again.")
@standard
def add(app: App, *, as_json: bool, name: str, email: str, groups: tuple[str, ...]) -> int:
    """Add a user, who is invited."""
    with by_hand(app, "users add", email, {"name": name, "groups": list(groups)}):
        fluix_id = embedded(app).add_user(name, email, groups)
    return _say(f"added {email}, and invited", {"fluix_id": fluix_id, "email": email}, as_json=as_json)


@users.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--select", multiple=True, metavar="EMAIL", help="Import only this one; may be given again.")
@click.option("--create-groups", is_flag=True, help="Create the groups that are missing.")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@standard
def import_(app: App, *, as_json: bool, file: Path, select: tuple[str, ...], create_groups: bool, dry_run: bool) -> int:
    """Import users from a CSV in one of Fluix's layouts: a verdict for each row, then the new ones are added."""
    target = embedded(app)
    rows = read_import(file, target.addresses())
    chosen = _chosen(rows, select)
    count = sum(row.verdict == "new" for row in chosen)
    if not dry_run:
        with by_hand(app, "users import", str(file), {"added": count}):
            count = target.import_users(chosen, create_groups=create_groups)
    if as_json:
        document = [
            {"email": row.email, "name": row.name, "groups": row.groups, "verdict": row.verdict, "message": row.message}
            for row in rows
        ]
        print_json({"rows": document, "added": 0 if dry_run else count})
    else:
        table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
        for row in rows:
            what = row.message or f"{row.name}{': ' * bool(row.groups)}{', '.join(row.groups)}"
            table.add_row(f"[{_VERDICT[row.verdict]}]{row.verdict}[/]", escape(row.email), escape(what))
        out.print(table)
        out.print(f"{count} {'would be ' * dry_run}added")
    return Exit.DONE


def _chosen(rows: list[ImportRow], select: tuple[str, ...]) -> list[ImportRow]:
    if not select:
        return rows
    wanted = set(map(normalise_email, select))
    if unknown := wanted - {normalise_email(row.email) for row in rows}:
        raise UsageError(
            f"not in the file: {', '.join(sorted(unknown))}", cure="select emails as they stand in the file"
        )
    return [row for row in rows if normalise_email(row.email) in wanted]


@users.command()
@click.option("--out", "out_file", type=click.Path(path_type=Path), help="Write to a file, whole or not at all.")
@click.option("--select", multiple=True, metavar="EMAIL", help="Export only this one; may be given again.")
@standard
def export(app: App, *, as_json: bool, out_file: Path | None, select: tuple[str, ...]) -> int:
    """Export users as CSV in Fluix's layout, safe to open in a spreadsheet."""
    found = embedded(app).list_users()
    if select:
        wanted = set(map(normalise_email, select))
        found = [user for user in found if normalise_email(user["email"]) in wanted]
        if len(found) < len(wanted):
            unknown = wanted - {normalise_email(user["email"]) for user in found}
            raise UsageError(f"there is no user {', '.join(sorted(unknown))}", cure="see `syncd users list`")
    if out_file is None:
        export_users(found, sys.stdout)
        return Exit.DONE
    # The mark at the beginning tells spreadsheets that this is UTF-8.
    write_whole(out_file, lambda stream: export_users(found, stream), encoding="utf-8-sig")
    return _say(
        f"wrote {len(found)} users to {out_file}", {"users": len(found), "file": str(out_file)}, as_json=as_json
    )


@users.command()
@click.argument("email")
@standard
def invite(app: App, *, as_json: bool, email: str) -> int:
    """Resend the invitation of a user who never logged in."""
    with by_hand(app, "users invite", email, {}):
        embedded(app).invite(email)
    return _say(f"invited {email} again", {"email": email}, as_json=as_json)


@users.command()
@click.argument("emails", nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Do not ask.")
@standard
def delete(app: App, *, as_json: bool, emails: tuple[str, ...], yes: bool) -> int:
    """Delete users from the account, with their drafts. The owner and participants of workflows are refused."""
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError("deleting asks first, and nobody is there to answer", cure="add --yes")
        click.confirm(f"Delete {', '.join(emails)}, with their drafts and assigned documents?", abort=True)
    target = embedded(app)
    for email in emails:
        with by_hand(app, "users delete", email, {}):
            target.delete_user(email)
    return _say(f"deleted {', '.join(emails)}", {"deleted": list(emails)}, as_json=as_json)


def _say(sentence: str, document: dict[str, Any], *, as_json: bool) -> int:
    if as_json:
        print_json(document)
    else:
        out.print(escape(sentence), soft_wrap=True)
    return Exit.DONE
