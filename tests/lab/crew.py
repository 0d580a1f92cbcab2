"""The bench of leader and worker: a run gives its changes to workers, and one of them all dies, is cut off or falls asleep.

Each is a process with a wire of its own to the store. What it says there is the moment; whom it befalls may be another one.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Lock, Timer
from typing import Literal

import yaml
from sqlalchemy import select, text

from syncd.bootstrap import App
from syncd.store import queue
from syncd.store.engine import reading
from syncd.store.node_tables import parcels, terms
from tests.faults.processes import go
from tests.forking import Program, begin
from tests.lab.cells import Cell, Outcome
from tests.lab.company import Company, Ran, State
from tests.lab.preparing import MOMENTS
from tests.lab.proxy import Fault, Wire
from tests.lab.stores import Served
from tests.serving import until

NOTICED = 8.0
"""Seconds after which each side of a silent connection gives it up, as the program has it (`engine.open_engine`)."""
CONNECTS = 2
"""Seconds after which a new connection is given up: short, since each cell waits for some."""
ASLEEP = queue.DEAD_AFTER + 3.0
"""Seconds after which a sleeper wakes, long after it was taken for dead."""
WORKS = {
    "taking a parcel": "FROM parcels",
    "applying": MOMENTS["applying"],
    "in the account": MOMENTS["in the account"],
    "concluding": MOMENTS["concluding"],
    "beginning a deletion": "INSERT INTO ledger",
    "handing it back": "UPDATE parcels SET state",
    "ending its job": "procrastinate_finish_job",
}
"""Moment of a worker -> the statement that begins so."""
GIVES = MOMENTS | {"giving parcels": "INSERT INTO parcels", "putting parcels away": "DELETE FROM parcels"}
"""Moment of the leader."""
Whom = Literal["leader", "worker"]


@dataclass
class Node:
    """A process, and its wire to the store."""

    wire: Wire
    program: Program
    later: Timer | None = field(default=None)
    """What happens to it by itself, some time after the fault."""

    def kill(self) -> None:
        """kill -9."""
        if self.program.ended(0.01) is None:
            self.program.kill()

    def part(self) -> None:
        """Nothing comes through any more, until both sides take the other one for gone."""
        self.wire.fault = Fault("silence", 0)
        self._after(NOTICED, self.wire.forget)

    def lose(self) -> None:
        """Its connections break; it may connect again."""
        self.wire.forget()

    def sleep(self) -> None:
        """It stands still, as a machine that is moved or suspended; its connections live."""
        os.kill(self.program.pid, signal.SIGSTOP)
        self._after(ASLEEP, self.wake)

    def wake(self) -> None:
        """It goes on."""
        if self.program.ended(0.01) is None:
            os.kill(self.program.pid, signal.SIGCONT)

    def heal(self) -> None:
        """What is to happen later happens now."""
        self.wire.on_strike = None
        self.wire.fault = None
        if self.later:
            self.later.cancel()
            self.later.join()
            with suppress(OSError):
                self.later.function()

    def _after(self, seconds: float, deed: Callable[[], None]) -> None:
        self.later = Timer(seconds, deed)
        self.later.start()


@dataclass(frozen=True, slots=True)
class Blow:
    """What befalls whom, when one of them says something.

    Args:
        deed: of `Node`.
        to: whom.
        says: whose words are waited for.
        words: a statement's beginning.
        workers: how many there are; of several, it befalls the one who said it.
    """

    deed: Callable[[Node], None]
    to: Whom
    says: Whom
    words: str
    workers: int = 1


class Crew(Served):
    """One run, and workers that apply what it gives."""

    name = "worker"
    title = "Leader and workers: one dies, is cut off or falls asleep, the others go on"

    def cells(self) -> list[Cell]:
        short = {
            ("kill -9 of the only worker", "in the account"),
            ("kill -9 of the leader", "its worker concluding"),
            ("the only worker loses its connections", "ending its job"),
        }

        def cell(fault: str, moment: str, *blow: object) -> Cell:
            return Cell(self.name, fault, moment, Blow(*blow), (fault, moment) in short)  # type: ignore[arg-type]

        deeds = {
            "kill -9 of the only worker": Node.kill,
            "the only worker is cut off": Node.part,
            "the only worker loses its connections": Node.lose,
            "the only worker falls asleep": Node.sleep,
        }
        found = [
            cell(fault, moment, deed, "worker", "worker", words)
            for fault, deed in deeds.items()
            for moment, words in WORKS.items()
        ]
        found += [
            cell("kill -9 of one worker of two", moment, Node.kill, "worker", "worker", words, 2)
            for moment, words in WORKS.items()
        ]
        deed, leader = Node.kill, "leader"
        found += [cell("kill -9 of the leader", moment, deed, leader, leader, words) for moment, words in GIVES.items()]
        found += [
            cell("kill -9 of the leader", f"its worker {moment}", deed, leader, "worker", words)
            for moment, words in WORKS.items()
        ]
        fault, deed, words = "the leader is cut off", Node.part, GIVES["giving parcels"]
        found.append(cell(fault, "giving parcels", deed, leader, leader, words))
        found += [
            cell(fault, f"its worker {moment}", deed, leader, "worker", WORKS[moment])
            for moment in ("in the account", "beginning a deletion")
        ]
        return found

    @contextmanager
    def open(self, folder: Path) -> Iterator[None]:
        with super().open(folder), Wire(self.server.port) as one, Wire(self.server.port) as other:
            self.wires = (one, other)
            yield

    def another(self, folder: Path) -> Company:
        company = super().another(folder)
        company.house.configure(store=f"{company.house.settings['store']}?connect_timeout={CONNECTS}")
        return company

    def play(self, cell: Cell, folder: Path) -> Outcome:
        self.nodes: list[Node] = []
        said = ""
        try:
            outcome = super().play(cell, folder)
        finally:
            for node in self.nodes:
                node.heal()
                node.kill()
                node.program.wait()
            for node in self.nodes[: cell.how.workers]:
                said += "\n".join(node.program.said())
        assert "Traceback" not in said, said
        return outcome

    def disturbed(self, cell: Cell, company: Company) -> Ran:
        blow: Blow = cell.how
        self.met = Lock()
        self.nodes = [self._worker(company, wire) for wire in self.wires[: blow.workers]]
        go(company.house.folder, lambda app: until(lambda: _live(app) == blow.workers))
        for wire in self.wires[: blow.workers] if blow.says == "worker" else (self.wire,):
            wire.on_strike = partial(self._strike, blow, wire)
            wire.fault = Fault("hold", seen=blow.words.encode(), lasting=False)
        leader = Node(self.wire, company.begin("run"))
        self.nodes.append(leader)
        return company.end(leader.program)

    def _worker(self, company: Company, wire: Wire) -> Node:
        house = company.house
        config = house.folder / f"worker-{wire.port}.yaml"
        store = house.settings["store"].replace(f":{self.wire.port}/", f":{wire.port}/")
        config.write_text(yaml.safe_dump({**house.settings, "store": store}), encoding="utf-8")
        return Node(wire, begin(["worker"], house.folder, house.environment({"SYNCD_CONFIG": str(config)})))

    def _strike(self, blow: Blow, wire: Wire) -> None:
        if self.met.acquire(blocking=False):
            whose = self.wire if blow.to == "leader" else wire
            blow.deed(next(node for node in self.nodes if node.wire is whose))

    def heal(self, company: Company) -> None:
        for node in self.nodes:
            node.heal()

    def happened(self, cell: Cell, ran: Ran) -> bool:
        return self.met.locked()

    def state(self, company: Company) -> State:
        go(company.house.folder, _nothing_left)
        return super().state(company)


def _live(app: App) -> int:
    return queue.live_workers(app.store, app.calling)


def _nothing_left(app: App) -> None:
    """Of the way through the queue; above all, that no worker seems to be at something for ever: a run would wait for that."""
    with reading(app.store) as connection:
        assert connection.execute(select(parcels)).all() == []
        assert {row.name for row in connection.execute(select(terms))} <= {"run", "lead"}
        jobs = connection.execute(text(f"SELECT id FROM {queue.SCHEMA}.procrastinate_jobs")).scalars().all()
    until(lambda: not queue.held(app.store, jobs), 20)
