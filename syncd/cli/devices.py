"""users devices, reset-password, accept, sign-in: a user's devices as an admin sees them, and signing in for rehearsals.

A password is asked for on the terminal or read from a file, never taken from the call's words, which others can see.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.markup import escape
from rich.table import Table

from connectors.fluix.account.signing_in import Device
from syncd.bootstrap import App
from syncd.by_hand import signing_in
from syncd.cli.common import Command, by_hand, out, print_json, say, standard
from syncd.errors import Exit, UsageError
from syncd.render import counted

_LONGEST_FILE = 4096
"""Bytes of a password's file; what is larger is another file."""


def password_file(command: Command) -> Command:
    """`--password-file FILE`."""
    return click.option(
        "--password-file",
        type=click.Path(path_type=Path),
        help="Read the password from this file's only line, instead of asking.",
    )(command)


@click.command(short_help="Show a user's connected devices, or log one out.")
@click.argument("email")
@click.option("--sign-out", "which", metavar="ID", help="Log this device out.")
@standard
def devices(app: App, *, as_json: bool, email: str, which: str | None) -> int:
    """Show a user's connected devices, the one that signed in first at the top, or log one out."""
    ours = signing_in(app)
    if which is not None:
        with by_hand(app, "users devices", email, sign_out=which) as detail:
            detail["name"] = name = ours.sign_out(email, which)
        return say(f"logged {email} out of {name}", {"email": email, "signed_out": name}, as_json=as_json)
    found = ours.devices(email)
    if as_json:
        print_json(found)
        return Exit.DONE
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for title in ("id", "name", "platform", "app", "signed in", "seen"):
        table.add_column(title, overflow="fold", no_wrap=title == "id")
    for one in found:
        texts = (one["name"], one["platform"], one["app_version"])
        moments = (f"{one[at][:10]} {one[at][11:16]} UTC" for at in ("signed_in_at", "seen_at"))
        table.add_row(str(one["device_id"]), *map(escape, texts), *moments)
    if found:
        out.print(table)
    out.print(f"[dim]{counted(len(found), 'connected device')}[/]")
    return Exit.DONE


@click.command("reset-password", short_help="Send a user the mail for a new password.")
@click.argument("email")
@standard
def reset_password(app: App, *, as_json: bool, email: str) -> int:
    """Send a user the mail for a new password. The present one holds until a new one is set."""
    ours = signing_in(app)
    with by_hand(app, "users reset-password", email):
        ours.send_reset(email)
    return say(f"queued a mail for a new password to {email}", {"email": email}, as_json=as_json)


@click.command(short_help="Accept an invitation, as its user does (for rehearsals).")
@click.argument("token")
@password_file
@standard
def accept(app: App, *, as_json: bool, token: str, password_file: Path | None) -> int:
    """Accept an invitation by the token of its link, as its user does: for rehearsals.

    Whoever has a password in another account of the store keeps it, and is not asked for one.
    """
    ours = signing_in(app)
    person = ours.invitation(token)
    password = None
    if password_file or not person.has_password:
        password = _password(password_file, f"A new password for {person.email}", new=True)
    with by_hand(app, "users accept", person.email):
        ours.accept(token, password)
    return say(f"{person.email} accepted the invitation", {"email": person.email}, as_json=as_json)


@click.command("sign-in", short_help="Sign a user in on a device (for rehearsals).")
@click.argument("email")
@click.option("--device", "name", required=True, metavar="NAME", help="The same name again is the same device.")
@click.option("--platform", default="", help="As the device's app would say it.")
@click.option("--app-version", default="", help="As the device's app would say it.")
@password_file
@standard
def sign_in(
    app: App, *, as_json: bool, email: str, name: str, platform: str, app_version: str, password_file: Path | None
) -> int:
    """Sign a user in on a device of this name: for rehearsals. The session's secret is not shown."""
    ours = signing_in(app)
    password = _password(password_file, f"The password of {email}", new=False)
    with by_hand(app, "users sign-in", email, device=name) as detail:
        session = ours.sign_in(email, password, Device(f"rehearsal: {name}", name, platform, app_version))
        detail["signed_out"] = list(session.signed_out)
    document = {"email": email, "device_id": session.device_id, "signed_out": list(session.signed_out)}
    others = f"; logged out of {', '.join(session.signed_out)}" if session.signed_out else ""
    return say(f"{email} is signed in on {name}{others}", document, as_json=as_json)


def _password(file: Path | None, question: str, *, new: bool) -> str:
    if file is not None:
        return _from_file(file)
    if not sys.stdin or not sys.stdin.isatty():
        raise UsageError("a password is needed, and nobody is there to type it", cure="add --password-file FILE")
    typed: str = click.prompt(question, hide_input=True, confirmation_prompt=new, err=True)
    return typed


def _from_file(file: Path) -> str:
    where, cure = str(file), "write the password, and nothing else, into one line of a file in UTF-8"
    try:
        with file.open("rb") as stream:
            read = stream.read(_LONGEST_FILE + 1)
        text = read.decode("utf-8-sig")
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(f"the password's file cannot be read: {reason}", where=where, cure="check its path") from error
    except UnicodeDecodeError as error:
        raise UsageError("the password's file is not UTF-8", where=where, cure=cure) from error
    lines = text.splitlines()
    if len(read) > _LONGEST_FILE or len(lines) != 1:
        what = f"the password's file holds {counted(len(lines), 'line')}, and one is needed"
        raise UsageError(what if len(lines) != 1 else "the password's line is too long", where=where, cure=cure)
    return lines[0]


COMMANDS: tuple[click.Command, ...] = (devices, reset_password, accept, sign_in)
"""What the group `users` takes in."""
