"""The store on a real PostgreSQL: one line of the configuration is another, and all else is as on SQLite."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from syncd.errors import LockedError
from syncd.run import run
from syncd.store import runs
from syncd.store.audit import verify
from syncd.store.lock import run_lock
from syncd.sync import Request
from tests.house import House, staff
from tests.postgres import needs_postgres, postgres

pytestmark = needs_postgres
ROOT = Path(__file__).parents[2]


@pytest.fixture
def company(tmp_path: Path) -> House:
    made = House(tmp_path, {"store": postgres().new_store(), "budgets": {"run": {"delete": {"count": 0}}}})
    made.hire(staff(20))
    return made


def test_a_held_deletion_is_approved_and_applied_by_the_commands(company: House) -> None:
    assert company.syncd("check").code == 0
    assert company.syncd("run", "--json").json["outcome"]["done"] == 21
    assert company.syncd("plan", "--check").code == 0
    company.hire(staff(19))
    held = company.syncd("run", "--json")
    assert (held.code, held.json["held"]) == (3, {"delete_user": 1})
    plan = held.json["plan_id"]
    assert company.syncd("approve", plan, "--comment", "left the company").code == 0
    applied = company.syncd("apply", plan, "--json")
    assert (applied.code, applied.json["outcome"]["done"]) == (0, 1)
    assert company.syncd("audit", "verify").code == 0
    assert "e020@example.com" in company.syncd("restore", "list").out
    assert "deleted" in company.syncd("why", "e020@example.com").out
    assert company.syncd("plan", "--check").code == 0


def test_a_store_is_made_ready_on_an_empty_database(tmp_path: Path) -> None:
    house = House(tmp_path, {"store": postgres().new_database()})
    house.hire(staff(2))
    assert house.syncd("run", "--json").json["outcome"]["done"] == 3


def test_one_run_at_a_time_however_many_machines(company: House) -> None:
    app = company.app()
    with run_lock(app.store, "syncd run", app.clock()):
        second = company.syncd("run")
        assert second.code == 1
        assert "another run is under way: syncd run (process" in second.err
        with pytest.raises(LockedError), run_lock(company.app().store, "syncd plan", app.clock()):
            pass
    assert company.syncd("run").code == 0


def test_the_lock_ends_with_the_process_that_held_it(company: House) -> None:
    hold = (
        "import sys\nfrom tests.house import *\nfrom syncd.store.lock import run_lock\nfrom syncd.bootstrap import open_app\n"
        "app = open_app(load_config(Path(sys.argv[1])))\n"
        "with run_lock(app.store, 'syncd run', app.clock()):\n    print('held', flush=True); sys.stdin.read()\n"
    )
    words = [sys.executable, "-c", hold, str(company.config)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        words, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert company.syncd("run").code == 1
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    app = company.app()
    with run_lock(app.store, "syncd run", app.clock(), wait_seconds=20):
        pass


def test_connections_that_the_server_ended_are_made_anew(company: House) -> None:
    app = company.app()
    assert run(app.sync(), Request("run")).outcome["done"] == 21
    with company.app().store.connect() as other:
        others = "datname = current_database() AND pid <> pg_backend_pid()"
        other.execute(text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}"))
    company.hire(staff(21))
    assert run(app.sync(), Request("run")).outcome["done"] == 1
    assert verify(app.store)[1] is None
    assert [row.state for row in runs.history(app.store)] == ["done", "done"]


def test_no_password_in_the_address(tmp_path: Path) -> None:
    house = House(tmp_path, {"store": "postgresql+psycopg://syncd:secret@127.0.0.1/syncd"})
    refused = house.syncd("check")
    assert refused.code == 2
    assert "store_password" in refused.err + refused.out
    assert "secret@" not in refused.err + refused.out


def test_a_server_that_is_away_is_told(tmp_path: Path) -> None:
    house = House(tmp_path, {"store": "postgresql+psycopg://syncd@127.0.0.1:1/syncd"})
    house.hire(staff(1))
    away = house.syncd("run")
    assert away.code == 1
    assert "the store cannot be used" in away.err
