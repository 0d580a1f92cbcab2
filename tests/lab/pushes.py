"""The bench of pushed people: an identity provider calls our daemon by SCIM, and its calls are cut, lost and repeated."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from tests.faults.processes import go
from tests.house import House
from tests.lab.cells import Bench, Cell, Outcome
from tests.lab.company import WIDE_OPEN, Company
from tests.lab.proxy import Fault, Wire
from tests.scim_house import GROUP, PATCH, USER
from tests.serving import serving, until

MOMENTS = {
    "connecting": {},
    "in the middle of the request": {"after": 120, "side": "requests"},
    "before the answer": {"after": 0},
    "within the answer": {"after": 60},
}


@dataclass
class Provider:
    """An identity provider, which repeats what was not answered."""

    url: str
    token: str
    patience: float = 30
    """Seconds for which an answer is waited for."""

    def call(self, method: str, path: str, body: Any = None) -> httpx.Response | None:
        """The answer; None when there was none."""
        try:
            with httpx.Client(timeout=self.patience, headers={"Authorization": f"Bearer {self.token}"}) as client:
                return client.request(method, f"{self.url}/scim/v2/acme{path}", json=body)
        except httpx.HTTPError:
            return None

    def create(self, path: str, body: Any) -> str:
        """Make something. Returns its id; nothing where there was no answer, or where it was there already (409)."""
        answer = self.call("POST", path, body)
        return str(answer.json().get("id", "")) if answer is not None else ""

    def hire(self, name: str) -> str:
        """Make a person."""
        email = f"{name}@example.com"
        emails = [{"value": email, "primary": True}]
        return self.create("/Users", {"schemas": [USER], "userName": email, "active": True, "emails": emails})

    def patch(self, path: str, operation: dict[str, Any]) -> None:
        """Change something."""
        self.call("PATCH", path, {"schemas": [PATCH], "Operations": [operation]})


class Pushes(Bench):
    """One daemon. Every cell has people of its own: one is made, one is put out, one is taken out of a group, each by a call that fails."""

    name = "scim_push"
    title = "SCIM, pushed: an identity provider calls us"

    def cells(self) -> list[Cell]:
        kinds = {"cut off": "cut", "reset": "reset", "silence": "silence"}
        return [
            Cell(self.name, fault, moment, Fault(kind, **where))  # type: ignore[arg-type]
            for fault, kind in kinds.items()
            for moment, where in MOMENTS.items()
        ]

    @contextmanager
    def open(self, folder: Path) -> Iterator[None]:
        (folder / "evening").mkdir()
        own = {"sources": [{"name": "acme", "type": "scim_push"}], "serve": {"listen": "127.0.0.1:0"}}
        house = House(folder / "evening", {**WIDE_OPEN, **own, "schedule": {"every": "1h"}})
        self.evening = Company(house)
        token = self.evening.call("token", "create", "--tenant", "acme").document["token"]
        assert self.evening.call("pause").code == 0  # runs are made by the cells
        with serving(house) as daemon:
            until(daemon.well)
            with Wire(urlsplit(daemon.url).port or 0) as self.wire:
                self.direct = Provider(daemon.url, token)
                self.through = Provider(f"http://127.0.0.1:{self.wire.port}", token, 3)
                self.ids = {}
                for number, _ in enumerate(self.cells()):
                    people = [f"{who}{number}" for who in ("leaver", "mover")]
                    self.ids |= {name: self.direct.hire(name) for name in people}
                    members = [{"value": self.ids[name]} for name in people]
                    body = {"schemas": [GROUP], "displayName": f"Group {number}", "members": members}
                    self.ids[f"group{number}"] = self.direct.create("/Groups", body)
                self.day()
                yield

    def play(self, cell: Cell, folder: Path) -> Outcome:
        number = self.cells().index(cell)
        joiner, leaver, mover = (f"{who}{number}@example.com" for who in ("joiner", "leaver", "mover"))
        before = self.users()
        calls: list[Callable[[Provider], object]] = [
            lambda to: to.hire(f"joiner{number}"),
            lambda to: to.patch(
                f"/Users/{self.ids[f'leaver{number}']}", {"op": "replace", "path": "active", "value": False}
            ),
            lambda to: to.patch(
                f"/Groups/{self.ids[f'group{number}']}",
                {"op": "remove", "path": f'members[value eq "{self.ids[f"mover{number}"]}"]'},
            ),
        ]
        for call in calls:
            self.wire.fault = cell.how
            call(self.through)
            assert self.wire.struck, "the fault never struck"
        self.wire.fault = None
        self.day()
        early = self.users()
        assert before.keys() - early.keys() <= {leaver}, "deleted too much"
        came = (joiner in early) + (leaver not in early) + (early[mover] == [])
        for call in calls:
            call(self.through)
        self.day()
        after = self.users()
        assert before.keys() - after.keys() == {leaver}
        assert after.keys() - before.keys() == {joiner}
        assert after[mover] == [], "it is lost"
        assert self.evening.call("plan", "--check").code == 0
        return Outcome(f"{came} of 3 calls had arrived", f"called again: {3 - came} done")

    def day(self) -> None:
        """A run."""
        ran = self.evening.call("run")
        assert ran.code == 0, (ran.code, ran.said())

    def users(self) -> dict[str, list[str]]:
        """Who has an account, and their groups."""
        listed = go(self.evening.house.folder, lambda app: app.target().dump()["users"])
        emails = [one["email"] for one in listed]
        assert len(emails) == len(set(emails)), "somebody is there twice"
        return {one["email"]: one.get("groups", []) for one in listed}
