"""docs/guide.md maps each sentence of the Users guide to the test that keeps it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROWS = dict(
    re.findall(r"^\| ([^|]+?) \| `([^`]+)` \|$", (ROOT / "docs/guide.md").read_text(encoding="utf-8"), re.MULTILINE)
)

SENTENCES = (
    "team member with name, email, groups and workflows",
    "sends an email invitation",
    "address is not accepted, the admin gets an automatic notification",
    "exists only for a user who never logged in",
    "complexity is an account setting",
    "one password for all of them",
    "User details",
    "Password reset sends an email request",
    "Request user data emails the user",
    "logs the user out of the first device",
    "admin can log one device out",
    "changed by the Customer Success Manager",
    "a log with last login, submitted and edited documents",
    "within 24 hours, not for over a month, never",
    "User Name, Email, and optionally Group Name",
    "selects rows or imports all",
    "Export all users, or only the selected",
    "download or reassign them first",
    "with administrative rights",
    "takes part in a workflow be deleted until removed",
    "kept 30 days",
    "recreate the person as a new user and ask Fluix support",
    "no self-service restore",
    "Pre-release apps",
)
"""A part of every sentence of the guide that the product keeps."""


@pytest.mark.parametrize("sentence", SENTENCES)
def test_every_sentence_of_the_guide_has_a_row(sentence: str) -> None:
    assert any(sentence in row for row in ROWS)


@pytest.mark.parametrize("place", sorted(set(ROWS.values())))
def test_every_row_names_a_test_that_is_there(place: str) -> None:
    file, name = place.split("::")
    assert re.search(rf"^    def {name}\(|^def {name}\(", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE), (
        place
    )
