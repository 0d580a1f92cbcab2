"""docs/security.md names for each threat what stands against it and which tests fail when it does not: all of them are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CASE = (ROOT / "docs/security.md").read_text(encoding="utf-8")
ROWS = [line for line in CASE.splitlines() if line.startswith("| ") and not line.startswith(("| ---", "| threat"))]
THREATS = [row for row in ROWS if row.count(" | ") == 2]
PLACES = sorted(set(re.findall(r"`(tests/[^`]+::[^`]+)`", CASE)))
FILES = sorted(set(re.findall(r"`((?!tests/)[\w/]+\.py)`", CASE)))
BORDERS = ("directory", "identity provider", "Browsers", "MDM", "Mail", "Store", "plug-ins")


@pytest.mark.parametrize("place", PLACES)
def test_every_test_that_is_named_is_there(place: str) -> None:
    file, _, name = place.partition("::")
    assert re.search(rf"^(    )?def {name}\(", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("file", FILES)
def test_every_mechanism_that_is_named_is_there(file: str) -> None:
    assert (ROOT / "syncd" / file).is_file() or (ROOT / file).is_file()


def test_every_threat_names_a_test() -> None:
    assert len(THREATS) > 40
    assert [row for row in THREATS if not re.search(r"`tests/[^`]+::test_", row)] == []


@pytest.mark.parametrize("border", BORDERS)
def test_every_border_is_there(border: str) -> None:
    assert border in CASE


def test_what_is_not_defended_is_said() -> None:
    assert len(re.findall(r"^- \*\*", CASE.partition("## What is not defended")[2], re.MULTILINE)) > 5


def test_whom_to_tell_of_a_weakness_is_said_without_an_address() -> None:
    said = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    assert "private vulnerability reporting" in said
    assert "## Supported versions" in said
    assert not re.search(r"@|://", said)
