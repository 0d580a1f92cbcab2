"""check: every problem at once, each with its cure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import click
from rich.markup import escape

from connectors.base import Explaining, Told
from connectors.errors import ConnectorError
from connectors.fluix.account.mail.message import sender_of
from connectors.fluix.account.mail.texts import Texts
from mdm.errors import MdmError
from syncd.app_config import extra_of
from syncd.bootstrap import App, open_app
from syncd.cli.common import config_option, err, json_option, out, print_json, verbose_option
from syncd.config import Config, load_config
from syncd.config_mdm_push import KmfddmPush, NanoMdmPush
from syncd.config_target import AccountTargetConfig
from syncd.errors import Exit, SyncdError, UsageError
from syncd.mdm_devices import read_devices
from syncd.render import labelled
from syncd.store import pooling
from syncd.store.alerts import open_alerts
from syncd.store.pauses import paused
from syncd.store.sources import forgotten
from syncd.web.tls import context_of

_KINDS = ("problem", "note", "fact")
_OURS = ("connectors", "scim", "mdm", "syncd")


@click.command()
@verbose_option
@json_option
@config_option
def check(config_file: Path, *, as_json: bool) -> int:
    """Find every problem of the configuration and its surroundings, each with its cure. Changes nothing.

    Exit codes: 0 nothing found, 1 a source, the store or the target cannot be used, 2 the configuration is wrong.
    """
    config = load_config(config_file)
    told = list(_everything(config))
    problems, notes, facts = ([one.sentence for one in told if one.kind == kind] for kind in _KINDS)
    if as_json:
        print_json({"problems": problems, "notes": notes, "facts": facts})
    else:
        for fact in facts:
            labelled(out, "[green]well[/]   ", fact)
        for problem in problems:
            labelled(err, "[red]problem[/]", problem)
        for note in notes:
            labelled(out, "[dim]note[/]   ", note)
        if not problems:
            names = escape(", ".join(source.name for source in config.sources))
            where = f"{escape(str(config_file))}, sources: {names}, target: {config.target.type}"
            out.print(f"[green]all well[/]: {where}", soft_wrap=not out.is_terminal)
    return Exit.FAILED if problems else Exit.DONE


def _everything(config: Config) -> Iterator[Told]:
    yield from _problems([*_intruders(), *config.secret_problems()])
    try:
        app = open_app(config)
        yield from _problems(pooling.problems(app.store))
        yield from _problems(_tls(config))
        yield from _daemon(app)
        yield from _problems(app.target().check())
        yield from _problems(_mail(config))
        yield from _mdm(config)
        yield from _problems(_forgotten(app))
        yield from _sources(app)
    except SyncdError as error:
        yield Told("problem", f"{error.what} ({error.where}): {error.cure}")
    for key in config.unused():
        yield Told("note", f"`{key}` is kept, but this version does not use it yet")


def _problems(sentences: Iterable[str]) -> Iterator[Told]:
    return (Told("problem", sentence) for sentence in sentences)


def _forgotten(app: App) -> Iterator[str]:
    for name in forgotten(app.store, [source.name for source in app.config.sources]):
        yield (
            f"the store holds people of a source {name}, which the configuration does not name: they stay as they are. "
            "If it was renamed, give it its old name back; renaming a source is a migration"
        )


def _tls(config: Config) -> Iterator[str]:
    """What would keep the daemon from speaking TLS."""
    if config.serve.tls:
        try:
            context_of(*config.serve.tls.files)
        except SyncdError as error:
            yield f"{error.what} ({error.where}): {error.cure}"


def _daemon(app: App) -> Iterator[Told]:
    """Whether the daemon is paused, and what it raised an alarm about."""
    if pause := paused(app.store, app.clock()):
        yield Told("note", pause.sentence)
    for alert in open_alerts(app.store):
        about = f" ({alert.subject})" if alert.subject else ""
        yield Told("note", f"alarm since {alert.raised_at:%Y-%m-%d %H:%M} UTC: {alert.kind}{about}: {alert.message}")


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


def _mdm(config: Config) -> Iterator[Told]:
    """What would keep a managed app config from being rendered, and what in it is not verified."""
    if config.mdm is None:
        return
    try:
        order = config.mdm.order(extra_of(config.mdm))
    except MdmError as error:
        yield Told("problem", f"mdm: {error.what} ({error.where}): {error.cure}")
        return
    for one in order.chosen:
        for mark in one.marks:
            yield Told("note", f"mdm: {one.vendor.title}: {mark}")
    for push in config.mdm.push:
        if isinstance(push, NanoMdmPush | KmfddmPush):
            try:
                read_devices(push.devices)
            except UsageError as error:
                yield Told("problem", f"mdm push {push.name}: {error.what} ({error.where}): {error.cure}")


def _sources(app: App) -> Iterator[Told]:
    for name, source in app.sync().sources.items():
        try:
            told = source.explain() if isinstance(source, Explaining) else _problems(source.check())
            yield from (Told(kind, f"source {name}: {sentence}") for kind, sentence in told)
        except ConnectorError as error:
            yield Told("problem", f"source {name}: {error.what} ({error.where}): {error.cure}")


def _intruders() -> Iterator[str]:
    """Other distributions that bring a package of one of our four names."""
    found = packages_distributions()
    for name in _OURS:
        for other in sorted(set(found.get(name, [])) - {"fluix-syncd"}):
            cure = "uninstall it, or install fluix-syncd in its own virtual environment"
            yield f"the package {other} also brings a `{name}`: {cure}"
