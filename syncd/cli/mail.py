"""account outbox, deliver, bounces, requeue: the mails of the embedded account."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from connectors.fluix.account.mail.bounces import Bounced
from connectors.fluix.account.mail.box_settings import BounceSettings
from connectors.fluix.account.mail.mailing import Mailing
from connectors.fluix.account.mail.sending import Delivered
from connectors.fluix.account.settings import Settings
from syncd.bootstrap import App, actor
from syncd.by_hand import embedded
from syncd.cli.common import by_hand, err, out, print_json, progress_line, say, show_error, standard
from syncd.config_target import AccountTargetConfig, has_mail_server
from syncd.errors import Advice, Exit, Interrupted, UsageError, advice
from syncd.render import counted, labelled
from syncd.stopper import Stopper
from syncd.store.audit import Event, append
from syncd.store.engine import writing

_STATES = ("queued", "sending", "sent", "refused", "unsure")
_COLOUR = {"queued": "cyan", "sending": "cyan", "sent": "green", "refused": "red", "unsure": "yellow"}
_DIGITS = 18


@click.command(short_help="List the account's mails, or show one.")
@click.option("--state", type=click.Choice(_STATES), help="Only these.")
@click.option(
    "--limit", type=click.IntRange(min=1), default=100, show_default=True, help="At most so many, newest first."
)
@click.option("--show", "mail_id", metavar="ID", help="Show this mail with its headers and text.")
@standard
def outbox(app: App, *, as_json: bool, state: str | None, limit: int, mail_id: str | None) -> int:
    """List the account's mails, the newest first, or show one as its reader sees it."""
    mails = _mailing(app)
    if mail_id is not None:
        return _show(mails.show(_number(mail_id)), as_json=as_json)
    total, found = mails.outbox(state, limit)
    if as_json:
        print_json({"total": total, "mails": found})
        return Exit.DONE
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for title in ("id", "to", "kind", "state", "tries", "when", "error"):
        table.add_column(title, overflow="fold", no_wrap=title in {"id", "kind", "state", "tries", "when"})
    for mail in found:
        colour = _COLOUR[mail["state"]]
        when = str(mail["sent_at"] or mail["next_try_at"] or mail["queued_at"])[:16].replace("T", " ")
        shown = (
            str(mail["id"]),
            mail["to"],
            mail["kind"],
            mail["state"],
            str(mail["tries"]),
            when,
            mail["error"] or "",
        )
        ident, to, kind, now, tries, at, error = map(escape, shown)
        table.add_row(ident, to, kind, f"[{colour}]{now}[/]", tries, at, error)
    if found:
        out.print(table)
    of = f"{len(found):,} of " if len(found) < total else ""
    out.print(f"[dim]{of}{counted(total, 'mail')}[/]")
    return Exit.DONE


@click.command(short_help="Send the mails that wait.")
@standard
def deliver(app: App, *, as_json: bool) -> int:
    """Send the mails that wait. Ends with 1 when one of them could not be sent, or not yet."""
    mails = _mailing(app)
    if _settings(app).mail.smtp is None:
        what = f"no mail server is configured; waiting in the outbox: {counted(mails.waiting(), 'mail')}"
        cure = "name one in the configuration (`target: {mail: {host: …}}`), or read them with `syncd account outbox`"
        raise UsageError(what, cure=cure)
    done = _deliver(app, Stopper())
    counts = _counts(done)
    told = advice(done.stopped) if done.stopped is not None else None
    if as_json:
        error = {"what": told.what, "where": told.where, "to_do": told.cure} if told else None
        print_json({**counts, "problems": done.problems, "stopped": error})
    else:
        _tell_delivered(done)
        if told:
            show_error(told)
    return Exit.FAILED if told or done.refused or done.again or done.unsure else Exit.DONE


def send_waiting(app: App, seconds: float | None = None) -> None:
    """Send what a run put into the outbox, where a mail server is configured. What could not be sent waits, and is told.

    Args:
        app: the program.
        seconds: so long at most, whatever the server does; the rest waits for the next time.
    """
    if not has_mail_server(app.config.target):
        return
    stopper = Stopper()
    try:
        done = _deliver(app, stopper, seconds)
    except Interrupted as error:
        if not stopper.out_of_time:
            raise
        what = f"the mail server took longer than {seconds:g} seconds; {counted(_mailing(app).waiting(), 'mail')} left"
        show_error(
            Advice(what, "", "nothing: they are sent after the next run; else look at the server", error.exit_code)
        )
        return
    if any(_counts(done).values()):
        _tell_delivered(done, err)
    if done.stopped is not None and (told := advice(done.stopped)):
        show_error(told)


def _deliver(app: App, stopper: Stopper, seconds: float | None = None) -> Delivered:
    limit = nullcontext() if seconds is None else stopper.within(seconds)
    with stopper.listening(), limit, progress_line() as advance:
        done = _mailing(app).deliver(lambda count: advance("sending", count), stopper.critical)
    counts = _counts(done)
    if any(counts[name] for name in ("sent", "refused", "again", "unsure", "dropped")):
        _audit(app, "account deliver", counts)
    return done


@click.command(short_help="Read which mails came back.")
@click.argument("path", type=click.Path(path_type=Path), required=False)
@standard
def bounces(app: App, *, as_json: bool, path: Path | None) -> int:
    """Read which mails came back: from PATH (an mbox file or a Maildir), or from the mailbox that is configured."""
    box = BounceSettings(path) if path is not None else _configured(_settings(app))
    mails = _mailing(app)
    with Stopper().listening(), progress_line() as advance:
        done = mails.bounces(box, lambda count: advance("reading", count))
    if done.refused:
        _audit(app, "account bounces", asdict(done))
    if as_json:
        print_json({**asdict(done), "read": done.read})
        return Exit.DONE
    _tell_bounced(done)
    return Exit.DONE


@click.command(short_help="Send a refused or unsure mail once more.")
@click.argument("mail_id", metavar="ID")
@standard
def requeue(app: App, *, as_json: bool, mail_id: str) -> int:
    """Put a mail that was refused, or of which nobody knows whether it arrived, into the queue again."""
    number = _number(mail_id)
    mails = _mailing(app)
    with by_hand(app, "account requeue", f"mail {number}") as detail:
        detail["to"] = to = mails.requeue(number)
    return say(f"mail {number} to {to} waits to be sent again", {"id": number, "to": to}, as_json=as_json)


def _settings(app: App) -> Settings:
    target = app.config.target
    if isinstance(target, AccountTargetConfig):
        return target.settings
    embedded(app)  # says what the target is
    raise AssertionError(target.type)


def _mailing(app: App) -> Mailing:
    return Mailing(app.store, app.clock, _settings(app))


def _configured(settings: Settings) -> BounceSettings:
    box: BounceSettings | None = settings.mail.bounces
    if box is None:
        cure = "name one: `syncd account bounces PATH`, or `target: {bounces: …}` in the configuration"
        raise UsageError("no mailbox for bounces is configured", cure=cure)
    return box


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > _DIGITS:
        raise UsageError(f'"{text}" is no number of a mail', cure="see `syncd account outbox`")
    return int(text)


def _show(mail: dict[str, Any], *, as_json: bool) -> int:
    if as_json:
        print_json(mail)
        return Exit.DONE
    for name, value in mail["headers"].items():
        out.print(f"[dim]{name}:[/] {escape(value)}", soft_wrap=True)
    out.print(f"\n{mail['text']}", markup=False, soft_wrap=True)
    if mail["attachment"]:
        out.print(f"[dim]attached:[/] {escape(mail['attachment']['name'] or '')}")
    out.print(f"[dim]{mail['state']}, tries: {mail['tries']}[/]  {escape(mail['error'] or '')}")
    return Exit.DONE


def _counts(done: Delivered) -> dict[str, int]:
    names = ("sent", "refused", "again", "unsure", "dropped", "waiting")
    return {name: getattr(done, name) for name in names}


def _tell_delivered(done: Delivered, to: Console = out) -> None:
    words = [f"{counted(done.sent, 'mail')} sent"]
    words += [f"{done.refused:,} refused"] * bool(done.refused)
    words += [f"{done.again:,} not taken yet"] * bool(done.again)
    words += [f"{done.unsure:,} unsure"] * bool(done.unsure)
    words += [f"{done.dropped:,} not needed any more"] * bool(done.dropped)
    to.print(f"{', '.join(words)}; {done.waiting:,} waiting", markup=False)
    for problem in done.problems[:10]:
        labelled(to, "  [yellow]problem[/]", problem)
    if len(done.problems) > 10:  # noqa: PLR2004 - as many as fit on a screen
        to.print(f"  and {len(done.problems) - 10:,} more")
    if done.unsure:
        to.print(
            "  whether they arrived nobody knows: `syncd account outbox --state unsure`, then `syncd account requeue ID`"
        )


def _tell_bounced(done: Bounced) -> None:
    out.print(f"{counted(done.read, 'message')} read, {counted(done.refused, 'mail')} came back", markup=False)
    rest = {
        "told nothing new": done.known,
        "of mails that are late or arrived": done.other,
        "of mails that are not ours": done.strange,
        "no reports": done.junk,
    }
    for what, count in rest.items():
        if count:
            out.print(f"[dim]  {count:,} {what}[/]")


def _audit(app: App, action: str, detail: dict[str, Any]) -> None:
    with writing(app.store) as connection:
        append(connection, [Event(actor(), action, getattr(app.config.target, "name", "main"), detail)], app.clock())
