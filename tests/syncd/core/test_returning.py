"""Who returns, what is said of it, and what Fluix support is asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from syncd.core.change import Change, Decision, RecordKey
from syncd.core.returning import KEPT, REMIND, Departure, best, joined, remind, setup_of, ticket, welcome

NOW = datetime(2026, 11, 2, 8, 30, tzinfo=UTC)
KEY = RecordKey("people", "E1")
SETUP: dict[str, Any] = {
    "email": "Anna@example.com",
    "display_name": "Anna Berg",
    "state": "active",
    "role": "Form admin",
    "owner": False,
    "groups": ["Field", "Night"],
    "workflows": [{"workflow": "Permits", "step": "Approve", "alone": False}],
    "drafts": 1,
    "assigned": 2,
    "documents_to": "bob@example.com",
}
ANNA = Departure(1, "7", "Anna@example.com", SETUP, NOW, frozenset({KEY}))


def new(email: str = "anna@example.com", key: RecordKey = KEY) -> Change:
    return Change("create_user", email, after={"email": email}, reason=f"{key} is new", records=(key,))


def text(**setup: Any) -> str:
    return ticket(replace(ANNA, setup={**SETUP, **setup}), "main", ("anna@example.com", "9"), NOW + timedelta(days=4))


# --- days ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("age", "left"),
    [
        (timedelta(0), 30),
        (timedelta(seconds=1), 30),
        (timedelta(days=1), 29),
        (timedelta(days=25), 5),
        (timedelta(days=29, hours=23), 1),
        (KEPT, 0),
        (timedelta(days=400), 0),
        (timedelta(days=-90), 30),
    ],
)
def test_days_left(age: timedelta, left: int) -> None:
    assert ANNA.days_left(NOW + age) == left


# --- whose return it is -------------------------------------------------------------------------------------------


def test_the_record_counts_before_the_address_and_the_last_deletion_before_earlier_ones() -> None:
    other = replace(ANNA, number=2, records=frozenset({RecordKey("people", "E2")}), deleted_at=NOW + timedelta(days=1))
    earlier = replace(ANNA, number=3, deleted_at=NOW - timedelta(days=1))
    assert best([other, earlier, ANNA], "anna@example.com", [KEY]) == ANNA
    assert best([earlier, ANNA, other], "ANNA@example.com", []) == other
    assert best([ANNA], "else@example.com", [RecordKey("hr", "E1")]) is None
    assert best([], "anna@example.com", [KEY]) is None


def test_nobody_else_is_welcomed() -> None:
    changes = [new("bob@example.com", RecordKey("people", "E9")), Change("delete_user", "anna@example.com")]
    assert welcome(changes, [ANNA], NOW) == (changes, [])


def test_a_new_user_who_was_deleted_is_told_of() -> None:
    changed, (finding,) = welcome([new()], [ANNA], NOW + timedelta(days=1))
    assert changed[0].reason == (
        "people/E1 is new; was deleted on 2026-11-02: ask Fluix support to recover the set-up: "
        "syncd restore ticket anna@example.com"
    )
    assert (finding.check, finding.decision, finding.changes) == ("returning", Decision.PROCEED, (changed[0].key,))
    assert (
        "1 new user was deleted within the last 30 days: anna@example.com (was deleted on 2026-11-02, 1 day ago)"
        in (finding.message)
    )
    assert changed[0].key == new().key


def test_nothing_says_that_the_program_recovers_a_user() -> None:
    said = [welcome([new()], [ANNA], NOW)[1][0].message, remind([ANNA], NOW + REMIND)[0].message, text()]
    for message in said:
        assert "Fluix support" in message or "Please recover" in message
        assert "restored" not in message
        assert "we recover" not in message.lower()


def test_many_who_return_are_one_finding_that_names_a_few() -> None:
    gone = [replace(ANNA, number=n, email=f"u{n}@example.com", records=frozenset()) for n in range(1000)]
    changes = [new(f"u{n}@example.com", RecordKey("people", f"N{n}")) for n in range(1000)]
    changed, (finding,) = welcome(changes, gone, NOW)
    assert len(finding.changes) == 1000
    assert "and 995 more" in finding.message
    assert all("was deleted" in change.reason for change in changed)


# --- the reminder -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("age", "said"),
    [
        (REMIND - timedelta(seconds=1), None),
        (REMIND, "for 5 more days at most"),
        (timedelta(days=29, hours=1), "for 1 more day at most"),
        (KEPT, None),
    ],
)
def test_a_reminder_comes_in_the_last_five_days(age: timedelta, said: str | None) -> None:
    found = remind([ANNA], NOW + age)
    assert bool(found) == bool(said)
    assert not said or said in found[0].message


def test_who_was_recovered_is_not_reminded_of() -> None:
    assert remind([replace(ANNA, ticket="done")], NOW + REMIND) == []
    assert remind([replace(ANNA, ticket="written")], NOW + REMIND)


# --- the set-up ---------------------------------------------------------------------------------------------------


def test_the_setup_is_what_the_deletion_was_rechecked_against() -> None:
    before = {name: SETUP[name] for name in SETUP if name not in {"email", "documents_to"}}
    change = Change(
        "delete_user", "Anna@example.com", before=before, after={"documents": "bob@example.com"}, reason="x"
    )
    assert setup_of(change) == {**SETUP, "reason": "x"}


def test_a_bare_deletion_has_a_setup_of_unknowns() -> None:
    setup = setup_of(Change("delete_user", "a@example.com"))
    assert setup["email"] == "a@example.com"
    assert {value for name, value in setup.items() if name not in {"email", "reason"}} == {None}


def test_what_an_earlier_try_took_away_is_joined() -> None:
    now = {**SETUP, "workflows": [], "drafts": 0, "assigned": 0, "documents_to": None}
    assert joined(SETUP, now) == SETUP
    assert joined({**SETUP, "workflows": None}, now)["workflows"] == []
    more = [{"workflow": "Repairs", "step": "S", "alone": False}]
    assert joined(SETUP, {**now, "workflows": more, "drafts": 3})["workflows"] == [*SETUP["workflows"], *more]
    assert joined(SETUP, {**now, "drafts": 3})["drafts"] == 3


# --- the text -----------------------------------------------------------------------------------------------------


def test_the_text_for_fluix_support_names_everything() -> None:
    assert text(documents=[{"title": "Form 7", "state": "draft"}]).splitlines()[2:] == [
        "Hello,",
        "",
        "a user of our account was deleted on 2026-11-02 08:30 UTC and comes back as a new user.",
        "Please recover the set-up below for the new user. Deleted data is kept for 30 days: until",
        "2026-12-02 08:30 UTC (26 days from now at most).",
        "",
        "Account:      main",
        "Deleted user: Anna@example.com, Anna Berg (id 7)",
        "New user:     anna@example.com (id 9)",
        "",
        "Role:         Form admin",
        "Groups:       Field, Night",
        "Workflows:",
        "  Permits, step Approve",
        "Documents:",
        "  1 draft and 2 assigned documents, which went to bob@example.com",
        "  Form 7 (draft)",
        "",
        "Thank you.",
    ]


@pytest.mark.parametrize(
    ("setup", "line"),
    [
        ({"role": None, "owner": None}, "Role:         unknown"),
        ({"role": ""}, "Role:         none"),
        ({"owner": True}, "Role:         owner of the account"),
        ({"groups": None}, "Groups:       unknown"),
        ({"groups": []}, "Groups:       none"),
        ({"workflows": None}, "  unknown"),
        ({"workflows": []}, "  none"),
        ({"workflows": [{"workflow": "W", "step": "S", "alone": True}]}, "  W, step S (nobody else was in it)"),
        ({"drafts": None, "assigned": None}, "  unknown"),
        ({"drafts": 0, "assigned": 0}, "  none"),
        ({"documents_to": "discard"}, "  1 draft and 2 assigned documents, which were given up"),
        ({"documents_to": None}, "  1 draft and 2 assigned documents, which were given up"),
        ({"display_name": None}, "Deleted user: Anna@example.com, name unknown (id 7)"),
    ],
)
def test_unknown_is_said_and_nothing_is_made_up(setup: dict[str, Any], line: str) -> None:
    assert line in text(**setup).splitlines()


def test_without_a_new_user_the_text_says_so() -> None:
    assert "New user:     not created yet" in ticket(ANNA, "main", None, NOW)
