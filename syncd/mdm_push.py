"""One push of one target: look, and with `send` give away what is different. Everything that is done is kept and audited.

What is known of a place is written before the call and after it. A push that is broken off is finished by the next one,
with the same commands (their UUIDs tell what they say), so that nothing is queued twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Engine

from mdm.errors import MdmError
from mdm.push.base import Held, PushError, State
from mdm.push.deliver import Draft, Outcome, digest, draft, over, send
from mdm.push.nanomdm import Command, NanoMdm, asking, carrying
from mdm.push.track import Delivery, Report, Step, heard, next_step
from syncd.mdm_targets import Target
from syncd.store.audit import Event
from syncd.store.mdm_deliveries import keep, known

_BROKEN_OFF = "broken off while it was given away: the next push goes on with it"


_OLDER = 20
"""So many earlier commands of a device are remembered."""


@dataclass(frozen=True, slots=True)
class Pusher:
    """Pushes.

    Args:
        store: what is known of each place.
        actor: for the audit.
        clock: tells the time.
    """

    store: Engine
    actor: str
    clock: Callable[[], datetime]

    def push(self, target: Target, *, send_it: bool) -> Iterator[Outcome]:
        """Every place of a target, one after the other.

        Args:
            target: what to push to.
            send_it: without it nothing is written anywhere.
        """
        before = known(self.store, target.name)
        for place in target.places:
            yield self._one(target, place, before.get(place), send_it=send_it)

    def push_one(self, target: Target, place: str) -> Outcome:
        """One place, after something was heard of it: sends what follows."""
        return self._one(target, place, known(self.store, target.name, place).get(place), send_it=True)

    def _one(self, target: Target, place: str, one: Delivery | None, *, send_it: bool) -> Outcome:
        try:
            if target.later:
                return self._device(target, place, one, send_it=send_it)
            return self._app(target, place, one, send_it=send_it)
        except MdmError as error:
            return Outcome(place, State.FAILED, note=": ".join(filter(None, (error.what, error.cure))))

    def _app(self, target: Target, place: str, one: Delivery | None, *, send_it: bool) -> Outcome:
        """A place that tells at once what it holds."""
        drafted = draft(target.product, place, target.places[place])
        if not send_it:
            state = State.WOULD_SEND if drafted.needed else State.UNCHANGED
            return Outcome(place, state, drafted.differences)
        unfinished = one is not None and one.state not in {State.ACKNOWLEDGED, State.UNCHANGED}
        if not drafted.needed and not unfinished:
            return Outcome(place, State.UNCHANGED, drafted.differences)
        number = (one.round if one else 0) + 1
        intent = Delivery(
            target.name, place, State.FAILED, self.clock(), digest(drafted.wanted), number, note=_BROKEN_OFF
        )
        self._keep(intent)
        outcome = send(target.product, drafted, unfinished=unfinished)
        self._keep(replace(intent, state=outcome.state, at=self.clock(), note=outcome.note), "mdm push")
        return outcome

    def _device(self, target: Target, place: str, one: Delivery | None, *, send_it: bool) -> Outcome:
        """A place that answers later."""
        config = target.later
        assert config is not None
        ours = target.places[place]
        drafted = over(place, Held(one.held if one else None), ours)
        patience = timedelta(hours=config.ask_again_hours) if config.webhook else timedelta.max
        step = next_step(one, ours, self.clock(), patience=patience, ask_first=config.ask_first)
        if step is Step.NOTHING:
            assert one is not None
            settled = not drafted.needed and one.state in {State.ASKED, State.DIFFERING}
            state = State.UNCHANGED if settled else one.state
            return Outcome(place, state, drafted.differences, one.note)
        if not send_it:
            note = "it is asked first what it holds" if drafted.held.settings is None and config.ask_first else ""
            return Outcome(place, State.WOULD_SEND, drafted.differences, note)
        done = self._give(target, place, one, drafted, step)
        return Outcome(place, done.state, drafted.differences, done.note)

    def _give(self, target: Target, place: str, one: Delivery | None, drafted: Draft, step: Step) -> Delivery:
        """Queue a config with a question behind it, or the question alone."""
        intent = self._intent(target, place, one, drafted, step)
        commands = [asking(target.bundle_id, intent.occasion)]
        if step is Step.SEND:
            commands.insert(0, carrying(target.bundle_id, drafted.wanted, intent.occasion))
        asked_only = step is Step.ASK and not intent.digest
        done = State.ASKED if asked_only else State.SENT
        command = commands[0].uuid if step is Step.SEND else intent.command
        replaced = intent.command if intent.command != command else ""
        older = (*intent.older, replaced)[-_OLDER:] if replaced else intent.older
        intent = replace(intent, question=commands[-1].uuid, command=command, older=older)
        self._keep(intent)
        try:
            self._queue(target, place, commands)
        except PushError as error:
            after = replace(intent, note=": ".join(filter(None, (error.what, error.cure))))
        else:
            after = replace(intent, state=done, at=self.clock(), note="")
        self._keep(after, "mdm push")
        return after

    def _intent(self, target: Target, place: str, one: Delivery | None, drafted: Draft, step: Step) -> Delivery:
        now = self.clock()
        before = one or Delivery(target.name, place, State.FAILED, now)
        # What was broken off goes on with the commands that it began with.
        number = before.round if before.state is State.FAILED and before.question else before.round + 1
        if step is Step.ASK:
            return replace(before, state=State.FAILED, at=now, round=number, note=_BROKEN_OFF)
        wanted = digest(drafted.wanted)
        return replace(before, state=State.FAILED, at=now, digest=wanted, round=number, applied=False, note=_BROKEN_OFF)

    @staticmethod
    def _queue(target: Target, place: str, commands: list[Command]) -> None:
        assert isinstance(target.product, NanoMdm)
        for command in commands:
            target.product.queue(place, command)

    def hear(self, target: Target, report: Report) -> Delivery | None:
        """Keep what a device answered; None: it is about none of our commands."""
        one = known(self.store, target.name, report.place).get(report.place)
        after = heard(one, report, self.clock()) if one else None
        if after is not None:
            proven = after.state in {State.ACKNOWLEDGED, State.DIFFERING, State.FAILED}
            self._keep(after, "mdm push" if one and proven and after.state is not one.state else "")
        return after

    def _keep(self, one: Delivery, action: str = "") -> None:
        detail = {"target": one.target, "state": one.state.value, "digest": one.digest, "note": one.note}
        events = [Event(self.actor, action, one.place, detail)] if action else []
        keep(self.store, one, events, self.clock())
