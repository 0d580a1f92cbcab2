"""Weeks in the life of a company: slow leaks, directories that shrink, sources that keep failing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import func, select

from connectors.errors import ConnectorError
from syncd.core.report import Report
from syncd.errors import SyncdError
from syncd.run import apply_plan, make_plan
from syncd.store.engine import reading
from syncd.store.tables import journal, size_history, tallies
from syncd.sync import Request
from tests.e2e.test_days import account, approve, checks, give, go, held, kinds, message, users
from tests.house import House, Person, staff


@pytest.fixture
def house(tmp_path) -> Callable[..., House]:
    """A company of so many people, all in Fluix, with these limits."""

    def found(people: list[Person], **settings: object) -> House:
        made = House(tmp_path, {"shrink": {"max_percent": 100}, **settings})
        made.hire(people)
        go(made)
        return made

    return found


def tomorrow(house: House, *sources: str, days: float = 1) -> Report:
    house.clock.advance(days=days)
    return go(house, *sources)


# --- budgets over time --------------------------------------------------------------------------------------------


def test_a_slow_leak_of_one_deletion_a_run_trips_the_budget_of_seven_days(house) -> None:
    company = house(staff(40), budgets={"week": {"delete": {"count": 5}}})
    for left in range(39, 34, -1):
        company.hire(staff(left))
        assert tomorrow(company).outcome["done"] == 1
    company.hire(staff(34))
    report = tomorrow(company)
    assert message(report, "budget") == (
        "5 deletions in the last 7 days and 1 in this plan: 6 is over the budget of 5 a week (budgets.week.delete.count)"
    )
    assert (report.outcome["done"], held(report)) == (0, {"delete_user:e035@example.com"})
    assert tomorrow(company, days=2.1).outcome["done"] == 1, "the first ones are over a week ago"


def test_what_a_person_approved_counts_as_well(house) -> None:
    company = house(staff(40), budgets={"day": {"delete": {"count": 3}}})
    company.hire(staff(35))
    report = go(company)
    assert report.outcome["done"] == 0
    approve(company, report)
    assert apply_plan(company.app().sync(), report.plan_id).outcome["done"] == 5
    company.hire(staff(34))
    assert "5 deletions in the last 24 hours and 1 in this plan" in message(go(company), "budget")
    assert tomorrow(company, days=1.1).outcome["done"] == 1


def test_a_plan_of_before_keeps_the_budgets_of_now(house) -> None:
    company = house(staff(40), budgets={"week": {"delete": {"count": 1}}})
    company.hire(staff(39))
    old = make_plan(company.app().sync(), Request("plan"))
    assert kinds(old) == {"delete_user": 1}
    company.hire(staff(40)[1:])
    assert go(company).outcome["done"] == 1
    company.hire(staff(39)[1:])
    assert go(company).outcome["done"] == 0
    report = apply_plan(company.app().sync(), old.plan_id)
    assert (report.outcome["done"], report.outcome["skipped"], report.decision.word) == (0, 1, "hold")
    assert message(report, "budget").endswith("this plan is older: make a new one with `syncd plan`")
    assert "e040@example.com" in users(company)


def test_the_counts_outlive_the_journal(house) -> None:
    company = house(staff(40), budgets={"day": {"delete": {"count": 3}}})
    company.hire(staff(37))
    go(company)
    with company.app().store.begin() as connection:
        connection.execute(journal.delete())
    company.hire(staff(36))
    assert go(company).outcome["done"] == 0


def test_each_change_is_counted_once_though_its_deletion_has_several_steps(house) -> None:
    company = house(staff(40), leavers={"grace_days": 0, "certified_absences": 1, "workflows": "remove_first"})
    steps = [{"name": "Approve", "users": ["e040@example.com", "e001@example.com"]}]
    give(company, workflows=[{"name": "Permits", "steps": steps}])
    company.hire(staff(39))
    assert go(company).outcome["done"] == 1
    with reading(company.app().store) as connection:
        query = select(func.sum(tallies.c.changes)).where(tallies.c.kind == "delete")
        assert connection.execute(query).scalar() == 1
        query = select(func.sum(tallies.c.changes)).where(tallies.c.kind == "create")
        assert connection.execute(query).scalar() == 40


def test_a_newcomer_is_not_held_by_a_spent_budget_of_deletions(house) -> None:
    company = house(staff(40), budgets={"week": {"delete": {"count": 0}}})
    company.hire([*staff(39), Person("N001")])
    report = go(company)
    assert held(report) == {"delete_user:e040@example.com"}
    assert "n001@example.com" in users(company)


def test_removals_are_limited_for_each_group_alone(house) -> None:
    budgets = {"run": {"remove_member": {"per_group": {"count": 2}}}, "block": "kind"}
    company = house([*staff(30, groups=("Field", "Site"))], budgets=budgets)
    left = [replace(person, groups=()) for person in staff(2)]
    stays = [replace(person, groups=("Site",)) for person in staff(3)[2:]]
    company.hire([*left, *stays, *staff(30, groups=("Field", "Site"))[3:]])
    report = go(company)
    assert {key.rpartition(":")[2] for key in held(report)} == {"Field"}
    assert "3 removals from Field in this plan: 3 is over the budget of 2 a run" in message(report, "budget")
    assert len(report.plan.changes) - len(held(report)) == 2


def test_changes_of_admins_are_limited_on_their_own(house) -> None:
    company = house(staff(30), budgets={"run": {"admin": {"count": 1}}, "block": "kind"})
    give(company, users=[{"email": f"e00{n}@example.com", "role": "Editor"} for n in (1, 2)])
    company.hire([replace(person, name=f"New {person.id}") for person in staff(30)])
    report = go(company)
    assert held(report) == {"update_user:e001@example.com", "update_user:e002@example.com"}
    assert "2 changes of admins in this plan: 2 is over the budget of 1 a run" in message(report, "budget")
    company.clock.advance(hours=1)
    company.configure(budgets={"day": {"admin": {"count": 2}}, "run": {"admin": None}})
    assert go(company).outcome["done"] == 2
    company.hire([replace(person, name=f"Newer {person.id}") for person in staff(1)] + staff(30)[1:])
    assert "2 changes of admins in the last 24 hours" in message(go(company), "budget")


# --- sizes over time ----------------------------------------------------------------------------------------------

WATCHED = {"budgets": {"run": {"delete": None, "remove_member": None}}, "shrink": {"max_percent": 30}}


def test_sales_that_goes_from_412_to_0_is_held_and_nothing_else_is(house) -> None:
    people = [*staff(412, groups=("Sales",)), *[Person(f"F{n:03d}", groups=("Field", "Site")) for n in range(30)]]
    company = house(people, **WATCHED)
    field = [replace(person, groups=("Field",)) for person in people[412:414]]
    company.hire([*[replace(person, groups=()) for person in people[:412]], *field, *people[414:440], Person("N001")])
    report = go(company)
    assert "people, group Sales shrank from 412 to 0 members (100.00 %" in message(report, "shrink")
    assert len(held(report)) == 412
    assert {key.rpartition(":")[2] for key in held(report)} == {"Sales"}
    assert report.outcome["done"] == 5, "two left a group, two left the company, one came"


def test_a_source_that_shrinks_by_a_tenth_a_read_is_seen(house) -> None:
    company = house(staff(100), **WATCHED)
    done = []
    for left in (90, 81, 73, 66):
        company.hire(staff(left))
        report = tomorrow(company)
        done.append(report.outcome["done"])
    assert done == [10, 9, 8, 0]
    assert message(report, "shrink").startswith(
        "people shrank from 100 to 66 accounts in the last 7 days (34.00 %, over shrink.max_percent 30 %)"
    )
    approve(company, report)
    assert apply_plan(company.app().sync(), report.plan_id).outcome["done"] == 7
    company.hire(staff(64))
    assert tomorrow(company).outcome["done"] == 2, "what was approved is the measure from then on"


def test_a_group_that_shrinks_by_a_tenth_a_read_is_seen_and_a_week_later_it_is_believed(house) -> None:
    company = house([*staff(100), *[Person(f"S{n}", groups=("Site",)) for n in range(50)]], **WATCHED)
    others = [Person(f"S{n}", groups=("Site",)) for n in range(50)]

    def leave(number: int) -> None:
        company.hire([*[replace(p, groups=()) for p in staff(number)], *staff(100)[number:], *others])

    for number in (10, 20, 30):
        leave(number)
        assert tomorrow(company).outcome["done"] == 10
    leave(40)
    report = tomorrow(company)
    assert report.outcome["done"] == 0
    assert "people, group Field shrank from 100 to 60 members in the last 7 days" in message(report, "shrink")
    assert tomorrow(company, days=9).outcome["done"] == 10


def test_a_source_that_alternates_between_two_half_reads_never_takes_anybody_away(house) -> None:
    company = house(staff(60), **WATCHED)
    for day in range(10):
        company.hire(staff(60)[day % 2 :: 2])
        report = tomorrow(company)
        assert report.outcome["done"] == 0
        assert "people shrank from 60 to 30 accounts" in message(report, "shrink")
    company.hire(staff(60))
    assert kinds(tomorrow(company)) == {}
    assert len(users(company)) == 60


def test_the_history_of_sizes_stays_small_and_a_read_without_news_adds_nothing(house) -> None:
    company = house(staff(60), **WATCHED)

    def lines() -> int:
        with reading(company.app().store) as connection:
            return connection.execute(select(func.count()).select_from(size_history)).scalar_one()

    tomorrow(company)
    before = lines()
    for _ in range(3):
        tomorrow(company)
    assert lines() == before
    for day in range(40):
        company.hire(staff(60 + day % 2))
        tomorrow(company)
    assert lines() == 14 + 2, "the group's last days, and of the source, which kept sixty all the time, how it began"


# --- sources that keep failing ------------------------------------------------------------------------------------


def two_sources(company: House) -> None:
    columns = {"id": "Employee", "display_name": "User Name", "email": "Email"}
    other = {"name": "hr", "type": "csv", "path": "hr.csv", "settle_seconds": 0, "columns": columns}
    company.configure(sources=[company.settings["sources"][0], other])
    (company.folder / "hr.csv").write_text("Employee,User Name,Email\nH1,Hanna,hanna@example.com\n", encoding="utf-8")


def test_a_source_that_keeps_failing_is_left_alone_and_the_others_go_on(house) -> None:
    company = house(staff(30))
    two_sources(company)
    go(company)
    company.people.rename(company.folder / "away.csv")
    for _ in range(2):
        assert checks(tomorrow(company)) == {"certificate"}
    assert "is left alone for a while: its last 3 reads failed" in message(tomorrow(company), "quarantine")
    (company.folder / "hr.csv").write_text("Employee,User Name,Email\nH2,Ida,ida@example.com\n", encoding="utf-8")
    (company.folder / "away.csv").rename(company.people)
    company.hire(staff(20))
    company.clock.advance(minutes=4)
    report = go(company)
    assert message(report, "quarantine").startswith(
        "people was not read: its last 3 reads failed, since 2026-11-03 08:00"
    )
    assert "now with `syncd run --source people`" in message(report, "quarantine")
    assert checks(report) == {"quarantine"}
    assert {change.user for change in report.plan.changes} == {"ida@example.com", "hanna@example.com"}
    assert [(read.name, read.certified) for read in report.sources] == [("hr", True), ("people", False)]
    company.clock.advance(minutes=2)
    report = go(company)
    assert message(report, "quarantine").startswith("people is read again, after 3 failed reads")
    assert report.plan.counts()["delete_user"] == 10
    assert "quarantine" not in checks(go(company))


@pytest.mark.parametrize(("sources", "full"), [(("people",), False), ((), True)])
def test_who_asks_for_it_gets_it_read(house, sources: tuple[str, ...], full: bool) -> None:
    company = house(staff(30))
    company.people.rename(company.folder / "away.csv")
    for _ in range(3):
        with pytest.raises(ConnectorError):
            go(company)
    with pytest.raises(SyncdError, match=r"no source was read\. people: its last 3 reads failed"):
        go(company)
    (company.folder / "away.csv").rename(company.people)
    report = make_plan(company.app().sync(), Request("plan", sources, full=full))
    assert checks(report) == {"quarantine"}
    assert checks(go(company)) == set()


def test_where_every_source_waits_the_program_says_so_and_fails(house) -> None:
    company = house(staff(30))
    company.people.rename(company.folder / "away.csv")
    assert [company.syncd("run", "--json").code for _ in range(3)] == [1, 1, 1]
    ran = company.syncd("run", "--json")
    assert ran.code == 1
    assert ran.json["error"]["what"].startswith("no source was read. people: its last 3 reads failed, since ")
    assert "--full" in ran.json["error"]["to_do"]


def test_rows_that_cannot_be_read_are_no_failure_of_the_source(house) -> None:
    company = house(staff(30))
    for day in range(5):
        company.hire([*staff(30), Person(f"N{day}")], [["E999", "Nobody", "broken", "Field", "yes", ""]])
        assert checks(tomorrow(company)) <= {"certificate", "waiting"}
        assert f"n{day}@example.com" in users(company)


# --- an account that is there already -----------------------------------------------------------------------------


def test_who_would_be_adopted_is_shown_before_anything_is_linked(tmp_path) -> None:
    company = House(tmp_path)
    company.hire(staff(3))
    old = [("e001", "Person E001"), ("e002", "Old Name"), ("boss", "Boss"), ("guest", "Guest")]
    give(company, users=[{"email": f"{email}@example.com", "name": name} for email, name in old])
    shown = company.syncd("plan", "--json").json
    (found,) = [finding for finding in shown["findings"] if finding["check"] == "adoption"]
    assert found["message"] == (
        "2 accounts there already become ours: e001@example.com, e002@example.com; 2 others match nobody and stay untouched"
    )
    ids = {email: account(company).show_user(email)["fluix_id"] for email in users(company)}
    assert shown["adoptions"] == [
        {"user": f"{name}@example.com", "fluix_id": ids[f"{name}@example.com"], "record": f"people/{name.upper()}"}
        for name in ("e001", "e002")
    ]
    assert "2 accounts there already become ours" in company.syncd("plan").out
    assert company.syncd("run").code == 0
    assert company.syncd("plan", "--json").json["adoptions"] == []
    assert {"boss@example.com", "guest@example.com"} <= users(company).keys()
