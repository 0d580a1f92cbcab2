"""scim doctor, calls: what an identity provider would send, sent to the running server; and what one did send."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
import httpx
from rich.markup import escape
from sqlalchemy import Row

from connectors.errors import PermanentError, RetryableError
from scim.access.calls import recent
from scim.conversation import Conversation, Heard, Sender, conversations, play, through_http
from scim.dialects import DIALECTS
from syncd.bootstrap import App
from syncd.cli.common import config_option, json_option, out, print_json, standard
from syncd.cli.pushed import push_source
from syncd.config import load_config
from syncd.errors import Exit, UsageError
from syncd.render import counted
from syncd.store.engine import reading

TOKEN = "SYNCD_SCIM_TOKEN"  # noqa: S105 - the variable's name
_SECONDS = 60


@click.group()
def scim() -> None:
    """Identity providers that push people by SCIM."""


@scim.command("doctor", short_help="Send what an identity provider would send, and say what fails.")
@click.option("--tenant", required=True, help="The `scim_push` source.")
@click.option("--url", required=True, help="Where the server is, as https://sync.example.com.")
@click.option("--dialect", type=click.Choice(list(DIALECTS)), help="Another one than the configuration's.")
@click.option("--read-only", is_flag=True, help="Stop each conversation before its first change.")
@click.option("--yes", is_flag=True, help="Do not ask before test people are made.")
@json_option
@config_option
def doctor(
    config_file: Path, tenant: str, url: str, dialect: str | None, *, read_only: bool, yes: bool, as_json: bool
) -> int:
    """Send what an identity provider would send to the running server, and say what fails.

    The token is taken from the environment variable SYNCD_SCIM_TOKEN. Test people and groups are made and deleted again; their
    addresses end in .invalid, where no mail goes. Exits with 1 if anything fails.
    """
    source = push_source(load_config(config_file), tenant)
    spoken = dialect or source.dialect
    base = _base(url, tenant)
    token = os.environ.get(TOKEN)
    if not token:
        raise UsageError(f"the environment variable {TOKEN} is not set", cure="give it a token of this tenant")
    if not (read_only or yes):
        _ask(base)
    names = dict.fromkeys(("generic", spoken))
    planned = [_reading(one) if read_only else one for name in names for one in conversations(name)]
    with httpx.Client(timeout=_SECONDS) as client:
        send = through_http(client, base, {"Authorization": f"Bearer {token}"})
        heard = list(_played(planned, send, base))
    found = [_document(conversation, steps) for conversation, steps in heard]
    failed = sum(not one["ok"] for one in found)
    if as_json:
        print_json({"tenant": tenant, "url": base, "dialect": spoken, "failed": failed, "conversations": found})
    else:
        for line in _said(found, failed):
            out.print(line, soft_wrap=not out.is_terminal)
    return Exit.FAILED if failed else Exit.DONE


@scim.command(short_help="What identity providers called lately.")
@click.option("--tenant", help="Only this source's.")
@click.option("--failed", is_flag=True, help="Only what was answered with an error.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="At most so many.")
@standard
def calls(app: App, *, as_json: bool, tenant: str | None, failed: bool, limit: int) -> int:
    """List what identity providers called lately, newest first: what was answered, and what was put right.

    What stands there of people depends on the source's `log`. A call is seen here after a second.
    """
    with reading(app.store) as connection:
        found = recent(connection, limit, tenant, failed=failed)
    if as_json:
        print_json([_call(row) for row in found])
        return Exit.DONE
    if not found:
        out.print("there was no such call")
    for row in found:
        where = f"{row.method} {row.path}" + (f"?{row.query}" if row.query else "")
        colour = "green" if row.status < httpx.codes.BAD_REQUEST else "red"
        who = f"{row.tenant or 'nobody'} {row.prefix or row.address}"
        line = f"[dim]{row.at:%Y-%m-%d %H:%M:%S}[/] [{colour}]{row.status}[/] {escape(where)} [dim]{escape(who)}[/]"
        out.print(line, soft_wrap=not out.is_terminal)
        if row.notes:
            out.print(f"       {escape(row.notes)}", soft_wrap=not out.is_terminal)
    return Exit.DONE


def _call(row: Row[Any]) -> dict[str, Any]:
    given = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
    return {**given, "at": row.at.isoformat()}


def _base(url: str, tenant: str) -> str:
    """The tenant's address, whether it was given whole or only the server's."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise UsageError(f'"{url}" is no address', where="--url", cure="write https://sync.example.com")
    plain = url.rstrip("/")
    ending = f"/scim/v2/{tenant}"
    return plain if plain.endswith(ending) else plain + ending


def _ask(base: str) -> None:
    question = f"test people and groups are made at {base}, and deleted again"
    if not sys.stdin.isatty():
        raise UsageError(question, where="scim doctor", cure="say --yes, or look only with --read-only")
    click.confirm(f"{question}. Go on?", abort=True, err=True)


def _reading(conversation: Conversation) -> Conversation:
    """Only what comes before the first change."""
    writes = next((place for place, step in enumerate(conversation.steps) if step.method != "GET"), None)
    return replace(conversation, steps=conversation.steps[:writes], afterwards=())


def _played(planned: list[Conversation], send: Sender, base: str) -> Iterator[tuple[Conversation, list[Heard]]]:
    """Each conversation as it went.

    Raises:
        RetryableError: the server cannot be reached.
        PermanentError: the token is not valid there.
    """
    for conversation in planned:
        steps: list[Heard] = []
        try:
            for heard in play(conversation, send, f"doctor{secrets.token_hex(4)}"):
                steps.append(heard)
                if heard.status == httpx.codes.UNAUTHORIZED:
                    cure = f"make one with `syncd token create`, and give it as {TOKEN}"
                    raise PermanentError("the token is not valid there", where=base, cure=cure)
        except httpx.HTTPError as error:
            cure = "check that it runs there, and the way to it"
            raise RetryableError(f"the server cannot be reached: {error}", where=base, cure=cure) from None
        yield conversation, steps


def _document(conversation: Conversation, steps: list[Heard]) -> dict[str, Any]:
    return {
        "dialect": conversation.dialect,
        "name": conversation.name,
        "title": conversation.title,
        "source": conversation.source,
        "ok": not any(heard.problems for heard in steps),
        "steps": [
            {
                "does": heard.step.does,
                "method": heard.step.method,
                "path": heard.step.path,
                "status": heard.status,
                "problems": list(heard.problems),
            }
            for heard in steps
        ],
    }


def _said(found: list[dict[str, Any]], failed: int) -> Iterator[str]:
    for one in found:
        state = "[green]well[/]  " if one["ok"] else "[red]failed[/]"
        yield f"{state} {one['dialect']}: {escape(one['title'])} [dim]({counted(len(one['steps']), 'request')})[/]"
        for step in one["steps"]:
            for problem in step["problems"]:
                yield f"       {escape(step['does'])}: {escape(problem)} [dim]({step['method']} {escape(step['path'])})[/]"
        if not one["ok"]:
            yield f"       [dim]{escape(one['source'])}[/]"
    yield f"{counted(len(found), 'conversation')}, {failed} failed"
