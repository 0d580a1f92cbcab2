"""Login by an identity provider: a real one (canaille, by pytest-iam) on 127.0.0.1, and one that lies."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from syncd.config_access import OidcConfig
from syncd.web.access.oidc import Provider
from syncd.web.roles import Role
from tests.access_house import Browser, Place, place_of
from tests.house import House

ROLES = {"sync-approvers": "approver", "sync-viewers": "viewer"}
BASE = "http://localhost:8480"
BACK = f"{BASE}/login/oidc/back"


# --- a real provider ----------------------------------------------------------------------------------------------


@pytest.fixture
def company(house: House, iam_server: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """A company whose people log in at canaille."""
    monkeypatch.setenv("OIDC_SECRET", "the secret of this test")
    client = iam_server.models.Client(
        client_id="syncd-console",
        client_secret="the secret of this test",
        client_name="console",
        client_uri=BASE,
        redirect_uris=[BACK],
        post_logout_redirect_uris=[f"{BASE}/login"],
        response_types=["code"],
        grant_types=["authorization_code"],
        scope=["openid", "profile", "email", "groups"],
        token_endpoint_auth_method="client_secret_basic",
    )
    with iam_server.app.app_context():
        iam_server.backend.save(client)
        client.audience = [client]
        iam_server.backend.save(client)
    house.clock.now = datetime.now(UTC)
    oidc = {
        "issuer": iam_server.url.rstrip("/"),
        "client_id": "syncd-console",
        "client_secret": {"env": "OIDC_SECRET"},
        "roles": ROLES,
        "name_claim": "sub",
        "scopes": ["openid", "profile", "email", "groups"],
    }
    yield place_of(house, oidc=oidc)
    iam_server.logout()
    with iam_server.app.app_context():
        iam_server.backend.delete(client)


def at_the_provider(iam_server: Any, browser: Browser, back: str = "/console/runs") -> str:
    """What the browser is sent back with, once the person who is logged in at the provider agrees."""
    there = browser.get(f"/login/oidc?back={back}").headers["Location"]
    asked = urlsplit(there)
    answer = iam_server.test_client.get(f"{asked.path}?{asked.query}")
    assert answer.status_code == 302, answer.text
    back_to = str(answer.headers["Location"])
    assert back_to.startswith(BACK)
    return back_to.removeprefix(BASE)


def person(iam_server: Any, name: str, *groups: str) -> Any:
    user = iam_server.random_user(user_name=name)
    for group in groups:
        iam_server.random_group(display_name=group, members=[user])
    iam_server.consent(user)
    iam_server.login(user)
    return user


def test_a_person_of_a_group_comes_in_with_its_role(company: Place, iam_server: Any) -> None:
    person(iam_server, "anna", "sync-viewers", "sync-approvers", "something else")
    browser = company.browser(base=BASE)
    assert "Log in with the company's account" in browser.get("/login").text
    sent = browser.get(at_the_provider(iam_server, browser))
    assert (sent.status_code, sent.headers["Location"]) == (303, "/console/runs")
    assert browser.get("/console/runs").status_code == 200
    assert company.user("anna").role == "approver", "the highest of both"
    assert company.user("anna").password is None
    assert company.audit("log_in")[0]["detail"]["how"] == "oidc"


def test_who_logs_out_is_logged_out_at_the_provider_too(company: Place, iam_server: Any) -> None:
    person(iam_server, "anna", "sync-viewers")
    browser = company.browser(base=BASE)
    browser.get(at_the_provider(iam_server, browser))
    answer = browser.post("/logout", seen="/console/runs")
    assert (answer.status_code, browser.get("/console/runs").status_code) == (200, 302)
    (there,) = re.findall(r'<a class="button main" href="([^"]+)"', answer.text)
    asked = urlsplit(unescape(there))
    sent = parse_qs(asked.query)
    assert sent["post_logout_redirect_uri"] == [f"{BASE}/login"]
    assert not any(sent["id_token_hint"][0] in value for value in browser.cookies().values())
    left = iam_server.test_client.get(f"{asked.path}?{asked.query}")
    assert left.headers["Location"] == f"{BASE}/login", "it took the hint for ours, and the address for registered"


def test_the_groups_decide_anew_at_each_login(company: Place, iam_server: Any) -> None:
    user = person(iam_server, "berta", "sync-approvers")
    one, other = company.browser(base=BASE), company.browser(base=BASE)
    one.get(at_the_provider(iam_server, one))
    with iam_server.app.app_context():
        group = next(one for one in iam_server.backend.query(iam_server.models.Group) if user in one.members)
        group.display_name = "sync-viewers"
        iam_server.backend.save(group)
    other.get(at_the_provider(iam_server, other))
    assert company.user("berta").role == "viewer"
    assert one.get("/console/runs").status_code == 302, "what was begun as an approver is over"
    assert other.get("/console/runs").status_code == 200


def test_without_a_role_nobody_comes_in(company: Place, iam_server: Any) -> None:
    person(iam_server, "carla", "canteen")
    browser = company.browser(base=BASE)
    refused = browser.get(at_the_provider(iam_server, browser))
    assert (refused.status_code, "carla may do nothing here: of 1 groups" in refused.text) == (403, True)
    assert (company.user("carla"), "syncd" in browser.cookies()) == (None, False)
    assert "carla" in company.audit("refuse_login")[0]["detail"]["why"]


def test_an_answer_counts_once_and_only_in_its_own_browser(company: Place, iam_server: Any) -> None:
    person(iam_server, "dora", "sync-viewers")
    browser, other = company.browser(base=BASE), company.browser(base=BASE)
    path = at_the_provider(iam_server, browser)
    assert other.get(path).status_code == 400, "nothing was begun there"
    other.get("/login/oidc")
    assert other.get(path).status_code == 403, "another state"
    assert browser.get(path).status_code == 303
    assert company.browser(base=BASE).get(path).status_code == 400


def test_a_code_that_was_used_or_is_none_lets_nobody_in(company: Place, iam_server: Any) -> None:
    person(iam_server, "emma", "sync-viewers")
    browser = company.browser(base=BASE)
    path = at_the_provider(iam_server, browser)
    used = parse_qs(urlsplit(path).query)["code"][0]
    assert browser.get(path).status_code == 303
    for code in (used, "guessed"):
        other = company.browser(base=BASE)
        state = parse_qs(urlsplit(other.get("/login/oidc").headers["Location"]).query)["state"][0]
        refused = other.get(f"/login/oidc/back?code={code}&state={state}")
        assert (refused.status_code, "the identity provider answered 400" in refused.text) == (403, True)


def test_a_code_that_is_too_old_lets_nobody_in(company: Place, iam_server: Any) -> None:
    person(iam_server, "eva", "sync-viewers")
    browser = company.browser(base=BASE)
    path = at_the_provider(iam_server, browser)
    with iam_server.app.app_context():
        for one in iam_server.backend.query(iam_server.models.AuthorizationCode):
            one.issue_date = datetime.now(UTC) - timedelta(days=1)
            iam_server.backend.save(one)
    assert browser.get(path).status_code == 403


def test_an_identity_provider_does_not_take_over_somebody_who_is_here(company: Place, iam_server: Any) -> None:
    company.hire("fritz", Role.ADMIN)
    person(iam_server, "fritz", "sync-viewers")
    browser = company.browser(base=BASE)
    refused = browser.get(at_the_provider(iam_server, browser))
    assert (refused.status_code, "somebody named fritz already" in refused.text) == (409, True)
    assert company.user("fritz").issuer is None


def test_a_login_that_lasts_too_long_is_begun_anew(company: Place, iam_server: Any) -> None:
    person(iam_server, "gerd", "sync-viewers")
    browser = company.browser(base=BASE)
    path = at_the_provider(iam_server, browser)
    company.house.clock.advance(minutes=16)
    assert browser.get(path).status_code == 400


def test_passwords_of_our_own_can_be_switched_off(company: Place, iam_server: Any) -> None:
    company.hire("maria")
    place = place_of(company.house, **{**company.house.settings["access"], "local_login": False})
    browser = place.browser(base=BASE)
    text = browser.get("/login").text
    assert ("company's account" in text, 'type="password"' in text) == (True, False)
    token = browser.token_of("/login") if 'name="csrf_token"' in text else ""
    assert browser.send("/login", {"csrf_token": token, "name": "maria", "password": "x"}).status_code in {400, 401}
    assert browser.get(place.link()).status_code == 404
    person(iam_server, "hanna", "sync-viewers")
    assert browser.get(at_the_provider(iam_server, browser)).status_code == 303


# --- one that lies ------------------------------------------------------------------------------------------------

ISSUER = "https://login.example.com/tenant"
KEY = RSAKey.generate_key(2048, {"kid": "one"}, private=True, auto_kid=False)
ANOTHER = RSAKey.generate_key(2048, {"kid": "one"}, private=True, auto_kid=False)


class Liar:
    """A provider of which tests decide each word; httpx asks it without a network."""

    def __init__(self) -> None:
        self.description: dict[str, Any] = {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/authorize",
            "token_endpoint": f"{ISSUER}/token",
            "jwks_uri": f"{ISSUER}/keys",
        }
        self.claims: dict[str, Any] = {
            "iss": ISSUER,
            "sub": "17",
            "aud": "console",
            "preferred_username": "anna",
            "groups": ["sync-viewers"],
            "iat": int(time.time()),
            "exp": int(time.time()) + 300,
        }
        self.sign: Callable[[dict[str, Any]], str] = lambda claims: jwt.encode(
            {"alg": "RS256", "kid": "one"}, claims, KEY
        )
        self.asked: list[httpx.Request] = []
        self.about: dict[str, Any] = {}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        match request.url.path.rpartition("/")[2]:
            case "openid-configuration":
                return httpx.Response(200, json=self.description)
            case "keys":
                return httpx.Response(200, json={"keys": [KEY.as_dict(private=False)]})
            case "userinfo":
                return httpx.Response(200, json=self.about)
        return httpx.Response(
            200, json={"access_token": "a", "token_type": "Bearer", "id_token": self.sign(self.claims)}
        )


@pytest.fixture
def liar() -> Liar:
    return Liar()


@pytest.fixture
def place(house: House, liar: Liar, monkeypatch: pytest.MonkeyPatch) -> Place:
    def provider(config: OidcConfig) -> Provider:
        return Provider(config, httpx.Client(transport=httpx.MockTransport(liar)))

    monkeypatch.setattr("syncd.web.access.oidc.Provider", provider)
    house.clock.now = datetime.now(UTC)
    return place_of(house, oidc={"issuer": ISSUER, "client_id": "console", "roles": ROLES})


def come_back(place: Place, liar: Liar, browser: Browser | None = None, **answer: str) -> Any:
    """Go to the provider, and come back with a code; its token holds the nonce unless a test says another."""
    browser = browser or place.browser()
    asked = parse_qs(urlsplit(browser.get("/login/oidc").headers["Location"]).query)
    liar.claims.setdefault("nonce", asked["nonce"][0])
    sent = {"code": "c", "state": asked["state"][0], **answer}
    return browser.client.get("/login/oidc/back", query_string=sent, base_url=browser.base)


def test_what_is_asked_of_the_provider(place: Place, liar: Liar) -> None:
    browser = place.browser()
    asked = parse_qs(urlsplit(browser.get("/login/oidc").headers["Location"]).query)
    assert asked["response_type"] == ["code"]
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["scope"] == ["openid profile email"]
    assert {len(asked[name][0]) for name in ("state", "nonce", "code_challenge")} == {43}
    assert come_back(place, liar).status_code == 303
    exchanged = next(one for one in liar.asked if one.url.path.endswith("/token"))
    assert {"code_verifier", "client_id"} <= parse_qs(exchanged.content.decode()).keys()


def _part(of_the_token: dict[str, Any]) -> str:
    return urlsafe_b64encode(json.dumps(of_the_token).encode()).decode().rstrip("=")


def _unsigned(claims: dict[str, Any]) -> str:
    return f"{_part({'alg': 'none'})}.{_part(claims)}."


def _with_the_public_key_as_a_secret(claims: dict[str, Any]) -> str:
    signed = ".".join(map(_part, ({"alg": "HS256", "kid": "one"}, claims)))
    mac = hmac.new(KEY.as_pem(private=False), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{urlsafe_b64encode(mac).decode().rstrip('=')}"


@pytest.mark.parametrize(
    ("claims", "sign"),
    [
        ({"nonce": "another"}, None),
        ({"iss": "https://evil.example.com"}, None),
        ({"aud": "another console"}, None),
        ({"aud": ["console", "another"], "azp": "another"}, None),
        ({"exp": int(time.time()) - 3600}, None),
        ({"iat": int(time.time()) + 3600}, None),
        ({"nbf": int(time.time()) + 3600}, None),
        ({"sub": None}, None),
        ({}, lambda claims: jwt.encode({"alg": "RS256", "kid": "one"}, claims, ANOTHER)),
        ({}, _unsigned),
        ({}, _with_the_public_key_as_a_secret),
        ({}, lambda claims: "no token"),
        ({}, lambda claims: ""),
    ],
    ids=[
        "nonce",
        "issuer",
        "audience",
        "azp",
        "expired",
        "from the future",
        "not yet",
        "nobody",
        "key",
        "none",
        "HS256",
        "text",
        "empty",
    ],
)
def test_what_cannot_be_true_is_not_believed(place: Place, liar: Liar, claims: dict[str, Any], sign: Any) -> None:
    liar.claims |= claims
    liar.claims = {name: value for name, value in liar.claims.items() if value is not None}
    liar.sign = sign or liar.sign
    browser = place.browser()
    refused = come_back(place, liar, browser)
    assert (refused.status_code, "cannot be believed" in refused.text) == (403, True)
    assert (place.user("anna"), "syncd" in browser.cookies()) == (None, False)


def test_a_token_without_the_nonce_is_not_believed(place: Place, liar: Liar) -> None:
    liar.sign = lambda claims: jwt.encode({"alg": "RS256", "kid": "one"}, {**claims, "nonce": ""}, KEY)
    assert come_back(place, liar).status_code == 403


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({"state": "guessed"}, "not begun in this browser"),
        ({"state": ""}, "not begun in this browser"),
        ({"iss": "https://evil.example.com"}, "another identity provider answered"),
        ({"error": "access_denied"}, "refused the login: access_denied"),
    ],
)
def test_an_answer_to_another_question_is_refused(place: Place, liar: Liar, answer: dict[str, str], why: str) -> None:
    refused = come_back(place, liar, **answer)
    assert (refused.status_code, why in refused.text) == (403, True)
    assert not [one for one in liar.asked if one.url.path.endswith("/token")]


def test_a_provider_that_calls_itself_otherwise_is_not_asked_further(place: Place, liar: Liar) -> None:
    liar.description["issuer"] = f"{ISSUER}/"
    refused = place.browser().get("/login/oidc")
    assert (refused.status_code, "to the last slash" in refused.text) == (503, True)
    liar.description = {"issuer": ISSUER}
    assert "does not say its authorization_endpoint" in place.browser().get("/login/oidc").text


def test_what_the_token_does_not_say_is_asked_for(place: Place, liar: Liar) -> None:
    liar.description["userinfo_endpoint"] = f"{ISSUER}/userinfo"
    del liar.claims["groups"]
    liar.about = {"sub": "17", "groups": ["sync-approvers"], "preferred_username": "somebody else"}
    assert come_back(place, liar).status_code == 303
    assert place.user("anna").role == "approver"
    liar.about["sub"] = "18"
    del liar.claims["nonce"]
    assert "two people at once" in come_back(place, liar).text


def test_somebody_with_too_many_groups_is_told_so(place: Place, liar: Liar) -> None:
    del liar.claims["groups"]
    liar.claims["_claim_names"] = {"groups": "src1"}
    assert "it has too many to say" in come_back(place, liar).text


def test_a_person_is_known_by_the_subject_and_not_by_the_name(place: Place, liar: Liar) -> None:
    come_back(place, liar)
    liar.claims |= {"preferred_username": "anna.berg"}
    del liar.claims["nonce"]
    assert come_back(place, liar).status_code == 303
    assert (place.user("anna"), place.user("anna.berg").subject) == (None, "17")
    liar.claims |= {"sub": "18"}
    del liar.claims["nonce"]
    refused = come_back(place, liar)
    assert (refused.status_code, "somebody named anna.berg already" in refused.text) == (409, True)


def test_a_person_of_the_provider_has_no_password_here(place: Place, liar: Liar) -> None:
    place.hire("maria")
    come_back(place, liar)
    admin = place.browser()
    admin.log_in("maria")
    number = place.user("anna").id
    for deed, fields in (("link", {}), ("role", {"role": "admin"})):
        refused = admin.post(f"/console/access/users/{number}/{deed}", seen="/console/access", **fields)
        assert (refused.status_code, "identity provider" in refused.text) == (409, True)
    assert place.browser().log_in("anna", "").status_code == 401
