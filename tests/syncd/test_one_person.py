"""plan --user and run --user: one person, without reading what does not concern them."""

from __future__ import annotations

import os

import pytest

from connectors.csv_source import CsvSource
from connectors.csv_survey import Survey
from connectors.fluix.account import EmbeddedAccount
from syncd.run import make_plan, run
from syncd.store import runs
from syncd.sync import Request
from tests.house import Person, staff


@pytest.fixture
def company(house):
    house.hire(staff(10))
    run(house.app().sync(), Request("run"))
    return house


def plan(house, user):
    return make_plan(house.app().sync(), Request("plan", user=user))


def keys(report):
    return [change.key for change in report.plan.changes]


def never(*_, **__):
    raise AssertionError("it was read")


def test_the_account_is_not_read_whole(company, monkeypatch):
    monkeypatch.setattr(EmbeddedAccount, "read", never)
    assert keys(plan(company, "e001@example.com")) == []


def test_a_file_that_stands_as_it_was_read_is_not_read_again(company, monkeypatch):
    monkeypatch.setattr(CsvSource, "read", never)
    report = plan(company, "e001@example.com")
    assert [(read.name, read.records, read.certified) for read in report.sources] == [("people", 10, True)]


def test_a_file_that_changed_is_read(company):
    company.hire([*staff(10)[:9], Person("E010", groups=("Field", "Night"))])
    assert keys(plan(company, "e010@example.com")) == ["create_group:Night", "add_member:e010@example.com:Night"]


def test_a_file_of_the_same_size_and_time_in_another_place_is_read(company):
    before = company.people.stat()
    text = company.people.read_text().replace("Person E010", "Persona E10")
    company.people.unlink()
    company.people.write_text(text)
    os.utime(company.people, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert keys(plan(company, "e010@example.com")) == ["update_user:e010@example.com"]


def test_a_file_is_read_again_after_a_read_that_was_not_whole(company):
    whole = company.people.read_text()
    company.people.write_text(whole + "E011,X,no address,,yes,\n")
    assert not make_plan(company.app().sync(), Request("plan")).sources[0].certified
    assert not plan(company, "e001@example.com").sources[0].certified
    assert not plan(company, "e001@example.com").sources[0].certified


def test_what_was_changed_by_hand_is_seen_though_nothing_else_is_read(company):
    company.app().target().edit_user("e001@example.com", name="By hand")
    assert keys(plan(company, "e001@example.com")) == ["update_user:e001@example.com"]
    assert keys(plan(company, "e002@example.com")) == []


def test_an_account_made_by_hand_is_found_by_its_address(company):
    company.app().target().add_user("Made", "e011@example.com", [])
    company.hire([*staff(10), Person("E011", groups=())])
    report = plan(company, "e011@example.com")
    assert keys(report) == ["update_user:e011@example.com"]
    assert [str(link.key) for link in report.plan.links] == ["people/E011"]


def test_one_that_was_deleted_by_hand_is_not_in_the_cache_any_more(company):
    company.app().target().delete_user("e001@example.com")
    report = plan(company, "e001@example.com")
    assert keys(report) == ["create_user:e001@example.com"]
    assert [finding.check for finding in report.review.findings] == ["deleted_by_hand"]


def test_a_read_that_was_spared_does_not_count_as_an_absence(company):
    company.configure(leavers={"grace_days": 0, "certified_absences": 2})
    company.hire(staff(10)[1:])
    assert keys(plan(company, "e001@example.com")) == []
    for _ in range(3):
        report = plan(company, "e001@example.com")
        assert keys(report) == []
        assert [finding.check for finding in report.review.findings] == ["waiting"]
    company.people.touch()
    assert keys(plan(company, "e001@example.com")) == ["delete_user:e001@example.com"]


def test_a_deletion_of_one_person_keeps_budgets_roles_and_certificates(company):
    company.configure(budgets={"run": {"delete": {"count": 0}}})
    one = {"email": "e001@example.com", "name": "Person E001", "state": "active", "role": "admin"}
    company.app().target().load({"users": [one]})
    company.hire(staff(10)[1:])
    report = run(company.app().sync(), Request("run", user="e001@example.com"))
    checks = [finding.check for finding in report.review.findings]
    assert {"budget", "last_admin", "admin"} <= set(checks)
    assert report.outcome["done"] == 0


def test_after_a_run_the_store_tells_of_the_account_as_it_is_now(company):
    company.hire([*staff(10)[1:], Person("E001", "Other", groups=("Night",))])
    run(company.app().sync(), Request("run", user="e001@example.com"))
    assert "Night" in str(runs.recall(company.app().store, "groups"))
    assert keys(plan(company, "e001@example.com")) == []


@pytest.fixture
def searched(company, monkeypatch):
    """A company whose file is searched for one person, and not read."""
    monkeypatch.setattr(CsvSource, "read", never)
    return company


def test_a_file_that_changed_is_searched_and_the_others_wait_for_the_next_run(searched, monkeypatch):
    searched.hire([Person(f"E{number:03d}", f"New {number}") for number in range(1, 11)])
    report = plan(searched, "e003@example.com")
    assert keys(report) == ["update_user:e003@example.com"]
    assert report.sources[0].notes == (
        "people changed since it was read: only what concerns e003@example.com was looked up in it",
    )
    monkeypatch.undo()
    report = run(searched.app().sync(), Request("run"))
    assert report.outcome["done"] == 10


def test_somebody_new_is_found(searched):
    searched.hire([*staff(10), Person("E011", groups=("Field",))])
    assert keys(plan(searched, "e011@example.com")) == ["create_user:e011@example.com"]
    assert keys(plan(searched, "e012@example.com")) == []


@pytest.mark.parametrize("asked", ["e002@example.com", "second@example.com"])
def test_a_new_address_is_found_by_either(searched, asked):
    searched.hire([*staff(10)[:1], Person("E002", email="second@example.com"), *staff(10)[2:]])
    assert keys(plan(searched, asked)) == ["update_user:e002@example.com"]


def test_whoever_got_the_address_of_another_is_looked_at_with_them(searched):
    people = staff(10)
    people[1] = Person("E002", email="e003@example.com", groups=people[1].groups)
    people[2] = Person("E003", email="e002@example.com", groups=people[2].groups)
    searched.hire(people)
    assert {change.fluix_id for change in plan(searched, "e002@example.com").plan.changes} == {
        change.fluix_id for change in plan(searched, "e003@example.com").plan.changes
    }


def test_two_that_want_one_address_are_held_as_ever(searched):
    searched.hire([*staff(10), Person("E011", email="E001@example.com")])
    found = plan(searched, "e001@example.com")
    assert keys(found) == []
    assert "conflict" in str([finding.check for finding in found.review.findings])


@pytest.mark.parametrize(
    "people",
    [
        staff(10)[1:],
        [Person("E001", active=False), *staff(10)[1:]],
        [*staff(10), Person("E001", "Twice")],
        [*staff(10), Person("E011", "On\ntwo lines")],
    ],
    ids=["gone", "inactive", "twice", "irregular"],
)
def test_what_a_search_cannot_tell_is_read(searched, people):
    searched.hire(people)
    with pytest.raises(AssertionError, match="it was read"):
        plan(searched, "e001@example.com")


def test_an_address_that_is_worked_out_is_not_searched_for(searched):
    searched.configure(people={"map": {"email": "{{ email }}"}})
    searched.hire([Person("E001", "New"), *staff(10)[1:]])
    with pytest.raises(AssertionError, match="it was read"):
        plan(searched, "e001@example.com")


def test_the_next_read_sees_what_became_other_again(company):
    before = company.people.read_text()
    run(company.app().sync(), Request("run"))
    company.hire([Person("E001", "New"), *staff(10)[1:], Person("E011")])
    run(company.app().sync(), Request("run", user="e001@example.com"))
    run(company.app().sync(), Request("run", user="e011@example.com"))
    company.people.write_text(before)
    report = run(company.app().sync(), Request("run"))
    assert keys(report) == ["update_user:e001@example.com", "delete_user:e011@example.com"]


@pytest.mark.parametrize("changed", [True, False])
def test_the_next_read_opens_only_what_changed(company, monkeypatch, changed):
    people = [Person(f"E{number:03d}") for number in range(1, 200)]
    company.hire(people)
    for _ in range(2):
        run(company.app().sync(), Request("run"))
    people[5] = Person("E006", "New" if changed else people[5].name)
    company.hire([*people, Person("E200")])
    for user in ("e006@example.com", "e200@example.com"):
        run(company.app().sync(), Request("run", user=user))
    monkeypatch.setattr(Survey, "_whole", never)
    assert keys(run(company.app().sync(), Request("run"))) == []
