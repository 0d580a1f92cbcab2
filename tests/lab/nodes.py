"""The bench of nodes: several of them share one store on PostgreSQL; one dies or is cut off, and another goes on.

A node is a process and its own wire to the store. When the node's own words reach the wire at a moment, something befalls it: `DEEDS`.
Leader and workers, where one's words are another one's moment, are in `crew.py`.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.forking import Program
from tests.lab.cells import Cell, Deeds
from tests.lab.company import Company, Ran
from tests.lab.preparing import MOMENTS
from tests.lab.proxy import Fault, Wire
from tests.lab.stores import Served

DEEDS: dict[str, Callable[[Program, Wire], object]] = {
    "kill the node": lambda node, _wire: node.kill(),
    "partition the node": lambda _node, wire: setattr(wire, "fault", Fault("silence", 0)),
}


class Nodes(Served):
    """One node runs; when it is gone, another one runs."""

    name = "node"
    title = "Nodes that share a store: one dies or is cut off, another goes on"

    def cells(self) -> list[Cell]:
        moments = ("first record", "applying", "in the account", "concluding")
        return [Cell(self.name, deed, moment, deed) for deed in DEEDS for moment in moments]

    def befall(self, cell: Cell, company: Company) -> Deeds:
        self.wire.fault = Fault("hold", seen=MOMENTS[cell.moment].encode(), lasting=False)
        return ()

    def disturbed(self, cell: Cell, company: Company) -> Ran:
        self.met = False

        def strike() -> None:
            if not self.met:
                self.met = True
                DEEDS[cell.how](node, self.wire)

        self.wire.on_strike = strike
        self.befall(cell, company)
        node = company.begin("run")
        return company.end(node, lambda: self.met)

    def heal(self, company: Company) -> None:
        self.wire.on_strike = None
        super().heal(company)

    def happened(self, cell: Cell, ran: Ran) -> bool:
        return self.met
