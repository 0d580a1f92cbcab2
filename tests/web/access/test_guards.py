"""What protects everything that is served, whatever page it is."""

from __future__ import annotations

from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from syncd.web import pages
from syncd.web.guards import HEADERS, STRICT_TRANSPORT, own_path
from syncd.web.roles import Role
from tests.access_house import GOOD, Place, place_of
from tests.house import House

PATHS = [f"/console{entry.path}" for entry in pages.ALL if entry.kind == "page" and not entry.parts()]


@pytest.mark.parametrize(
    "path",
    [
        *PATHS,
        "/console/runs/7",
        "/login",
        "/setup?key=x",
        "/nowhere",
        "/healthz",
        "/api/v1/runs",
        "/api/v1/openapi.json",
    ],
)
def test_every_answer_carries_the_headers(place: Place, path: str) -> None:
    browser = place.inside("maria")
    for one in (browser, place.browser()):
        answer = one.get(path)
        assert answer.headers["Cache-Control"] == "no-store"
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
        assert "Strict-Transport-Security" not in answer.headers
        assert "Server" not in answer.headers


def test_files_of_the_console_may_be_kept_but_are_asked_for_again(place: Place) -> None:
    answer = place.browser().get("/console/static/console.css")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-cache")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    answer.close()


def test_no_page_holds_what_its_policy_refuses(place: Place) -> None:
    browser = place.inside("maria")
    place.house.syncd("run")
    for path in [*PATHS, "/login", place.link()]:
        text = browser.get(path).text if path.startswith("/console") else place.browser().get(path).text
        assert "<script>" not in text
        assert " style=" not in text
        assert "javascript:" not in text
        assert " onclick" not in text


def test_over_https_the_cookies_are_of_this_host_alone(place: Place) -> None:
    place.hire("maria")
    browser = place.browser(base="https://127.0.0.1:8480")
    answer = browser.log_in("maria")
    cookie = next(line for line in answer.headers.getlist("Set-Cookie") if line.startswith("__Host-syncd="))
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
    assert "Domain" not in cookie
    assert answer.headers["Strict-Transport-Security"] == STRICT_TRANSPORT
    assert browser.get("/console/").status_code == 200
    plain = place.browser(base="https://127.0.0.1:8480")
    plain.client.set_cookie("syncd", browser.cookies()["__Host-syncd"], domain="127.0.0.1")
    assert plain.get("/console/").status_code == 302, "a cookie that any neighbour could have set"


def test_over_http_the_cookie_is_no_secret_of_scripts_or_other_sites(place: Place) -> None:
    place.hire("maria")
    answer = place.browser().log_in("maria")
    for cookie in answer.headers.getlist("Set-Cookie"):
        assert {"HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))


@pytest.mark.parametrize("path", ["/console/", "/login", "/api/v1/runs", "/setup", "/console/static/console.css"])
def test_nothing_is_served_under_a_forged_name(place: Place, path: str) -> None:
    for host in (
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example:8480",
        "evil.example:8480",
        "[::1",
        "192.0.2.1",
        "",
    ):
        answer = place.browser().get(path, headers={"Host": host})
        assert answer.status_code == 421, host
    for host in ("127.0.0.1:8480", "localhost", "LOCALHOST:8480", "localhost.", "[::1]:8480"):
        answer = place.browser().get(path, headers={"Host": host})
        assert answer.status_code != 421, host
        answer.close()


def test_health_is_told_under_any_name(place: Place) -> None:
    assert place.browser().get("/healthz", headers={"Host": "pod-7.internal"}).status_code == 200


@pytest.mark.parametrize(
    ("serve", "own", "foreign"),
    [
        (
            {"listen": "0.0.0.0:0"},
            ["10.0.0.7:8480", "[fe80::1]", "localhost"],
            ["evil.example", "10.0.0.7.evil.example"],
        ),
        ({"listen": "10.0.0.7:8480"}, ["10.0.0.7:8480"], ["10.0.0.8", "localhost", "evil.example"]),
        (
            {"hosts": ["Sync.Example.com"]},
            ["sync.example.com", "SYNC.example.com:443", "localhost"],
            ["10.0.0.7", "example.com"],
        ),
    ],
)
def test_the_names_that_are_ours_follow_from_where_it_listens(
    house: House, serve: dict[str, Any], own: list[str], foreign: list[str]
) -> None:
    house.configure(serve=serve)
    place = place_of(house)
    told = {host: place.browser().get("/login", headers={"Host": host}).status_code for host in [*own, *foreign]}
    assert told == {**dict.fromkeys(own, 200), **dict.fromkeys(foreign, 421)}


def test_a_form_needs_the_token_of_its_own_session(place: Place) -> None:
    maria, otto = place.inside("maria"), place.inside("otto")
    for token in ("", "guessed", otto.token_of("/console/runs"), place.browser().token_of("/login"), "ä"):
        assert maria.send("/console/runs/start", {"csrf_token": token}).status_code == 400
    assert maria.send("/console/runs/start", {}).status_code == 400
    own = maria.token_of("/console/runs")
    assert maria.send("/console/runs/start", {"csrf_token": own}).status_code == 303
    maria.post("/logout", seen="/console/")
    maria.log_in("maria")
    assert maria.send("/console/runs/start", {"csrf_token": own}).status_code == 400, "of an earlier login"


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://evil.example"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:8480.evil.example"},
    ],
)
def test_a_form_that_another_site_sends_is_refused_though_its_token_is_right(
    place: Place, headers: dict[str, str]
) -> None:
    browser = place.inside("maria")
    token = browser.token_of("/console/runs")
    assert browser.send("/console/runs/start", {"csrf_token": token}, headers=headers).status_code == 403
    stranger = place.browser()
    fields = {"csrf_token": stranger.token_of("/login"), "name": "maria", "password": GOOD}
    assert stranger.send("/login", fields, headers=headers).status_code == 403
    same = {"Sec-Fetch-Site": "same-origin", "Origin": "http://127.0.0.1:8480"}
    assert browser.send("/console/runs/start", {"csrf_token": token}, headers=same).status_code == 303


def test_nobody_is_logged_in_or_out_by_a_form_of_another_site(place: Place) -> None:
    """A login that somebody else began would have a person work in the other's account."""
    place.hire("mallory")
    victim = place.browser()
    of_mallory = place.browser().token_of("/login")
    sent = victim.send("/login", {"csrf_token": of_mallory, "name": "mallory", "password": GOOD})
    assert (sent.status_code, "syncd" in victim.cookies()) == (400, False)
    inside = place.inside("maria")
    assert inside.send("/logout", {"csrf_token": "guessed"}).status_code == 400
    assert inside.get("/console/").status_code == 200


def test_a_program_needs_no_token_of_a_form_and_a_session_is_none_for_it(place: Place) -> None:
    browser = place.inside("maria")
    assert browser.get("/api/v1/runs").status_code == 401
    assert browser.client.post("/api/v1/runs/start", json={}, base_url=browser.base).status_code == 401


def test_a_request_has_its_size(place: Place) -> None:
    inside, browser = place.inside("maria"), place.browser()
    fields = {"csrf_token": browser.token_of("/login"), "name": "maria", "password": "x" * 70_000}
    assert browser.send("/login", fields).status_code == 413
    headers = {"Authorization": f"Bearer {place.token(Role.OPERATOR)}", "Content-Type": "application/json"}
    for size, status in ((15, 200), (17, 413)):
        body = b"{}" + b" " * (size * 1024 * 1024)
        answer = inside.client.post("/api/v1/runs/start", headers=headers, data=body, base_url=inside.base)
        assert answer.status_code == status


SITES = (
    "//evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "https://evil.example",
    "https:evil.example",
    "javascript:alert(1)",
)


@pytest.mark.parametrize(
    "back",
    [
        *SITES,
        "/console\\@evil.example",
        "/console/\t//evil.example",
        "/consoleevil",
        "/",
        "",
        "console",
        "/logout",
        "/console/ä",
        "/console\r\nX: y",
    ],
)
def test_nobody_is_led_elsewhere_after_the_login(place: Place, back: str) -> None:
    place.hire("maria")
    assert place.browser().log_in("maria", back=back).headers["Location"] == "/console/"


PIECES = st.lists(
    st.sampled_from(
        [
            "/",
            "\\",
            "//",
            "..",
            ".",
            "console",
            "evil.example",
            ":",
            "@",
            "?",
            "#",
            "%2f",
            "%5c",
            "\t",
            "\n",
            " ",
            "http",
            "https:",
            "ä",
            "\u2044",
            "\x00",
            "&",
        ]
    ),
    max_size=12,
).map("".join)


@given(st.one_of(PIECES, PIECES.map("/console".__add__), PIECES.map("/console/".__add__), st.text(max_size=40)))
@example("/console/..//evil.example")
def test_where_it_leads_back_is_always_of_this_site(back: str) -> None:
    """As browsers read it: tabs and line breaks are dropped, a backslash is a slash."""
    led = own_path(back, "/console/")
    read = led.translate({ord("\t"): None, ord("\n"): None, ord("\r"): None}).strip().replace("\\", "/")
    whole = urlsplit(urljoin("https://sync.example.com/login", read))
    assert (whole.scheme, whole.netloc) == ("https", "sync.example.com")
    assert led.startswith("/console")
    assert own_path(led, "") == led
