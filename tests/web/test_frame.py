"""Every page and deed is served twice, described once, and refuses what it must."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from syncd.web import pages
from syncd.web.roles import Role
from tests.web_house import Console

VENDOR = Path(__file__).parents[2] / "syncd/web/static/vendor"


def test_a_page_is_html_for_people_and_json_for_programs(console: Console) -> None:
    assert "<h1>Runs</h1>" in console.page("/runs")
    assert console.json("/runs")["runs"] == []


def test_a_deed_leads_to_what_it_did_and_tells_a_program(console: Console) -> None:
    assert console.do("/runs/start").headers["Location"] == "/console/runs"
    assert console.json("/runs/start", sent={"sources": ["people"]})["go"] == "/runs"


def test_what_is_asked_for_is_checked(console: Console) -> None:
    refused = console.json("/runs?size=100000&sort=x", 422)
    assert {fault["where"] for fault in refused["faults"]} == {"size", "sort"}
    assert "Input should be less than or equal to 200" in console.page("/runs?size=100000", 422)
    assert console.json("/runs/start", 422, sent={"source": "people"})["faults"][0]["where"] == "source"


def test_what_there_is_not_is_told(console: Console) -> None:
    answer = console.client.get("/api/v1/runs/7", headers={"Authorization": "Bearer good"})
    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")
    assert answer.json["detail"] == "there is no run r7"
    assert "there is no run r7" in console.page("/runs/7", 404)


def test_nobody_comes_in_without_a_login_or_a_token(console: Console) -> None:
    console.somebody.absent = True
    answer = console.client.get("/console/runs?page=2")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/login?back=/console/runs?page=2")
    answer = console.client.get("/api/v1/runs")
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, 'Bearer realm="syncd"')


def test_a_viewer_only_looks(console: Console) -> None:
    console.somebody.role = Role.VIEWER
    assert "maria is viewer here; this takes operator" in console.do("/runs/start", 403).text
    assert console.json("/runs/start", 403, sent={})["detail"] == "this token is viewer; this takes operator"


def test_a_form_that_is_not_ours_does_nothing(console: Console) -> None:
    assert console.client.post("/console/runs/start", data={"csrf_token": "guessed"}).status_code == 400


def test_a_mistake_of_ours_is_not_shown(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("syncd.store.runs.find", lambda *_: 1 / 0)
    assert "ZeroDivision" not in console.page("/runs/1", 500)
    assert console.json("/runs/1", 500)["detail"] == "a mistake of this program; its log has more"


def test_everything_is_described(console: Console) -> None:
    told = console.client.get("/api/v1/openapi.json").json
    described = {(path, method) for path, methods in told["paths"].items() for method in methods}
    assert len(described) == len(pages.ALL)
    assert told["paths"]["/runs/{run_id}"]["get"]["responses"]["200"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/RunPage"
    }


def test_every_page_is_calm_about_names_of_operations() -> None:
    names = [entry.name for entry in pages.ALL]
    assert len(names) == len(set(names))


def test_the_files_of_others_are_as_they_were_published() -> None:
    lines = (VENDOR / "SHA256SUMS").read_text(encoding="ascii").splitlines()
    sums = {name.removeprefix("./"): checksum for checksum, name in map(str.split, lines)}
    found = {str(file.relative_to(VENDOR)) for file in VENDOR.rglob("*") if file.is_file()}
    assert found - {"README.md", "SHA256SUMS"} == set(sums)
    for name, checksum in sums.items():
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == checksum
