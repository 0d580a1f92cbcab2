"""What users of other programs of this kind suffered, each in its own words and on a company of its own.

Pains 3, 4 and 6 need a directory server: docs/safety.md names the tests that have one. Pain 11 is
about SCIM: test_scim_push.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.errors import ConnectorError
from connectors.fluix.account import EmbeddedAccount
from connectors.model import Outcome, Step
from syncd.core.change import Decision
from syncd.store.lock import run_lock
from tests.e2e.test_days import account, checks, give, go, kinds, users
from tests.house import COLUMNS, House, Person, staff

LOOSE = {
    "budgets": {"run": {"delete": None, "remove_member": None, "email_change": None}},
    "shrink": {"max_percent": 100},
}
"""Without budgets, and any loss is believed: what holds then, holds by itself."""


@pytest.fixture
def loose(tmp_path: Path) -> House:
    """Forty people, all in Fluix, under no limits."""
    house = House(tmp_path, dict(LOOSE))
    house.hire(staff(40))
    go(house)
    return house


def rows(people: Sequence[Person]) -> str:
    """As the file has them, with its header."""
    return "".join(",".join(cells) + "\n" for cells in (COLUMNS.values(), *(person.row() for person in people)))


def test_pain_01_source_unreachable_is_not_everyone_left(loose: House) -> None:
    """opnsense/core#10128 (43 users deleted), glpi-project/glpi#984 (512 disabled)."""
    loose.people.unlink()
    for _ in range(5):
        with pytest.raises(ConnectorError):
            go(loose)
        loose.clock.advance(days=3)
    assert len(users(loose)) == 40
    loose.hire(staff(40))
    assert kinds(go(loose)) == {}


@pytest.mark.parametrize("read", [0, 25])
def test_pain_02_a_partial_read_removes_nobody_and_adds_all_the_same(loose: House, read: int) -> None:
    """slashdevops/idp-scim-sync#87 (200 of 263 members read), awslabs/ssosync#194 (an empty result wiped all)."""
    people = [*staff(read), *([Person("N001")] if read else [])]
    cut = '"E0' if read else ""
    loose.people.write_text(rows(people) + cut, encoding="utf-8")
    report = go(loose)
    assert checks(report) == {"certificate"}
    assert set(users(loose)) == {person.row()[2] for person in (*staff(40), *people)}
    assert all(user["groups"] == ["Field"] for user in users(loose).values())


def test_pain_05_a_changed_email_is_addressed_to_the_account_that_has_the_old_one(loose: House) -> None:
    """adobe-apiplatform/user-sync.py#531, #575, #810, #827."""
    before = account(loose).show_user("e001@example.com")["fluix_id"]
    married = replace(staff(1)[0], email="married@example.com")
    loose.hire([married, *staff(40)[1:]])
    assert kinds(go(loose)) == {"update_user": 1}
    assert account(loose).show_user("married@example.com")["fluix_id"] == before
    assert (kinds(go(loose)), len(users(loose))) == ({}, 40)


def test_pain_07_capital_letters_make_no_other_person_and_no_removal_that_fails_forever(loose: House) -> None:
    """adobe-apiplatform/user-sync.py#471, #281, #529, #649."""
    shouting = [replace(person, email=person.row()[2].upper()) for person in staff(40)]
    loose.hire(shouting)
    assert kinds(go(loose)) == {}
    loose.hire([replace(shouting[0], groups=()), *shouting[1:39]])
    assert kinds(go(loose)) == {"remove_member": 1, "delete_user": 1}
    assert (kinds(go(loose)), len(users(loose))) == ({}, 39)


def test_pain_08_two_people_with_one_email_stop_nobody_else_and_are_named_with_where_they_came_from(
    loose: House,
) -> None:
    """bitwarden/directory-connector#190, #105, #493."""
    loose.hire([*staff(39), Person("E050", email="E003@example.com"), Person("N001")])
    report = go(loose)
    (finding,) = [finding for finding in report.review.findings if finding.check == "conflict"]
    assert "people/E003, people/E050" in finding.message
    assert {"n001@example.com", "e003@example.com"} <= users(loose).keys()
    assert "e040@example.com" not in users(loose), "who really left is no part of the question"


def test_pain_09_no_option_wipes_an_account(tmp_path: Path) -> None:
    """bitwarden/server#6173: a tick meant as "update the existing" took away everybody whom the directory does not know."""
    house = House(tmp_path, dict(LOOSE))
    mine = [{"email": f"mine{number}@example.com", "name": "Mine", "groups": ["Hand"]} for number in range(30)]
    house.hire(staff(3))
    give(house, groups=[{"name": "Hand"}], users=mine)
    for people in (staff(3), staff(2), [Person("N001")]):
        house.hire(people)
        go(house)
    there = users(house)
    assert all(there[user["email"]]["groups"] == ["Hand"] for user in mine)
    assert set(there) == {user["email"] for user in mine} | {"n001@example.com"}
    for command in ("plan", "run", "apply", "approve"):
        assert not re.search(r"--(force|overwrite|wipe|yes|no-check)", house.syncd(command, "--help").out)


def test_pain_10_what_failed_is_in_the_exit_code_and_in_the_summary(loose: House) -> None:
    """adobe-apiplatform/user-sync.py#803 (exit code 0), #807 (wrong summary)."""
    aside = loose.people.rename(loose.folder / "aside.csv")
    ran = loose.syncd("run")
    assert (ran.code, "people.csv" in ran.err) == (1, True)
    aside.rename(loose.people)
    loose.hire([*staff(40), Person("N001")])
    ran = loose.syncd("run", "--json")
    assert (ran.code, ran.json["outcome"]) == (0, {"done": 1, "failed": 0, "stale": 0, "skipped": 0})


def test_pain_10_three_hundred_groups_are_three_hundred_groups(loose: House) -> None:
    """bitwarden/directory-connector#39: the two hundred first, and no word of the others."""
    names = tuple(f"Group {number:03d}" for number in range(300))
    loose.hire([replace(staff(1)[0], groups=names), *staff(40)[1:]])
    go(loose)
    assert sorted(users(loose)["e001@example.com"]["groups"]) == list(names)


def test_pain_12_a_tripped_limit_holds_the_deletions_and_no_joiner(tmp_path: Path) -> None:
    """adobe-apiplatform/user-sync.py#744; #398 and IONOS-Core/dim#89 ask for percent, and for a limit of each kind."""
    house = House(tmp_path, {**LOOSE, "budgets": {"run": {"delete": {"percent": 5}, "remove_member": {"count": 3}}}})
    house.hire(staff(40))
    go(house)
    renamed = replace(staff(1)[0], name="Anna")
    moved = [replace(person, groups=()) for person in staff(4)[1:]]
    house.hire([renamed, *moved, *staff(30)[4:], Person("N001")])
    report = go(house)
    held = {key.partition(":")[0] for key, decision in report.decisions.items() if decision is Decision.HOLD}
    assert held == {"delete_user"}
    assert "budgets.run.delete.percent" in str([finding.message for finding in report.review.findings])
    assert report.outcome["done"] == 5
    assert (len(users(house)), users(house)["e001@example.com"]["name"]) == (41, "Anna")


def test_pain_13_a_deletion_that_fails_leaves_the_account_ours(loose: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """dalibo/ldap2pg#422: rights were taken, the deletion failed, and the next run did not know the account any more."""
    real = EmbeddedAccount.apply

    def refusing(self: EmbeddedAccount, steps: Sequence[Step]) -> list[Outcome]:
        if steps and steps[0].verb == "delete_user":
            return [Outcome(step.operation_id, "failed", step.fluix_id, "not now") for step in steps]
        return real(self, steps)

    parts = [{"name": "S", "users": ["e040@example.com", "e001@example.com"]}]
    give(loose, workflows=[{"name": "W", "steps": parts}])
    loose.configure(leavers={"grace_days": 0, "certified_absences": 1, "workflows": "remove_first"})
    loose.hire(staff(39))
    with monkeypatch.context() as patched:
        patched.setattr(EmbeddedAccount, "apply", refusing)
        assert go(loose).outcome["failed"] == 1
    assert "e040@example.com" in users(loose)
    report = go(loose)
    assert (kinds(report), report.outcome["done"]) == ({"delete_user": 1}, 1)
    assert "e040@example.com" not in users(loose)


def test_pain_13_the_last_owner_is_never_removed(loose: House) -> None:
    """langfuse/langfuse#13530."""
    give(loose, users=[{"email": "e040@example.com", "owner": True, "groups": ["Field"]}])
    loose.hire(staff(39))
    assert go(loose).decision is Decision.REFUSE
    assert users(loose)["e040@example.com"]["groups"] == ["Field"]


@pytest.mark.parametrize(
    ("encoding", "name", "declared"),
    [("utf-8-sig", "Zoë", False), ("cp1252", "Zoë", True), ("big5", "陳大文", True)],
)
def test_pain_14_a_byte_order_mark_is_no_part_of_a_header_and_old_encodings_are_read(
    tmp_path: Path, encoding: str, name: str, declared: bool
) -> None:
    """adobe-apiplatform/user-sync.py#180 (byte-order mark), #213 (big5), #430 (cp1252)."""
    house = House(tmp_path, dict(LOOSE))
    if declared:
        house.configure(sources=[{**house.settings["sources"][0], "encoding": encoding}])
    house.people.write_text(rows([replace(staff(1)[0], name=name), *staff(10)[1:]]), encoding=encoding)
    assert go(house).outcome["done"] == 11
    assert users(house)["e001@example.com"]["name"] == name


def test_pain_14_a_row_that_is_skipped_is_not_a_person_who_is_missing(loose: House) -> None:
    """The same threads: who could not be decoded was skipped, and then counted as gone."""
    loose.hire([replace(staff(1)[0], email="no address"), *staff(39)[1:]])
    for _ in range(3):
        assert checks(go(loose)) == {"certificate", "pinned"}
    assert len(users(loose)) == 40


def test_pain_15_a_run_that_hangs_lets_the_next_one_fail_at_once_and_loudly(loose: House) -> None:
    """3rd-party-integrations/github-team-sync#113: hours of a blocked scheduler and overlapping runs, with only a warning."""
    loose.hire(staff(39))
    with run_lock(loose.app().store, "syncd run", loose.clock.now):
        ran = loose.syncd("run")
    assert (ran.code, f"process {os.getpid()}" in ran.err) == (1, True)
    assert len(users(loose)) == 40
    assert kinds(go(loose)) == {"delete_user": 1}
