"""The fault laboratory: every cell is held against the promise; `make faults` plays them all and writes docs/faults.md."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.lab.benches import BENCHES, CELLS
from tests.lab.cells import Bench, Cell
from tests.lab.page import PAGE, PROMISES


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Bench]]:
    """Benches that are opened when the first of their cells is played, and stay open."""
    with ExitStack() as stack:
        there: dict[str, Bench] = {}

        def opening(name: str) -> Bench:
            if name not in there:
                stack.enter_context(BENCHES[name].open(tmp_path_factory.mktemp(name)))
                there[name] = BENCHES[name]
            return there[name]

        yield opening


PLAYED = [cell if cell.short else pytest.param(cell, marks=pytest.mark.long) for cell in CELLS]


@pytest.mark.parametrize("cell", PLAYED, ids=str)
def test_no_cell_breaks_the_promise(
    cell: Cell, opened: Callable[[str], Bench], tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    outcome = opened(cell.bench).play(cell, tmp_path)
    record_property("cell", [cell.bench, cell.fault, cell.moment, outcome.run, outcome.healed])


def test_the_page_tells_of_the_cells_that_exist_and_promises_what_they_are_held_against() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for name, bench in BENCHES.items():
        _, _, table = text.partition(f"## {bench.title}\n")
        told = [
            line.strip("| ").split(" | ")[:2]
            for line in table.partition("\n## ")[0].splitlines()
            if line.startswith("| ")
        ]
        assert told[2:] == [[cell.fault, cell.moment] for cell in CELLS if cell.bench == name]
    assert f"{len(CELLS)} of {len(CELLS)} cells." in text
    assert [line.removeprefix("- ") for line in text.splitlines() if line.startswith("- ")] == list(PROMISES)


def test_every_bench_has_a_cell_in_every_make_test_but_for_those_that_need_more_than_a_minute() -> None:
    assert {cell.bench for cell in CELLS if cell.short} == BENCHES.keys() - {"hosts", "node", "scim_push"}


def test_no_two_cells_are_one() -> None:
    assert len({str(cell) for cell in CELLS}) == len(CELLS)
