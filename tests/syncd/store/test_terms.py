"""A leader that lost its lock without knowing it: nothing of it is written once somebody else has the lock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import OperationalError

from syncd.bootstrap import App
from syncd.errors import DeposedError, StoreError, advice
from syncd.run import run
from syncd.store import runs, terms
from syncd.store.audit import verify
from syncd.store.engine import open_engine, reading, store_errors, writing
from syncd.store.fencing import fenced, number_of
from syncd.store.journal import Journal
from syncd.store.lock import run_lock
from syncd.store.tables import audit, journal, links, meta
from syncd.sync import Request
from tests.house import House, staff
from tests.lab.proxy import Fault, Wire
from tests.postgres import needs_postgres, postgres

pytestmark = needs_postgres


@pytest.fixture
def company(tmp_path: Path) -> House:
    made = House(tmp_path, {"store": postgres().new_store()})
    made.hire(staff(5))
    return made


@pytest.fixture
def store(company: House) -> Iterator[Engine]:
    engine = company.app().store
    yield engine
    engine.dispose()


def end_lock(engine: Engine, name: str = "syncd run") -> None:
    """The connection that holds the lock, and no other one of its process."""
    query = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE :name")
    with engine.connect() as connection:
        assert connection.execute(query, {"name": f"{name} (%"}).all() == [(True,)]


def rows(engine: Engine) -> dict[str, list[str]]:
    with reading(engine) as connection:
        return {table.name: sorted(map(repr, connection.execute(select(table)))) for table in (journal, links, audit)}


class Overtaken:
    """A target; after it did what it was asked for, somebody else has the lock."""

    def __init__(self, target: Any, overtake: Any) -> None:
        self._target = target
        self._overtake = overtake

    def __getattr__(self, name: str) -> Any:
        return getattr(self._target, name)

    def apply(self, steps: Any) -> Any:
        outcomes = self._target.apply(steps)
        self._overtake()
        return outcomes


def overtaken(app: App, store: Engine, overtake: Any) -> None:
    sync = app.on(store).sync()
    with pytest.raises(DeposedError):
        run(replace(sync, target=Overtaken(sync.target, overtake)), Request("run"))


def test_a_deposed_leader_is_refused_at_its_next_journal_write(company: House) -> None:
    old, new = company.app(), company.app()
    with ExitStack() as stack, run_lock(old.store, "syncd run", old.clock()) as mine:
        seen: dict[str, list[str]] = {}

        def overtake() -> None:
            end_lock(new.store)
            theirs = stack.enter_context(run_lock(new.store, "syncd run", new.clock()))
            assert number_of(theirs, terms.RUN) == number_of(mine, terms.RUN) + 1
            seen.update(rows(new.store))

        overtaken(old, mine, overtake)
        assert rows(new.store) == seen
        assert len(Journal(new.store, 0, "test", new.clock).open()) == 1
        stack.close()
    with run_lock(new.store, "syncd run", new.clock()) as theirs:
        report = run(new.on(theirs).sync(), Request("run"))
    assert (report.resumed, report.outcome["done"]) == (1, 5)
    assert verify(new.store)[1] is None
    assert {row.state for row in runs.history(new.store)} >= {"done"}
    old.store.dispose()
    new.store.dispose()


def test_the_embedded_account_is_fenced_as_well(company: House, store: Engine) -> None:
    app = company.app()
    with run_lock(app.store, "syncd run", app.clock()) as mine:
        target = app.on(mine).target()
        target.add_user("Anna", "anna@example.com", ())  # type: ignore[attr-defined]
        end_lock(store)
        with run_lock(store, "syncd run", app.clock()), pytest.raises(DeposedError):
            target.add_user("Ola", "ola@example.com", ())  # type: ignore[attr-defined]
    assert len(app.target().dump()["users"]) == 1  # type: ignore[attr-defined]
    app.store.dispose()


def test_who_takes_over_waits_for_the_transaction_that_is_open(store: Engine) -> None:
    with writing(store) as connection:
        number = terms.take(connection, "x")
    mine = fenced(store, "x", number)
    with writing(mine) as connection:
        connection.execute(meta.insert(), {"name": "written", "value": "in time"})
        impatient = store.execution_options(isolation_level="AUTOCOMMIT")
        with store_errors(store), impatient.connect() as other:
            other.execute(text("SET lock_timeout = '200ms'"))
            with pytest.raises(OperationalError, match="lock timeout"):
                terms.take(other, "x")
            other.execute(text("SET lock_timeout = '60s'"))
    with writing(store) as other:
        assert terms.take(other, "x") == number + 1
    with pytest.raises(DeposedError) as refused, writing(mine):
        pass
    told = advice(refused.value)
    assert told is not None
    assert "under number 1, and by now number 2 has it" in told.what
    with reading(mine) as connection:  # it may look
        assert connection.execute(select(meta.c.value).where(meta.c.name == "written")).scalar() == "in time"


def test_a_number_that_is_forgotten_is_nobodys(store: Engine) -> None:
    with writing(store) as connection:
        mine = fenced(store, "parcel 1", terms.take(connection, "parcel 1"))
        terms.forget(connection, ["parcel 1"])
    with pytest.raises(DeposedError, match="nobody has it"), writing(mine):
        pass


def test_fences_add_up(store: Engine) -> None:
    with writing(store) as connection:
        both = fenced(fenced(store, "a", terms.take(connection, "a")), "b", terms.take(connection, "b"))
    with writing(both) as connection:
        connection.execute(meta.insert(), {"name": "written", "value": "by both"})
    with writing(store) as connection:
        terms.take(connection, "a")
    with pytest.raises(DeposedError, match="held `a`"), writing(both):
        pass


def test_a_connection_that_breaks_at_the_look_is_told_once_and_the_next_one_is_new(
    company: House, caplog: pytest.LogCaptureFixture
) -> None:
    server = postgres()
    with Wire(server.port) as wire:
        store = open_engine(company.settings["store"].replace(f":{server.port}/", f":{wire.port}/"))
        with writing(store) as connection:
            mine = fenced(store, "x", terms.take(connection, "x"))
        wire.fault = Fault("cut", seen=b"SELECT number FROM terms", lasting=False)
        with pytest.raises(StoreError), writing(mine):
            pass
        assert caplog.messages == []  # the pool would tell with a traceback that it could not roll back
        with writing(mine) as connection:
            connection.execute(meta.insert(), {"name": "written", "value": "afterwards"})
        store.dispose()
