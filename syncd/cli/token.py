"""token create, list, revoke: with what identity providers call. A token is shown once; only its hash is kept."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import click
from rich.markup import escape
from rich.table import Table

from scim.access import tokens
from scim.access.scopes import SCOPES, Scope
from scim.access.tokens import Credential, Wanted
from syncd.bootstrap import App, actor
from syncd.cli.common import out, print_json, say, standard
from syncd.cli.pushed import push_source
from syncd.errors import Exit, UsageError
from syncd.store.audit import Event, append
from syncd.store.engine import reading, writing


@click.group()
def token() -> None:
    """Tokens with which identity providers call /scim/v2/TENANT. Several are valid at once, so that one can follow another."""


@token.command(short_help="Make a token, and show it: this once.")
@click.option("--tenant", required=True, help="The `scim_push` source that it is for.")
@click.option("--scope", type=click.Choice(SCOPES), default="write", show_default=True, help="What it may do.")
@click.option("--label", default="", help="A name for people to tell it by.")
@click.option(
    "--expires", type=click.FloatRange(min=0, min_open=True, max=36500), metavar="DAYS", help="How long it lasts."
)
@click.option("--client", is_flag=True, help="An OAuth client's id and secret instead.")
@standard
def create(
    app: App, *, as_json: bool, tenant: str, scope: Scope, label: str, expires: float | None, client: bool
) -> int:
    """Make a token, and show it: this once. Only its hash is kept.

    With --client it is the id and the secret of an OAuth 2 client, which gets short-lived tokens at
    /scim/v2/TENANT/oauth/token, and which the dialect `ping` may also use for HTTP Basic.
    """
    source, now = push_source(app.config, tenant), app.clock()
    wanted = Wanted(source.name, scope, label, timedelta(days=expires) if expires else None)
    issue = tokens.issue_client if client else tokens.issue_token
    with writing(app.store) as connection:
        made = issue(connection, wanted, now)
        credential = made.credential
        detail = {"tenant": tenant, "prefix": credential.prefix, "scope": scope, "kind": credential.kind}
        append(connection, [Event(actor(), "token create", f"token {credential.credential_id}", detail)], now)
    shown = {"client_id": credential.client_id, "client_secret": made.secret} if client else {"token": made.secret}
    if as_json:
        print_json({**shown, **_document(credential, now)})
        return Exit.DONE
    for name, value in shown.items():
        out.print(f"{name}: [bold]{escape(str(value))}[/]", soft_wrap=True)
    until = f", until {credential.expires_at:%Y-%m-%d %H:%M} UTC" if credential.expires_at else ""
    out.print(f"[dim]number {credential.credential_id}, for {tenant}, may {scope}{until}. It is not shown again.[/]")
    return Exit.DONE


@token.command("list", short_help="The tokens, without what is secret in them.")
@click.option("--tenant", help="Only those of this source.")
@standard
def list_(app: App, *, as_json: bool, tenant: str | None) -> int:
    """List the tokens and OAuth clients: how each begins, what it may do, when it was used last (to the minute)."""
    now = app.clock()
    with reading(app.store) as connection:
        found = tokens.listed(connection, tenant)
    if as_json:
        print_json([_document(one, now) for one in found])
        return Exit.DONE
    if not found:
        out.print("there is no token; make one with `syncd token create --tenant NAME`")
        return Exit.DONE
    table = Table("number", "tenant", "begins with", "may", "label", "created", "last used", "state", box=None)
    for one in found:
        cells = (str(one.credential_id), one.tenant, one.prefix, one.scope, one.label)
        table.add_row(*map(escape, cells), _day(one.created_at), _day(one.used_at), _state(one, now))
    out.print(table)
    return Exit.DONE


@token.command(short_help="Make a token worthless, at once.")
@click.argument("number", metavar="ID", type=click.IntRange(min=1))
@standard
def revoke(app: App, *, as_json: bool, number: int) -> int:
    """Make a token or an OAuth client worthless from this moment on, with all that it got."""
    now = app.clock()
    with writing(app.store) as connection:
        revoked = tokens.revoke(connection, number, now)
        if revoked is None:
            raise UsageError(f"there is no token {number}", where=str(number), cure="see `syncd token list`")
        detail = {"tenant": revoked.tenant, "prefix": revoked.prefix}
        append(connection, [Event(actor(), "token revoke", f"token {number}", detail)], now)
    sentence = (
        f"token {number} of {revoked.tenant} ({revoked.prefix}…) is worthless since {_day(revoked.revoked_at)} UTC"
    )
    return say(sentence, _document(revoked, now), as_json=as_json)


def _document(one: Credential, now: datetime) -> dict[str, Any]:
    def moment(value: datetime | None) -> str | None:
        return value.isoformat() if value else None

    return {
        "id": one.credential_id,
        "tenant": one.tenant,
        "kind": one.kind,
        "prefix": one.prefix,
        "scope": one.scope,
        "label": one.label,
        "created_at": moment(one.created_at),
        "expires_at": moment(one.expires_at),
        "revoked_at": moment(one.revoked_at),
        "used_at": moment(one.used_at),
        "state": _state(one, now),
    }


def _state(one: Credential, now: datetime) -> str:
    if one.revoked_at:
        return "revoked"
    return "valid" if one.usable(now) else "expired"


def _day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment else "never"
