"""workflows: who takes part in what, in the embedded account."""

from __future__ import annotations

import click
from rich.markup import escape
from rich.table import Table

from syncd.bootstrap import App
from syncd.by_hand import embedded
from syncd.cli.common import by_hand, out, print_json, say, standard
from syncd.errors import Exit, UsageError
from syncd.render import counted


@click.group()
def workflows() -> None:
    """The workflows of the embedded Fluix account."""


@workflows.command("list", short_help="List workflows, with who takes part.")
@standard
def list_(app: App, *, as_json: bool) -> int:
    """List workflows: steps, users who take part by name, and the groups that give it."""
    found = embedded(app).list_workflows()
    if as_json:
        print_json(found)
        return Exit.DONE
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("workflow", overflow="fold")
    table.add_column("steps", justify="right")
    table.add_column("users", justify="right")
    table.add_column("groups", overflow="fold")
    for one in found:
        table.add_row(escape(one["name"]), str(one["steps"]), str(one["users"]), escape(", ".join(one["groups"])))
    if found:
        out.print(table)
    out.print(f"[dim]{counted(len(found), 'workflow')}[/]")
    return Exit.DONE


@workflows.command()
@click.argument("name")
@standard
def show(app: App, *, as_json: bool, name: str) -> int:
    """Show a workflow's steps, and who takes part in each."""
    found = embedded(app).show_workflow(name)
    if as_json:
        print_json(found)
        return Exit.DONE
    out.print(f"[bold]{escape(found['name'])}[/]")
    out.print(f"  given by  {escape(', '.join(found['groups'])) or 'no group'}")
    for step in found["steps"]:
        taking_part = [*step["users"], *(f"group {group}" for group in step["groups"])]
        out.print(f"  {escape(step['name'])}: {escape(', '.join(taking_part)) or '[red]nobody[/]'}")
    return Exit.DONE


@workflows.command(short_help="Take a user out of workflows.")
@click.argument("email")
@click.option("--workflow", metavar="NAME", help="Only out of this one.")
@standard
def leave(app: App, *, as_json: bool, email: str, workflow: str | None) -> int:
    """Take a user out of every step in which he or she is by name.

    Refused where a step would be left without anyone; then nothing is changed.
    """
    target = embedded(app)
    detail = {"workflow": workflow} if workflow else {}
    with by_hand(app, "workflows leave", email, **detail):
        left = target.leave_workflows(email, workflow)
    return say(f"{email} left {', '.join(left)}", {"email": email, "left": left}, as_json=as_json)


@workflows.command(short_help="Let groups give a workflow.")
@click.argument("name")
@click.option("--add", "adding", multiple=True, metavar="GROUP", help="This group gives it; may be given again.")
@click.option("--remove", "removing", multiple=True, metavar="GROUP", help="It does not any more; may be given again.")
@standard
def give(app: App, *, as_json: bool, name: str, adding: tuple[str, ...], removing: tuple[str, ...]) -> int:
    """Let groups give a workflow to their members, or not any more."""
    if not adding and not removing:
        raise UsageError("no group is named", where=name, cure="add --add or --remove")
    target = embedded(app)
    with by_hand(app, "workflows give", name, add=list(adding), remove=list(removing)):
        giving = target.give_workflow(name, adding=adding, removing=removing)
    sentence = f"{name} is given by {', '.join(giving) or 'no group'}"
    return say(sentence, {"name": name, "groups": giving}, as_json=as_json)
