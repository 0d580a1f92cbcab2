"""SCIM services for tests: an independent one in a process of its own, and one of ours that does what real ones should not."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from connectors.scim.settings import Access, Bearer

Json = dict[str, Any]
TOKEN = "a-token-of-tests"
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
_HERE = Path(__file__).parent / "scim_server_js"


def access(url: str, **more: Any) -> Access:
    return Access(url, Bearer(lambda: TOKEN), **more)


def user(key: str, email: str, name: str, *, active: bool = True, **more: Any) -> Json:
    return {
        "id": key,
        "userName": email,
        "displayName": name,
        "active": active,
        "emails": [{"value": email, "type": "work", "primary": True}],
        **more,
    }


def group(key: str, name: str, members: list[str]) -> Json:
    return {"id": key, "displayName": name, "members": [{"value": one} for one in members]}


def seed_of(people: list[Json]) -> tuple[list[Json], list[Json]]:
    """The people of the contract suites as users and groups."""
    users = [user(p["external_id"], p["email"], p["display_name"], active=p["active"]) for p in people]
    names = dict.fromkeys(name for person in people for name in person["groups"])
    groups = [
        group(f"G{number}", name, [p["external_id"] for p in people if name in p["groups"]])
        for number, name in enumerate(names)
    ]
    return users, groups


# --- the independent one ------------------------------------------------------------------------------------------


def node_packages() -> Path:
    """Where its packages are; skips the test where they, or node, are missing."""
    if shutil.which("node") is None:
        pytest.skip("node is missing: apt-get install nodejs npm")
    for place in (Path(sys.prefix) / "scim_server_js", _HERE):
        if (place / "node_modules" / "scimmy-routers").is_dir():
            return place
    pytest.skip("scimmy-routers is missing: make .venv/.tests-installed installs it, with npm")


@dataclass(frozen=True, slots=True)
class NodeService:
    """scimmy-routers, running."""

    url: str

    def seed(self, users: list[Json], groups: list[Json]) -> None:
        body = json.dumps({"users": users, "groups": groups}).encode()
        address = self.url.removesuffix("/scim/v2") + "/seed"
        request = urllib.request.Request(address, body, {"content-type": "application/json"})
        urllib.request.urlopen(request, timeout=30).close()


@contextmanager
def node_service() -> Iterator[NodeService]:
    command = ["node", str(_HERE / "server.mjs"), TOKEN, str(node_packages())]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            port = process.stdout.readline().strip()
            assert port.isdigit()
            yield NodeService(f"http://127.0.0.1:{port}/scim/v2")
        finally:
            process.terminate()


# --- ours ---------------------------------------------------------------------------------------------------------


@dataclass
class Asked:
    """One request."""

    method: str
    path: str
    query: dict[str, str]
    body: Any
    headers: dict[str, str]


@dataclass
class Given:
    """One answer; `raw` and `cut` are what no service should do."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    cut: int | None = None
    """So many bytes, and then the connection is closed."""


Hook = Callable[[Asked], Given | None]


@dataclass
class OurService:
    """A small service over two dictionaries, which tests make misbehave.

    `before` is asked ahead of each request, and may move things or answer itself; `after` may spoil the answer.
    """

    users: dict[str, Json] = field(default_factory=dict)
    groups: dict[str, Json] = field(default_factory=dict)
    config: Json = field(
        default_factory=lambda: {"patch": {"supported": True}, "filter": {"supported": True, "maxResults": 1000}}
    )
    before: Hook | None = None
    after: Callable[[Asked, Given], Given] | None = None
    largest: int = 1000
    filters: bool = True
    dates: bool = True
    asked: list[Asked] = field(default_factory=list)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    url: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)
    _ids: int = 0

    def put(self, *resources: Json, at: str = "2020-01-01T00:00:00Z") -> None:
        for one in resources:
            store = self.users if "userName" in one else self.groups
            version = f'W/"{len(self.asked)}-{self._ids}"'
            self._ids += 1
            store[one["id"]] = {**one, "meta": {"created": at, "lastModified": at, "version": version}}

    def seed(self, users: list[Json], groups: list[Json]) -> None:
        self.users.clear()
        self.groups.clear()
        self.put(*users, *groups)

    def paths(self, method: str) -> list[str]:
        return [one.path for one in self.asked if one.method == method]

    def answer(self, asked: Asked) -> Given:
        with self.lock:
            self.asked.append(asked)
            given = self.before(asked) if self.before else None
            given = given or self._answer(asked)
            return self.after(asked, given) if self.after else given

    def _answer(self, asked: Asked) -> Given:  # noqa: PLR0911 - one line for each refusal
        if asked.headers.get("authorization") != f"Bearer {TOKEN}":
            return error(401, "who are you")
        kind, _, key = asked.path.strip("/").partition("/")
        if kind == "ServiceProviderConfig":
            return Given(200, self.config)
        store = {"Users": self.users, "Groups": self.groups}.get(kind)
        if store is None:
            return error(404, "no such endpoint")
        if not key:
            return self._list(store, asked) if asked.method == "GET" else self._create(store, asked.body)
        key = unquote(key)
        if key not in store:
            return error(404, "no such resource")
        wanted = asked.headers.get("if-match")
        if wanted is not None and wanted != store[key]["meta"]["version"]:
            return error(412, "it changed")
        match asked.method:
            case "GET":
                return Given(200, shape(store[key], asked.query))
            case "DELETE":
                del store[key]
                for one in self.groups.values():
                    one["members"] = [member for member in one.get("members", []) if member["value"] != key]
                return Given(204)
            case "PUT":
                self.put({**asked.body, "id": key}, at=self._stamp())
            case "PATCH":
                changed = json.loads(json.dumps(store[key]))
                for operation in asked.body["Operations"]:
                    if problem := patch(changed, operation):
                        return error(400, problem, "noTarget")
                self.put(changed, at=self._stamp())
        return Given(200, store[key])

    def _stamp(self) -> str:
        return self.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def _create(self, store: dict[str, Json], body: Json) -> Given:
        name = "userName" if store is self.users else "displayName"
        if any(other[name].lower() == body[name].lower() for other in store.values()):
            return error(409, f"{body[name]} is taken", "uniqueness")
        self._ids += 1
        key = f"new-{self._ids}"
        self.put({**body, "id": key}, at=self._stamp())
        return Given(201, store[key])

    def _list(self, store: dict[str, Json], asked: Asked) -> Given:
        found = list(store.values())
        if wanted := asked.query.get("filter"):
            if not self.filters:
                return error(400, "no filters here", "invalidFilter")
            found = [one for one in found if matches(one, wanted)]
        count = min(int(asked.query.get("count", self.largest)), self.largest)
        if "cursor" in asked.query:
            start = int(asked.query["cursor"] or 0)
            more = {"nextCursor": str(start + count)} if start + count < len(found) else {}
        else:
            start, more = int(asked.query.get("startIndex", 1)) - 1, {}
        page = [shape(one, asked.query) for one in found[start : start + count]]
        body = {"schemas": [LIST], "totalResults": len(found), "itemsPerPage": len(page), "Resources": page, **more}
        return Given(200, body)


def error(status: int, detail: str, scim_type: str | None = None) -> Given:
    return Given(
        status,
        {"schemas": [ERROR], "status": str(status), "detail": detail, **({"scimType": scim_type} if scim_type else {})},
    )


def shape(resource: Json, query: dict[str, str]) -> Json:
    if query.get("attributes") == "id":
        return {"id": resource["id"]}
    left_out = query.get("excludedAttributes", "").split(",")
    return {name: value for name, value in resource.items() if name not in left_out}


def matches(resource: Json, wanted: str) -> bool:
    """The few filters that our client asks with."""
    if " and " in wanted:
        return all(matches(resource, part) for part in wanted.split(" and "))
    for part in wanted.split(" or "):
        name, operator, value = re.fullmatch(r'\(?([\w.]+) (eq|ge|gt) "(.*)"\)?', part.strip()).groups()  # type: ignore[union-attr]
        found: Any = [resource]
        for step in name.split("."):
            found = [inner for one in found for inner in (one.get(step) if isinstance(one.get(step), list) else [one.get(step)]) if inner is not None]  # fmt: skip
        value = json.loads(f'"{value}"')
        if operator == "eq" and any(one.lower() == value.lower() for one in found):
            return True
        if operator == "ge" and any(_moment(one) >= _moment(value) for one in found):
            return True
    return False


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def patch(resource: Json, operation: Json) -> str:
    """RFC 7644, 3.5.2, as far as our client needs it; what is wrong, or nothing."""
    verb, path = operation["op"], operation.get("path")
    value: Any = operation.get("value")
    if match := re.fullmatch(r'members\[value eq "(.*)"\]', path or ""):
        there = resource.get("members", [])
        resource["members"] = [one for one in there if one["value"] != json.loads(f'"{match[1]}"')]
        return ""
    if verb == "add" and path == "members":
        there = resource.setdefault("members", [])
        there += [one for one in value if one["value"] not in {member["value"] for member in there}]
    elif path:
        inner = resource
        *above, name = path.split(".")
        for step in above:
            inner = inner.setdefault(step, {})
        inner[name] = value
    else:
        resource.update(value)
    return ""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    service: OurService

    def _serve(self) -> None:
        url = urlsplit(self.path)
        length = int(self.headers.get("content-length") or 0)
        content = self.rfile.read(length)
        query = {name: values[0] for name, values in parse_qs(url.query, keep_blank_values=True).items()}
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            body = json.loads(content) if content else None
        except ValueError:
            body = content.decode()
        given = self.service.answer(Asked(self.command, url.path.removeprefix("/scim/v2"), query, body, headers))
        content = (
            given.raw if given.raw is not None else json.dumps(given.body).encode() if given.body is not None else b""
        )
        lines = [f"HTTP/1.1 {given.status} X", f"content-length: {len(content)}", "content-type: application/scim+json"]
        if self.service.dates:
            lines.append(f"date: {format_datetime(self.service.now(), usegmt=True)}")
        lines += [f"{name}: {value}" for name, value in given.headers.items()]
        whole = "\r\n".join(lines).encode() + b"\r\n\r\n" + content
        self.wfile.write(whole if given.cut is None else whole[: given.cut])
        if given.cut is not None:
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - the library's names

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def our_service(**settings: Any) -> Iterator[OurService]:
    service = OurService(**settings)
    handler = type("Handler", (_Handler,), {"service": service})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    service.url = f"http://127.0.0.1:{server.server_port}/scim/v2"
    try:
        yield service
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
