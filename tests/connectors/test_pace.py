"""Not more than so many requests a second, by one process or by many who ask the same."""

from __future__ import annotations

from itertools import pairwise

from connectors.pace import Pace


class Time:
    """A clock, and sleeping that only moves it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_requests_come_no_faster_than_the_rate() -> None:
    time = Time()
    pace = Pace(50, monotonic=time, sleep=time.sleep)
    at = []
    for _ in range(100):
        pace()
        at.append(time.now)
    assert abs((at[-1] - at[0]) - 99 / 50) < 0.001
    assert min(later - one for one, later in pairwise(at)) > 0.0199


def test_a_pause_is_not_made_up_for() -> None:
    time = Time()
    pace = Pace(50, monotonic=time, sleep=time.sleep)
    pace()
    time.now += 60
    began = time.now
    for _ in range(50):
        pace()
    assert time.now - began > 0.9


def test_several_who_share_the_times_keep_one_rate() -> None:
    time, free = Time(), [0.0]

    def reserve(many: int) -> float:
        first = max(time.now, free[0])
        free[0] = first + many / 40
        return first - time.now

    paces = [Pace(40, reserve, time, time.sleep) for _ in range(4)]
    began = time.now
    for number in range(200):
        paces[number % 4]()
    assert time.now - began > 200 / 40 - 0.5


def test_less_than_one_a_second() -> None:
    time = Time()
    pace = Pace(0.5, monotonic=time, sleep=time.sleep)
    for _ in range(3):
        pace()
    assert time.now == 1004.0
