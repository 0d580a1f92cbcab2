"""No deletion without its row in the ledger, whatever kills the process; and no row without a deletion."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from connectors.model import Account, Outcome, Step
from syncd.bootstrap import App
from syncd.core.change import Change, RecordKey
from syncd.core.returning import KEPT
from syncd.store import departures, ledger
from syncd.store.engine import reading, writing
from syncd.store.journal import Journal
from syncd.store.ledger import Ledger
from syncd.store.plans import save
from syncd.store.tables import accounts
from syncd.store.tables import ledger as table
from tests.depth import first_of
from tests.faults.processes import go
from tests.faults.test_kill import EMAIL, heal, house_of, killed, one_run

NOW = datetime(2026, 11, 2, 8, 30, tzinfo=UTC)
KEY = RecordKey("people", "E1")
ANNA = Change(
    "delete_user",
    "Anna@example.com",
    before={"display_name": "Anna", "groups": ["Field"], "workflows": [{"workflow": "W", "step": "S"}], "drafts": 1},
    fluix_id="7",
    records=(KEY,),
)
BACK = Change("create_user", "anna@EXAMPLE.com", after={"email": "anna@EXAMPLE.com"}, records=(KEY,))
THERE = {"7": Account("7", "anna@example.com", "Anna")}


def step(change: Change, verb: Any = None, plan_id: int = 1) -> Step:
    return Step(f"{plan_id}:{change.key}:{verb or change.kind}", verb or change.kind, change.fluix_id)


def book(store: Engine, now: datetime = NOW) -> Ledger:
    return Ledger(Journal(store, 1, "anna", lambda: now), store, 1, "anna", lambda: now)


def rows(store: Engine) -> list[Any]:
    with reading(store) as connection:
        return list(connection.execute(select(table).order_by(table.c.id)))


def delete(store: Engine, now: datetime = NOW, plan_id: int = 1) -> None:
    deed = step(ANNA, plan_id=plan_id)
    book(store, now).intend(plan_id, [(ANNA, 0, deed)])
    book(store, now).conclude([(ANNA, deed, Outcome(deed.operation_id, "done", "7"))])


def create(store: Engine, fluix_id: str, now: datetime, plan_id: int = 2) -> None:
    deed = step(BACK, plan_id=plan_id)
    book(store, now).intend(plan_id, [(BACK, 0, deed)])
    book(store, now).conclude([(BACK, deed, Outcome(deed.operation_id, "done", fluix_id))])


def test_the_row_is_there_before_the_deed_and_confirmed_after_it(store: Engine) -> None:
    deed = step(ANNA)
    book(store).intend(1, [(ANNA, 0, deed)])
    assert [(row.state, row.address) for row in rows(store)] == [("intended", "anna@example.com")]
    assert departures.recoverable(store, NOW) == [], "nobody is promised what was not done"
    book(store).conclude([(ANNA, deed, Outcome(deed.operation_id, "done", "7"))])
    assert [row.state for row in rows(store)] == ["deleted"]


@pytest.mark.parametrize("end", ["failed", "dropped"])
def test_a_deletion_that_was_not_made_leaves_no_row(store: Engine, end: str) -> None:
    deed = step(ANNA)
    book(store).intend(1, [(ANNA, 0, deed)])
    if end == "failed":
        book(store).conclude([(ANNA, deed, Outcome(deed.operation_id, "failed", "7", "no"))])
    else:
        book(store).drop(1, [(ANNA, deed, "is back")])
    assert rows(store) == []


def test_a_deletion_that_was_ordered_of_a_person_waits_until_it_is_seen(store: Engine) -> None:
    deed = step(ANNA)
    book(store).intend(1, [(ANNA, 0, deed)])
    book(store).conclude([(ANNA, deed, Outcome(deed.operation_id, "ordered", "7"))])
    ledger.settle(store, lambda _ids: THERE)
    assert [row.state for row in rows(store)] == ["intended"]
    later = NOW + timedelta(days=5)
    book(store, later).conclude([(ANNA, deed, Outcome(deed.operation_id, "done", "7"))])
    assert [(row.state, row.deleted_at) for row in rows(store)] == [("deleted", later)]


@pytest.mark.parametrize("there", [True, False])
def test_an_intent_that_the_journal_does_not_know_is_settled_by_asking_the_account(store: Engine, there: bool) -> None:
    """Killed between the two transactions."""

    class Dead(Journal):
        def intend(self, plan_id: int, steps: Any) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Ledger(Dead(store, 1, "anna", lambda: NOW), store, 1, "anna", lambda: NOW).intend(1, [(ANNA, 0, step(ANNA))])
    ledger.settle(store, lambda _ids: THERE if there else {})
    assert [row.state for row in rows(store)] == ([] if there else ["deleted"])


def test_what_is_open_in_the_journal_is_not_settled(store: Engine) -> None:
    book(store).intend(1, [(ANNA, 0, step(ANNA))])
    ledger.settle(store, lambda _ids: THERE)
    assert [row.state for row in rows(store)] == ["intended"]


def test_the_same_deletion_intended_again_is_one_row(store: Engine) -> None:
    book(store).intend(1, [(ANNA, 0, step(ANNA))])
    book(store).intend(1, [(ANNA, 0, step(ANNA))])
    book(store).intend(2, [(ANNA, 0, step(ANNA, plan_id=2))])
    assert [row.operation_id for row in rows(store)] == [f"2:{ANNA.key}:delete_user"]


def test_deleted_twice_is_two_rows_and_the_return_belongs_to_the_last(store: Engine) -> None:
    delete(store)
    create(store, "8", NOW + timedelta(days=1))
    delete(store, NOW + timedelta(days=2), plan_id=3)
    create(store, "9", NOW + timedelta(days=3), plan_id=4)
    assert [(row.returned_id, row.ticket) for row in rows(store)] == [("8", "open"), ("9", "open")]


def test_a_return_after_30_days_is_none(store: Engine) -> None:
    delete(store)
    create(store, "8", NOW + KEPT)
    assert rows(store)[0].ticket is None


def test_a_ticket_that_was_written_before_the_return_stays_written(store: Engine) -> None:
    delete(store)
    with writing(store) as connection:
        departures.mark(connection, 1, "written")
    create(store, "8", NOW + timedelta(days=1))
    assert (rows(store)[0].ticket, rows(store)[0].returned_id) == ("written", "8")


def test_the_account_as_last_read_is_no_return_of_the_one_just_deleted(store: Engine) -> None:
    with writing(store) as connection:
        row = {"fluix_id": "7", "digest": b"", "address": "anna@example.com", "attributes": {"email": "a"}}
        connection.execute(accounts.insert().values(row))
    delete(store)
    departures.note_returns(store, NOW)
    assert rows(store)[0].returned_at is None


def test_a_newcomer_who_was_never_deleted_costs_no_row(store: Engine) -> None:
    create(store, "8", NOW)
    assert rows(store) == []
    assert departures.of(store, [BACK], NOW) == []


def test_the_approver_is_kept(store: Engine) -> None:
    from syncd.core.approval import Approval
    from syncd.core.change import Decision
    from syncd.core.plan import Plan
    from syncd.core.safety import Review
    from syncd.store.plans import approve

    plan = Plan.of([ANNA])
    review = Review((), {ANNA.key: Decision.HOLD})
    plan_id = save(store, plan, review, run_id=1, sources=(), accepts=[], now=NOW, lasts=KEPT)
    approve(store, plan_id, Approval(plan.digest, frozenset({ANNA.key}), "berta", "left", NOW, NOW + KEPT))
    delete(store, plan_id=plan_id)
    assert rows(store)[0].approvers == ["berta"]


# --- kill -9 ------------------------------------------------------------------------------------------------------


def state(app: App) -> tuple[bool, list[tuple[str, bool]]]:
    """Whether the user is there, and the ledger's rows, each with whether it holds the whole set-up."""
    account: Any = app.target()
    there = EMAIL in {user["email"] for user in account.dump()["users"]}
    whole = [(row.state, bool(row.setup["workflows"] and row.setup["drafts"])) for row in rows(app.store)]
    return there, whole


PARTS = 3


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return house_of(tmp_path_factory.mktemp("before")).folder


@pytest.mark.parametrize("part", first_of(range(PARTS)))
def test_killed_at_any_border_no_deletion_is_without_its_row(part: int, before: Path, tmp_path: Path) -> None:
    border, died, unsure = part + 16, True, 0  # before that, the run only reads
    while died:
        folder = tmp_path / str(border)
        shutil.copytree(before, folder)
        died = killed(folder, border, one_run)
        there, kept = go(folder, state)
        assert there or kept, f"killed at border {border}: deleted, and nothing is kept"
        unsure += bool(kept) and kept[0][0] == "intended"
        heal(folder)
        assert go(folder, state) == (False, [("deleted", True)]), f"killed at border {border}"
        shutil.rmtree(folder)
        border += PARTS
    assert unsure >= 3, "no deletion was met half-way"
