"""users list, show."""

from __future__ import annotations

from typing import Any

import click
from rich.markup import escape
from rich.table import Table

from connectors.fluix.account.admin.lists import Filter, LastLogin
from syncd.bootstrap import App
from syncd.by_hand import embedded
from syncd.cli.common import out, print_json, standard
from syncd.errors import Exit
from syncd.render import counted

_WIDE = 110
"""From so many columns on, a list gives the names a column of their own; below, they stand under the emails."""

PER_PAGE = 50


@click.command("list", short_help="List users by email.")
@click.option("--search", metavar="TEXT", help="Part of a name or email, in any case.")
@click.option("--state", type=click.Choice(["invited", "active"]), help="Only these.")
@click.option("--group", metavar="NAME", help="Only members of this group.")
@click.option(
    "--last-login",
    type=click.Choice(["day", "month", "never"]),
    help="Only who logged in within 24 hours; not for over a month; never.",
)
@click.option("--role", metavar="NAME", help="Only who has this role; `owner`; `none`.")
@click.option("--refused", is_flag=True, help="Only those whose address was not accepted.")
@click.option("--page", type=click.IntRange(min=1), metavar="N", help="Only this page, from 1.")
@click.option("--per-page", type=click.IntRange(1, 1000), metavar="N", help=f"Users of a page; {PER_PAGE} by default.")
@standard
def list_(
    app: App,
    *,
    as_json: bool,
    search: str | None,
    state: str | None,
    group: str | None,
    last_login: LastLogin | None,
    role: str | None,
    refused: bool,
    page: int | None,
    per_page: int | None,
) -> int:
    """List users by email: all that fit, or one page of them."""
    account = embedded(app)
    if page is None and per_page is None:
        found = account.list_users(search, state, group, last_login=last_login, role=role, refused=refused)
        if as_json:
            print_json(found)
        else:
            _show(found)
            out.print(f"[dim]{counted(len(found), 'user')}[/]")
        return Exit.DONE
    wanted = Filter(search, state, group, last_login, role, refused)
    one = account.page_of_users(wanted, page or 1, per_page or PER_PAGE)
    if as_json:
        print_json({"users": one.users, "total": one.total, "page": one.number, "pages": one.pages})
    else:
        _show(one.users)
        out.print(f"[dim]{counted(one.total, 'user')}, page {one.number} of {one.pages}[/]")
    return Exit.DONE


def _show(found: list[dict[str, Any]]) -> None:
    if not found:
        return
    wide = out.width >= _WIDE
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for title in ("email", "name", "state", "role", "groups") if wide else ("email, name", "state", "role", "groups"):
        table.add_column(title, overflow="fold", no_wrap=title in {"state", "role"})
    for user in found:
        role = "owner" if user["owner"] else user["role"] or ""
        email, name, *rest = map(escape, (user["email"], user["name"], user["state"], role, ", ".join(user["groups"])))
        table.add_row(*((email, name) if wide else (f"{email}\n[dim]  {name}[/]",)), *rest)
    out.print(table)


@click.command()
@click.argument("email")
@standard
def show(app: App, *, as_json: bool, email: str) -> int:
    """Show everything that is held of one user."""
    user = embedded(app).show_user(email)
    if as_json:
        print_json(user)
        return Exit.DONE
    role = "owner" if user["owner"] else user["role"] or "none"
    scope = f", for {', '.join(user['role_groups'])} only" if user["role_groups"] else ""
    out.print(f"[bold]{escape(user['name'])}[/]  {escape(user['email'])}")
    out.print(f"  state   {user['state']}, in Fluix since {user['created_at'][:10]}")
    out.print(f"  login   {minute(user['last_login']) if user['last_login'] else 'never'}")
    if user["refused"]:
        out.print(f"  [red]refused[/] {escape(user['refused'])}")
    out.print(f"  role    {escape(role + scope)}")
    out.print(f"  groups  {escape(', '.join(user['groups'])) or 'none'}")
    _section("workflows", [*map(_part, user["workflows"]), *map(_by_group, user["workflows_by_group"])])
    _section("documents", [f"{document['title']} ({document['state']})" for document in user["documents"]])
    _section("devices", map(_device, user["devices"]))
    _section("invitations", [f"{minute(mail['sent_at'])}  to {mail['to']}" for mail in user["invitations"]])
    _section("activity", [f"{minute(one['at'])}  {one['kind']} {one['text']}".rstrip() for one in user["activity"]])
    return Exit.DONE


def minute(moment: str) -> str:
    """A moment as a person reads it."""
    return f"{moment[:10]} {moment[11:16]} UTC"


def _part(part: dict[str, Any]) -> str:
    return f"{part['workflow']} / {part['step']}{' (alone)' * part['alone']}"


def _by_group(part: dict[str, Any]) -> str:
    step = f" / {part['step']}" if part["step"] else ""
    return f"{part['workflow']}{step} (through {part['group']})"


def _device(device: dict[str, Any]) -> str:
    known = ", ".join(filter(None, (device["platform"], device["app_version"])))
    return f"{device['name']}{f' ({known})' if known else ''}, last seen {minute(device['seen_at'])}"


def _section(title: str, lines: Any) -> None:
    listed = list(lines)
    if listed:
        out.print(f"  [dim]{title}[/]")
        for line in listed:
            out.print(f"    {escape(line)}")
