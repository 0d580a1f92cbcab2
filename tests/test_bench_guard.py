"""`make guard` judges what it measured: what is usual passes each bound, and for each there is a mistake that does not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.bench.guard import BOUNDS, LARGE, SMALL, judged, over
from tests.bench.measure import Measured

USUAL = {
    "ours": Measured(0, 0.80, 98, {}, 0.44),
    "small": Measured(0, 0.47, 65, {}, 0.11),
    "polars": Measured(0, 0.65, 240, {}, 0.5),
    "mdm": Measured(0, 0.9, 40, {}, 0.6),
    "plistlib": Measured(0, 0.5, 40, {}, 0.4),
    "directory": Measured(0, 0.9, 60, {}),
    "directory, imports": Measured(0, 0.5, 40, {}),
    "ldapsearch": Measured(0, 0.07, 10, {}),
    "python": Measured(0, 0.05, 10, {}),
    "help": Measured(0, 0.08, 20, {}),
}


def test_what_is_usual_passes() -> None:
    assert over(judged(USUAL)) == []
    assert LARGE == 4 * SMALL


@pytest.mark.parametrize(
    ("side", "kind", "times", "said"),
    [
        ("ours", "cpu", 2.5, "ingest + diff: processor time"),
        ("ours", "work", 4.0, "ingest + diff: work of a person"),
        ("ours", "memory", 2.0, "ingest + diff: memory, polars"),
        ("ours", "memory", 2.0, "ingest + diff: memory for"),
        ("directory", "cpu", 3.0, "directory"),
        ("mdm", "work", 3.0, "managed app config"),
        ("help", "cpu", 3.0, "syncd --help"),
    ],
)
def test_more_work_or_memory_does_not(side: str, kind: str, times: float, said: str) -> None:
    worse = USUAL | {side: replace(USUAL[side], **{kind: getattr(USUAL[side], kind) * times})}
    assert any(sentence.startswith(said) for sentence in over(judged(worse)))


def test_every_bound_can_be_gone_beyond() -> None:
    assert {bound.what for bound in BOUNDS} == {bound.what for bound, _ in judged(USUAL)}


def test_a_machine_that_is_twice_as_slow_fails_nothing() -> None:
    slow = {
        side: replace(measured, cpu=measured.cpu * 2, work=measured.work * 2, wall=9e9)
        for side, measured in USUAL.items()
    }
    assert over(judged(slow)) == []
