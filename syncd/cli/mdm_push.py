"""mdm push: gives the managed app config to MDM products over their own interfaces. Dry without --send."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click
from rich.markup import escape

from mdm.errors import MdmError
from mdm.push.base import State
from mdm.push.deliver import Outcome
from mdm.vendors import vendor_named
from syncd.app_config import extra_of
from syncd.bootstrap import App, actor
from syncd.cli.common import err, out, print_json, progress_line, standard
from syncd.cli.mdm_parts import config_of, difference, show_differences
from syncd.config_mdm_push import PushTarget
from syncd.errors import Exit, UsageError
from syncd.render import counted, labelled
from syncd.stopper import Stopper
from syncd.store.lock import run_lock
from syncd.store.mdm_deliveries import known

if TYPE_CHECKING:
    from syncd.mdm_follow import Reports
    from syncd.mdm_push import Pusher
    from syncd.mdm_targets import Target

_STYLE = {
    State.UNCHANGED: "dim",
    State.WOULD_SEND: "yellow",
    State.ASKED: "yellow",
    State.SENT: "yellow",
    State.ACKNOWLEDGED: "green",
    State.DIFFERING: "red",
    State.FAILED: "red",
}
_MOST = 15


@dataclass
class _Pushed:
    """What one target came to."""

    config: PushTarget
    target: Target | None = None
    outcomes: list[Outcome] = field(default_factory=list)
    error: MdmError | UsageError | None = None

    @property
    def counts(self) -> dict[str, int]:
        """How many places are in which state."""
        return dict(Counter(one.state.value for one in self.outcomes))

    @property
    def bad(self) -> int:
        """How many places did not get, or do not hold, what they should; a target that could not begin counts as one."""
        skipped = len(self.target.skipped) if self.target else 0
        failed = sum(one.state in {State.FAILED, State.DIFFERING} for one in self.outcomes)
        return skipped + failed + bool(self.error)

    @property
    def good(self) -> int:
        """How many did."""
        return sum(one.state not in {State.FAILED, State.DIFFERING} for one in self.outcomes)


@click.command(short_help="Give the config to MDM products over their interfaces.")
@click.option("--target", "names", multiple=True, metavar="NAME", help="Only this target; may be given again.")
@click.option("--send", "send_it", is_flag=True, help="Really send; without it only show what would be sent.")
@click.option(
    "--follow",
    "seconds",
    type=click.FloatRange(min=0),
    default=0,
    metavar="SECONDS",
    help="Then wait so long for devices to say what they hold (NanoMDM; with --send).",
)
@standard
def push(app: App, *, as_json: bool, names: tuple[str, ...], send_it: bool, seconds: float) -> int:
    """Look what each MDM product holds, and show what it would be given; with --send, give it and read it back.

    The admin's other keys stay. Exits with 5 when a part failed or differs, or a device got nothing; with 1 when all failed.
    """
    if seconds and not send_it:
        raise UsageError("there is nothing to follow without --send", cure="add --send")
    targets = _chosen(app, names)
    with _alone(app, send_it=send_it):
        done = [_push(app, one, send_it=send_it, seconds=seconds) for one in targets]
    if as_json:
        print_json({"sent": send_it, "targets": [_document(one) for one in done]})
    else:
        for one in done:
            _show(one, send_it=send_it)
    if not any(one.bad for one in done):
        return Exit.DONE
    return Exit.PARTLY if any(one.good for one in done) else Exit.FAILED


def _chosen(app: App, names: tuple[str, ...]) -> list[PushTarget]:
    there = {one.name: one for one in config_of(app).push}
    if not there:
        cure = "add `push` to `mdm`; see config.example.yaml"
        raise UsageError("no MDM product is configured to push to", cure=cure)
    if unknown := [name for name in names if name not in there]:
        raise UsageError(f'no target is named "{unknown[0]}"', cure=f"there are: {', '.join(there)}")
    return [there[name] for name in dict.fromkeys(names or there)]


@contextmanager
def _alone(app: App, *, send_it: bool) -> Iterator[None]:
    """Two pushes at once would both send; a dry one disturbs nobody."""
    with ExitStack() as stack:
        if send_it:
            stack.enter_context(run_lock(app.store, "syncd mdm push", app.clock()))
            stack.enter_context(Stopper().listening())
        yield


def _push(app: App, config: PushTarget, *, send_it: bool, seconds: float) -> _Pushed:
    from syncd.mdm_follow import listening  # noqa: PLC0415 - the other commands of `mdm` do not wait for it
    from syncd.mdm_push import Pusher  # noqa: PLC0415 - as above
    from syncd.mdm_targets import target_of  # noqa: PLC0415 - as above

    done = _Pushed(config)
    mdm = config_of(app)
    pusher = Pusher(app.store, actor(), app.clock)
    try:
        target = done.target = target_of(config, mdm, extra_of(mdm), app.store)
        with ExitStack() as stack:
            stack.callback(target.http.close)
            hook = target.later.webhook if target.later and seconds else None
            heard = stack.enter_context(listening(hook, target.bundle_id)) if hook else None
            advance = stack.enter_context(progress_line())
            for outcome in pusher.push(target, send_it=send_it):
                done.outcomes.append(outcome)
                advance(config.name, 1)
            if heard is not None:
                _follow(pusher, target, heard.reports, seconds, done)
    except (MdmError, UsageError) as error:
        done.error = error
    return done


def _follow(pusher: Pusher, target: Target, reports: Reports, seconds: float, done: _Pushed) -> None:
    from syncd.mdm_follow import follow  # noqa: PLC0415 - as above

    follow(pusher, target, reports, seconds)
    there = known(pusher.store, target.name)
    done.outcomes = [
        Outcome(one.place, there[one.place].state, one.differences, there[one.place].note)
        if one.state in {State.ASKED, State.SENT} and one.place in there
        else one
        for one in done.outcomes
    ]


def _document(done: _Pushed) -> dict[str, Any]:
    emails = done.target.emails if done.target else {}
    error = done.error
    return {
        "target": done.config.name,
        "type": done.config.type,
        "counts": done.counts,
        "places": [
            {
                "place": one.place,
                "user": emails.get(one.place),
                "state": one.state.value,
                "differences": [difference(each) for each in one.differences],
                "note": one.note,
            }
            for one in done.outcomes
        ],
        "left_out": [
            {"place": one.place, "user": one.email, "reason": one.reason}
            for one in (done.target.skipped if done.target else ())
        ],
        "error": {"what": error.what, "where": error.where, "to_do": error.cure} if error else None,
    }


def _show(done: _Pushed, *, send_it: bool) -> None:
    title = vendor_named(done.config.type).title
    counts = ", ".join(f"{number} {state}" for state, number in done.counts.items()) or "nothing to do"
    out.print(f"[bold]{escape(done.config.name)}[/] ({escape(title)}): {counts}", soft_wrap=True)
    for one in done.outcomes[:_MOST]:
        email = done.target.emails.get(one.place) if done.target else None
        whose = f" ({email})" if email else ""
        note = f": {one.note}" if one.note else ""
        labelled(out, f"  [{_STYLE[one.state]}]{one.state.value}[/]", f"{one.place}{whose}{note}")
        if one.state is not State.UNCHANGED:
            show_differences(one.differences, "      ")
    if len(done.outcomes) > _MOST:
        out.print(f"  {len(done.outcomes) - _MOST} more; `--json` names them all", style="dim", soft_wrap=True)
    skipped = done.target.skipped if done.target else ()
    for left in skipped[:_MOST]:
        labelled(err, "  [yellow]left out[/]", f"{left.place}: {left.reason}")
    if len(skipped) > _MOST:
        labelled(err, "  [yellow]left out[/]", f"{len(skipped) - _MOST} more; `--json` names them all")
    if done.error:
        labelled(err, "  [red]failed[/]", ": ".join(filter(None, (done.error.what, done.error.cure))))
    waiting = sum(one.state is State.WOULD_SEND for one in done.outcomes)
    if waiting and not send_it:
        out.print(f"  {counted(waiting, 'config')} would be sent: add --send", style="dim", soft_wrap=True)
