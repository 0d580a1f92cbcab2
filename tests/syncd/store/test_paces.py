"""One rate for all processes on PostgreSQL: no time is given twice, and none is lost."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import select

from syncd.store.engine import open_engine, reading, require_current
from syncd.store.node_tables import paces
from syncd.store.paces import reserve
from tests.postgres import needs_postgres, postgres

pytestmark = needs_postgres
RATE, MANY, TIMES = 10.0, 5, 40


def test_two_processes_at_once_take_turns() -> None:
    address = postgres().new_store()
    one, other = (open_engine(address) for _ in range(2))
    require_current(one)
    began = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        waits = list(pool.map(lambda n: reserve((one, other)[n % 2], "target", RATE, MANY), range(TIMES)))
    after = reserve(one, "target", RATE, MANY)
    took = time.monotonic() - began
    turn = MANY / RATE
    assert TIMES * turn - took <= after <= TIMES * turn
    assert all(place * turn - took <= wait <= place * turn for place, wait in enumerate(sorted(waits)))
    one.dispose()
    other.dispose()


def test_times_that_passed_unused_are_not_given_later() -> None:
    engine = open_engine(postgres().new_store())
    require_current(engine)
    reserve(engine, "target", RATE, MANY)
    with engine.begin() as connection:
        connection.execute(paces.update().values(free_at=paces.c.free_at - 3600))
    assert reserve(engine, "target", RATE, MANY) == 0
    assert reserve(engine, "target", RATE, MANY) > 0
    assert reserve(engine, "another", RATE, MANY) == 0
    with reading(engine) as connection:
        assert set(connection.execute(select(paces.c.name)).scalars()) == {"target", "another"}
    engine.dispose()
