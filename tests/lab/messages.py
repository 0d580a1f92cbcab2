"""The bench of mail: invitations through a mail server that breaks off and falls silent. A mail is sent once, or is said to be unsure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.house import House
from tests.lab.cells import Bench, Cell, Deeds, Outcome
from tests.lab.company import DAY_ONE, WIDE_OPEN, Company, Ran
from tests.lab.proxy import Fault, Wire
from tests.mail_servers import Inbox, smtp_server

EVERYBODY = sorted(person.row()[2] for person in DAY_ONE)


class Mails(Bench):
    """The first day's invitations are sent."""

    name = "mail"
    title = "Mail: invitations, and the server that takes them"

    def cells(self) -> list[Cell]:
        kinds = {"cut off": "cut", "reset": "reset", "silence": "silence", "a delay": "delay"}
        moments = {
            "connecting": {},
            "the first mail's sender": {"seen": b"mail FROM:"},
            "a mail in the middle": {"seen": b"rcpt TO:", "times": 6},
            "a mail's last line": {"seen": b"\r\n.\r\n", "times": 6},
            "good-bye": {"seen": b"quit\r\n"},
        }
        return [
            Cell(self.name, fault, moment, Fault(kind, **where), (fault, moment) == ("cut off", "a mail's last line"))  # type: ignore[arg-type]
            for fault, kind in kinds.items()
            for moment, where in moments.items()
        ]

    @contextmanager
    def open(self, folder: Path) -> Iterator[None]:
        self.inbox = Inbox()
        with smtp_server(self.inbox) as port, Wire(port) as self.wire:
            server = {"host": "127.0.0.1", "port": self.wire.port, "security": "none", "timeout_seconds": 2}
            (folder / "evening").mkdir()
            house = House(folder / "evening", WIDE_OPEN)
            house.hire(DAY_ONE)
            self.evening = Company(house)
            assert self.evening.call("run").code == 0
            house.configure(target={"type": "account", "mail": server})  # a run would have sent them itself
            yield

    def befall(self, cell: Cell, company: Company) -> Deeds:
        self.inbox.mails.clear()
        self.wire.fault = cell.how
        return ()

    def play(self, cell: Cell, folder: Path) -> Outcome:
        company = self.another(folder)
        self.befall(cell, company)
        ran = company.call("account", "deliver")
        assert self.wire.struck, "the fault never struck"
        self.wire.fault = None
        first = len(self.inbox.to)
        assert ran.code == 0 or ran.said() or ran.out, "it said nothing"
        company.call("account", "deliver", prepare=[["clock", 2]])
        states = {one["to"]: one["state"] for one in company.call("account", "outbox").document["mails"]}
        came = Counter(self.inbox.to)
        assert set(came.values()) == {1}, f"sent twice: {came}"
        unsure = {to for to, state in states.items() if state == "unsure"}
        assert {to for to, state in states.items() if state == "sent"} | unsure == set(EVERYBODY)
        assert set(EVERYBODY) - set(came) <= unsure, "a mail is lost, and nothing says so"
        return Outcome(
            f"exit {ran.code}: {first} of {len(EVERYBODY)} arrived",
            f"{len(came) - first} arrived, {len(unsure) or 'none'} unsure",
        )

    def happened(self, cell: Cell, ran: Ran) -> bool:
        return True
