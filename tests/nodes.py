"""Several daemons on one PostgreSQL, for tests: started, killed like a machine that loses power, and looked at."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial

from sqlalchemy import Engine, select

from syncd.store import nodes
from syncd.store.engine import reading
from syncd.store.node_tables import firings
from syncd.store.tables import runs
from tests.house import House
from tests.serving import Serving, serving, until


@dataclass
class Machine:
    """One `syncd serve`."""

    daemon: Serving
    stack: ExitStack
    runs: list[int] = field(default_factory=list)

    def leads(self, store: Engine) -> bool:
        leader = nodes.leader(store)
        self.runs = self.runs or self.daemon.part("runs")
        return leader is not None and int(leader.holder.rpartition(":")[2]) in self.runs

    def lose_power(self) -> float:
        """All its processes at once, without a word. Returns when."""
        parts = [pid for name in ("web", "runs") for pid in self.daemon.part(name)]
        at = time.monotonic()
        for pid in (self.daemon.process.pid, *parts):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.stack.close()
        return at


@contextmanager
def machine(house: House) -> Iterator[Machine]:
    with ExitStack() as stack:
        yield Machine(stack.enter_context(serving(house)), stack)


def started(house: House, stack: ExitStack) -> Machine:
    """One that is there until the stack ends, or it is killed."""
    return stack.enter_context(machine(house))


def fail_over(house: House, store: Engine, stack: ExitStack, tries: int) -> list[float]:
    """Kill whoever leads, so many times; each time another one leads and runs. Returns the seconds until it had run."""
    machines = [started(house, stack), started(house, stack)]
    until(lambda: any(one.leads(store) for one in machines) and all(one.daemon.well() for one in machines))
    took = []
    for number in range(tries):
        lost = next(one for one in machines if one.leads(store))
        machines.remove(lost)
        time.sleep(0.37 * (number % 5))  # at another place of the schedule and of a run each time
        before = newest(store)
        at = lost.lose_power()
        until(partial(_ran_since, machines, store, before))
        took.append(time.monotonic() - at)
        machines.append(started(house, stack))
        until(machines[-1].daemon.well)
    return took


def _ran_since(machines: Sequence[Machine], store: Engine, before: str) -> bool:
    return any(one.leads(store) for one in machines) and newest(store) > before


def newest(store: Engine) -> str:
    """The last time that was written down as due."""
    with reading(store) as connection:
        found = connection.execute(select(firings.c.planned).order_by(firings.c.planned.desc()).limit(1)).scalar()
    return found.isoformat() if found else ""


def lost_and_doubled(store: Engine) -> tuple[list[str], list[str]]:
    """What was due and never ran to its end; runs that ended and were not due, or were due once and ran twice."""
    with reading(store) as connection:
        due = connection.execute(select(firings).order_by(firings.c.planned)).all()
        ended = set(connection.execute(select(runs.c.id).where(runs.c.state == "done")).scalars())
    of_due = [row.run_id for row in due]
    # The newest may be under way.
    lost = [f"{row.planned} r{row.run_id}" for row in due[:-1] if row.run_id not in ended]
    doubled = [f"r{run_id}" for run_id in sorted(ended) if of_due.count(run_id) != 1]
    return lost, doubled
