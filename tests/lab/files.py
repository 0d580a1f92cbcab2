"""The bench of a CSV file: one that changes under the run, and a process, a disk and a clock that fail."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.house import House
from tests.lab.cells import Bench, Cell, Deeds
from tests.lab.company import WIDE_OPEN, Company, Ran
from tests.lab.preparing import MOMENTS

SHORT = {
    ("kill -9", "concluding"),
    ("disk full", "in the account"),
    ("exchanged for another export", "first record"),
    ("clock a year ahead", "all along"),
}


def cell(bench: str, fault: str, moment: str, *how: object) -> Cell:
    """A cell, and whether it is one of the short ones."""
    return Cell(bench, fault, moment, list(how), short=(fault, moment) in SHORT)


class Local(Bench):
    """A company whose directory is a file; faults befall the program's own process."""

    @contextmanager
    def open(self, folder: Path) -> Iterator[None]:
        (folder / "evening").mkdir()
        self.live_day_one(Company(House(folder / "evening", WIDE_OPEN)))
        self.foresee_day_two(folder)
        yield

    def befall(self, cell: Cell, company: Company) -> Deeds:
        return [[one.replace("@", f"{company.house.folder}/") if isinstance(one, str) else one for one in cell.how]]


class Files(Local):
    """The file changes while it is read."""

    name = "csv"
    title = "A CSV file that changes under the run"

    def cells(self) -> list[Cell]:
        deeds = {
            "exchanged for another export": ("exchange", "@other.csv", "@people.csv"),
            "torn in the middle of a row": ("tear", "@people.csv", 300),
            "emptied": ("tear", "@people.csv", 0),
            "removed": ("remove", "@people.csv"),
        }
        moments = ("starting", "first record", "planning", "applying")
        found = [
            cell(self.name, fault, "before the run", *deed) for fault, deed in deeds.items() if "exch" not in fault
        ]
        found += [cell(self.name, fault, at, "at", at, *deed) for fault, deed in deeds.items() for at in moments]
        return found

    def another(self, folder: Path) -> Company:
        company = super().another(folder)
        shutil.copy(company.house.people, folder / "whole.csv")
        everybody = company.house.people.read_text(encoding="utf-8").splitlines()
        other = [everybody[0], *reversed(everybody[1:])]
        (folder / "other.csv").write_text("\n".join(other) + "\n", encoding="utf-8")
        return company

    def heal(self, company: Company) -> None:
        shutil.copy(company.house.folder / "whole.csv", company.house.people)


class Process(Local):
    """kill -9, a service manager's signal, a disk that is full: at every moment of a run."""

    name = "process"
    title = "The program's own process, its disk and its clock"

    def cells(self) -> list[Cell]:
        deeds = {"kill -9": ("kill",), "SIGTERM": ("interrupt",), "disk full": ("fill_disk", "@syncd.db")}
        found = [cell(self.name, fault, at, "at", at, *deed) for fault, deed in deeds.items() for at in MOMENTS]
        found.append(cell(self.name, "clock a year ahead", "all along", "clock", 365))
        found.append(cell(self.name, "clock a year back", "all along", "clock", -365))
        return found

    def happened(self, cell: Cell, ran: Ran) -> bool:
        return ran.code != 0
