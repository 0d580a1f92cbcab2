"""users add, edit, role, invite, delete."""

from __future__ import annotations

import sys
from typing import Any

import click
from rich.markup import escape

from connectors.errors import ConnectorError, PermanentError
from connectors.fluix.account import EmbeddedAccount
from connectors.model import normalise_email
from syncd.bootstrap import App, actor
from syncd.by_hand import delete_user, embedded
from syncd.cli.common import by_hand, err, out, print_json, say, standard
from syncd.errors import Exit, SyncdError, UsageError
from syncd.render import counted, labelled


@click.command()
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


@click.command(short_help="Change a user's name, email or groups.")
@click.argument("email")
@click.option("--name", help="The new name.")
@click.option("--email", "new_email", metavar="EMAIL", help="The new address, with which the user logs in from now on.")
@click.option("--add-group", "add_groups", multiple=True, metavar="NAME", help="Put into it; may be given again.")
@click.option("--remove-group", "remove_groups", multiple=True, metavar="NAME", help="Take out; may be given again.")
@standard
def edit(
    app: App,
    *,
    as_json: bool,
    email: str,
    name: str | None,
    new_email: str | None,
    add_groups: tuple[str, ...],
    remove_groups: tuple[str, ...],
) -> int:
    """Change a user's name, email or groups: all that is asked for, or nothing."""
    if name is None and new_email is None and not add_groups and not remove_groups:
        cure = "add --name, --email, --add-group or --remove-group"
        raise UsageError("nothing is to be changed", where=email, cure=cure)
    asked = {"name": name, "email": new_email, "add_groups": list(add_groups), "remove_groups": list(remove_groups)}
    target = embedded(app)
    with by_hand(app, "users edit", email, **{key: value for key, value in asked.items() if value}):
        target.edit_user(email, name=name, new_email=new_email, add_groups=add_groups, remove_groups=remove_groups)
    user = target.show_user(new_email or email)
    now = {key: user[key] for key in ("fluix_id", "email", "name", "groups")}
    hint = ""
    if new_email is not None and user["state"] == "invited":
        hint = f"; `syncd users invite {user['email']}` sends an invitation there"
    return say(f"changed {user['name']} <{user['email']}>{hint}", now, as_json=as_json)


@click.command(short_help="Give a user a role, or take it.")
@click.argument("email")
@click.argument("role")
@click.option("--group", "groups", multiple=True, metavar="NAME", help="Only for this group; may be given again.")
@standard
def role(app: App, *, as_json: bool, email: str, role: str, groups: tuple[str, ...]) -> int:
    """Give a user a role, which makes an admin, or take it (`none`). A user has one role at most.

    Without --group it is for the whole account. The owner is changed by Fluix support only.
    """
    target = embedded(app)
    wanted = None if role.casefold() == "none" else role
    with by_hand(app, "users role", email, role=role, groups=list(groups)):
        target.set_role(email, wanted, groups)
    user = target.show_user(email)
    document = {key: user[key] for key in ("email", "role", "role_groups")}
    scope = f", for {', '.join(user['role_groups'])} only" if user["role_groups"] else ""
    sentence = f"{user['email']} is {user['role']} now{scope}" if wanted else f"{user['email']} has no role now"
    return say(sentence, document, as_json=as_json)


@click.command()
@click.argument("email")
@standard
def invite(app: App, *, as_json: bool, email: str) -> int:
    """Resend the invitation of a user who never logged in."""
    target = embedded(app)
    with by_hand(app, "users invite", email):
        target.invite(email)
    return say(f"invited {email} again", {"email": email}, as_json=as_json)


@click.command(short_help="Delete users, with their drafts.")
@click.argument("emails", nargs=-1, required=True, metavar="EMAIL…")
@click.option("--documents-to", metavar="EMAIL", help="Give this user their documents first.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@standard
def delete(app: App, *, as_json: bool, emails: tuple[str, ...], documents_to: str | None, yes: bool) -> int:
    """Delete users from the account, with their drafts and assigned documents.

    The owner, the last admin and participants of workflows are refused; the others are deleted all the same. Documents
    that are still needed: give them away with --documents-to, or download the list first with `syncd documents list`.
    Exit codes: 0 all deleted, 1 none, 5 only some.
    """
    target = embedded(app)
    wanted = list({normalise_email(email): email for email in reversed(emails)}.values())[::-1]
    if not yes:
        _ask(target, wanted, documents_to)
    deleted, failed = [], []
    for email in wanted:
        try:
            delete_user(app, actor(), email, documents_to)
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


def _ask(target: EmbeddedAccount, emails: list[str], documents_to: str | None) -> None:
    if not sys.stdin or not sys.stdin.isatty():
        raise UsageError("deleting asks first, and nobody is there to answer", cure="add --yes")
    for email in emails:
        try:
            (case,) = target.before_deletion([email])
        except PermanentError as error:
            err.print(f"  {escape(error.what)}")
            continue
        if told := _case(case):
            err.print(f"  {escape(case['email'])}: {escape(told)}")
    what = f"their documents going to {documents_to}" if documents_to else "with their drafts and assigned documents"
    if not click.confirm(f"Delete {', '.join(emails)}, {what}?", err=True):
        raise SyncdError("nobody was deleted", cure="answer y to delete, or add --yes")


def _case(case: dict[str, Any]) -> str:
    """What the guide says to look at first; empty where there is nothing."""
    told = []
    if case["role"]:
        told.append(f"has administrative rights ({case['role']})")
    if case["drafts"]:
        told.append(counted(case["drafts"], "draft"))
    if case["assigned"]:
        told.append(counted(case["assigned"], "assigned document"))
    if case["refused"]:
        told.append(f"cannot be deleted: {case['refused']}")
    return ", ".join(told)
