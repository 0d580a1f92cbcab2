"""People who leave, are deleted, and come back; and what is forgotten of those who do not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from connectors.fluix.account import EmbeddedAccount
from syncd.core.report import Report
from syncd.run import make_plan, run
from syncd.store import departures, ledger, plans, runs
from syncd.store.audit import walk
from syncd.store.engine import reading
from syncd.store.tables import audit, links, meta, plan_changes
from syncd.store.tables import ledger as ledger_table
from syncd.sync import Request
from tests.house import House, Person, staff

CALM = {
    "budgets": {"run": {"delete": None, "email_change": None, "remove_member": None}},
    "shrink": {"max_percent": 100},
    "leavers": {
        "grace_days": 0,
        "certified_absences": 1,
        "workflows": "remove_first",
        "documents": {"reassign": "e002@example.com"},
    },
}
ANNA = Person("E017", "Anna Bergström", "Anna.Bergstroem@example.com", ("Field", "Night"))
EMAIL = ANNA.email
LIFE = {
    "users": [{"email": EMAIL, "state": "active"}],
    "workflows": [{"name": "Permits", "steps": [{"name": "Approve", "users": [EMAIL, "e001@example.com"]}]}],
    "documents": [{"title": "Form 7", "state": "draft", "user": EMAIL}],
}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """Anna is in Fluix with everything that a user can have."""
    house = House(tmp_path, dict(CALM))
    house.hire([*staff(5), ANNA])
    go(house)
    account(house).load(LIFE)
    yield house
    store(house).dispose()


def store(house: House) -> Engine:
    return house.app().store


def go(house: House, **asked: Any) -> Report:
    app = house.app()
    report = run(app.sync(), Request("run", **asked))
    app.store.dispose()
    return report


def account(house: House) -> EmbeddedAccount:
    found = house.app().target()
    assert isinstance(found, EmbeddedAccount)
    return found


def leave(house: House) -> None:
    """Anna is deleted."""
    house.hire(staff(5))
    report = go(house)
    assert report.outcome["done"] == 1, report.applied


def come_back(house: House, person: Person = ANNA) -> Report:
    house.hire([*staff(5), person])
    return go(house)


def rows(house: House) -> list[Any]:
    with reading(store(house)) as connection:
        return list(connection.execute(select(ledger_table).order_by(ledger_table.c.id)))


def found(report: Report, check: str) -> list[str]:
    return [finding.message for finding in report.review.findings if finding.check == check]


# --- what is kept -------------------------------------------------------------------------------------------------


def test_a_deletion_keeps_the_whole_setup(house: House) -> None:
    leave(house)
    (row,) = rows(house)
    assert (row.state, row.address, row.plan_id, row.ticket) == ("deleted", EMAIL.casefold(), 2, None)
    assert row.setup == {
        "email": EMAIL,
        "display_name": "Anna Bergström",
        "state": "active",
        "role": "",
        "owner": False,
        "groups": ["Field", "Night"],
        "workflows": [{"workflow": "Permits", "step": "Approve", "alone": False}],
        "drafts": 1,
        "assigned": 0,
        "documents_to": "e002@example.com",
        "reason": "people/E017 is gone from its source",
    }


def test_a_run_that_deletes_nobody_keeps_nothing(house: House) -> None:
    go(house)
    assert rows(house) == []


def test_what_a_failed_try_took_away_is_still_in_the_setup_of_the_next(house: House, monkeypatch: Any) -> None:
    """The deletion itself fails after the workflows were left and the documents given away."""
    from connectors.fluix.account import applying
    from connectors.fluix.account.outcomes import failed

    right = applying.VERBS["delete_user"]
    monkeypatch.setitem(applying.VERBS, "delete_user", lambda _c, steps, _n: [failed(step, "no") for step in steps])
    house.hire(staff(5))
    assert go(house).outcome["failed"] == 1
    assert [row.state for row in rows(house)] == ["begun"]
    monkeypatch.setitem(applying.VERBS, "delete_user", right)
    assert go(house).outcome["done"] == 1
    (row,) = rows(house)
    assert row.state == "deleted"
    assert row.setup["workflows"] == [{"workflow": "Permits", "step": "Approve", "alone": False}]
    assert (row.setup["drafts"], row.setup["documents_to"]) == (1, "e002@example.com")


def test_a_failed_deletion_that_took_nothing_away_leaves_nothing(tmp_path: Path, monkeypatch: Any) -> None:
    from connectors.fluix.account import applying
    from connectors.fluix.account.outcomes import failed

    house = House(tmp_path, dict(CALM))
    house.hire([*staff(5), ANNA])
    go(house)
    monkeypatch.setitem(applying.VERBS, "delete_user", lambda _c, steps, _n: [failed(step, "no") for step in steps])
    house.hire(staff(5))
    assert go(house).outcome["failed"] == 1
    assert rows(house) == []


# --- who returns --------------------------------------------------------------------------------------------------


def test_who_returns_within_30_days_is_a_new_user_and_a_ticket(house: House) -> None:
    old = account(house).show_user(EMAIL)["fluix_id"]
    leave(house)
    house.clock.advance(days=4)
    report = come_back(house)
    (change,) = report.plan.of_kind("create_user")
    assert change.reason == (
        "people/E017 is new; was deleted on 2026-11-02: ask Fluix support to recover the set-up: "
        f"syncd restore ticket {EMAIL}"
    )
    (message,) = found(report, "returning")
    assert f"{EMAIL} (was deleted on 2026-11-02, 4 days ago)" in message
    (row,) = rows(house)
    new = account(house).show_user(EMAIL)["fluix_id"]
    assert new != old
    assert (row.ticket, row.returned_id, row.returned_as) == ("open", new, EMAIL)
    assert found(go(house), "returning") == []


@pytest.mark.parametrize(
    "person",
    [
        replace(ANNA, id="E900"),
        replace(ANNA, id="E900", email=EMAIL.upper()),
        replace(ANNA, email="a.b@example.com"),
    ],
    ids=["new key", "other spelling", "other email, same key"],
)
def test_who_returns_is_known_by_the_key_or_by_the_address(house: House, person: Person) -> None:
    leave(house)
    report = come_back(house, person)
    assert len(found(report, "returning")) == 1
    (row,) = rows(house)
    assert (row.ticket, row.returned_as) == ("open", person.email)


def test_with_another_email_the_reason_names_the_old_one(house: House) -> None:
    leave(house)
    report = come_back(house, replace(ANNA, email="a.b@example.com"))
    assert f"was deleted on 2026-11-02 as {EMAIL}" in report.plan.of_kind("create_user")[0].reason


def test_after_30_days_nobody_is_told_anything(house: House) -> None:
    leave(house)
    house.clock.advance(days=30, minutes=1)
    report = come_back(house)
    assert report.plan.of_kind("create_user")[0].reason == "people/E017 is new"
    assert found(report, "returning") == []


def test_deleted_twice_and_returned_twice_are_two_tickets(house: House) -> None:
    leave(house)
    house.clock.advance(days=2)
    come_back(house)
    house.clock.advance(days=2)
    leave(house)
    assert [row.ticket for row in rows(house)] == ["open", None]
    house.clock.advance(days=2)
    report = come_back(house)
    assert "was deleted on 2026-11-06" in report.plan.of_kind("create_user")[0].reason
    first, second = rows(house)
    assert (first.ticket, second.ticket) == ("open", "open")
    assert first.returned_id != second.returned_id


def test_the_same_plan_made_a_day_later_has_the_same_digest(house: House) -> None:
    """A reason that counts the days would make every approval void at midnight."""
    leave(house)
    house.hire([*staff(5), ANNA])
    first = make_plan(house.app().sync(), Request("plan")).plan.digest
    house.clock.advance(days=1)
    assert make_plan(house.app().sync(), Request("plan")).plan.digest == first


def test_who_was_made_again_by_hand_has_a_ticket_after_the_next_run(house: House) -> None:
    leave(house)
    account(house).add_user("Anna", EMAIL)
    go(house)
    (row,) = rows(house)
    assert (row.ticket, row.returned_id) == ("open", account(house).show_user(EMAIL)["fluix_id"])


def test_a_clock_that_was_set_back_promises_no_more_than_30_days(house: House) -> None:
    leave(house)
    house.clock.advance(days=-90)
    report = come_back(house)
    assert "today" in found(report, "returning")[0]
    (one,) = departures.recoverable(store(house), house.clock.now)
    assert one.days_left(house.clock.now) == 30


# --- deleted by hand ----------------------------------------------------------------------------------------------


def by_hand(house: House, deed: Any) -> None:
    app = house.app()
    user = account(house).show_user(EMAIL)
    with ledger.by_hand(app.store, user, "anna", app.clock):
        deed()


def test_a_deletion_by_hand_is_kept_with_its_titles_and_records(house: House) -> None:
    account(house).load(
        {"workflows": [{"name": "Permits", "steps": [{"name": "Approve", "users": ["e001@example.com"]}]}]}
    )
    by_hand(house, lambda: account(house).delete_user(EMAIL))
    (row,) = rows(house)
    assert (row.state, row.plan_id, row.actor) == ("deleted", None, "anna")
    assert row.setup["documents"] == [{"title": "Form 7", "state": "draft"}]
    (one,) = departures.recoverable(store(house), house.clock.now)
    assert {str(key) for key in one.records} == {"people/E017"}


def test_a_refused_deletion_by_hand_leaves_nothing(house: House) -> None:
    with pytest.raises(Exception, match="Permits"):
        by_hand(house, lambda: account(house).delete_user(EMAIL))
    assert rows(house) == []


@pytest.mark.parametrize("done", [True, False])
def test_a_deletion_by_hand_that_was_killed_is_settled_by_the_next_run(house: House, done: bool) -> None:
    account(house).load(
        {"workflows": [{"name": "Permits", "steps": [{"name": "Approve", "users": ["e001@example.com"]}]}]}
    )

    def killed() -> None:
        if done:
            account(house).delete_user(EMAIL)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        by_hand(house, killed)
    assert [row.state for row in rows(house)] == ["intended"]
    go(house)
    assert [row.state for row in rows(house)] == (["deleted"] if done else [])


# --- the last days ------------------------------------------------------------------------------------------------


def test_a_reminder_comes_on_day_25_once_a_day(house: House) -> None:
    leave(house)
    house.clock.advance(days=24)
    assert found(go(house), "last_days") == []
    house.clock.advance(days=1)
    (message,) = found(go(house), "last_days")
    assert message.startswith(
        f"1 deleted user can be recovered by Fluix support for 5 more days at most: {EMAIL} (until 2026-12-02)"
    )
    assert found(go(house), "last_days") == []
    house.clock.advance(days=1)
    assert "4 more days" in found(go(house), "last_days")[0]
    with store(house).begin() as connection:
        departures.mark(connection, rows(house)[0].id, "done")
    house.clock.advance(days=1)
    assert found(go(house), "last_days") == []


def test_a_reminder_does_not_change_what_is_approved(house: House) -> None:
    leave(house)
    house.hire([*staff(5), replace(ANNA, id="E900", email="other@example.com")])
    before = make_plan(house.app().sync(), Request("plan")).plan.digest
    house.clock.advance(days=26)
    report = make_plan(house.app().sync(), Request("plan"))
    assert found(report, "last_days")
    assert report.plan.digest == before


# --- erasing ------------------------------------------------------------------------------------------------------


def bytes_of(house: House) -> bytes:
    """Every byte of the store, and of what lies beside it; in one case, as a search would look."""
    store(house).dispose()
    beside = [path for path in house.folder.glob("syncd.db*") if path.is_file()]
    return b"".join(path.read_bytes() for path in beside).lower()


SECRETS = ("anna.bergstroem@example.com", "bergström", "berg@old.example")


def a_life(house: House) -> None:
    """Anna had another address and name before, was invited, mailed about, approved of, imported; and leaves."""
    house.hire([*staff(5), replace(ANNA, email="Anna.Berg@old.example", name="Anna Bergström-Meier")])
    go(house)
    house.hire([*staff(5), ANNA])
    go(house)
    account(house).load(LIFE)
    # a broken row names her, too
    house.hire([*staff(5), ANNA], [["E999", "X", "broken", "Field", "yes", ""], ["E998", "Twin", EMAIL, "", "yes", ""]])
    go(house)
    house.hire([*staff(5), ANNA])
    go(house)


def test_after_30_days_no_byte_of_the_store_names_the_person(house: House) -> None:
    a_life(house)
    leave(house)
    before = bytes_of(house)
    assert all(secret.encode() in before for secret in SECRETS)
    house.clock.advance(days=31)
    report = go(house)
    assert report.plan.changes == ()
    after = bytes_of(house)
    assert [secret for secret in SECRETS if secret.encode() in after] == []
    walked = walk(store(house))
    assert walked.first_broken is None
    assert walked.erased >= 5
    assert len(account(house).list_users()) == 5
    for plan_id in range(1, 9):
        plans.load(store(house), plan_id)  # what is left of them can be shown
    assert go(house).plan.changes == ()
    assert b"e001@example.com" in after, "who is there stays"


def test_before_30_days_everything_is_still_there(house: House) -> None:
    leave(house)
    house.clock.advance(days=29, hours=23)
    go(house)
    assert all(secret.encode() in bytes_of(house) for secret in SECRETS[:2])
    assert [row.state for row in rows(house)] == ["deleted"]


def test_who_is_a_user_again_keeps_the_history_and_loses_the_kept_setup(house: House) -> None:
    leave(house)
    come_back(house)
    house.clock.advance(days=31)
    go(house)
    (row,) = rows(house)
    assert (row.state, row.setup, row.address, row.returned_as) == ("erased", None, None, None)
    assert EMAIL in {user["email"] for user in account(house).list_users()}
    assert walk(store(house)).erased == 0
    with reading(store(house)) as connection:
        told = " ".join(map(str, connection.execute(select(audit.c.subject)).scalars()))
    assert EMAIL in told
    assert b"form 7" in bytes_of(house), "the document lives on with a colleague"


def test_a_run_that_erases_nothing_writes_nothing_but_its_own_line(house: House) -> None:
    leave(house)
    go(house)

    def everything() -> dict[str, int]:
        with reading(store(house)) as connection:
            tables = (audit, meta, plan_changes, ledger_table)
            return {table.name: len(connection.execute(select(table)).all()) for table in tables}

    before = everything()
    go(house)
    assert everything() == before
    assert runs.recall(store(house), "wipe") is None


def test_a_living_person_of_the_same_name_keeps_it(house: House) -> None:
    house.hire([*staff(5), ANNA, Person("E018", "Anna Bergström", "anna2@example.com")])
    go(house)
    house.hire([*staff(5), Person("E018", "Anna Bergström", "anna2@example.com")])
    go(house)
    house.clock.advance(days=31)
    go(house)
    assert account(house).show_user("anna2@example.com")["name"] == "Anna Bergström"
    with reading(store(house)) as connection:
        told = list(connection.execute(select(audit.c.subject, audit.c.detail)))
    assert any(subject == "anna2@example.com" and "Bergström" in str(detail) for subject, detail in told)
    assert SECRETS[0].encode() not in bytes_of(house)


def test_who_is_in_the_directory_without_an_account_stays_there(house: House) -> None:
    """The directory's own record is the directory's to take back; it must still be compared with what is read next."""
    gone = replace(ANNA, active="no")
    house.hire([*staff(5), gone])
    assert go(house).outcome["done"] == 1
    house.clock.advance(days=31)
    assert go(house).plan.changes == ()
    assert [row.state for row in rows(house)] == ["erased"]
    house.hire([*staff(5), ANNA])
    (change,) = go(house).plan.of_kind("create_user")
    assert (change.user, (change.after or {})["display_name"]) == (EMAIL, "Anna Bergström")


def test_an_account_deleted_by_hand_stays_a_question_after_30_days(house: House) -> None:
    """Erasing what we gave must not make a new account of somebody whom an admin deleted on purpose."""
    account(house).load(
        {"workflows": [{"name": "Permits", "steps": [{"name": "Approve", "users": ["e001@example.com"]}]}]}
    )
    by_hand(house, lambda: account(house).delete_user(EMAIL))
    assert found(go(house), "deleted_by_hand")
    house.clock.advance(days=31)
    assert found(go(house), "deleted_by_hand")
    assert found(go(house, full=True), "deleted_by_hand")
    with reading(store(house)) as connection:
        given = connection.execute(select(links.c.given).where(links.c.external_id == "E017")).scalars().all()
    assert given == [{}]
    assert [row.state for row in rows(house)] == ["erased"]


def test_the_clock_set_back_erases_nobody_early(house: House) -> None:
    leave(house)
    house.clock.advance(days=-365)
    go(house)
    house.clock.advance(days=365 + 29)
    go(house)
    assert [row.state for row in rows(house)] == ["deleted"]
    house.clock.advance(days=1, minutes=5)
    go(house)
    assert [row.state for row in rows(house)] == ["erased"]


def test_what_is_left_of_an_erasure_that_was_disturbed_is_cleared_by_the_next_run(house: House) -> None:
    leave(house)
    house.clock.advance(days=31)
    app = house.app()
    with app.store.execution_options(read_only=True).connect() as reader:
        assert reader.execute(select(meta)).first()  # a long read, which keeps the log
        run(house.app().sync(), Request("run"))
    assert runs.recall(app.store, "wipe") == "due"
    app.store.dispose()
    go(house)
    assert runs.recall(store(house), "wipe") is None
    assert SECRETS[0].encode() not in bytes_of(house)
