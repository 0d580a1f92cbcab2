"""The bench of PostgreSQL: the store behind a network that breaks off, resets, and says nothing any more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import postgres
from tests.house import House
from tests.lab.cells import Bench, Cell, Deeds
from tests.lab.company import WIDE_OPEN, Company, Ran
from tests.lab.preparing import MOMENTS
from tests.lab.proxy import Fault, Wire


class Served(Bench):
    """The store is PostgreSQL; the directory a file, the account embedded."""

    name = "postgresql"
    title = "PostgreSQL: the store and the way to it"

    def cells(self) -> list[Cell]:
        kinds = {"cut off": "cut", "reset": "reset", "silence": "silence", "a delay": "delay"}
        found = [
            Cell(self.name, fault, "connecting", Fault(kind)) for fault, kind in kinds.items() if kind != "silence"
        ]  # type: ignore[arg-type]
        found += [
            Cell(
                self.name,
                fault,
                moment,
                Fault(kind, seen=begins.encode()),  # type: ignore[arg-type]
                (fault, moment) == ("cut off", "concluding"),
            )
            for fault, kind in kinds.items()
            for moment, begins in MOMENTS.items()
            if kind != "silence" or moment in {"planning", "applying", "in the account", "concluding"}
        ]
        return found

    @contextmanager
    def open(self, folder: Path) -> Iterator[None]:
        if postgres.POSTGRES is None:
            pytest.skip("PostgreSQL is not installed")
        self.server = postgres.postgres()
        with Wire(self.server.port) as self.wire:
            (folder / "evening").mkdir()
            self.template = self._through(self.server.new_store())
            self.live_day_one(Company(House(folder / "evening", {**WIDE_OPEN, "store": self.template})))
            self.foresee_day_two(folder)
            yield

    def _through(self, url: str) -> str:
        return url.replace(f":{self.server.port}/", f":{self.wire.port}/")

    def another(self, folder: Path) -> Company:
        name = self.template.rpartition("/")[2]
        return self.evening.copy(folder, store=self._through(self.server.new_database(name)))

    def befall(self, cell: Cell, company: Company) -> Deeds:
        self.wire.fault = cell.how
        return ()

    def hopeless(self, cell: Cell) -> bool:
        return cell.how.kind == "silence" and self.wire.struck

    def heal(self, company: Company) -> None:
        self.struck = self.wire.struck
        self.wire.fault = None
        self.wire.forget()  # else the server never learns that a silent client is gone, and keeps its locks

    def happened(self, cell: Cell, ran: Ran) -> bool:
        return self.struck
