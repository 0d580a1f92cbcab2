"""The service provider over SQLite (WAL) beside scim2-server's own store in memory: the same people, the same server, in turn.

The peer is asked behind scim2-flask, so that all but the store is as ours is, and as the bare WSGI application that scim2-server has of
its own. What it holds is in one process, so that one serves it; ours are two, as a store on a disk allows. Two of the peer's, which do not
know each other's new people, are shown as well: then both sides have as many processors.

Goals: GET by id and by `userName eq` at least 3 x, POST at least 1 x; a page of 1,000 users under 60 ms; a member added to or
removed from the largest group under 10 ms, and no slower than in one of 50; a page by cursor costs the same wherever it is; no
request of a first push above 1 s, the memory flat.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import quote

from flask import Flask
from rich.console import Console
from scim2_flask import ScimServer
from scim2_models import ScimProvider
from scim2_server.applications.wsgi import WSGIApplication
from scim2_server.memory import InMemoryStorage
from scim2_server.service import ScimService
from sqlalchemy import Engine
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from scim import deeds, members
from scim.connections import Store
from scim.metadata import scim_metadata
from scim.moments import utc_now
from scim.provider import build_provider
from scim.shapes import shape_of
from scim.writing import writing
from tests.bench.scim_load import Connection, each
from tests.bench.wrk import Pressed, pressed
from tests.scim_house import ENTERPRISE, GROUP, PATCH, USER, gunicorn, open_store

console = Console(width=110)
PROVIDER: ScimProvider = build_provider()
OURS = "/scim/v2/bench"
THEIRS = {"in memory on Flask": "/scim/v2", "in memory, bare": "/bare/v2"}
_ASKED = 20_000
_MOST_POSTS = 6_000
"""A second: more than any side makes."""


def person(n: int, word: str = "u") -> dict[str, Any]:
    """An employee as identity providers push them, of about 900 bytes."""
    return {
        "schemas": [USER, ENTERPRISE],
        "userName": f"{word}{n}@corp.example.com",
        "externalId": f"{word}-{n:08d}",
        "name": {"givenName": f"Given{n}", "familyName": f"Family{n}", "formatted": f"Given{n} Family{n}"},
        "displayName": f"Given{n} Family{n}",
        "title": f"Engineer {n % 50}",
        "active": n % 20 != 0,
        "preferredLanguage": "en-GB",
        "emails": [
            {"value": f"{word}{n}@corp.example.com", "type": "work", "primary": True},
            {"value": f"{word}{n}@home.example.com", "type": "home"},
        ],
        "phoneNumbers": [{"value": f"+44 20 7946 {n:04d}", "type": "work"}],
        "addresses": [{"streetAddress": f"{n} High Street", "locality": "London", "country": "GB", "type": "work"}],
        ENTERPRISE: {"employeeNumber": f"{n:08d}", "department": f"D{n % 100}", "costCenter": f"C{n % 30}"},
    }


def fill(engine: Engine, people: int, groups: int, largest: int) -> tuple[list[str], list[str]]:
    """People and groups; the first group has the most members, the others about 50."""
    users: list[str] = []
    there = Store.of(engine)
    for start in range(0, people, 2000):
        with writing(there, "bench", utc_now) as work:
            for n in range(start, min(people, start + 2000)):
                document = deeds.document_of(person(n))
                users.append(deeds.create(work, shape_of(PROVIDER, "User"), document, {}, refuse_unknown=True).id)
    made = []
    with writing(there, "bench", utc_now) as work:
        for n in range(groups):
            document = {"schemas": [GROUP], "displayName": f"Group {n}"}
            made.append(deeds.create(work, shape_of(PROVIDER, "Group"), document, {}, refuse_unknown=True).id)
            some = users[:largest] if n == 0 else [users[(n * 37 + k) % people] for k in range(50)]
            members.add(work, made[-1], dict.fromkeys(some), refuse_unknown=True)
    return users, made


def in_memory() -> Any:
    """The peer, with the same people; made before the workers are, so that these share its memory."""
    storage = InMemoryStorage()
    model: Any = PROVIDER.model_for("User")
    user_type = next(one for one in PROVIDER.resource_types if one.name == "User")
    ids = []
    for n in range(int(os.environ["SCIM_PEOPLE"])):
        made = storage.create(user_type, model.model_validate(person(n)))
        ids.append(made.id)
    Path(os.environ["SCIM_IDS"]).write_text(json.dumps(ids), encoding="utf-8")
    service = ScimService(PROVIDER, secret="bench")
    web = Flask("bench")
    ScimServer(storage, PROVIDER, web, service=service)
    return DispatcherMiddleware(web, {"/bare": WSGIApplication(storage, PROVIDER, service)})


def scim(scratch: Path, *, quick: bool) -> list[dict[str, Any]]:
    """See the module."""
    people, groups, largest = (10_000, 100, 5_000) if quick else (100_000, 1_000, 50_000)
    store = f"sqlite:///{scratch}/scim.db"
    engine = open_store(store)
    scim_metadata.create_all(engine)
    users, made = fill(engine, people, groups, largest)
    size = sum(file.stat().st_size for file in scratch.glob("scim.db*")) / 1e6
    console.print(f"[bold]SCIM, {people:,} people[/], one group of {largest:,}; the store has {size:,.0f} MB")
    results: list[dict[str, Any]] = []
    with gunicorn(store) as address:
        port = _port(address)
        sides = {"ours": _Side(port, OURS, users, people)}
        with ExitStack() as peers:
            for workers, processes in {1: "one process", 2: "two that share nothing"}.items():
                ids = scratch / f"ids{workers}.json"
                os.environ |= {"SCIM_PEOPLE": str(people), "SCIM_IDS": str(ids)}
                peer = gunicorn("", application="tests.bench.scim:in_memory()", preload=True, workers=workers)
                at = _port(peers.enter_context(peer))
                there = json.loads(ids.read_text(encoding="utf-8"))
                sides |= {f"{side}, {processes}": _Side(at, root, there, people) for side, root in THEIRS.items()}
            found = _in_turn(sides, 2 if quick else 5)
        results += _beside(found.pop("ours"), found)
        results += _ours_alone(port, users, made, people)
        results += _first_push(port, 3_000 if quick else 100_000)
    console.print()
    return results


def _beside(ours: dict[str, Pressed], others: dict[str, dict[str, Pressed]]) -> list[dict[str, Any]]:
    """What each side answered in a second."""
    assert not any(one.lost for one in ours.values()), ours
    results = []
    for name, our in ours.items():
        console.print(f"  {name}: {our.per_second:,.0f}/s, median {our.median_ms:.1f} ms, p99 {our.p99_ms:.1f} ms")
        for side, theirs in others.items():
            ratio = our.per_second / theirs[name].per_second
            lost = f" ({theirs[name].lost} not within 2 s)" if theirs[name].lost else ""
            console.print(f"    {side}: {theirs[name].per_second:,.0f}/s{lost}, [bold]{ratio:.1f} x[/]")
        results += [
            {
                "bench": f"scim {name}",
                "side": side,
                "per_second": one[name].per_second,
                "median_ms": one[name].median_ms,
            }
            for side, one in {"ours": ours, **others}.items()
        ]
    return results


def _in_turn(sides: dict[str, _Side], seconds: int) -> dict[str, dict[str, Pressed]]:
    """The middle of three rounds, side by side."""
    rounds: dict[str, list[dict[str, Pressed]]] = {side: [] for side in sides}
    for n in range(3):
        for place, (side, one) in enumerate(sides.items()):
            rounds[side].append(one.press(f"new{n}{place}", seconds))
    return {side: {name: _middle([one[name] for one in loads]) for name in loads[0]} for side, loads in rounds.items()}


def _port(address: str) -> int:
    return int(address.rpartition(":")[2])


@dataclass(frozen=True, slots=True)
class _Side:
    """One server that is asked what all are."""

    port: int
    root: str
    ids: list[str]
    people: int

    def press(self, word: str, seconds: int) -> dict[str, Pressed]:
        """GET by id, GET by userName, POST of new ones whose names begin with `word`; each warmed up before."""
        chance = random.Random(7)
        by_id = [("GET", f"{self.root}/Users/{chance.choice(self.ids)}", b"") for _ in range(_ASKED)]
        names = [f'userName eq "u{chance.randrange(self.people)}@corp.example.com"' for _ in range(_ASKED)]
        by_name = [("GET", f"{self.root}/Users?filter={quote(name)}", b"") for name in names]
        found = {}
        for name, requests in {"GET by id": by_id, "GET by userName": by_name}.items():
            pressed(self.port, requests, 1)
            found[name] = pressed(self.port, requests, seconds)
        for part, length in {"warm": 1, "new": seconds}.items():
            posts = (person(n, f"{word}{part}") for n in range(_MOST_POSTS * length))
            found["POST"] = pressed(
                self.port, (("POST", f"{self.root}/Users", json.dumps(p).encode()) for p in posts), length
            )
        assert not any(one.refused for one in found.values()), found
        return found


def _middle(rounds: list[Pressed]) -> Pressed:
    return sorted(rounds, key=lambda one: one.per_second)[len(rounds) // 2]


def _ours_alone(port: int, users: list[str], groups: list[str], people: int) -> list[dict[str, Any]]:
    connection = Connection(port)

    def get(path: str) -> bytes:
        status, body = connection.ask("GET", OURS + path)
        assert status == 200, body[:300]
        return body

    pages = {
        "page of 1,000, first": each(21, lambda _: get("/Users?count=1000")),
        "page of 1,000, in the middle": each(21, lambda _: get(f"/Users?count=1000&startIndex={people // 2}")),
        "page of 100 by cursor, first": [],
        "page of 100 by cursor, last tenth": [],
    }
    cursor, taken = "", []
    for _ in range(people // 100):
        began = time.perf_counter()
        body = get(f"/Users?count=100&cursor={cursor}")
        taken.append((time.perf_counter() - began) * 1000)
        cursor = json.loads(body).get("nextCursor", "")
    tenth = max(1, len(taken) // 10)
    pages["page of 100 by cursor, first"], pages["page of 100 by cursor, last tenth"] = taken[1:tenth], taken[-tenth:]
    for name, group in {"largest": groups[0], "one of 50": groups[1]}.items():
        pages[f"member added, {name} group"] = each(40, _patch(connection, group, users, "add"))
        pages[f"member removed, {name} group"] = each(40, _patch(connection, group, users, "remove"))
    for name, times in pages.items():
        console.print(f"  {name}: median {median(times):.1f} ms, worst {max(times):.1f} ms")
    return [{"bench": f"scim {name}", "side": "ours", "median_ms": median(one)} for name, one in pages.items()]


def _patch(connection: Connection, group: str, users: list[str], op: str) -> Callable[[int], object]:
    def deed(n: int) -> object:
        member = users[-1 - n]
        how = (
            {"path": "members", "value": [{"value": member}]}
            if op == "add"
            else {"path": f'members[value eq "{member}"]'}
        )
        body = {"schemas": [PATCH], "Operations": [{"op": op, **how}]}
        status, said = connection.ask("PATCH", f"{OURS}/Groups/{group}", json.dumps(body).encode())
        assert status in {200, 204}, said
        return status

    return deed


def _first_push(port: int, count: int) -> list[dict[str, Any]]:
    """As Okta does it: looks for each by userName, makes it, and puts it into a group."""
    root = "/scim/v2/push"
    connection = Connection(port)
    body = json.dumps({"schemas": [GROUP], "displayName": "Everyone"}).encode()
    group = json.loads(connection.ask("POST", f"{root}/Groups", body)[1])["id"]

    def push(n: int) -> None:
        own = _connections.setdefault(n % 6, Connection(port))
        said = person(n, "p")
        own.ask("GET", f"{root}/Users?filter={quote('userName eq ' + json.dumps(said['userName']))}")
        status, answer = own.ask("POST", f"{root}/Users", json.dumps(said).encode())
        assert status == 201, answer
        operation = {"op": "add", "path": "members", "value": [{"value": json.loads(answer)["id"]}]}
        patch = json.dumps({"schemas": [PATCH], "Operations": [operation]}).encode()
        assert own.ask("PATCH", f"{root}/Groups/{group}", patch)[0] in {200, 204}

    _connections: dict[int, Connection] = {}
    before = _memory()
    first = each(count // 10, push)
    warm = _memory()
    times = first + each(count - count // 10, lambda n: push(n + count // 10))
    console.print(
        f"  first push of {count:,}: {1000 * count / sum(times):,.0f} people/s one after the other, worst {max(times):.0f} ms for "
        f"one person's three requests; the workers' memory {before:,.0f} -> {warm:,.0f} (a tenth) -> {_memory():,.0f} MB"
    )
    return [{"bench": "scim first push", "side": "ours", "worst_ms": max(times), "memory_mb": _memory() - warm}]


def _memory() -> float:
    """Resident memory of the gunicorn workers that this process started, in MB."""
    total = 0.0
    for status in Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError):
            text = status.read_text(encoding="ascii", errors="replace")
            fields = dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)
            if _below(int(fields["PPid"])) and "VmRSS" in fields:
                total += int(fields["VmRSS"].split()[0]) / 1024
    return total


def _below(parent: int) -> bool:
    with contextlib.suppress(OSError, ValueError, IndexError):
        while parent > 1:
            if parent == os.getpid():
                return True
            parent = int(Path(f"/proc/{parent}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[1])
    return False
