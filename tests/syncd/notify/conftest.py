"""A company that is told things, and a receiver."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from syncd.bootstrap import App
from syncd.notify.courier import Delivered, deliver
from syncd.notify.gathering import Gatherer
from syncd.run import run
from syncd.sync import Request
from tests.house import House, staff
from tests.receivers import Receiver, receiving


class Told:
    """A company that tells a receiver."""

    def __init__(self, house: House, receiver: Receiver) -> None:
        self.house = house
        self.receiver = receiver
        self.app: App = house.app()
        self.gatherer = Gatherer(self.app)

    def configure(self, **receiver: object) -> None:
        """Set the receiver up otherwise."""
        self.app.store.dispose()
        defaults = {"name": "admins", "to": {"env": "TELL"}, "timeout_seconds": 15}
        self.house.configure(notifications=[{**defaults, **receiver}])
        self.app = self.house.app()
        self.gatherer = Gatherer(self.app)

    def run(self, *, fails: bool = False) -> None:
        """One run."""
        try:
            run(self.app.sync(), Request("run"))
            assert not fails
        except Exception:
            if not fails:
                raise

    def tell(self) -> Delivered:
        """Gather and deliver."""
        self.gatherer.gather()
        return deliver(self.app)


@pytest.fixture
def told(house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[Told]:
    with receiving(Receiver()) as receiver:
        monkeypatch.setenv("TELL", f"json://127.0.0.1:{receiver.port}/secret-hook")
        house.configure(
            budgets={"run": {"delete": {"count": 0}}},
            shrink={"max_percent": 100},
            serve={"public_url": "https://sync.example.com"},
        )
        house.hire(staff(4))
        here = Told(house, receiver)
        here.configure()
        yield here
        here.app.store.dispose()
