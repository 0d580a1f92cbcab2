"""docs/safety.md names for each promise what keeps it and which tests fail when it is broken: all of them are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CASE = (ROOT / "docs/safety.md").read_text(encoding="utf-8")
ROWS = [
    line for line in CASE.splitlines() if line.startswith("| ") and not line.startswith(("| |", "| ---", "| promise"))
]
PLACES = sorted(set(re.findall(r"`(tests/[^`]+)`", CASE.partition("## Budgets")[0])) - {"tests/test_safety_case.py"})
FILES = sorted(set(re.findall(r"`((?!tests/)[\w/]+\.py)`", CASE)))


@pytest.mark.parametrize("place", PLACES)
def test_every_test_that_is_named_is_there(place: str) -> None:
    file, _, name = place.partition("::")
    assert re.search(rf"^    def {name}\(|^def {name}\(", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("file", FILES)
def test_every_mechanism_that_is_named_is_there(file: str) -> None:
    assert (ROOT / "syncd" / file).is_file() or (ROOT / file).is_file()


def test_every_row_names_a_test_but_the_one_about_scim() -> None:
    assert [row[:5] for row in ROWS if "`tests/" not in row] == []


def test_the_conditions_and_the_pains_are_numbered_without_a_gap() -> None:
    conditions, pains = ([int(n) for n in re.findall(r"^\| (\d+) \|", part, re.MULTILINE)] for part in _tables())
    assert conditions == list(range(1, len(conditions) + 1))
    assert pains == list(range(1, 16))


def test_every_pain_that_has_a_number_in_its_name_stands_in_the_row_of_that_number() -> None:
    there = re.findall(r"^def (test_pain_(\d+)_\w+)\(", (ROOT / "tests/e2e/test_pains.py").read_text(), re.MULTILINE)
    for name, number in there:
        assert re.search(rf"^\| {int(number)} \|.*::{name}`", _tables()[1], re.MULTILINE), name


def _tables() -> tuple[str, str]:
    """The conditions of a deletion, and what users of others suffered."""
    parts = re.split(r"^## ", CASE, flags=re.MULTILINE)
    return (
        next(part for part in parts if part.startswith("An account is deleted only if")),
        next(part for part in parts if part.startswith("What users of others suffered")),
    )
