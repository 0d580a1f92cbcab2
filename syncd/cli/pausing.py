"""pause, resume: whether the daemon begins anything by itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import click

from syncd.bootstrap import App, actor
from syncd.cli.common import say, standard
from syncd.config_daemon import span
from syncd.errors import UsageError
from syncd.store import pauses
from syncd.store.pauses import Pause


@click.command()
@click.option(
    "--until", metavar="TIME", help="So long only: 2h, 18:30 (the machine's time), or 2026-11-02T18:30+01:00."
)
@click.option("--reason", default="", metavar="TEXT", help="Why; shown to whoever asks.")
@standard
def pause(app: App, *, as_json: bool, until: str | None, reason: str) -> int:
    """Let the daemon begin nothing: what is due, announced or asked for waits. `syncd run` by hand still works."""
    now = app.clock()
    wanted = Pause(actor(), now, _moment(until, now) if until else None, reason)
    pauses.pause(app.store, wanted)
    return say(wanted.sentence, _document(wanted), as_json=as_json)


@click.command()
@standard
def resume(app: App, *, as_json: bool) -> int:
    """End the pause: what waited is done now."""
    ended = pauses.resume(app.store, actor(), app.clock())
    sentence = "the daemon goes on" if ended else "the daemon was not paused"
    return say(sentence, {"resumed": ended}, as_json=as_json)


def _document(pause: Pause) -> dict[str, str | None]:
    return {
        "paused_by": pause.by,
        "paused_at": pause.at.isoformat(),
        "until": pause.until.isoformat() if pause.until else None,
        "reason": pause.reason,
    }


def _moment(text: str, now: datetime) -> datetime:
    """A moment after now: a duration, a time of day, or a date with time."""
    local = now.astimezone()
    try:
        if text[-1:] in "smh" and text[:-1].isdigit():
            moment = now + span(text)
        elif ":" in text and "-" not in text:
            hour, _, minute = text.partition(":")
            moment = local.replace(hour=int(hour), minute=int(minute), second=0, microsecond=0)
            moment += timedelta(days=1) if moment <= now else timedelta(0)
        else:
            said = datetime.fromisoformat(text)
            moment = said if said.tzinfo else said.replace(tzinfo=local.tzinfo)
    except (ValueError, OverflowError):
        raise UsageError(f'"{text}" is no time', where="--until", cure="write 2h, 18:30 or 2026-11-02T18:30") from None
    if moment <= now:
        raise UsageError(f"{text} is over already", where="--until", cure="give a time that is to come")
    return moment.astimezone(UTC)
