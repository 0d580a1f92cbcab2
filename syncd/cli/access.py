"""access: who may use the console, for whoever stands at the machine: links that let somebody in, and tokens of programs."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import click
from rich.markup import escape
from rich.table import Table
from sqlalchemy import Row

from syncd.bootstrap import App, actor
from syncd.cli.common import out, print_json, say, standard
from syncd.config_daemon import ServeConfig
from syncd.errors import Exit, UsageError
from syncd.store.audit import Event, append
from syncd.store.engine import reading, writing
from syncd.web.access import attempts, links, tokens, totp, users
from syncd.web.roles import Role

_ROLES = [role.word for role in Role]


@click.group()
def access() -> None:
    """Who may use the console. People are looked after on its page `Who may`; this is for when nobody can log in."""


@access.command(short_help="Print a link that lets somebody in: once, within an hour.")
@click.option(
    "--user", "name", help="Who sets a new password with it; without it whoever has the link becomes an admin."
)
@standard
def link(app: App, *, as_json: bool, name: str | None) -> int:
    """Print a link that lets somebody in, once, within an hour. Whoever may read the store may do this.

    With --user the person sets a new password; a second factor and failed attempts are forgotten. Without it a new admin is made.
    """
    if not app.config.access.local_login:
        raise UsageError(
            "nobody logs in with a password here",
            where="access.local_login",
            cure="set `local_login: true` for a while",
        )
    now = app.clock()
    with writing(app.store) as connection:
        user = users.by_name(connection, name) if name else None
        if name and (user is None or user.issuer):
            raise UsageError(f"there is nobody named {name} who logs in with a password", cure="see the page `Who may`")
        if user is not None:
            totp.remove(connection, user.id)
            attempts.forgive(connection, attempts.of_account(user.name_key))
        path = links.make(connection, user.id if user else None, now, made_by=actor())
        append(connection, [Event(actor(), "access link", user.name if user else "a new admin", {})], now)
    address = web_address(app.config.serve) + path
    if as_json:
        print_json(
            {"link": address, "user": user.name if user else None, "expires_at": (now + links.LASTS).isoformat()}
        )
        return Exit.DONE
    out.print(address, markup=False, soft_wrap=True)
    for_whom = f"for a new password of {user.name}" if user else "makes an admin"
    out.print(f"[dim]{escape(for_whom)}; good once, until {now + links.LASTS:%H:%M} UTC[/]")
    return Exit.DONE


@access.group()
def token() -> None:
    """Tokens with which programs call /api/v1."""


@token.command(short_help="Make a token, and show it: this once.")
@click.argument("name")
@click.option("--role", type=click.Choice(_ROLES), required=True, help="What it may do.")
@click.option(
    "--days", type=click.IntRange(1, 3650), metavar="DAYS", help="How long it lasts; else until it is revoked."
)
@standard
def create(app: App, *, as_json: bool, name: str, role: str, days: int | None) -> int:
    """Make a token for a program, and show it: this once. Only its hash is kept."""
    now = app.clock()
    lasts = timedelta(days=days) if days else None
    with writing(app.store) as connection:
        secret, row = tokens.issue(connection, name, Role.of(role), now, made_by=actor(), lasts=lasts)
        detail = {"role": role, "prefix": row.prefix}
        append(connection, [Event(actor(), "access token create", row.name, detail)], now)
    if as_json:
        print_json({"token": secret, **_document(row, now)})
        return Exit.DONE
    out.print(f"token: [bold]{escape(secret)}[/]", soft_wrap=True)
    until = f", until {row.expires_at:%Y-%m-%d %H:%M} UTC" if row.expires_at else ""
    out.print(f"[dim]number {row.id}, {role}{until}. It is not shown again.[/]")
    return Exit.DONE


@token.command("list", short_help="The tokens, without what is secret in them.")
@standard
def list_(app: App, *, as_json: bool) -> int:
    """List the tokens: how each begins, what it may do, when it was used last (to the minute)."""
    now = app.clock()
    with reading(app.store) as connection:
        found = tokens.listed(connection)
    if as_json:
        print_json([_document(row, now) for row in found])
        return Exit.DONE
    if not found:
        out.print("there is no token; make one with `syncd access token create NAME --role viewer`")
        return Exit.DONE
    table = Table("number", "name", "begins with", "may", "made by", "last used", "state", box=None)
    for row in found:
        cells = (str(row.id), row.name, row.prefix, row.role, row.made_by)
        used = f"{row.used_at:%Y-%m-%d %H:%M}" if row.used_at else "never"
        table.add_row(*map(escape, cells), used, tokens.state_of(row, now))
    out.print(table)
    return Exit.DONE


@token.command(short_help="Make a token worthless, at once.")
@click.argument("number", metavar="ID", type=click.IntRange(min=1))
@standard
def revoke(app: App, *, as_json: bool, number: int) -> int:
    """Make a token worthless from this moment on."""
    now = app.clock()
    with writing(app.store) as connection:
        row = tokens.revoke(connection, number, now)
        append(connection, [Event(actor(), "access token revoke", row.name, {"prefix": row.prefix})], now)
    return say(f"the token {row.name} ({row.prefix}…) is worthless now", _document(row, now), as_json=as_json)


def web_address(serve: ServeConfig, listening: str | None = None) -> str:
    """Where the console is reached, as far as the configuration tells.

    Args:
        serve: the web side's configuration.
        listening: the address that is listened on, where it is known better than the configuration has it.
    """
    if serve.public_url:
        return serve.public_url.rstrip("/")
    if serve.hosts:
        return f"https://{serve.hosts[0]}"
    address = listening or f"{'https' if serve.tls else 'http'}://{serve.listen}"
    return address.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")


def first_link(app: App, listening: str) -> str | None:
    """The address at which the first admin is made; None where there is somebody, or nobody has a password here."""
    if not app.config.access.local_login:
        return None
    path = links.first(app.store, app.clock(), actor())
    return web_address(app.config.serve, listening) + path if path else None


def _document(row: Row[Any], now: datetime) -> dict[str, Any]:
    moments = {name: getattr(row, name) for name in ("made_at", "expires_at", "revoked_at", "used_at")}
    return {
        "id": row.id,
        "name": row.name,
        "prefix": row.prefix,
        "role": row.role,
        "made_by": row.made_by,
        **{name: moment.isoformat() if moment else None for name, moment in moments.items()},
        "state": tokens.state_of(row, now),
    }
