from datetime import UTC, datetime

import pytest

from syncd.config_daemon import ScheduleConfig

NOW = datetime(2026, 3, 10, 12, 10, 30, tzinfo=UTC)


@pytest.mark.parametrize(("every", "seconds"), [("2s", 2), ("5m", 300), ("1h", 3600)])
def test_the_time_between_two_runs(every, seconds):
    assert ScheduleConfig(every=every).wait(NOW) == seconds


def test_without_a_word_it_runs_every_five_minutes():
    assert ScheduleConfig().wait(NOW) == 300


def test_a_cron_line_tells_the_next_time():
    assert ScheduleConfig(cron="*/30 * * * *").wait(NOW) == 19 * 60 + 30
    assert ScheduleConfig(cron="11 * * * *").wait(NOW) == 30
