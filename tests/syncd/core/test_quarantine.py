"""A source that keeps failing is left alone for a while, longer each time."""

from datetime import timedelta

import pytest

from syncd.core.quarantine import BACK_OFF, Trouble, failed, findings, left_alone
from tests.syncd.core.build import NOW


def after(failures, every=timedelta(days=2)):
    """How it stands after so many reads in a row that failed."""
    trouble = None
    for number in range(failures):
        trouble = failed(trouble, "ad", f"no answer {number + 1}", NOW + number * every)
    return trouble


def test_two_failures_are_bad_luck_and_the_third_is_a_habit():
    assert after(2).until is None
    assert after(3).until == NOW + timedelta(days=4, minutes=5)


@pytest.mark.parametrize(("failures", "minutes"), [(3, 5), (4, 30), (5, 360), (6, 1440), (7, 1440), (20, 1440)])
def test_each_time_it_is_left_alone_for_longer(failures, minutes):
    trouble = after(failures)
    assert trouble.until - (NOW + (failures - 1) * timedelta(days=2)) == timedelta(minutes=minutes)
    assert (trouble.failures, trouble.since, trouble.why) == (failures, NOW, f"no answer {failures}")


def test_it_is_left_alone_until_its_time_has_come():
    trouble = after(3, every=timedelta(0))
    assert left_alone([trouble], (), NOW) == {"ad": trouble}
    assert left_alone([trouble], (), NOW + timedelta(minutes=5, seconds=-1)) == {"ad": trouble}
    assert left_alone([trouble], (), NOW + timedelta(minutes=5)) == {}
    assert left_alone([after(2)], (), NOW) == {}


def test_who_asks_for_it_by_name_or_for_everything_gets_it():
    trouble = after(3, every=timedelta(0))
    assert left_alone([trouble], ("ad",), NOW) == {}
    assert left_alone([trouble], ("people",), NOW) == {"ad": trouble}
    assert left_alone([trouble], (), NOW, every=True) == {}


def test_a_clock_that_was_set_back_lets_nobody_wait_longer_than_the_longest_time():
    trouble = after(3, every=timedelta(0))
    assert trouble.waits(trouble.until - BACK_OFF[-1])
    assert not trouble.waits(NOW - timedelta(days=365))


def said(**which):
    which = {"waiting": (), "ended": (), "entered": (), **which}
    return [(finding.check, finding.decision.word, finding.message) for finding in findings(**which)]


def test_it_says_since_when_why_when_next_and_how_to_try_now():
    text = (
        "its last 3 reads failed, since 2026-03-10 12:00 UTC (no answer 3); it is tried again from 2026-03-10 12:05 UTC on, "
        "or now with `syncd run --source ad`"
    )
    trouble = after(3, every=timedelta(0))
    assert said(waiting=[trouble]) == [("quarantine", "hold", f"ad was not read: {text}")]
    assert said(entered=[trouble]) == [("quarantine", "hold", f"ad is left alone for a while: {text}")]


def test_its_end_is_noted_when_it_had_begun():
    assert said(ended=[after(3, every=timedelta(0)), Trouble("hr", 2, NOW, None, "x")]) == [
        (
            "quarantine",
            "proceed",
            "ad is read again, after 3 failed reads since 2026-03-10 12:00 UTC (the last: no answer 3)",
        )
    ]
