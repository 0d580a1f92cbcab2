"""The matrix: benches (what is at stake), and on each a cell for every fault and every moment.

A cell is one evening of the company and its second day with a fault in it, then a run without the fault. The promise, which `Bench.play`
keeps for every cell: at no moment more is deleted than without the fault, nothing is done twice, nothing is lost, and the run says
what happened.

A new kind of cell is a bench: an `open` that brings its servers up and makes the evening, a `befall` that lets a fault happen, and its
line in `tests/lab/benches.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.faults.processes import go
from tests.lab.company import DAY_ONE, DAY_TWO, Company, Ran, State, gone

Deeds = Sequence[list[Any]]


@dataclass(frozen=True, slots=True)
class Cell:
    """One fault at one moment.

    Args:
        bench: the bench's name.
        fault: in a few words.
        moment: as well.
        how: what the bench takes to let it happen.
        short: whether it is one of the few that every `make test` plays.
    """

    bench: str
    fault: str
    moment: str
    how: Any
    short: bool = False

    def __str__(self) -> str:
        return f"{self.bench}: {self.fault}, {self.moment}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a cell came to."""

    run: str
    """How the run with the fault ended, and what it said."""
    healed: str
    """What the next run did."""


class Bench:
    """One kind of cells; see the module."""

    name = ""
    title = ""
    """As the page has it."""
    call: tuple[str, ...] = ("run",)
    """What is called while the fault happens."""

    evening: Company
    undisturbed: State

    def cells(self) -> list[Cell]:
        """All of them."""
        raise NotImplementedError

    @contextmanager
    def open(self, folder: Path) -> Iterator[None]:
        """Servers, the evening, and what day two comes to without a fault."""
        raise NotImplementedError
        yield

    def befall(self, cell: Cell, company: Company) -> Deeds:
        """Let the fault happen from now on, outside; what befalls the program's process itself is returned."""
        raise NotImplementedError

    def heal(self, company: Company) -> None:
        """Take the fault away."""

    def happened(self, cell: Cell, ran: Ran) -> bool:
        """Whether the fault struck at all."""
        return True

    def another(self, folder: Path) -> Company:
        """The evening, in this folder."""
        return self.evening.copy(folder)

    def state(self, company: Company) -> State:
        """What must be the same in the end."""
        return company.state()

    def deleted(self, company: Company) -> frozenset[str]:
        """Who is gone by now."""
        there: frozenset[str] = go(
            company.house.folder, lambda app: gone({user["email"] for user in app.target().dump()["users"]})
        )
        return there

    def same(self, found: State, wanted: State) -> None:
        """Compare.

        Raises:
            AssertionError: they are not the same.
        """
        assert found.account == wanted.account
        assert found.deeds == wanted.deeds

    def live_day_one(self, company: Company) -> None:
        """The evening, where the directory is a file: whoever is there on day one is in the account."""
        self.evening = company
        company.house.hire(DAY_ONE)
        assert company.call("run").code == 0

    def foresee_day_two(self, folder: Path) -> None:
        """Day two is in the file, and what it comes to without a fault is kept."""
        self.evening.house.hire(DAY_TWO)
        calm = self.another(folder / "calm")
        self.whole_day(calm)
        self.undisturbed = self.state(calm)

    def whole_day(self, company: Company) -> str:
        """A run without a fault, and what it held approved. Returns what it did."""
        ran = company.call("run")
        told = [f"{ran.document.get('outcome', {}).get('done', 0)} done"]
        if ran.code == 3 and ran.document["held"]:
            told.append(f"{sum(ran.document['held'].values())} held until approved")
            assert company.call("approve", ran.document["plan_id"], "--comment", "they left").code == 0
            ran = company.call("apply", ran.document["plan_id"])
        assert ran.code == 0, (ran.code, ran.said())
        return ", ".join(told)

    def play(self, cell: Cell, folder: Path) -> Outcome:
        """Play the cell, and hold it against the promise."""
        company = self.another(folder)
        ran = self.disturbed(cell, company)
        self.heal(company)
        assert self.happened(cell, ran), "the fault never struck"
        early = self.deleted(company)
        assert early <= self.undisturbed.deleted, f"deleted too much: {early - self.undisturbed.deleted}"
        assert ran.code in {0, -9, 130} or ran.said(), f"it ended with {ran.code} and said nothing"
        healed = self.whole_day(company)
        found = self.state(company)
        assert found.deleted == self.undisturbed.deleted
        self.same(found, self.undisturbed)
        assert company.call("plan", "--check").code in self.settled, "something is still to do"
        return Outcome(told(ran, len(early)), healed)

    settled: frozenset[int] = frozenset({0})

    def disturbed(self, cell: Cell, company: Company) -> Ran:
        """The call with the fault in it."""
        return company.call(*self.call, prepare=self.befall(cell, company), hopeless=lambda: self.hopeless(cell))

    def hopeless(self, cell: Cell) -> bool:
        """Whether the call waits for an answer that will never come, as far as anybody can tell from outside."""
        return False


def told(ran: Ran, deleted: int) -> str:
    """How a call ended, in a few words."""
    if ran.code == -9:
        how = "waited until it was killed" if ran.hung else "killed"
        return f"{how}; {deleted or 'nobody'} deleted by then"
    done = ran.document.get("outcome", {}).get("done", 0)
    words = f"exit {ran.code}: {done} done" if done or ran.code in {0, 3, 5} else f"exit {ran.code}"
    said = ran.said()
    return f"{words}: {said}" if said else words
