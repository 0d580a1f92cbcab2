"""Days in the life of a company, on the embedded account: what happens to people, and what never does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import inspect, text

from connectors.fluix.account import EmbeddedAccount
from connectors.model import Step
from syncd.core.approval import Approval, choose
from syncd.core.change import Decision
from syncd.core.report import Report
from syncd.errors import UsageError
from syncd.run import apply_plan, make_plan, run
from syncd.store import plans
from syncd.sync import Request
from tests.house import House, Person, staff

BIG = {
    "budgets": {"run": {"delete": None, "email_change": None, "remove_member": None}},
    "shrink": {"max_percent": 100},
}


@pytest.fixture
def calm(tmp_path) -> House:
    """A company without budgets, so that one sentence is tested at a time; thirty people, all in Fluix."""
    house = House(tmp_path, dict(BIG))
    house.hire(staff(30))
    go(house)
    return house


def go(house: House, *sources: str) -> Report:
    return run(house.app().sync(), Request("run", sources))


def account(house: House) -> EmbeddedAccount:
    found = house.app().target()
    assert isinstance(found, EmbeddedAccount)
    return found


def users(house: House) -> dict[str, dict[str, Any]]:
    return {user["email"]: user for user in account(house).list_users()}


def checks(report: Report) -> set[str]:
    return {finding.check for finding in report.review.findings}


def message(report: Report, check: str) -> str:
    (found,) = [finding.message for finding in report.review.findings if finding.check == check]
    return found


def held(report: Report) -> set[str]:
    return {key for key, decision in report.decisions.items() if decision.word == "hold"}


def approve(house: House, report: Report, hours: float = 1.0, **which: Any) -> None:
    app = house.app()
    keys = choose(report.review.decisions, **which)
    now = app.clock()
    plans.approve(
        app.store,
        report.plan_id,
        Approval(report.plan.digest, keys, "test", "seen", now, now + type(app.sync().approval_lasts)(hours=hours)),
    )


def give(house: House, **life: Any) -> None:
    """Life in Fluix, by hand."""
    account(house).load(life)


def kinds(report: Report) -> dict[str, int]:
    return dict(report.plan.counts())


# --- people change ------------------------------------------------------------------------------------------------


def test_a_changed_email_is_an_update_of_the_same_account(calm: House) -> None:
    before = account(calm).show_user("e001@example.com")["fluix_id"]
    calm.hire([replace(staff(1)[0], email="married@example.com"), *staff(30)[1:]])
    assert kinds(go(calm)) == {"update_user": 1}
    assert account(calm).show_user("married@example.com")["fluix_id"] == before
    assert len(users(calm)) == 30


def test_the_case_of_an_email_is_no_change(calm: House) -> None:
    calm.hire([replace(person, email=person.row()[2].upper()) for person in staff(30)])
    assert kinds(go(calm)) == {}


def test_a_changed_key_with_the_same_email_is_a_question_and_the_account_lives_on(calm: House) -> None:
    calm.hire([replace(staff(1)[0], id="N001", name="Person E001", email="e001@example.com"), *staff(30)[1:]])
    report = go(calm)
    assert "new_key" in checks(report)
    assert kinds(report) == {"update_user": 1}
    assert report.outcome["done"] == 0
    assert "e001@example.com" in users(calm)
    approve(calm, report)
    assert apply_plan(calm.app().sync(), report.plan_id).outcome["done"] == 1
    assert kinds(go(calm)) == {}
    calm.hire(staff(30)[1:])
    assert [change.user for change in go(calm).plan.of_kind("delete_user")] == ["e001@example.com"]


def test_who_moves_group_is_taken_out_of_the_old_one(calm: House) -> None:
    calm.hire([replace(staff(1)[0], groups=("Office",)), *staff(30)[1:]])
    assert kinds(go(calm)) == {"create_group": 1, "add_member": 1, "remove_member": 1}
    assert users(calm)["e001@example.com"]["groups"] == ["Office"]


def test_what_an_admin_gave_by_hand_stays(calm: House) -> None:
    give(calm, groups=[{"name": "Audit"}], users=[{"email": "e001@example.com", "groups": ["Field", "Audit"]}])
    calm.hire([replace(staff(1)[0], groups=()), *staff(30)[1:]])
    go(calm)
    assert users(calm)["e001@example.com"]["groups"] == ["Audit"]


# --- people leave -------------------------------------------------------------------------------------------------


def test_leavers_wait_for_days_and_for_reads(calm: House) -> None:
    calm.configure(leavers={"grace_days": 7, "certified_absences": 3})
    calm.hire(staff(29))
    for _ in range(5):
        report = go(calm)
        assert kinds(report) == {}
        assert checks(report) == {"waiting"}
        calm.clock.advance(days=1)
    calm.clock.advance(days=2)
    assert kinds(go(calm)) == {"delete_user": 1}
    assert "e030@example.com" not in users(calm)


def test_enough_days_are_not_enough_reads(calm: House) -> None:
    calm.configure(leavers={"grace_days": 7, "certified_absences": 3})
    calm.hire(staff(29))
    go(calm)
    calm.clock.advance(days=30)
    assert kinds(go(calm)) == {}
    assert kinds(go(calm)) == {"delete_user": 1}


def test_who_has_waited_long_enough_still_waits_for_a_read_that_was_whole(calm: House) -> None:
    calm.configure(leavers={"grace_days": 7, "certified_absences": 1})
    calm.hire([*staff(28), replace(staff(30)[28], active="no")])
    go(calm)
    calm.clock.advance(days=8)
    calm.hire([*staff(28), replace(staff(30)[28], active="no")], [["E040", "Nobody", "broken", "Field", "yes", ""]])
    assert kinds(go(calm)) == {}
    assert {"e029@example.com", "e030@example.com"} <= users(calm).keys()
    calm.hire([*staff(28), replace(staff(30)[28], active="no")])
    assert kinds(go(calm)) == {"delete_user": 2}


def test_who_returns_in_time_keeps_the_account_and_waits_anew_when_leaving_again(calm: House) -> None:
    calm.configure(leavers={"grace_days": 7, "certified_absences": 1})
    calm.hire(staff(29))
    go(calm)
    calm.clock.advance(days=6)
    calm.hire(staff(30))
    assert kinds(go(calm)) == {}
    calm.hire(staff(29))
    go(calm)
    calm.clock.advance(days=6)
    assert kinds(go(calm)) == {}
    assert "e030@example.com" in users(calm)


def test_a_run_of_another_source_does_not_count_as_an_absence(calm: House) -> None:
    other = {"name": "other", "type": "csv", "path": "other.csv", "settle_seconds": 0}
    (calm.folder / "other.csv").write_text("User Name,Email,Group Name\nZoe,zoe@example.com,Field\n")
    calm.configure(sources=[*calm.settings["sources"], other], leavers={"grace_days": 0, "certified_absences": 2})
    go(calm)
    calm.hire(staff(29))
    go(calm)
    for _ in range(3):
        assert kinds(go(calm, "other")) == {}
    assert kinds(go(calm)) == {"delete_user": 1}


@pytest.mark.parametrize(
    ("settings", "person"),
    [
        ({}, replace(staff(30)[29], active="no")),
        ({"people": {"scope": "'Contractors' not in groups"}}, replace(staff(30)[29], groups=("Contractors",))),
    ],
)
def test_who_is_inactive_or_out_of_scope_leaves(calm: House, settings: dict[str, Any], person: Person) -> None:
    calm.configure(**settings)
    assert kinds(go(calm)) == {}
    calm.hire([*staff(29), person])
    report = go(calm)
    assert kinds(report) == {"delete_user": 1}
    assert "e030@example.com" not in users(calm)


def test_strip_groups_takes_what_we_gave_while_the_account_waits(calm: House) -> None:
    calm.configure(leavers={"grace_days": 7, "on_leave": "strip_groups"})
    calm.hire(staff(29))
    assert kinds(go(calm)) == {"remove_member": 1}
    assert users(calm)["e030@example.com"]["groups"] == []
    calm.hire(staff(30))
    assert kinds(go(calm)) == {"add_member": 1}


GUARDS = {
    "owner": {"users": [{"email": "e030@example.com", "owner": True, "groups": ["Field"]}]},
    "last_admin": {"users": [{"email": "e030@example.com", "role": "admin", "groups": ["Field"]}]},
    "workflow_alone": {"workflows": [{"name": "W", "steps": [{"name": "S", "users": ["e030@example.com"]}]}]},
    "protected": {},
}


@pytest.mark.parametrize("check", GUARDS)
def test_what_is_refused_is_not_deleted_whoever_approves(calm: House, check: str) -> None:
    give(calm, **GUARDS[check])
    protected = ["E030@example.com"] if check == "protected" else []
    calm.configure(leavers={"grace_days": 0, "certified_absences": 1, "protected": protected})
    calm.hire(staff(29))
    report = go(calm)
    assert check in checks(report)
    assert report.decision is Decision.REFUSE
    assert "e030@example.com" in users(calm)
    assert not choose(report.review.decisions)


HELD = {
    "admin": {
        "users": [
            {"email": "e030@example.com", "role": "admin", "groups": ["Field"]},
            {"email": "e001@example.com", "role": "admin", "groups": ["Field"]},
        ]
    },
    "workflow": {
        "workflows": [{"name": "W", "steps": [{"name": "S", "users": ["e030@example.com", "e001@example.com"]}]}]
    },
    "documents": {"documents": [{"title": "Form 7", "state": "draft", "user": "e030@example.com"}]},
}


@pytest.mark.parametrize("check", HELD)
def test_what_is_held_is_deleted_once_it_is_approved(calm: House, check: str) -> None:
    give(calm, **HELD[check])
    calm.hire(staff(29))
    report = go(calm)
    assert check in checks(report)
    assert (report.decision, report.outcome["skipped"]) == (Decision.HOLD, 1)
    assert "e030@example.com" in users(calm)
    approve(calm, report)
    assert apply_plan(calm.app().sync(), report.plan_id).outcome == {"done": 1, "failed": 0, "stale": 0, "skipped": 0}
    assert "e030@example.com" not in users(calm)
    dumped = account(calm).dump()
    assert all("e030@example.com" not in str(part) for part in dumped.values())


def test_documents_go_to_the_manager_and_wait_when_the_manager_leaves_as_well(calm: House) -> None:
    calm.configure(leavers={"grace_days": 0, "certified_absences": 1, "documents": {"reassign": "manager"}})
    people = [replace(person, manager="E002") for person in staff(30)]
    calm.hire(people)
    go(calm)
    give(calm, documents=[{"title": "Form 7", "state": "draft", "user": "e030@example.com"}])
    calm.hire([person for person in people if person.id not in {"E030", "E002"}])
    report = go(calm)
    assert report.review.decisions["delete_user:e030@example.com"] is Decision.HOLD
    calm.hire(people[:-1])
    assert go(calm).outcome["failed"] == 0
    documents = account(calm).dump()["documents"]
    assert documents[0]["user"] in {"e002@example.com", "e030@example.com"}


def test_a_leaver_leaves_the_workflows_first_where_that_is_configured(calm: House) -> None:
    calm.configure(leavers={"grace_days": 0, "certified_absences": 1, "workflows": "remove_first"})
    give(calm, **HELD["workflow"])
    calm.hire(staff(29))
    assert go(calm).outcome["done"] == 1
    assert account(calm).dump()["workflows"][0]["steps"][0]["users"] == ["e001@example.com"]


def test_an_account_that_was_deleted_by_hand_is_a_question(calm: House) -> None:
    account(calm).delete_user("e030@example.com")
    report = go(calm)
    assert checks(report) == {"deleted_by_hand"}
    assert "e030@example.com" not in users(calm)
    approve(calm, report)
    apply_plan(calm.app().sync(), report.plan_id)
    assert "e030@example.com" in users(calm)


# --- sizes --------------------------------------------------------------------------------------------------------


def test_a_shrunken_source_holds_and_is_held_again_the_next_time(tmp_path) -> None:
    house = House(tmp_path, {"budgets": BIG["budgets"]})
    house.hire(staff(30))
    go(house)
    house.hire(staff(20))
    for _ in range(2):
        report = go(house)
        assert "shrink" in checks(report)
        assert report.outcome["skipped"] == 10
    assert len(users(house)) == 30
    approve(house, report)
    assert apply_plan(house.app().sync(), report.plan_id).outcome["done"] == 10
    assert checks(go(house)) == set()


def test_everybody_suddenly_inactive_is_a_shrunken_source(tmp_path) -> None:
    house = House(tmp_path, {"budgets": BIG["budgets"]})
    house.hire(staff(8))
    go(house)
    house.hire([replace(person, active="no") for person in staff(8)])
    report = go(house)
    assert "shrink" in checks(report)
    assert len(users(house)) == 8


def test_a_shrunken_group_holds_its_removals_and_nothing_else(tmp_path) -> None:
    house = House(tmp_path, {"budgets": BIG["budgets"]})
    house.hire([replace(person, groups=("Field", "Sales")) for person in staff(30)])
    go(house)
    house.hire([*(replace(person, groups=("Field",)) for person in staff(30)), Person("E099")])
    for _ in range(2):
        report = go(house)
        assert {finding.check for finding in report.review.findings if finding.changes} == {"shrink"}
        assert report.outcome["skipped"] == 30
    assert "e099@example.com" in users(house)
    assert users(house)["e001@example.com"]["groups"] == ["Field", "Sales"]


def test_a_budget_in_percent_holds_the_deletions_and_not_the_newcomers(tmp_path) -> None:
    house = House(tmp_path)
    house.hire(staff(30))
    go(house)
    house.hire([*staff(28), Person("E099")])
    report = go(house)
    assert (report.outcome["done"], report.outcome["skipped"]) == (1, 2)
    assert "2/30 managed accounts" in report.review.findings[0].message


# --- approvals ----------------------------------------------------------------------------------------------------


@pytest.fixture
def waiting(tmp_path) -> tuple[House, Report]:
    """Two deletions that are held by the budget."""
    house = House(tmp_path)
    house.hire(staff(30))
    go(house)
    house.hire(staff(28))
    return house, go(house)


def test_only_what_is_approved_is_deleted(waiting: tuple[House, Report]) -> None:
    house, report = waiting
    approve(house, report, only=["delete_user:e030@example.com"])
    after = apply_plan(house.app().sync(), report.plan_id)
    assert (after.outcome["done"], after.outcome["skipped"]) == (1, 1)
    assert {"e029@example.com"} == {"e029@example.com", "e030@example.com"} & users(house).keys()


def test_a_lapsed_approval_and_an_old_plan_are_no_approval(waiting: tuple[House, Report]) -> None:
    house, report = waiting
    approve(house, report, hours=1)
    house.clock.advance(hours=2)
    assert apply_plan(house.app().sync(), report.plan_id).outcome["done"] == 0
    house.clock.advance(hours=72)
    with pytest.raises(UsageError, match="older than 72 hours"):
        apply_plan(house.app().sync(), report.plan_id)


def test_an_approval_counts_for_the_same_plan_made_again_and_for_no_other(waiting: tuple[House, Report]) -> None:
    house, report = waiting
    approve(house, report)
    house.hire(staff(27))
    assert go(house).outcome["done"] == 0
    house.hire(staff(28))
    assert go(house).outcome["done"] == 2


def test_a_leaver_who_returned_after_the_approval_drops_out(waiting: tuple[House, Report]) -> None:
    house, report = waiting
    approve(house, report)
    house.hire(staff(29))
    make_plan(house.app().sync(), Request("plan"))
    after = apply_plan(house.app().sync(), report.plan_id)
    assert (after.outcome["done"], after.outcome["stale"]) == (1, 1)
    assert "e029@example.com" in users(house)


BACK = {
    "the same record": [staff(30)[29]],
    "a record that nobody can judge": [replace(staff(30)[29], active="")],
    "a new key with the same address": [
        replace(staff(30)[29], id="N030", name="Person E030", email="e030@example.com")
    ],
    "a bad row somewhere": [Person("E031", email="broken")],
}


@pytest.mark.parametrize("how", BACK)
def test_a_deletion_that_would_not_be_planned_any_more_is_not_done(waiting: tuple[House, Report], how: str) -> None:
    """Whatever came back, a plan made now would leave the account alone, and so does the approved one."""
    house, report = waiting
    approve(house, report)
    if how == "a record that nobody can judge":
        house.configure(people={"scope": "active and missing == 1"})
    house.hire([*staff(28), *BACK[how]])
    fresh = make_plan(house.app().sync(), Request("plan"))
    apply_plan(house.app().sync(), report.plan_id)
    deleted = {"e029@example.com", "e030@example.com"} - users(house).keys()
    assert "e030@example.com" not in deleted
    assert deleted <= {change.user for change in fresh.plan.of_kind("delete_user")}


def test_a_deletion_drops_out_when_another_source_has_the_person_by_now(waiting: tuple[House, Report]) -> None:
    house, report = waiting
    approve(house, report)
    other = {"name": "other", "type": "csv", "path": "other.csv", "settle_seconds": 0}
    (house.folder / "other.csv").write_text("User Name,Email\nPerson E030,e030@example.com\n")
    house.configure(sources=[*house.settings["sources"], other])
    make_plan(house.app().sync(), Request("plan"))
    apply_plan(house.app().sync(), report.plan_id)
    assert "e030@example.com" in users(house)


def test_who_left_again_since_the_plan_was_made_waits_anew(calm: House) -> None:
    calm.configure(leavers={"grace_days": 2, "certified_absences": 1})
    calm.hire(staff(29))
    go(calm)
    calm.clock.advance(days=2.1)
    old = make_plan(calm.app().sync(), Request("plan"))
    assert kinds(old) == {"delete_user": 1}
    for people in (staff(30), staff(29)):
        calm.hire(people)
        assert kinds(go(calm)) == {}
    report = apply_plan(calm.app().sync(), old.plan_id)
    assert (report.outcome["stale"], "e030@example.com" in users(calm)) == (1, True)


def test_an_account_that_changed_after_the_approval_drops_out(waiting: tuple[House, Report]) -> None:
    house, report = waiting
    approve(house, report)
    give(house, documents=[{"title": "New", "state": "draft", "user": "e029@example.com"}])
    after = apply_plan(house.app().sync(), report.plan_id)
    assert after.outcome["stale"] == 1
    assert "e029@example.com" in users(house)


def test_an_approved_plan_is_applied_once(waiting: tuple[House, Report]) -> None:
    house, report = waiting
    approve(house, report)
    assert apply_plan(house.app().sync(), report.plan_id).outcome["done"] == 2
    again = apply_plan(house.app().sync(), report.plan_id)
    assert (again.outcome["done"], again.already_done) == (0, 2)


# --- what is there already ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("adopt", ["matched", "never"])
def test_accounts_that_are_there_already(tmp_path, adopt: str) -> None:
    house = House(tmp_path, {**BIG, "people": {"adopt": adopt}})
    give(
        house,
        users=[{"email": "E001@Example.com", "name": "Old Name", "groups": ["Hand"]}, {"email": "other@example.com"}],
    )
    house.hire(staff(2))
    report = go(house)
    ours = adopt == "matched"
    assert kinds(report) == {"create_group": 1, "create_user": 1} | (
        {"update_user": 1, "add_member": 1} if ours else {}
    )
    assert users(house)["E001@Example.com"]["groups"] == (["Field", "Hand"] if ours else ["Hand"])
    assert users(house)["E001@Example.com"]["name"] == ("Person E001" if ours else "Old Name")
    house.hire([Person("E777")])
    go(house)
    assert ("E001@Example.com" in users(house)) is not ours
    assert "other@example.com" in users(house)


@pytest.mark.parametrize("on_drift", ["repair", "report"])
def test_what_was_changed_by_hand_is_repaired_or_reported(calm: House, on_drift: str) -> None:
    calm.configure(people={"on_drift": on_drift})
    give(calm, users=[{"email": "e001@example.com", "name": "By Hand", "state": "active", "groups": []}])
    report = go(calm)
    if on_drift == "repair":
        assert kinds(report) == {"update_user": 1, "add_member": 1}
        assert {change.reason for change in report.plan.changes} == {
            "changed in Fluix by hand",
            "taken out in Fluix by hand",
        }
        assert users(calm)["e001@example.com"]["name"] == "Person E001"
    else:
        assert kinds(report) == {}
        assert checks(report) == {"drift"}
        assert users(calm)["e001@example.com"]["name"] == "By Hand"


def test_groups_are_mapped_and_missing_ones_are_named(tmp_path) -> None:
    groups = {"create": False, "map": [{"from": "Team (?P<team>.+)", "to": "{team}"}]}
    house = House(tmp_path, {**BIG, "groups": groups})
    give(house, groups=[{"name": "North"}])
    house.hire([Person("E001", groups=("Team North", "Team South", "Secret"))])
    report = go(house)
    assert users(house)["e001@example.com"]["groups"] == ["North"]
    assert checks(report) == {"group_missing"}


def test_an_expression_that_cannot_be_worked_out_deletes_nobody(calm: House) -> None:
    calm.configure(people={"scope": "department == 'Field'"})
    report = go(calm)
    assert (kinds(report), report.decision) == ({}, Decision.HOLD)
    assert checks(report) == {"unreadable"}
    assert len(users(calm)) == 30


def test_two_sources_are_one_human_and_both_must_let_go(calm: House) -> None:
    contractors = {"name": "contractors", "type": "csv", "path": "contractors.csv", "settle_seconds": 0}
    path = calm.folder / "contractors.csv"
    path.write_text("User Name,Email,Group Name\nOther Name,e001@example.com,Site\nZoe,zoe@example.com,Site\n")
    calm.configure(sources=[*calm.settings["sources"], contractors])
    go(calm)
    assert users(calm)["e001@example.com"]["name"] == "Person E001"
    assert users(calm)["e001@example.com"]["groups"] == ["Field", "Site"]
    calm.hire(staff(30)[1:])
    go(calm)
    assert users(calm)["e001@example.com"]["groups"] == ["Site"]
    path.write_text("User Name,Email,Group Name\nZoe,zoe@example.com,Site\n")
    assert [change.user for change in go(calm).plan.of_kind("delete_user")] == ["e001@example.com"]


def test_a_run_that_changes_nothing_writes_nothing_but_its_own_line(calm: House) -> None:
    go(calm)

    def content() -> dict[str, list[Any]]:
        with calm.app().store.connect() as connection:
            names = [name for name in inspect(connection).get_table_names() if name not in {"runs", "sqlite_sequence"}]
            return {name: sorted(map(repr, connection.execute(text(f"SELECT * FROM {name}")))) for name in names}

    before = content()
    assert kinds(go(calm)) == {}
    assert content() == before


def test_one_user_on_demand(calm: House) -> None:
    calm.hire([replace(staff(1)[0], name="A"), replace(staff(2)[1], name="B"), *staff(30)[2:]])
    report = run(calm.app().sync(), Request("run", user="e002@example.com"))
    assert [change.user for change in report.plan.changes] == ["e002@example.com"]
    assert users(calm)["e001@example.com"]["name"] == "Person E001"
    assert [change.user for change in go(calm).plan.changes] == ["e001@example.com"]


# --- old plans ----------------------------------------------------------------------------------------------------


def test_an_adoption_of_an_old_plan_that_does_not_fit_any_more_takes_no_account_over(tmp_path) -> None:
    """Else somebody else's account would be deleted when the person leaves."""
    house = House(tmp_path, dict(BIG))
    give(house, users=[{"email": "anna@example.com", "name": "Anna"}])
    house.hire([*staff(3), Person("E050", "Ann", "anna@example.com")])
    old = make_plan(house.app().sync(), Request("plan"))
    house.hire([*staff(3), Person("E050", "Ann", "ann@example.com")])
    go(house)
    apply_plan(house.app().sync(), old.plan_id)
    house.hire(staff(3))
    assert [change.user for change in go(house).plan.of_kind("delete_user")] == ["ann@example.com"]
    assert "anna@example.com" in users(house)


def test_an_adoption_of_an_old_plan_that_still_fits_is_made(tmp_path) -> None:
    house = House(tmp_path, dict(BIG))
    give(house, users=[{"email": "anna@example.com", "name": "Anna"}])
    house.hire([*staff(3), Person("E050", "Ann", "anna@example.com", ("Field",))])
    old = make_plan(house.app().sync(), Request("plan"))
    assert apply_plan(house.app().sync(), old.plan_id).outcome["stale"] == 0
    house.hire(staff(3))
    assert [change.user for change in go(house).plan.of_kind("delete_user")] == ["anna@example.com"]


def test_an_account_of_an_old_plan_that_somebody_renamed_by_hand_is_not_adopted(tmp_path) -> None:
    house = House(tmp_path, dict(BIG))
    give(house, users=[{"email": "anna@example.com", "name": "Anna"}])
    house.hire([*staff(3), Person("E050", "Anna", "anna@example.com", ())])
    old = make_plan(house.app().sync(), Request("plan"))
    (there,) = [item for item in account(house).read() if getattr(item, "email", "") == "anna@example.com"]
    values = {"email": "other@example.com"}
    account(house).apply([Step("by hand", "update_user", there.fluix_id, values)])
    apply_plan(house.app().sync(), old.plan_id)
    house.hire(staff(3))
    assert kinds(go(house)) == {}
    assert "other@example.com" in users(house)


def test_a_new_key_that_was_approved_and_has_another_address_by_now_takes_nothing_over(calm: House) -> None:
    same = Person("N001", "Person E001", "e001@example.com")
    calm.hire([same, *staff(30)[1:]])
    report = go(calm)
    assert checks(report) == {"new_key"}
    approve(calm, report)
    calm.hire([replace(same, email="n001@example.com"), *staff(30)])
    go(calm)
    assert apply_plan(calm.app().sync(), report.plan_id).outcome == {"done": 0, "failed": 0, "stale": 1, "skipped": 0}
    calm.hire(staff(30))
    assert [change.user for change in go(calm).plan.of_kind("delete_user")] == ["n001@example.com"]
    assert "e001@example.com" in users(calm)


def test_a_plan_that_stays_the_same_for_days_can_always_be_applied(waiting: tuple[House, Report]) -> None:
    house, report = waiting
    assert make_plan(house.app().sync(), Request("plan")).plan_id == report.plan_id
    house.clock.advance(hours=80)
    again = make_plan(house.app().sync(), Request("plan"))
    assert again.plan_id != report.plan_id
    approve(house, again)
    assert apply_plan(house.app().sync(), again.plan_id).outcome["done"] == 2
