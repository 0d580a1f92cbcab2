"""ldap detect: what stands in a directory, and the source block for it, before there is any configuration."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import click

from connectors.ldap.activity import ACTIVITY_ATTRIBUTES
from connectors.ldap.detect import Found, detect
from connectors.ldap.search import Searcher
from connectors.ldap.session import open_session
from connectors.ldap.settings import Bind, Servers
from connectors.ldap.suggest import source_block
from syncd.bootstrap import utc_now
from syncd.cli.common import json_option, print_json
from syncd.errors import Exit, UsageError
from syncd.secrets import Secret


@click.group()
def ldap() -> None:
    """Directories that speak LDAP."""


@ldap.command("detect")
@click.option(
    "--url", "urls", multiple=True, required=True, help="ldaps://HOST, or ldap://HOST for StartTLS; repeatable."
)
@click.option("--bind-user", help="A DN, or user@domain for Active Directory. Without it we ask as nobody.")
@click.option(
    "--password-file", type=click.Path(path_type=Path), help="The file with the password; only you may read it."
)
@click.option("--base", help="Where to look. Without it where the server says that its data is.")
@click.option(
    "--ca-file", type=click.Path(exists=True, dir_okay=False), help="The certificate of the server's authority."
)
@click.option("--starttls/--no-starttls", default=True, show_default=True, help="Encrypt ldap:// addresses.")
@click.option("--name", default="directory", show_default=True, help="The source's name in the block.")
@json_option
def detect_command(  # noqa: PLR0917 - click calls it, by name
    urls: tuple[str, ...],
    bind_user: str | None,
    password_file: Path | None,
    base: str | None,
    ca_file: str | None,
    name: str,
    *,
    starttls: bool,
    as_json: bool,
) -> int:
    """Look at a directory, and print the source block for it. Changes nothing, and needs no configuration."""
    if (bind_user is None) != (password_file is None):
        cure = "give both, or none to ask as nobody"
        raise UsageError("--bind-user and --password-file go together", where="syncd ldap detect", cure=cure)
    servers = Servers(urls=urls, ca_file=ca_file, plain_text=not starttls)
    bind = None
    if bind_user is not None and password_file is not None:
        secret = Secret(file=str(password_file))
        servers = replace(servers, bind=Bind("simple", bind_user, secret.reveal))
        bind = f"{{user: {json.dumps(bind_user)}, password: {{file: {json.dumps(str(password_file))}}}}}"
    with open_session(servers) as session:
        found = detect(Searcher(session, _unlogged), utc_now(), base)
    block = source_block(found, name, urls=urls, bind=bind, ca_file=ca_file, starttls=starttls)
    if as_json:
        print_json({**_document(found), "block": block})
    else:
        click.echo(block, nl=False)
    return Exit.DONE


def _document(found: Found) -> dict[str, object]:
    return {
        "url": found.url,
        "kind": found.kind.name,
        "vendor": found.vendor,
        "contexts": list(found.contexts),
        "page_size": found.page_size,
        **{
            what: {
                "base": counted.base,
                "filter": counted.filter,
                "count": counted.count,
                "incomplete": counted.incomplete,
                "states": dict(counted.states),
                "problems": dict(counted.problems),
            }
            for what, counted in (("people", found.people), ("groups", found.groups))
        },
        "key": found.kind.key_attribute,
        "readable": dict(found.people.readable),
        "activity": {name: found.people.readable[name.lower()] for name in ACTIVITY_ATTRIBUTES},
    }


def _unlogged(_: str) -> None:
    """What is searched for stands in the block."""
