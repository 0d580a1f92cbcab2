"""groups: the embedded account's groups, their members, and what they give."""

from __future__ import annotations

import click
from rich.markup import escape
from rich.table import Table

from syncd.bootstrap import App
from syncd.by_hand import embedded
from syncd.cli.common import by_hand, out, print_json, say, standard
from syncd.errors import Exit
from syncd.render import counted


@click.group()
def groups() -> None:
    """The groups of the embedded Fluix account."""


@groups.command("list", short_help="List groups.")
@standard
def list_(app: App, *, as_json: bool) -> int:
    """List groups: how many members, and the workflows that a group gives them."""
    found = embedded(app).list_groups()
    if as_json:
        print_json(found)
        return Exit.DONE
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("group", overflow="fold")
    table.add_column("members", justify="right")
    table.add_column("workflows", overflow="fold")
    for group in found:
        table.add_row(escape(group["name"]), str(group["members"]), escape(", ".join(group["workflows"])))
    if found:
        out.print(table)
    out.print(f"[dim]{counted(len(found), 'group')}[/]")
    return Exit.DONE


@groups.command()
@click.argument("name")
@standard
def create(app: App, *, as_json: bool, name: str) -> int:
    """Make a group."""
    target = embedded(app)
    with by_hand(app, "groups create", name):
        made = target.create_group(name)
    return say(f"created {made}", {"name": made}, as_json=as_json)


@groups.command(short_help="Give a group another name.")
@click.argument("name")
@click.argument("new_name")
@standard
def rename(app: App, *, as_json: bool, name: str, new_name: str) -> int:
    """Give a group another name; its members and workflows stay."""
    target = embedded(app)
    with by_hand(app, "groups rename", name, new_name=new_name):
        target.rename_group(name, new_name)
    return say(f"{name} is {new_name.strip()} now", {"before": name, "name": new_name.strip()}, as_json=as_json)


@groups.command(short_help="Delete a group. Its members stay users.")
@click.argument("name")
@standard
def delete(app: App, *, as_json: bool, name: str) -> int:
    """Delete a group. Its members stay users, and lose the workflows that only this group gave them.

    Refused where a workflow's step, or an admin's role, rests on this group alone.
    """
    target = embedded(app)
    with by_hand(app, "groups delete", name) as detail:
        detail["members"] = members = target.delete_group(name)
    return say(
        f"deleted {name}, which had {counted(members, 'member')}", {"name": name, "members": members}, as_json=as_json
    )


@groups.command()
@click.argument("name")
@click.argument("emails", nargs=-1, required=True, metavar="EMAIL…")
@standard
def add(app: App, *, as_json: bool, name: str, emails: tuple[str, ...]) -> int:
    """Put users into a group: all of them, or nobody."""
    target = embedded(app)
    with by_hand(app, "groups add", name, users=list(emails)):
        there = target.add_members(name, emails)
    return say(f"{', '.join(there)} in {name} now", {"name": name, "users": there}, as_json=as_json)


@groups.command()
@click.argument("name")
@click.argument("emails", nargs=-1, required=True, metavar="EMAIL…")
@standard
def remove(app: App, *, as_json: bool, name: str, emails: tuple[str, ...]) -> int:
    """Take users out of a group: all of them, or nobody."""
    target = embedded(app)
    with by_hand(app, "groups remove", name, users=list(emails)):
        gone = target.remove_members(name, emails)
    return say(f"{', '.join(gone)} not in {name} any more", {"name": name, "users": gone}, as_json=as_json)
