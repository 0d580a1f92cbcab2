"""The console behind its real doors, as tests come in: with a clock that they turn, and browsers that keep cookies."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Thread
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.serving import make_server
from werkzeug.test import TestResponse

from connectors.fluix.account.passwords import hashed
from syncd.bootstrap import App
from syncd.store.audit import stream
from syncd.store.engine import reading, writing
from syncd.web.access import links, tokens, users
from syncd.web.roles import Role
from syncd.web.whole import whole_app
from tests.house import House

GOOD = "copper lantern 47 walks uphill"
OTHER = "velvet tractor 92 hums at dawn"
_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


@dataclass
class Browser:
    """One browser: its cookies, and the forms that it fills in."""

    client: FlaskClient
    headers: dict[str, str] = field(default_factory=dict)
    base: str = "http://127.0.0.1:8480"
    address: str = "192.0.2.7"

    def get(self, path: str, **more: Any) -> TestResponse:
        return self._open("GET", path, **more)

    def post(self, path: str, *, seen: str | None = None, **fields: Any) -> TestResponse:
        """Fill in a form of the page `seen`, and send it."""
        token = self.token_of(seen or path)
        return self._open("POST", path, data={"csrf_token": token, **fields})

    def send(self, path: str, data: dict[str, Any], **more: Any) -> TestResponse:
        """Send what no page of ours has asked for."""
        return self._open("POST", path, data=data, **more)

    def token_of(self, path: str) -> str:
        found = _TOKEN.search(self.get(path).text)
        assert found, f"no form on {path}"
        return found[1]

    def log_in(self, name: str, password: str = GOOD, back: str = "/console/") -> TestResponse:
        return self.post("/login", name=name, password=password, back=back)

    def cookies(self) -> dict[str, str]:
        return {cookie.key: cookie.value for cookie in self.client._cookies.values()}

    def _open(self, method: str, path: str, headers: dict[str, str] | None = None, **more: Any) -> TestResponse:
        environ = {"REMOTE_ADDR": self.address}
        sent = {**self.headers, **(headers or {})}
        return self.client.open(
            path, method=method, base_url=self.base, headers=sent, environ_overrides=environ, **more
        )


@dataclass
class Place:
    """A company's console, closed to everybody who is not let in."""

    house: House
    app: App
    web: Flask
    program: str = ""

    def browser(self, **more: Any) -> Browser:
        return Browser(self.web.test_client(), **more)

    def hire(self, name: str, role: Role = Role.ADMIN) -> int:
        """Somebody whose password is GOOD."""
        with writing(self.app.store) as connection:
            return users.add(connection, name, role, self.app.clock(), password=hashed(GOOD))

    def inside(self, name: str, role: Role = Role.ADMIN, **more: Any) -> Browser:
        """Somebody who is logged in."""
        self.hire(name, role)
        browser = self.browser(**more)
        assert browser.log_in(name).status_code == 303
        return browser

    def user(self, name: str) -> Any:
        with reading(self.app.store) as connection:
            return users.by_name(connection, name)

    def link(self, user_id: int | None = None) -> str:
        with writing(self.app.store) as connection:
            return links.make(connection, user_id, self.app.clock(), made_by="a test")

    def token(self, role: Role = Role.VIEWER, **more: Any) -> str:
        with writing(self.app.store) as connection:
            wanted = {"made_by": "a test", "lasts": None, **more}
            return tokens.issue(connection, f"program {role.word}", role, self.app.clock(), **wanted)[0]

    def audit(self, action: str) -> list[dict[str, Any]]:
        with reading(self.app.store) as connection:
            return [row for row in stream(connection) if row["action"] == action]

    def api(self, path: str) -> Any:
        """What a program with the token of an admin is told."""
        self.program = self.program or self.token(Role.ADMIN)
        return self.browser().get(f"/api/v1{path}", headers={"Authorization": f"Bearer {self.program}"}).json


def place_of(house: House, **access: Any) -> Place:
    """The console of this company, with these settings of `access`."""
    if access:
        house.configure(access=access)
    app = house.app()
    return Place(house, app, whole_app(app))


@contextmanager
def served(web: Flask) -> Iterator[str]:
    """It on a port of its own; gives its address."""
    server = make_server("127.0.0.1", 0, web, threaded=True)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
