"""What people are to be told, read from the store: the same whenever it is looked, so that nothing is lost with a process.

A *lasting* event is so now, or over (held changes, a source in quarantine); the others happened once. What is personal is put
in or left out here, before anything is kept.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, func, select

from syncd.bootstrap import App
from syncd.config_notify import NotificationConfig
from syncd.config_target import has_mail_server
from syncd.core.change import Decision
from syncd.core.returning import REMIND
from syncd.log import cut
from syncd.notify.week import week_of, weekly
from syncd.store import departures, notices, quarantines
from syncd.store.alerts import open_alerts, told, untold_alerts
from syncd.store.engine import reading
from syncd.store.notices import Notice
from syncd.store.plans import findings_of
from syncd.store.tables import approvals, plan_changes, plans, runs

LASTING: Final = ("held", "failed_run", "quarantine")
_STALE: Final = ("held",)
"""Of no use to anybody once it is over."""
_OTHERWISE: Final = frozenset({"failed_run", "quarantine"})
"""Alerts that have an event of their own here."""
_NAMED: Final = 20
"""So many people are named at most."""
_BOUNCES: Final = timedelta(days=30)


Found = Iterator[tuple[str, Mapping[str, Any]]]


class Gatherer:
    """Looks again and again; what is costly to find out only where something changed.

    Args:
        app: the program.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._seen: dict[bool, tuple[object, list[tuple[str, Mapping[str, Any]]]]] = {}

    def gather(self) -> int:
        """Put into the outbox what is to be told and was not yet. Returns how many rows that were."""
        app, now = self._app, self._app.clock()
        receivers = app.config.notifications
        wanted = {one.name: list(self._for(one, now)) for one in receivers}
        new = notices.queue(app.store, wanted, LASTING, now, forget=_STALE)
        if any("alert" in one.events for one in receivers):
            for alert in untold_alerts(app.store):
                if alert.kind not in _OTHERWISE:
                    told(app.store, alert.id, now)
        return new

    def _for(self, receiver: NotificationConfig, now: datetime) -> Iterator[Notice]:
        names = receiver.personal == "names"
        for event in receiver.events:
            if event == "held":
                found = iter(self._held(now, names))
            elif event == "weekly_digest":
                found = self._weekly(receiver.name, now)
            else:
                found = _GATHER[event](self._app, now, names)
            for key, facts in found:
                yield Notice(event, f"{event}:{key}", {**facts, "names": names})

    def _weekly(self, target: str, now: datetime) -> Found:
        key = week_of(now)
        if (target, f"weekly_digest:{key}") not in notices.told_before(self._app.store, "weekly_digest"):
            yield from ((key, facts) for facts in weekly(self._app.store, now))

    def _held(self, now: datetime, names: bool) -> Sequence[tuple[str, Mapping[str, Any]]]:
        with reading(self._app.store) as connection:
            newest = select(func.max(runs.c.id)).where(runs.c.plan_id.is_not(None), runs.c.state == "done")
            run_id = connection.execute(newest).scalar()
            approval = connection.execute(select(func.max(approvals.c.id))).scalar()
            state = (run_id, approval, f"{now:%Y-%m-%d %H}")  # an approval lapses by itself
            if names not in self._seen or self._seen[names][0] != state:
                found = list(_held(self._app, connection, run_id, now, names)) if run_id else []
                self._seen[names] = (state, found)
        return self._seen[names][1]


def _held(app: App, connection: Connection, run_id: int, now: datetime, names: bool) -> Found:
    """Changes of a run's plan that wait for a person. The same changes are the same matter, whatever else is planned."""
    query = select(plans).join(runs, runs.c.plan_id == plans.c.id).where(runs.c.id == run_id)
    plan = connection.execute(query).first()
    if plan is None:
        return
    given = select(approvals.c["keys"]).where(approvals.c.digest == plan.digest, approvals.c.expires_at > now)
    approved = {key for keys in connection.execute(given).scalars() for key in keys}
    waiting = select(plan_changes).where(plan_changes.c.plan_id == plan.id, plan_changes.c.decision == "hold")
    held = [row for row in connection.execute(waiting) if row.key not in approved]
    if not held:
        return
    keys = {row.key for row in held}
    why = [one for one in findings_of(plan) if one.decision is not Decision.PROCEED and keys & set(one.changes)]
    kinds = Counter(row.change["kind"] for row in held)
    leaving = [row.change["user"] or "" for row in held if row.change["kind"] == "delete_user"]
    facts = {
        "plan_id": plan.id,
        "kinds": dict(kinds),
        "deletions": kinds["delete_user"],
        "count": len(held),
        "checks": dict(Counter(one.check for one in why)),
        "reasons": [one.message for one in why][:_NAMED] if names else [],
        "people": _some(leaving) if names else [],
        "url": _link(app, f"plans/{plan.id}"),
    }
    yield hashlib.blake2b("\n".join(sorted(keys)).encode(), digest_size=16).hexdigest(), facts


def _failed_run(app: App, now: datetime, names: bool) -> Found:
    """Runs fail since then, one after the other."""
    del now
    with reading(app.store) as connection:
        done = select(func.coalesce(func.max(runs.c.id), 0)).where(runs.c.state == "done").scalar_subquery()
        query = select(runs).where(runs.c.state == "failed", runs.c.id > done).order_by(runs.c.id)
        failed = list(connection.execute(query))
    if failed:
        first, last = failed[0], failed[-1]
        yield (
            str(first.id),
            {
                "run_id": last.id,
                "since": _at(first.started_at),
                "error": _without(last.error or "", names),
                "url": _link(app, f"runs/{last.id}"),
            },
        )


def _quarantine(app: App, now: datetime, names: bool) -> Found:
    """Sources that keep failing, and are left alone."""
    del now
    for one in quarantines.troubles(app.store).values():
        if one.until:
            facts = {"source": one.source, "failures": one.failures, "since": _at(one.since), "until": _at(one.until)}
            yield f"{one.source}:{one.since.isoformat()}", {**facts, "why": _without(one.why, names)}


def _ledger(app: App, now: datetime, names: bool) -> Found:
    """Deleted users whom Fluix support can recover for a few days more."""
    for one in departures.recoverable(app.store, now, older=REMIND):
        if one.ticket != "done":
            facts = {"deleted_at": _at(one.deleted_at), "days_left": one.days_left(now)}
            yield str(one.number), {**facts, "user": one.email if names else ""}


def _bounced(app: App, now: datetime, names: bool) -> Found:
    """Invitations that a mail server did not take, or that came back."""
    target = app.config.target
    if not has_mail_server(target):
        return
    from connectors.fluix.account.mail.mailing import Mailing  # noqa: PLC0415 - only who sends mails waits for it

    _, refused = Mailing(app.store, app.clock, target.settings).outbox("refused", 1000)
    for mail in refused:
        if mail["kind"] == "invitation" and datetime.fromisoformat(mail["queued_at"]) > now - _BOUNCES:
            yield str(mail["id"]), {"user": mail["to"] if names else "", "error": _without(mail["error"] or "", names)}


def _alerts(app: App, now: datetime, names: bool) -> Found:
    """What the daemon found wrong with itself; told though it may be well again."""
    del now
    several = {
        one.id: one for one in (*untold_alerts(app.store), *open_alerts(app.store)) if one.kind not in _OTHERWISE
    }
    for one in several.values():
        facts = {"kind": one.kind, "subject": one.subject, "raised_at": _at(one.raised_at)}
        yield str(one.id), {**facts, "message": _without(one.message, names)}


_GATHER: Final[Mapping[str, Callable[[App, datetime, bool], Found]]] = {
    "failed_run": _failed_run,
    "quarantine": _quarantine,
    "ledger_day_25": _ledger,
    "invitation_bounced": _bounced,
    "alert": _alerts,
}


def _without(text: str, names: bool) -> str:
    """An error's words, without the addresses in them where people are not to be named."""
    return text if names else cut(text, b"-")


def _some(people: list[str]) -> list[str]:
    more = len(people) - _NAMED
    return [*people[:_NAMED], *([f"and {more} more"] if more > 0 else [])]


def _link(app: App, path: str) -> str:
    base = app.config.serve.public_url
    return f"{base.rstrip('/')}/console/{path}" if base else ""


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
