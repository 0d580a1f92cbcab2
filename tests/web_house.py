"""The console as tests call it: a company with its web side, somebody who may, and a real Chromium that looks at it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from flask import Flask, abort, request
from flask.testing import FlaskClient
from playwright.sync_api import Browser, Page, sync_playwright
from werkzeug.serving import make_server

from syncd.bootstrap import App, open_app
from syncd.config import load_config
from syncd.web.app import web_app
from syncd.web.roles import Role, Who
from tests.house import House

CHROMIUM = shutil.which("chromium") or ""
needs_chromium = pytest.mark.skipif(not CHROMIUM, reason="needs chromium")
AXE = Path(__file__).parents[1] / ".venv/web/npm/node_modules/axe-core/axe.min.js"
_CSRF = "the token of this test"
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}


@dataclass
class Somebody:
    """An `Access` by which everybody is this person, and the CSRF token is one word. The real one has tests of its own."""

    role: Role = Role.ADMIN
    name: str = "maria"
    language: str | None = "en"
    absent: bool = False

    def by_session(self) -> Who | None:
        return None if self.absent else Who(self.name, self.role, self.language)

    def by_token(self) -> Who | None:
        return self.by_session() if request.headers.get("Authorization") == "Bearer good" else None

    def csrf_token(self) -> str:
        return _CSRF

    def check_csrf(self) -> None:
        if request.form.get("csrf_token") != _CSRF:
            abort(400, "the form was not ours")

    def login_address(self, back_to: str) -> str:
        return f"/login?back={back_to}"


@dataclass
class Console:
    """A company's console."""

    app: App
    web: Flask
    somebody: Somebody

    @property
    def client(self) -> FlaskClient:
        return self.web.test_client()

    def page(self, path: str, status: int = 200) -> str:
        """The HTML of a page."""
        answer = self.client.get(f"/console{path}")
        assert answer.status_code == status, answer.text
        return answer.text

    def do(self, path: str, status: int = 303, **fields: Any) -> Any:
        """Send a form, as the browser does."""
        answer = self.client.post(f"/console{path}", data={"csrf_token": _CSRF, **fields})
        assert answer.status_code == status, answer.text
        return answer

    def json(self, path: str, status: int = 200, sent: Any = None) -> Any:
        """What the API answers to a GET, or to a POST of `sent`."""
        method = "GET" if sent is None else "POST"
        headers = {"Authorization": "Bearer good"}
        answer = self.client.open(f"/api/v1{path}", method=method, json=sent, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json


def console_of(house: House, role: Role = Role.ADMIN) -> Console:
    """The console of this company, for somebody with this role."""
    app = open_app(load_config(house.config))
    somebody = Somebody(role)
    return Console(app, web_app(app, somebody), somebody)


@contextmanager
def listening(console: Console) -> Iterator[str]:
    """The console on a port of its own; gives the address of its pages."""
    server = make_server("127.0.0.1", 0, console.web, threaded=True)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}/console"
    finally:
        server.shutdown()
        thread.join()


@contextmanager
def browser() -> Iterator[Browser]:
    """A real Chromium."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        try:
            yield started
        finally:
            started.close()


def violations(page: Page) -> list[str]:
    """What axe-core finds against WCAG 2.2 AA."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found = page.evaluate("tags => axe.run({runOnly: tags})", tags)
    return [f"{one['id']}: {one['help']}: {node['html'][:200]}" for one in found["violations"] for node in one["nodes"]]
