"""The store through a real PgBouncer in transaction mode: everything goes through it, but for the lock."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from syncd.errors import LockedError, StoreError
from syncd.store.lock import run_lock
from syncd.store.pooling import direct, pooled
from tests.house import House, staff
from tests.pgbouncer import needs_pgbouncer, pgbouncer
from tests.postgres import postgres
from tests.web_house import console_of

pytestmark = needs_pgbouncer
MANY = 300
"""More than what goes row by row."""


@pytest.fixture
def company(tmp_path: Path) -> House:
    direct = postgres().new_store()
    budgets = {"run": {"delete": {"count": 0}}}
    made = House(tmp_path, {"store": pgbouncer().before(direct), "store_direct": direct, "budgets": budgets})
    made.hire(staff(MANY))
    return made


def test_a_held_deletion_is_approved_and_applied(company: House) -> None:
    checked = company.syncd("check")
    assert checked.code == 0, checked.out + checked.err
    assert company.syncd("run", "--json").json["outcome"]["done"] == MANY + 1
    assert company.syncd("plan", "--check").code == 0
    company.hire(staff(MANY - 1))
    held = company.syncd("run", "--json")
    assert (held.code, held.json["held"]) == (3, {"delete_user": 1})
    plan = held.json["plan_id"]
    assert company.syncd("approve", plan, "--comment", "left the company").code == 0
    assert company.syncd("apply", plan, "--json").json["outcome"]["done"] == 1
    assert company.syncd("audit", "verify").code == 0
    assert company.syncd("run", "--full").code == 0


def test_a_store_is_made_ready(tmp_path: Path) -> None:
    direct = postgres().new_database()
    house = House(tmp_path, {"store": pgbouncer().before(direct), "store_direct": direct})
    house.hire(staff(2))
    assert house.syncd("run", "--json").json["outcome"]["done"] == 3


def test_the_console_reads_and_approves(company: House) -> None:
    company.syncd("run")
    company.hire(staff(MANY - 1))
    assert company.syncd("run").code == 3
    console = console_of(company)
    for page in ("/", "/people", "/plans/2", "/runs", "/audit"):
        console.page(page)
    shown = console.json("/plans/2")
    said = {"digest": shown["digest"], "seen": shown["seen"], "comment": "left, HR-17", "which": "matching"}
    console.do("/plans/2/approve", **said)
    assert company.syncd("apply", "p2", "--json").json["outcome"]["done"] == 1


def test_the_lock_excludes_a_second_run(company: House) -> None:
    app = company.app()
    with run_lock(app.store, "syncd run", app.clock()):
        second = company.syncd("run")
        assert (second.code, "another run is under way: syncd run (process" in second.err) == (1, True)
        with pytest.raises(LockedError), run_lock(company.app().store, "syncd plan", app.clock()):
            pass
    assert company.syncd("run").code == 0


def test_time_outs_go_with_each_transaction(company: House) -> None:
    app = company.app()
    with app.store.begin() as connection:
        assert pooled(connection)
        assert connection.execute(text("SHOW lock_timeout")).scalar() == "1min"
    with direct(app.store).begin() as connection:
        assert not pooled(connection)
        assert connection.execute(text("SHOW lock_timeout")).scalar() == "1min"


def test_without_the_servers_own_address_it_says_what_to_do(company: House) -> None:
    company.configure(store_direct=None)
    for command in ("check", "run"):
        refused = company.syncd(command)
        assert refused.code == 1
        assert "store_direct" in refused.out + refused.err


def test_a_lock_that_would_not_hold_is_refused(company: House) -> None:
    """A PgBouncer that swallows the settings of a session looks like the server, until somebody asks who answers."""
    through = pgbouncer("extra_float_digits,options").before(str(company.settings["store_direct"]))
    company.configure(store=through, store_direct=None)
    checked = company.syncd("check")
    assert (checked.code, "`store` goes through PgBouncer" in checked.err) == (1, True)
    app = company.app()
    with pytest.raises(StoreError, match="would not hold"), run_lock(app.store, "syncd run", app.clock()):
        pass


def test_two_databases_are_not_taken_for_one(company: House) -> None:
    company.configure(store_direct=postgres().new_store())
    checked = company.syncd("check")
    assert (checked.code, "another database" in checked.err) == (1, True)
