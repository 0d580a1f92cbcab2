"""The benches of SCIM: a service that people are pulled from, and an endpoint that is the Fluix side; and what both may do to us."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

from tests.house import House, Person
from tests.lab.cells import Bench, Cell, Deeds
from tests.lab.company import DAY_ONE, DAY_TWO, WIDE_OPEN, Company, Ran, State, gone
from tests.lab.http_proxy import HttpFault, HttpProxy, http_proxy
from tests.scim_services import TOKEN, Asked, Given, OurService, our_service, seed_of

SILENCE = 2.0
AUTH = {"auth": {"token": {"env": "LAB_TOKEN"}}, "timeout_seconds": SILENCE}


def seed(service: OurService, people: list[Person]) -> None:
    """The people of a day."""
    rows = [(one, *one.row()[1:3]) for one in people]
    service.seed(
        *seed_of(
            [
                {
                    "external_id": one.id,
                    "email": email,
                    "display_name": name,
                    "active": True,
                    "groups": list(one.groups),
                }
                for one, name, email in rows
            ]
        )
    )


def said(kind: str) -> str:
    """A fault in a few words."""
    return {
        "429": "429, in a second",
        "429 for long": "429, in an hour",
        "cut body": "an answer ends in its middle",
        "cut answer": "done, and no answer",
        "lost answer": "done, and silence",
        "twice": "the request arrives twice",
    }.get(kind, kind)


class OverHttp(Bench):
    """What the benches of SCIM share: a proxy, and faults by request."""

    proxy: HttpProxy
    kinds: tuple[str, ...]
    once: tuple[str, ...] = ()
    """Kinds that are played as well so that only one request is struck: we ask again by ourselves."""
    moments: dict[str, dict[str, Any]]
    short: frozenset[tuple[str, str]] = frozenset()

    def cells(self) -> list[Cell]:
        found = [
            Cell(self.name, said(kind), moment, HttpFault(kind, **where), (kind, moment) in self.short)  # type: ignore[arg-type]
            for kind in self.kinds
            for moment, where in self.moments.items()
        ]
        return found + [
            Cell(self.name, f"{said(kind)}; once", moment, HttpFault(kind, lasting=False, **where))  # type: ignore[arg-type]
            for kind in self.once
            for moment, where in self.moments.items()
        ]

    def befall(self, cell: Cell, company: Company) -> Deeds:
        self.proxy.fault = cell.how
        return ()

    def heal(self, company: Company) -> None:
        self.struck = self.proxy.struck
        self.proxy.fault = None

    def happened(self, cell: Cell, ran: Ran) -> bool:
        return self.struck > 0


class Pulled(OverHttp):
    """People and groups are pulled from a SCIM service into the embedded account."""

    name = "scim"
    title = "SCIM, pulled: the service that people come from"
    kinds = ("429", "429 for long", "500", "cut body", "cut answer", "reset", "silence", "twice")
    moments = {  # noqa: RUF012 - a table
        "first page": {"path": "/Users"},
        "middle page": {"path": "/Users", "number": 2},
        "last page": {"path": "/Users", "number": 3},
        "groups": {"path": "/Groups", "number": 2},
    }
    once = ("429", "reset")
    short = frozenset({("500", "middle page"), ("cut body", "last page")})

    @contextmanager
    def open(self, folder: Path) -> Iterator[None]:
        with our_service() as service, http_proxy(service.url) as self.proxy:
            seed(service, DAY_ONE)
            own = {
                "name": "cloud",
                "type": "scim",
                "url": self.proxy.url,
                "page_size": 4,
                "groups_page_size": 1,
                **AUTH,
            }
            (folder / "evening").mkdir()
            house = House(folder / "evening", {**WIDE_OPEN, "sources": [{**own, "full_every_hours": 0}]})
            self.evening = Company(house, {"LAB_TOKEN": TOKEN})
            assert self.evening.call("run").code == 0
            seed(service, DAY_TWO)
            calm = self.evening.copy(folder / "calm")
            self.whole_day(calm)
            self.undisturbed = self.state(calm)
            yield


class Endpoint(OverHttp):
    """A CSV file is the directory, and the account is an endpoint that speaks SCIM."""

    name = "scim endpoint"
    title = "SCIM, written: the endpoint that is the account"
    kinds = ("429 for long", "500", "cut answer", "lost answer", "reset", "twice")
    moments = {  # noqa: RUF012 - a table
        "reading the account": {"path": "/Users", "method": "GET"},
        "creating a person": {"path": "/Users", "method": "POST"},
        "changing a person": {"path": "/Users", "method": "PATCH"},
        "changing a group": {"path": "/Groups", "method": "PATCH", "number": 2},
        "deleting the first": {"method": "DELETE"},
        "deleting the last": {"method": "DELETE", "number": 3},
    }
    short = frozenset({("cut answer", "creating a person"), ("lost answer", "deleting the first")})
    settled = frozenset({0})

    @contextmanager
    def open(self, folder: Path) -> Iterator[None]:
        with our_service() as self.service, http_proxy(self.service.url) as self.proxy:
            self.service.after = self._note
            self.done: Counter[str] = Counter()
            target = {"type": "scim", "url": self.proxy.url, "bulk": False, **AUTH}
            (folder / "evening").mkdir()
            house = House(folder / "evening", {**WIDE_OPEN, "target": target})
            self.live_day_one(Company(house, {"LAB_TOKEN": TOKEN}))
            self.there = deepcopy((self.service.users, self.service.groups))
            self.foresee_day_two(folder)
            yield

    def _note(self, asked: Asked, given: Given) -> Given:
        """Each person and group that was made or ended, by name."""
        if asked.method == "POST" and given.status == 201:
            self.done[f"made {asked.body.get('userName', asked.body.get('displayName'))}"] += 1
        if asked.method == "DELETE" and given.status == 204:
            self.done[f"deleted {asked.path}"] += 1
        return given

    def another(self, folder: Path) -> Company:
        self.service.users, self.service.groups = deepcopy(self.there)
        self.done.clear()
        return super().another(folder)

    def disturbed(self, cell: Cell, company: Company) -> Ran:
        if cell.how.method != "DELETE":
            return super().disturbed(cell, company)
        held = company.call("run").document
        assert company.call("approve", held["plan_id"], "--comment", "they left").code == 0
        self.befall(cell, company)
        return company.call("apply", held["plan_id"])

    def deleted(self, company: Company) -> frozenset[str]:
        return gone({one["userName"] for one in self.service.users.values()})

    def state(self, company: Company) -> State:
        emails = {key: one["userName"] for key, one in self.service.users.items()}
        users = {one["userName"]: one.get("displayName") for one in self.service.users.values()}
        groups = {
            one["displayName"]: sorted(emails[member["value"]] for member in one.get("members", []))
            for one in self.service.groups.values()
        }
        assert len(users) == len(emails), "somebody is there twice"
        return State({"users": users, "groups": groups}, dict(self.done), gone(set(users)))
