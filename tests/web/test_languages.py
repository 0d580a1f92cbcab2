"""Catalogues: nothing is missing, nothing is stale, and the page is in the language of who reads it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import read_mo

from syncd.store.pauses import Pause, pause
from tests.messages import LANGUAGES, file_of, kept, said
from tests.web_house import Console

ROOMS = Path(__file__).parents[2] / "syncd/web/pages"
_PLACE = re.compile(r"%\([a-z]+\)s")


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_is_translated(language: str) -> None:
    catalog = kept(language)
    assert {one.id for one in said() if one.id} == {one.id for one in catalog if one.id}, "make messages"
    assert [one.id for one in catalog if one.id and (not one.string or not all(one.string) or one.fuzzy)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_filled_in_stands_in_the_translation_too(language: str) -> None:
    for one in kept(language):
        ids, strings = ((found,) if isinstance(found, str) else found for found in (one.id, one.string))
        assert {name for text in ids for name in _PLACE.findall(text)} == {
            name for text in strings for name in _PLACE.findall(text)
        }, one.id


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_compiled_is_what_was_translated(language: str) -> None:
    with file_of(language, "mo").open("rb") as stream:
        compiled = _pairs(read_mo(stream))
    assert compiled == _pairs(kept(language)), "make messages"


def _pairs(catalog: Catalog) -> list[tuple[str, str]]:
    return sorted((str(list(one.id)), str(list(one.string))) for one in catalog if one.id)


def test_the_page_is_in_the_language_of_who_reads_it(console: Console) -> None:
    console.somebody.language = "de"
    page = console.page("/plans")
    assert '<html lang="de">' in page
    assert "Pläne" in page
    console.somebody.language = None
    answer = console.client.get("/console/plans", headers={"Accept-Language": "fr, de;q=0.9, en;q=0.5"})
    assert "Pläne" in answer.text


def test_what_a_deed_says_is_in_the_language_of_who_reads_it_and_english_for_programs(console: Console) -> None:
    console.somebody.language = "de"
    client = console.client
    client.post("/console/runs/start", data={"csrf_token": "the token of this test"})
    assert "Ein Lauf ist angefordert" in client.get("/console/runs").text
    assert "es gibt keinen Lauf r7" in console.page("/runs/7", 404)
    german = {"Authorization": "Bearer good", "Accept-Language": "de"}
    assert client.get("/api/v1/runs/7", headers=german).json["detail"] == "there is no run r7"
    done = client.post("/api/v1/runs/start", json={}, headers=german).json
    assert done["message"] == "A run was asked for; it begins as soon as no other is under way."


def test_a_plan_and_a_pause_are_told_in_german(desk: Console) -> None:
    desk.somebody.language = "de"
    plan = desk.page("/plans/1")
    assert "people/E004 ist neu" in plan
    assert '<span class="quiet" title="adoption">Übernahme</span>' in plan
    now = desk.app.clock()
    pause(desk.app.store, Pause("maria", now, reason="moving & more"))
    assert (
        f"der Dienst ist angehalten von maria seit {now:%Y-%m-%d %H:%M} UTC, bis `syncd resume`: moving &amp; more"
        in desk.page("/")
    )


PLAIN = re.compile(r'(?:message=|(?:Error)\(\s*)f?"')


@pytest.mark.parametrize("room", sorted(ROOMS.glob("*.py")), ids=lambda room: room.stem)
def test_no_room_says_anything_that_cannot_be_translated(room: Path) -> None:
    assert PLAIN.findall(room.read_text(encoding="utf-8")) == []
