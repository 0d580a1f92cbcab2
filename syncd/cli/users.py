"""users: the embedded account's users, as an admin sees them."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import click
from rich.markup import escape
from rich.table import Table

from connectors.errors import ConnectorError, UnreadableError
from connectors.fluix.csv_files import ImportRow, export_users, read_import
from connectors.model import normalise_email
from syncd.bootstrap import App
from syncd.cli.common import by_hand, embedded, out, print_json, say, standard, write_whole
from syncd.errors import Exit, SyncdError, UsageError
from syncd.render import counted, labelled

_VERDICT = {"new": "green", "exists": "dim", "duplicate": "yellow", "invalid": "red"}

_WIDE = 110
"""From so many columns on, a list gives the names a column of their own; below, they stand under the emails."""


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
    wide = out.width >= _WIDE
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for title in ("email", "name", "state", "role", "groups") if wide else ("email, name", "state", "role", "groups"):
        table.add_column(title, overflow="fold", no_wrap=title in {"state", "role"})
    for user in found:
        role = "owner" if user["owner"] else user["role"] or ""
        email, name, *rest = map(escape, (user["email"], user["name"], user["state"], role, ", ".join(user["groups"])))
        table.add_row(*((email, name) if wide else (f"{email}\n[dim]  {name}[/]",)), *rest)
    if found:
        out.print(table)
    out.print(f"[dim]{counted(len(found), 'user')}[/]")
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
    out.print(f"  state   {user['state']}, in Fluix since {user['created_at'][:10]}")
    out.print(f"  role    {escape(role)}")
    out.print(f"  groups  {escape(', '.join(user['groups'])) or 'none'}")
    _section(
        "workflows", [f"{part['workflow']} / {part['step']}{' (alone)' * part['alone']}" for part in user["workflows"]]
    )
    _section("documents", [f"{document['title']} ({document['state']})" for document in user["documents"]])
    _section("invitations", [f"{_minute(mail['sent_at'])}  to {mail['to']}" for mail in user["invitations"]])
    _section("activity", [f"{_minute(one['at'])}  {one['kind']} {one['text']}".rstrip() for one in user["activity"]])
    return Exit.DONE


def _minute(moment: str) -> str:
    return f"{moment[:10]} {moment[11:16]} UTC"


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
    target = embedded(app)
    with by_hand(app, "users add", email, name=name, groups=list(groups)):
        fluix_id = target.add_user(name, email, groups)
    return say(f"added and invited {email}", {"fluix_id": fluix_id, "email": email}, as_json=as_json)


@users.command("import", short_help="Import users from a CSV in one of Fluix's layouts.")
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
    if dry_run:
        rows, added = _chosen(_read(file, target.addresses()), select), 0
    else:
        with by_hand(app, "users import", str(file)) as detail:
            rows = _chosen(_read(file, target.addresses()), select)
            detail["added"] = added = target.import_users(rows, create_groups=create_groups)
    if as_json:
        keys = ("email", "name", "groups", "verdict", "message")
        print_json({"rows": [{key: getattr(row, key) for key in keys} for row in rows], "added": added})
        return Exit.DONE
    for row in rows:
        groups = f": {', '.join(row.groups)}" if row.groups else ""
        named = f"{row.email} ({row.name}{groups})"
        labelled(
            out,
            f"[{_VERDICT[row.verdict]}]{row.verdict:<9}[/]",
            named if row.verdict in {"new", "exists"} else row.message,
        )
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


@users.command(short_help="Export users as CSV in Fluix's layout.")
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
        if as_json:
            print_json(found)
        else:
            export_users(found, sys.stdout)
        return Exit.DONE
    # The mark at the beginning tells spreadsheets that this is UTF-8.
    write_whole(out_file, lambda stream: export_users(found, stream), encoding="utf-8-sig")
    document = {"users": len(found), "file": str(out_file)}
    return say(f"wrote {counted(len(found), 'user')} to {out_file}", document, as_json=as_json)


@users.command()
@click.argument("email")
@standard
def invite(app: App, *, as_json: bool, email: str) -> int:
    """Resend the invitation of a user who never logged in."""
    target = embedded(app)
    with by_hand(app, "users invite", email):
        target.invite(email)
    return say(f"invited {email} again", {"email": email}, as_json=as_json)


@users.command(short_help="Delete users, with their drafts.")
@click.argument("emails", nargs=-1, required=True, metavar="EMAIL…")
@click.option("--yes", is_flag=True, help="Do not ask.")
@standard
def delete(app: App, *, as_json: bool, emails: tuple[str, ...], yes: bool) -> int:
    """Delete users from the account, with their drafts and assigned documents.

    The owner, the last admin and participants of workflows are refused; the others are deleted all the same.
    Exit codes: 0 all deleted, 1 none, 5 only some.
    """
    target = embedded(app)
    wanted = list({normalise_email(email): email for email in reversed(emails)}.values())[::-1]
    if not yes:
        _ask(wanted)
    deleted, failed = [], []
    for email in wanted:
        try:
            with by_hand(app, "users delete", email):
                target.delete_user(email)
            deleted.append(email)
        except (ConnectorError, SyncdError) as error:
            if len(wanted) == 1:
                raise
            failed.append((email, error))
    if as_json:
        said = [{"email": email, "message": why.what} for email, why in failed]
        print_json({"deleted": deleted, "failed": said})
    else:
        for email in deleted:
            labelled(out, "[green]deleted[/]", email)
        for email, why in failed:
            labelled(out, "[red]failed[/] ", why.what if email in why.what else f"{email}: {why.what}")
            labelled(out, "  [dim]to do[/]", why.cure)
    return Exit.DONE if not failed else Exit.PARTLY if deleted else Exit.FAILED


def _ask(emails: list[str]) -> None:
    if not sys.stdin or not sys.stdin.isatty():
        raise UsageError("deleting asks first, and nobody is there to answer", cure="add --yes")
    if not click.confirm(f"Delete {', '.join(emails)}, with their drafts and assigned documents?", err=True):
        raise SyncdError("nobody was deleted", cure="answer y to delete, or add --yes")
