"""mdm render, delta, lint, merge: managed app config that pre-fills each person's email. `push` has its own file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
from rich.markup import escape

from mdm.bundle import LeftOut, Report
from mdm.lint import Finding, lint
from mdm.merge import merge
from mdm.vendors import Chosen, choose, vendor_named
from syncd import app_config
from syncd.bootstrap import App
from syncd.cli.common import by_hand, config_option, err, json_option, out, print_json, standard, write_whole
from syncd.cli.mdm_parts import config_of, difference, show_differences
from syncd.cli.mdm_push import push
from syncd.config import load_config
from syncd.errors import Exit, UsageError
from syncd.render import counted, labelled

_STYLE = {"error": "red", "warning": "yellow", "note": "dim"}
_MOST = 15


@click.group()
def mdm() -> None:
    """Managed app config for MDM: shows each person's email on the login page of Fluix."""


mdm.add_command(push)


@mdm.command(short_help="Write the config for each MDM product.")
@click.option("--out", "folder", type=click.Path(path_type=Path), required=True, help="The folder to write.")
@click.option("--vendor", "names", multiple=True, metavar="NAME", help="Only this product; may be given again.")
@click.option("--literal", is_flag=True, help="Also a file for each person, with the email written out.")
@standard
def render(app: App, *, as_json: bool, folder: Path, names: tuple[str, ...], literal: bool) -> int:
    """Write the config for each MDM product, with instructions what to click, and one ZIP with everything.

    Exits with 5 when somebody got no file.
    """
    config = config_of(app)
    order = config.order(app_config.extra_of(config), names, literal=literal)
    with by_hand(app, "mdm render", str(folder), literal=order.literal) as detail:
        done = app_config.render(app.store, order, folder)
        detail.update(files=done.report.files, people=done.report.people, left_out=len(done.report.left_out))
    if as_json:
        print_json(
            {
                "file": str(done.file),
                "digest": done.sha256,
                "bundle_id": order.bundle_id,
                "vendors": [_vendor(one) for one in order.chosen],
                "files": done.report.files,
                "people": done.report.people,
                "left_out": _left_out(done.report),
            }
        )
    else:
        for one in order.chosen:
            labelled(out, f"  {escape(one.vendor.title)}", one.token or "a file for each device")
            for mark in one.marks:
                labelled(out, "    [yellow]![/]", mark)
        people = f", for {counted(done.report.people, 'user')}" if order.literal else ""
        _say(f"{counted(done.report.files, 'file')}{people}: {done.file}")
        _show_left_out(done.report)
    return Exit.PARTLY if done.report.left_out else Exit.DONE


@mdm.command(short_help="Write only what changed since the last time.")
@click.option("--out", "folder", type=click.Path(path_type=Path), required=True, help="A new folder to write.")
@standard
def delta(app: App, *, as_json: bool, folder: Path) -> int:
    """Write only what changed since the last render or delta: who is new, whose email changed, who left.

    Exits with 5 when somebody got no file.
    """
    config = config_of(app)
    order = config.order(app_config.extra_of(config), literal=True)
    with by_hand(app, "mdm delta", str(folder)) as detail:
        done = app_config.delta(app.store, order, folder)
        told = done.told
        detail.update(new=len(told.new), changed=len(told.changed), left=len(told.left))
    if as_json:
        print_json(
            {
                "file": str(done.file) if done.file else None,
                "digest": done.sha256 or None,
                "new": [person.email for person in told.new],
                "changed": [{"before": one.before, "after": one.person.email} for one in told.changed],
                "left": [one.before for one in told.left],
                "left_out": _left_out(told.report),
            }
        )
    else:
        counts = f"{len(told.new)} new, {len(told.changed)} with another email, {len(told.left)} left"
        _say(f"{counts}: {done.file}" if done.file else "nothing changed, and nothing was written")
        _show_left_out(told.report)
    return Exit.PARTLY if told.report.left_out else Exit.DONE


@mdm.command("lint", short_help="Find what is wrong in an admin's own file.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--vendor", "name", metavar="NAME", help="The product that the file is for.")
@json_option
@config_option
def lint_(config_file: Path, *, as_json: bool, file: Path, name: str | None) -> int:
    """Find everything that is wrong in an admin's own file, or will not work, each with its line and cure.

    Exits with 1 when something is an error.
    """
    vendor = vendor_named(name) if name else None
    findings = lint(app_config.read_file(file), str(file), vendor, _tokens(config_file).get(name or "", ""))
    wrong = [one for one in findings if one.level == "error"]
    if as_json:
        print_json({"file": str(file), "vendor": name, "findings": _findings(findings)})
    else:
        _show_findings(findings)
        if not findings:
            _say(f"nothing is wrong in {file}")
    return Exit.FAILED if wrong else Exit.DONE


@mdm.command("merge", short_help="Put the email's variable into an admin's own file.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--out", "out_file", type=click.Path(path_type=Path), required=True, help="The file to write.")
@click.option("--vendor", "name", metavar="NAME", help="The product (else the only configured one).")
@json_option
@config_option
def merge_(config_file: Path, *, as_json: bool, file: Path, out_file: Path, name: str | None) -> int:
    """Put the product's variable for the email into an admin's own file, and show what is different.

    Every key of the file stays: a push replaces the whole dictionary.
    """
    chosen = _chosen(config_file, name)
    done = merge(app_config.read_file(file), str(file), chosen)
    text = done.content.decode()
    write_whole(out_file, lambda stream: stream.write(text))
    if as_json:
        print_json(
            {
                "file": str(file),
                "out": str(out_file),
                "vendor": _vendor(chosen),
                "differences": [difference(one) for one in done.differences],
                "findings": _findings(done.findings),
            }
        )
        return Exit.DONE
    show_differences(done.differences)
    _show_findings(done.findings)
    for mark in chosen.marks:
        labelled(out, "[yellow]![/]", mark)
    _say(f"wrote {out_file}")
    return Exit.DONE


def _tokens(config_file: Path) -> dict[str, str]:
    """The operator's tokens, where there is a configuration: a file can be looked at without one."""
    config = load_config(config_file).mdm if config_file.exists() else None
    return config.tokens if config else {}


def _chosen(config_file: Path, name: str | None) -> Chosen:
    config = load_config(config_file).mdm if config_file.exists() else None
    if name is None:
        names = config.vendors if config else ()
        if len(names) != 1:
            raise UsageError("which product the file is for is not known", cure="add --vendor NAME")
        name = names[0]
    return choose(name, config.tokens if config else {})


def _vendor(one: Chosen) -> dict[str, Any]:
    return {
        "vendor": one.vendor.name,
        "title": one.vendor.title,
        "form": one.vendor.form.name.lower(),
        "token": one.token or None,
        "source": "the configuration" if one.given else one.vendor.source,
        "verified": not one.marks,
        "unverified": list(one.marks),
    }


def _left_out(report: Report) -> list[dict[str, str]]:
    return [
        {"user": one.person.email, "fluix_id": one.person.id, "reason": one.reason}
        for one in app_config.left_out(report)
    ]


def _findings(findings: Iterable[Finding]) -> list[dict[str, str]]:
    return [
        {
            "check": one.check,
            "level": one.level,
            "where": one.where,
            "key": one.key,
            "message": one.message,
            "to_do": one.cure,
        }
        for one in findings
    ]


def _show_findings(findings: Iterable[Finding]) -> None:
    for one in findings:
        style = _STYLE[one.level]
        key = f" [{one.key}]" if one.key else ""
        labelled(out, f"[{style}]{one.level}[/]", f"{one.message} ({one.where}{key}): {one.cure}")


def _show_left_out(report: Report) -> None:
    found: list[LeftOut] = list(app_config.left_out(report))
    for one in found[:_MOST]:
        labelled(
            err,
            "[yellow]no file[/]",
            f"{one.person.email or 'a user without an email'} ({one.person.id}): {one.reason}",
        )
    if len(found) > _MOST:
        labelled(err, "[yellow]no file[/]", f"{len(found) - _MOST} more; `--json` names them all")


def _say(sentence: str) -> None:
    out.print(sentence, markup=False, soft_wrap=True)
