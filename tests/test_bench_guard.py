"""`make guard` judges what it measured: each bound lets what is usual pass, and none lets twice as much work pass."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.bench.guard import BOUNDS, IMPORTED, LARGE, SMALL, judged, over
from tests.bench.measure import Measured

IMPORTS = {name: Measured(0, 0.3, 40, {}) for name in {*IMPORTED.values(), "python"}}
USUAL = IMPORTS | {
    "ours": Measured(0, 1.2, 90, {}),
    "small": Measured(0, 0.5, 75, {}),
    "polars": Measured(0, 0.8, 210, {}),
    "mdm": Measured(0, 1.3, 40, {}),
    "plistlib": Measured(0, 0.9, 40, {}),
    "directory": Measured(0, 0.9, 60, {}),
    "ldapsearch": Measured(0, 0.08, 10, {}),
    "python": Measured(0, 0.05, 10, {}),
    "help": Measured(0, 0.08, 20, {}),
}


def test_what_is_usual_passes() -> None:
    assert over(judged(USUAL)) == []
    assert LARGE == 4 * SMALL


@pytest.mark.parametrize(
    ("side", "kind", "times", "said"),
    [
        ("ours", "cpu", 2.0, "ingest + diff: processor time"),
        ("ours", "cpu", 4.0, "ingest + diff: work of a person"),
        ("ours", "memory", 2.0, "ingest + diff: memory, polars"),
        ("ours", "memory", 2.0, "ingest + diff: memory for"),
        ("directory", "cpu", 3.0, "directory"),
        ("mdm", "cpu", 3.0, "managed app config"),
        ("help", "cpu", 3.0, "syncd --help"),
    ],
)
def test_more_work_or_memory_does_not(side: str, kind: str, times: float, said: str) -> None:
    worse = USUAL | {side: replace(USUAL[side], **{kind: getattr(USUAL[side], kind) * times})}
    assert any(sentence.startswith(said) for sentence in over(judged(worse)))


def test_every_bound_can_be_gone_beyond() -> None:
    assert {bound.what for bound in BOUNDS} == {bound.what for bound, _ in judged(USUAL)}


def test_a_machine_that_is_twice_as_slow_fails_nothing() -> None:
    slow = {side: replace(measured, cpu=measured.cpu * 2, wall=9e9) for side, measured in USUAL.items()}
    assert over(judged(slow)) == []
