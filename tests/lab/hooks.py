"""The bench of the webhook: a work order is ready, and a Taskstream of Fluix is to be started for it, once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

from tests.connectors.test_webhook import PATH, Fluix
from tests.e2e.test_portal import Company as PortalCompany
from tests.house import House, staff
from tests.lab.cells import Cell, Deeds, Outcome, told
from tests.lab.company import Company
from tests.lab.http_proxy import HttpFault, http_proxy
from tests.lab.services import OverHttp

SILENCE = 2.0


class Hooks(OverHttp):
    """The real Fluix: it is told by one call that cannot be taken back, and knows no key by which twice would be once."""

    name = "webhook"
    title = "The webhook: Fluix is told that a work order is ready"
    kinds = ("429", "429 for long", "500", "503", "cut answer", "lost answer", "reset", "silence")
    moments = {"the call": {}}  # noqa: RUF012 - a table
    short = frozenset({("lost answer", "the call")})

    @contextmanager
    def open(self, folder: Path) -> Iterator[None]:
        self.fluix = Fluix()
        serving = Thread(target=self.fluix.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        serving.start()
        try:
            with http_proxy(f"http://127.0.0.1:{self.fluix.server_port}") as self.proxy:
                (folder / "evening").mkdir()
                house = House(folder / "evening")
                house.clock.now = datetime.now(UTC)
                PortalCompany(house, webhook={"url": {"env": "LAB_HOOK"}, "timeout_seconds": SILENCE})
                house.hire(staff(2))
                self.evening = Company(house, {"LAB_HOOK": f"{self.proxy.url}{PATH}"})
                yield
        finally:
            self.fluix.shutdown()
            serving.join(20)
            self.fluix.server_close()

    def befall(self, cell: Cell, company: Company) -> Deeds:
        assert isinstance(cell.how, HttpFault)
        self.fluix.started.clear()
        return super().befall(cell, company)

    def play(self, cell: Cell, folder: Path) -> Outcome:
        company = self.another(folder)
        ran = self.disturbed(cell, company)
        self.heal(company)
        assert self.happened(cell, ran), "the fault never struck"
        assert ran.code in {0, 3}, ran
        first = len(self.fluix.started)
        again = company.call("run")
        said = [one["message"] for one in again.document["findings"] if one["check"] == "webhook"]
        assert len(self.fluix.started) <= 1, "it was started twice"
        assert said, "nobody is told that the call went wrong"
        assert self.fluix.started or "see in Fluix" in said[0], "it is lost, and nothing says so"
        assert (folder / "orders" / "workorder-1").is_dir(), "the order itself is there in any case"
        words = "started by then" if first else "not started by then"
        return Outcome(
            f"{told(ran, 0).partition(':')[0]}; {words}", company_words(said[0], len(self.fluix.started) - first)
        )


def company_words(said: str, started: int) -> str:
    """What the next run did and said."""
    return "started" if started else f"not called again: {said.rpartition(': ')[2]}"
