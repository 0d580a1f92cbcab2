"""When a run is due, by `schedule`: cron or every so often, not in quiet hours, a little later by chance.

Each time is worked out from the plan's grid and not from when a run began or ended, so nothing drifts.
"""

from __future__ import annotations

import random
from datetime import datetime, time, timedelta, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from syncd.config import Config
from syncd.config_daemon import ScheduleConfig, span

_INSTANT: Final = timedelta(microseconds=1)


class Planned(BaseTrigger):  # type: ignore[misc]  # APScheduler has no types
    """The times of one `schedule`.

    Args:
        schedule: see there.
        start: `every` counts from here, and the first time is one span later.
    """

    def __init__(self, schedule: ScheduleConfig, start: datetime) -> None:
        zone = ZoneInfo(schedule.time_zone) if schedule.time_zone else None
        if schedule.cron:
            self._grid = CronTrigger.from_crontab(schedule.cron, timezone=zone)
        else:
            every = span(schedule.every)
            seconds = every.total_seconds()
            self._grid = IntervalTrigger(seconds=int(seconds), start_date=start + every, timezone=zone)
        self._zone: tzinfo = self._grid.timezone
        self._quiet = schedule.quiet
        self._jitter = span(schedule.jitter).total_seconds() if schedule.jitter else 0.0

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        """The first time after the previous one; before anything ran, the first that is not over."""
        begins = self.begins(now if previous_fire_time is None else previous_fire_time + _INSTANT)
        if begins is None:
            return None
        return begins + timedelta(seconds=random.uniform(0, self._jitter))  # noqa: S311 - only spreads the load

    def begins(self, after: datetime) -> datetime | None:
        """The first time that is not before this one, without what chance adds."""
        planned: datetime | None = self._grid.get_next_fire_time(None, after)
        return planned and (quiet_until(self._quiet, planned.astimezone(self._zone)) or planned)

    def came_due(self, since: datetime, now: datetime) -> bool:
        """Whether there was a time after `since` that has come by now, without what chance adds to it."""
        begins = self.begins(since + _INSTANT)
        return begins is not None and begins <= now

    def quiet_until(self, now: datetime) -> datetime | None:
        """Until when nothing begins by itself; None: it may now."""
        return quiet_until(self._quiet, now.astimezone(self._zone))


def schedules(config: Config) -> dict[str, ScheduleConfig]:
    """Of each source with a schedule of its own, and of the others together (empty name)."""
    own = {source.name: source.schedule for source in config.sources if source.schedule}
    return own if len(own) == len(config.sources) else {"": config.schedule, **own}


def quiet_until(quiet: tuple[time, time] | None, moment: datetime) -> datetime | None:
    """The end of the quiet hours in which a moment lies.

    Args:
        quiet: from when to when; over midnight where the end is the earlier time.
        moment: in the time zone in which they are meant.
    """
    if quiet is None:
        return None
    begin, end = quiet
    at = moment.time().replace(tzinfo=None)
    inside = begin <= at < end if begin < end else at >= begin or at < end
    if not inside:
        return None
    day = moment.date() + timedelta(days=1 if begin > end and at >= begin else 0)
    return datetime.combine(day, end, moment.tzinfo)
