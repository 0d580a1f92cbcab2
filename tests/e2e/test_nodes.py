"""Several machines on one PostgreSQL: one leads, another one takes over, and nothing is lost or done twice."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import Engine

from syncd.store import nodes, wishes
from syncd.store.audit import verify
from syncd.store.wishes import Wish
from tests.depth import examples
from tests.house import House, staff
from tests.nodes import fail_over, lost_and_doubled, started
from tests.postgres import needs_postgres, postgres
from tests.serving import until
from tests.syncd.store.test_terms import end_lock

pytestmark = needs_postgres
FAILOVERS = int(os.environ.get("SYNCD_FAILOVERS", str(examples(3, 100))))


@pytest.fixture
def company(tmp_path: Path) -> House:
    settings = {
        "store": postgres().new_store(),
        "serve": {"listen": "127.0.0.1:0", "workers": 1},
        "schedule": {"every": "2s"},
    }
    made = House(tmp_path, settings)
    made.hire(staff(5))
    return made


@pytest.fixture
def store(company: House) -> Iterator[Engine]:
    engine = company.app().store
    yield engine
    engine.dispose()


@pytest.mark.search
def test_when_the_leader_is_killed_another_one_goes_on_and_nothing_is_lost_or_doubled(
    company: House, store: Engine
) -> None:
    with ExitStack() as stack:
        took = fail_over(company, store, stack, FAILOVERS)
        print(f"{len(took)} times another one led and ran after", *(f"{one:.1f}" for one in took), "s")
    lost, doubled = lost_and_doubled(store)
    assert (lost, doubled) == ([], [])
    assert verify(store)[1] is None


def test_a_leader_that_loses_its_lock_stops_and_waits_and_leads_again(company: House, store: Engine) -> None:
    with ExitStack() as stack:
        first = started(company, stack)
        until(lambda: first.leads(store))
        second = started(company, stack)
        until(lambda: second.daemon.tells("waits to lead: another `syncd serve` leads"))
        end_lock(store, "syncd serve leads")
        until(lambda: first.daemon.tells("waits to lead"))
        until(lambda: first.leads(store) or second.leads(store))
        asked = wishes.ask(store, Wish("run", "test", company.clock()))
        until(lambda: done(store, asked))
        for one in (first, second):
            assert not one.daemon.tells("Traceback"), "".join(one.daemon.said)
        assert sum(one.leads(store) for one in (first, second)) == 1
        assert first.daemon.stop() == 0
        until(lambda: second.leads(store))
        assert second.daemon.stop() == 0
    assert nodes.leader(store) is None
    assert lost_and_doubled(store)[1] == [f"r{wished(store, asked)}"]


def done(store: Engine, asked: int) -> bool:
    found = wishes.find(store, asked)
    return found is not None and found.state == "done"


def wished(store: Engine, asked: int) -> int | None:
    found = wishes.find(store, asked)
    return found.run_id if found else None
