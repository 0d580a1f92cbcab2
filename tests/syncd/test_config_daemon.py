from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from syncd.config_daemon import ScheduleConfig, ServeConfig, span
from syncd.planned import Planned

NOW = datetime(2026, 3, 10, 12, 10, 30, tzinfo=UTC)


def times(schedule, count, start=NOW):
    trigger = Planned(schedule, start)
    found = [trigger.get_next_fire_time(None, start)]
    while len(found) < count:
        found.append(trigger.get_next_fire_time(found[-1], found[-1]))
    return found


@pytest.mark.parametrize(("every", "seconds"), [("2s", 2), ("5m", 300), ("1h", 3600)])
def test_the_time_between_two_runs(every, seconds):
    assert span(every).total_seconds() == seconds
    assert times(ScheduleConfig(every=every), 3) == [NOW + timedelta(seconds=seconds * n) for n in (1, 2, 3)]


def test_without_a_word_it_runs_every_five_minutes():
    assert times(ScheduleConfig(), 1) == [NOW + timedelta(minutes=5)]


def test_nothing_drifts_however_late_a_run_begins():
    trigger = Planned(ScheduleConfig(every="10s"), NOW)
    late = NOW + timedelta(seconds=13.7)
    assert trigger.get_next_fire_time(late, late) == NOW + timedelta(seconds=20)


def test_a_cron_line_tells_the_next_time():
    first, second = times(ScheduleConfig(cron="*/30 * * * *", time_zone="UTC"), 2)
    assert (first - NOW).total_seconds() == 19 * 60 + 30
    assert second - first == timedelta(minutes=30)


def test_a_cron_line_is_meant_in_its_time_zone():
    (first,) = times(ScheduleConfig(cron="30 8 * * *", time_zone="America/New_York"), 1)
    assert first == datetime(2026, 3, 10, 8, 30, tzinfo=ZoneInfo("America/New_York"))


def test_over_the_change_of_the_clocks_it_stays_at_its_hour():
    start = datetime(2026, 3, 27, 12, tzinfo=UTC)
    found = times(ScheduleConfig(cron="0 6 * * *", time_zone="Europe/Berlin"), 3, start)
    assert [one.astimezone(UTC).hour for one in found] == [5, 4, 4]


def test_what_is_due_in_quiet_hours_begins_once_when_they_end():
    start = datetime(2026, 3, 10, 21, 30, tzinfo=UTC)
    found = times(ScheduleConfig(every="30m", time_zone="UTC", quiet_hours="22:00-06:00"), 3, start)
    morning = datetime(2026, 3, 11, 6, tzinfo=UTC)
    assert found == [morning, morning + timedelta(minutes=30), morning + timedelta(hours=1)]


@pytest.mark.parametrize(
    ("quiet", "at", "until"),
    [
        ("22:00-06:00", "23:00", "06:00"),
        ("22:00-06:00", "05:59", "06:00"),
        ("22:00-06:00", "06:00", None),
        ("12:00-13:00", "12:00", "13:00"),
        ("12:00-13:00", "11:59", None),
    ],
)
def test_quiet_hours_end_when_they_say(quiet, at, until):
    now = datetime.fromisoformat(f"2026-03-10T{at}:00+00:00")
    found = Planned(ScheduleConfig(time_zone="UTC", quiet_hours=quiet), NOW).quiet_until(now)
    assert (f"{found:%H:%M}" if found else None) == until
    assert found is None or timedelta(0) < found - now < timedelta(days=1)


def test_chance_only_delays_and_never_adds_up():
    found = times(ScheduleConfig(every="1m", jitter="20s"), 200)
    late = [(one - NOW).total_seconds() - 60 * number for number, one in enumerate(found, 1)]
    assert all(0 <= seconds <= 20 for seconds in late)
    assert len(set(late)) > 100


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"time_zone": "Mars/Olympus"}, "is no time zone"),
        ({"time_zone": "../../etc/passwd"}, "is no time zone"),
        ({"quiet_hours": "25:00-06:00"}, "two times of day"),
        ({"quiet_hours": "06:00-06:00"}, "end when they begin"),
        ({"every": "10s", "jitter": "10s"}, "not shorter"),
        ({"every": "10s", "cron": "* * * * *"}, "one of `cron` and `every`"),
        ({"cron": "61 * * * *"}, "no cron line"),
    ],
)
def test_what_cannot_be_meant_is_refused(given, said):
    with pytest.raises(ValidationError) as caught:
        ScheduleConfig(**given)
    assert said in str(caught.value.errors()[0]["ctx"]["faults"])


def test_a_proxy_is_an_address_or_a_network():
    assert ServeConfig(trusted_proxies=("10.0.0.0/8", "::1")).trusted_proxies == ("10.0.0.0/8", "::1")
    with pytest.raises(ValidationError):
        ServeConfig(trusted_proxies=("proxy.example.com",))
