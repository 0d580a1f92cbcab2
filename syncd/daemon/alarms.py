"""What the daemon raises an alarm about, and when an alarm ends."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Engine, func, select

from syncd.core import quarantine
from syncd.store import quarantines
from syncd.store.alerts import end_alert, open_alerts, raise_alert
from syncd.store.engine import reading
from syncd.store.tables import runs


class Alarms:
    """The alarms of one daemon.

    Args:
        store: where they are kept.
        clock: see `App`.
        no_success: so long without a run that went well is too long.
    """

    def __init__(self, store: Engine, clock: Callable[[], datetime], no_success: timedelta) -> None:
        self._store = store
        self._clock = clock
        self._no_success = no_success
        self._since = clock()

    def well(self, subject: str) -> None:
        """A run went well.

        Args:
            subject: the source that was read alone; empty: all.
        """
        now = self._clock()
        for alert in open_alerts(self._store):
            about_this = alert.subject in {subject, ""} or subject == ""
            if alert.kind in {"no_success", "hung_run"} or (alert.kind in {"failed_run", "missed_run"} and about_this):
                end_alert(self._store, alert.kind, alert.subject, now)

    def failed(self, subject: str, what: str) -> None:
        """A run failed."""
        raise_alert(self._store, "failed_run", subject, what, self._clock())

    def missed(self, subject: str, what: str) -> None:
        """A run could not begin in time."""
        raise_alert(self._store, "missed_run", subject, what, self._clock())

    def look(self) -> None:
        """What nobody tells: sources that keep failing, and that nothing went well for long."""
        now = self._clock()
        left = {one.source: quarantine.sentence(one) for one in quarantines.troubles(self._store).values() if one.until}
        for name, why in left.items():
            raise_alert(self._store, "quarantine", name, why, now)
        for alert in open_alerts(self._store):
            if alert.kind == "quarantine" and alert.subject not in left:
                end_alert(self._store, "quarantine", alert.subject, now)
        last = max(self._last_success() or self._since, self._since)
        if now - last >= self._no_success:
            hours = self._no_success.total_seconds() / 3600
            message = f"no run went well for {hours:g} hours, since {last:%Y-%m-%d %H:%M} UTC"
            raise_alert(self._store, "no_success", "", message, now)

    def _last_success(self) -> datetime | None:
        with reading(self._store) as connection:
            query = select(func.max(runs.c.ended_at)).where(runs.c.state == "done")
            return connection.execute(query).scalar()
