"""check: every problem at once, each with its cure."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import click
from rich.markup import escape

from connectors.errors import ConnectorError
from connectors.fluix.account.mail.message import sender_of
from connectors.fluix.account.mail.texts import Texts
from syncd.bootstrap import App, open_app
from syncd.cli.common import config_option, err, json_option, out, print_json
from syncd.config import Config, load_config
from syncd.config_target import AccountTargetConfig
from syncd.errors import Exit, SyncdError
from syncd.render import labelled
from syncd.store.sources import forgotten

_OURS = ("connectors", "scim", "mdm", "syncd")


@click.command()
@json_option
@config_option
def check(config_file: Path, *, as_json: bool) -> int:
    """Find every problem of the configuration and its surroundings, each with its cure. Changes nothing.

    Exit codes: 0 nothing found, 1 a source, the store or the target cannot be used, 2 the configuration is wrong.
    """
    config = load_config(config_file)
    problems = [*_intruders(), *config.secret_problems(), *_outside(config)]
    notes = [f"`{key}` is kept, but this version does not use it yet" for key in config.unused()]
    if as_json:
        print_json({"problems": problems, "notes": notes})
    else:
        for problem in problems:
            labelled(err, "[red]problem[/]", problem)
        for note in notes:
            labelled(out, "[dim]note[/]   ", note)
        if not problems:
            names = escape(", ".join(source.name for source in config.sources))
            told = f"{escape(str(config_file))}, sources: {names}, target: {config.target.type}"
            out.print(f"[green]all well[/]: {told}", soft_wrap=not out.is_terminal)
    return Exit.FAILED if problems else Exit.DONE


def _outside(config: Config) -> Iterator[str]:
    try:
        app = open_app(config)
        yield from app.target().check()
        yield from _mail(config)
        for name in forgotten(app.store, [source.name for source in config.sources]):
            yield (
                f"the store holds people of a source {name}, which the configuration does not name: they stay as they are. "
                "If it was renamed, give it its old name back; renaming a source is a migration"
            )
        yield from _sources(app)
    except SyncdError as error:
        yield f"{error.what} ({error.where}): {error.cure}"


def _mail(config: Config) -> Iterator[str]:
    """What would keep the account from writing to people."""
    if not isinstance(config.target, AccountTargetConfig):
        return
    settings = config.target.settings.mail
    try:
        Texts(settings).check()
        sender_of(settings.sender)
    except ConnectorError as error:
        yield f"{error.what} ({error.where}): {error.cure}"
    smtp = settings.smtp
    if smtp and smtp.security == "none" and smtp.user and smtp.host not in {"localhost", "127.0.0.1", "::1"}:
        yield f"the password for {smtp.host} would go over the network unencrypted: use `security: starttls` or `tls`"


def _sources(app: App) -> Iterator[str]:
    for name, source in app.sync().sources.items():
        try:
            yield from (f"source {name}: {problem}" for problem in source.check())
        except ConnectorError as error:
            yield f"source {name}: {error.what} ({error.where}): {error.cure}"


def _intruders() -> Iterator[str]:
    """Other distributions that bring a package of one of our four names."""
    found = packages_distributions()
    for name in _OURS:
        for other in sorted(set(found.get(name, [])) - {"fluix-syncd"}):
            cure = "uninstall it, or install fluix-syncd in its own virtual environment"
            yield f"the package {other} also brings a `{name}`: {cure}"
