"""Who gave what: two directories, an admin's hands, and addresses that move between people."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from connectors.model import Certificate, Record
from syncd.core.change import Decision
from syncd.core.report import Report
from syncd.run import apply_plan, run
from syncd.sync import Request, Sync
from tests.e2e.test_days import BIG, account, approve, checks, give, go, kinds, users
from tests.house import COLUMNS, House, Person, staff

ANNA = Person("E001", "Anna Berg", "anna@example.com", ("Field",))
AGENCY = Person("A7", "Berg, Anna", "anna@example.com", ("Lab",))
OTHERS = staff(9)[1:]
LEFT = "left as it is (people.on_drift: report)"


class Two(House):
    """A company with two directories: people, which stands first, and an agency's list."""

    def agency(self, *people: Person, broken: bool = False) -> None:
        with (self.folder / "agency.csv").open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(COLUMNS.values())
            writer.writerows([person.row() for person in people])
            if broken:
                writer.writerow(["", "Nobody", "nobody@example.com", "Lab", "yes", ""])


@pytest.fixture
def two(tmp_path) -> Two:
    """Anna stands in both directories; everything is in Fluix."""
    house = Two(tmp_path, dict(BIG))
    (people,) = house.settings["sources"]
    house.configure(sources=[people, {**deepcopy(people), "name": "agency", "path": "agency.csv"}])
    house.hire([ANNA, *OTHERS])
    house.agency(AGENCY, Person("A8", groups=("Lab",)))
    go(house)
    assert settled(house)
    return house


def settled(house: House) -> bool:
    report = go(house)
    return (report.plan.changes, report.review.findings) == ((), ())


def groups(house: House, email: str = "anna@example.com") -> list[str]:
    found: list[str] = users(house)[email]["groups"]
    return found


def drift(report: Report) -> list[tuple[str, tuple[str, ...]]]:
    return [(finding.message, finding.changes) for finding in report.review.findings if finding.check == "drift"]


def by_hand(house: House, email: str = "anna@example.com", **changed: Any) -> None:
    """Somebody changes an account in Fluix."""
    account(house).edit_user(email, **changed)


def owner_of(house: House, email: str) -> str:
    found: str = account(house).show_user(email)["fluix_id"]
    return found


# --- two sources --------------------------------------------------------------------------------------------------


def test_both_sources_give_their_groups_and_the_first_gives_the_name(two: Two) -> None:
    assert groups(two) == ["Field", "Lab"]
    assert users(two)["anna@example.com"]["name"] == "Anna Berg"


def test_a_group_that_one_source_stops_naming_stays_while_the_other_names_it(two: Two) -> None:
    two.agency(replace(AGENCY, groups=("Lab", "Field")), Person("A8", groups=("Lab",)))
    assert settled(two)
    two.hire([replace(ANNA, groups=()), *OTHERS])
    assert settled(two)
    assert groups(two) == ["Field", "Lab"]
    two.agency(AGENCY, Person("A8", groups=("Lab",)))
    report = go(two)
    assert [change.key for change in report.plan.changes] == ["remove_member:anna@example.com:Field"]
    assert report.plan.changes[0].before == {"given_by": ["agency"]}
    assert groups(two) == ["Lab"]


def test_while_one_source_is_not_read_whole_only_its_own_groups_wait(two: Two) -> None:
    two.hire([replace(ANNA, groups=()), *OTHERS])
    two.agency(replace(AGENCY, groups=()), Person("A8", groups=("Lab",)), broken=True)
    go(two)
    assert groups(two) == ["Lab"]
    two.agency(replace(AGENCY, groups=()), Person("A8", groups=("Lab",)))
    go(two)
    assert groups(two) == []


def test_when_a_record_vanishes_only_what_its_source_alone_gave_is_taken(two: Two) -> None:
    two.hire([replace(ANNA, groups=("Field", "Shared")), *OTHERS])
    two.agency(replace(AGENCY, groups=("Lab", "Shared")), Person("A8", groups=("Lab",)))
    go(two)
    two.agency(Person("A8", groups=("Lab",)))
    report = go(two)
    assert kinds(report) == {"remove_member": 1}
    assert groups(two) == ["Field", "Shared"]
    assert users(two)["anna@example.com"]["name"] == "Anna Berg"
    assert settled(two)


def test_a_source_that_shrank_holds_what_it_gave_and_nothing_of_the_other(two: Two) -> None:
    two.configure(shrink={"max_percent": 30})
    two.hire([replace(ANNA, groups=()), *OTHERS])
    two.agency(Person("A9", groups=("Lab",)))
    report = go(two)
    assert checks(report) == {"shrink"}
    assert groups(two) == ["Lab"]
    held = [change.key for change in report.plan.changes if report.decisions[change.key] is Decision.HOLD]
    assert "remove_member:anna@example.com:Lab" in held


def test_the_name_follows_to_the_next_source_and_back_and_does_not_flap(two: Two) -> None:
    two.hire(OTHERS)
    go(two)
    assert users(two)["anna@example.com"]["name"] == "Berg, Anna"
    assert groups(two) == ["Lab"]
    assert settled(two)
    two.hire([ANNA, *OTHERS])
    go(two)
    assert users(two)["anna@example.com"]["name"] == "Anna Berg"
    assert settled(two)


def test_two_sources_that_name_different_emails_follow_the_first_and_say_so_in_every_run(two: Two) -> None:
    two.agency(replace(AGENCY, email="berg@agency.example"), Person("A8", groups=("Lab",)))
    for _ in range(3):
        report = go(two)
        assert (kinds(report), checks(report)) == ({}, {"email_differs"})
    (finding,) = report.review.findings
    assert finding.message == (
        "people/E001 says anna@example.com, agency/A7 says berg@agency.example: "
        "people stands first in `sources`, its email counts"
    )
    two.hire(OTHERS)
    assert [change.after for change in go(two).plan.of_kind("update_user")] == [
        {"email": "berg@agency.example", "display_name": "Berg, Anna"}
    ]


def test_a_source_that_was_not_read_whole_does_not_hand_the_email_to_the_next(two: Two) -> None:
    two.agency(replace(AGENCY, email="berg@agency.example"), Person("A8", groups=("Lab",)))
    go(two)
    two.hire([replace(ANNA, active="no"), *OTHERS], extra_rows=[["", "Nobody", "nobody@example.com", "", "yes", ""]])
    go(two)
    assert "anna@example.com" in users(two)
    two.hire([replace(ANNA, active="no"), *OTHERS])
    go(two)
    assert "berg@agency.example" in users(two)


# --- an admin's hands ---------------------------------------------------------------------------------------------


def test_what_an_admin_gave_stays_the_admins_though_a_source_begins_and_stops_to_want_it(two: Two) -> None:
    give(two, groups=[{"name": "Audit"}])
    by_hand(two, add_groups=["Audit"])
    assert settled(two)
    for wanted in (("Field", "Audit"), ("Field",)):
        two.hire([replace(ANNA, groups=wanted), *OTHERS])
        assert settled(two)
    assert groups(two) == ["Audit", "Field", "Lab"]


def test_once_taken_out_by_the_admin_and_given_by_us_it_is_ours(two: Two) -> None:
    give(two, groups=[{"name": "Audit"}])
    by_hand(two, add_groups=["Audit"])
    two.hire([replace(ANNA, groups=("Field", "Audit")), *OTHERS])
    go(two)
    by_hand(two, remove_groups=["Audit"])
    assert kinds(go(two)) == {"add_member": 1}
    two.hire([ANNA, *OTHERS])
    go(two)
    assert groups(two) == ["Field", "Lab"]


def test_what_was_taken_out_by_hand_and_is_wanted_no_more_is_the_admins_when_it_comes_back(two: Two) -> None:
    two.configure(people={"on_drift": {"groups": "report"}})
    by_hand(two, remove_groups=["Field"])
    go(two)
    two.hire([replace(ANNA, groups=()), *OTHERS])
    assert settled(two)
    by_hand(two, add_groups=["Field"])
    assert settled(two)
    assert groups(two) == ["Field", "Lab"]


def test_drift_is_repaired_or_reported_by_attribute_and_said_with_its_values(two: Two) -> None:
    two.configure(people={"on_drift": {"email": "report", "display_name": "repair", "groups": "report"}})
    by_hand(two, new_email="by.hand@example.com", name="By Hand", remove_groups=["Lab"])
    report = go(two)
    key = "update_user:by.hand@example.com"
    assert drift(report) == [
        (
            'by.hand@example.com: email was changed in Fluix by hand to "by.hand@example.com", we gave "anna@example.com": '
            + LEFT,
            (),
        ),
        (
            'by.hand@example.com: display_name was changed in Fluix by hand to "By Hand", we gave "Anna Berg": set back',
            (key,),
        ),
        (
            "by.hand@example.com: groups were changed in Fluix by hand, taken out of Lab, which we gave for agency/A7: "
            + LEFT,
            (),
        ),
    ]
    assert [(change.key, change.reason) for change in report.plan.changes] == [(key, "changed in Fluix by hand")]
    assert users(two)["by.hand@example.com"]["name"] == "Anna Berg"


def test_drift_back_to_what_the_directory_wants_is_no_drift(two: Two) -> None:
    two.configure(people={"on_drift": "report"})
    by_hand(two, name="Anna Dahl")
    assert len(drift(go(two))) == 1
    two.hire([replace(ANNA, name="Anna Dahl"), *OTHERS])
    assert settled(two)
    two.hire([ANNA, *OTHERS])
    assert kinds(go(two)) == {"update_user": 1}


def test_an_account_deleted_by_hand_is_a_question_and_made_again_with_each_sources_groups(two: Two) -> None:
    account(two).delete_user("anna@example.com")
    report = go(two)
    assert checks(report) == {"deleted_by_hand"}
    approve(two, report)
    apply_plan(two.app().sync(), report.plan_id)
    two.agency(Person("A8", groups=("Lab",)))
    go(two)
    assert groups(two) == ["Field"]


# --- addresses that move ------------------------------------------------------------------------------------------


def test_who_gets_the_address_of_a_waiting_leaver_waits_and_never_gets_the_account(two: Two) -> None:
    two.configure(leavers={"grace_days": 7, "certified_absences": 1})
    anna, bob = owner_of(two, "anna@example.com"), owner_of(two, "e002@example.com")
    two.agency(Person("A8", groups=("Lab",)))
    go(two)
    two.hire([replace(OTHERS[0], email="anna@example.com"), *OTHERS[1:]])
    report = go(two)
    assert checks(report) == {"taken", "waiting"}
    assert kinds(report) == {}
    assert owner_of(two, "anna@example.com") == anna
    two.clock.advance(days=8)
    assert kinds(go(two)) == {"delete_user": 1}
    assert kinds(go(two)) == {"update_user": 1}
    assert owner_of(two, "anna@example.com") == bob


def test_another_directorys_newcomer_with_another_name_is_a_question_before_a_leavers_account_is_theirs(
    two: Two,
) -> None:
    two.configure(leavers={"grace_days": 7, "certified_absences": 1})
    two.hire([ANNA, *OTHERS[1:]])
    go(two)
    two.agency(AGENCY, Person("A8", groups=("Lab",)), Person("A9", "Bob Stone", "e002@example.com", ("Lab",)))
    report = go(two)
    assert (checks(report), set(report.decisions.values())) == ({"new_key"}, {Decision.HOLD})
    assert users(two)["e002@example.com"]["name"] == "Person E002"
    two.agency(AGENCY, Person("A8", groups=("Lab",)), Person("A9", "E002, Person", "e002@example.com", ("Lab",)))
    assert kinds(go(two)) == {"add_member": 1, "remove_member": 1, "update_user": 1}


def test_two_who_swap_addresses_are_held_until_one_is_changed_by_hand(two: Two) -> None:
    one, other = OTHERS[0], OTHERS[1]
    ids = {email: owner_of(two, email) for email in ("e002@example.com", "e003@example.com")}
    two.hire([ANNA, replace(one, email="e003@example.com"), replace(other, email="e002@example.com"), *OTHERS[2:]])
    for _ in range(2):
        report = go(two)
        assert (kinds(report), checks(report), report.decision) == ({}, {"taken"}, Decision.HOLD)
    assert "change one in Fluix by hand" in report.review.findings[0].message
    by_hand(two, "e002@example.com", new_email="between@example.com")
    go(two)
    go(two)
    assert owner_of(two, "e003@example.com") == ids["e002@example.com"]
    assert owner_of(two, "e002@example.com") == ids["e003@example.com"]


# --- a group that gets another one's name -------------------------------------------------------------------------


class Groups:
    """A directory whose groups have ids of their own."""

    def __init__(self, **names: str) -> None:
        self.names = names

    def read(self, known: object = None) -> Iterator[Record | Certificate]:
        """Anna in G1, Bob in G2."""
        del known
        for place, (group, name) in enumerate(sorted(self.names.items()), 1):
            email = f"p{place}@example.com"
            yield Record("person", f"P{place}", {"email": email, "display_name": f"P {place}", "active": True})
            yield Record("group", group, {"display_name": name, "members": (f"P{place}",)})
        yield Certificate(2 * len(self.names))

    def check(self) -> Sequence[str]:
        """Nothing is wrong with it."""
        return ()


def test_a_group_that_gets_anothers_name_gives_nobody_its_workflows_until_a_person_says_so(tmp_path) -> None:
    house = House(tmp_path, dict(BIG))

    def sync(**names: str) -> Sync:
        return replace(house.app().sync(), sources={"people": Groups(**names)})

    run(sync(G1="Field", G2="Office"), Request("run"))
    renamed = sync(G1="Office", G2="Office")
    for _ in range(2):
        report = run(renamed, Request("run"))
        assert checks(report) == {"group_name_taken"}
        assert [change.key for change in report.plan.changes] == [
            "add_member:p1@example.com:Office",
            "remove_member:p1@example.com:Field",
        ]
        assert set(report.decisions.values()) == {Decision.HOLD}
    assert groups(house, "p1@example.com") == ["Field"]
    approve(house, report)
    apply_plan(renamed, report.plan_id)
    assert groups(house, "p1@example.com") == ["Office"]
    report = run(renamed, Request("run"))
    assert (report.plan.changes, report.review.findings) == ((), ())
    assert kinds(run(sync(G1="Other", G2="Office"), Request("run"))) == {
        "create_group": 1,
        "add_member": 1,
        "remove_member": 1,
    }
