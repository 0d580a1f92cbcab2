"""Whether the web side is well, and what it says when it is not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from threading import Thread

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from syncd.bootstrap import App
from syncd.store.engine import writing
from syncd.web import health
from syncd.web.app import web_app
from tests.house import House, staff


@pytest.fixture
def app(house: House) -> Iterator[App]:
    house.hire(staff(1))
    made = house.app()
    yield made
    made.store.dispose()


@pytest.fixture
def web(app: App, monkeypatch: pytest.MonkeyPatch) -> Flask:
    monkeypatch.setattr(health, "_REMEMBERED", 0.0)
    return web_app(app)


@pytest.fixture
def client(web: Flask) -> FlaskClient:
    return web.test_client()


def test_it_is_well(client: FlaskClient) -> None:
    assert client.get("/healthz").json == {"status": "ok", "checks": {"process": {"ok": True}}}
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json["status"]) == (200, "ok")
    assert list(answer.json["checks"]) == ["config", "disk", "store", "version"]
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_thread_that_ended_is_told(web: Flask, client: FlaskClient) -> None:
    thread = Thread(target=lambda: None, name="events")
    thread.start()
    thread.join()
    health.watch(web, thread)
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert answer.json["checks"]["thread events"] == {"ok": False, "reason": "it ended: restart the process"}


def test_a_store_of_another_version_is_not_ready(app: App, client: FlaskClient) -> None:
    with writing(app.store) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "0000" in answer.json["checks"]["version"]["reason"]
    assert answer.json["checks"]["store"]["ok"]


def test_a_store_that_is_no_database_is_not_ready(house: House, app: App, client: FlaskClient) -> None:
    app.store.dispose()
    for path in house.folder.glob("syncd.db*"):
        path.unlink()
    (house.folder / "syncd.db").write_bytes(b"something else" * 999)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "restore it from a backup" in answer.json["checks"]["store"]["reason"]


def test_a_full_disk_is_not_ready(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, content: real(descriptor, content[:100]))
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json["checks"]["disk"]["reason"] == "there is no space left: free some"


def test_a_folder_that_is_gone_is_not_ready(house: House, client: FlaskClient) -> None:
    house.folder.rename(house.folder.with_name("elsewhere"))
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "nothing can be written beside the store" in answer.json["checks"]["disk"]["reason"]


def test_looking_leaves_nothing_behind(house: House, client: FlaskClient) -> None:
    client.get("/readyz")
    assert not list(house.folder.glob(".syncd-ready-*"))
