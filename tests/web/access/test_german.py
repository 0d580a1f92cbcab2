"""Whoever reads German is told in German what goes wrong at the doors; programs, the audit and the command line in English."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import zxcvbn.feedback
from werkzeug.exceptions import BadRequest, MethodNotAllowed, NotFound, RequestEntityTooLarge

from mdm.lint import Level
from mdm.push.base import State as Delivered
from scim.access.scopes import Scope
from syncd.core.returning import TicketState
from syncd.core.standing import State as Standing
from syncd.errors import UsageError
from syncd.web.access import passwords, tokens
from syncd.web.reasons import REASONS, reason
from syncd.web.roles import Role
from syncd.web.vocabulary import CHECKS, HTTP, PASSWORDS, WORDS
from tests.access_house import GOOD, OTHER, Place, place_of
from tests.house import House
from tests.messages import kept

GERMAN = {"Accept-Language": "de"}
ACCESS = Path(passwords.__file__).parent
WEB = ACCESS.parent


def test_a_wrong_password(place: Place) -> None:
    place.hire("maria")
    answer = place.browser(headers=GERMAN).log_in("maria", OTHER)
    assert (answer.status_code, "Der Name oder das Passwort ist falsch" in answer.text) == (401, True)


@pytest.mark.parametrize(
    ("password", "again", "said"),
    [
        ("short", "short", "das Passwort hat 5 Zeichen und braucht 12 bis 128: mehrere Wörter nehmen"),
        ("password1234", "password1234", "das Passwort ist zu schnell erraten: dies ist ein sehr häufiges Passwort"),
        (GOOD, OTHER, "die beiden Passwörter sind verschieden: zweimal dasselbe schreiben"),
    ],
)
def test_a_password_that_is_refused(place: Place, password: str, again: str, said: str) -> None:
    path = place.link()
    key = path.partition("=")[2]
    reader = place.browser(headers=GERMAN)
    answer = reader.post("/setup", seen=path, key=key, name="maria", password=password, again=again)
    assert answer.status_code == 422
    assert said in answer.text


def test_a_link_that_was_used(place: Place) -> None:
    path = place.link()
    reader = place.browser(headers=GERMAN)
    sent = reader.post("/setup", seen=path, key=path.partition("=")[2], name="maria", password=GOOD, again=GOOD)
    assert sent.status_code == 303
    late = place.browser(headers=GERMAN).get(path)
    assert (late.status_code, "Dieser Link gilt nicht mehr" in late.text) == (410, True)


def test_a_deed_that_is_refused_and_the_audit_has_it_in_english(place: Place) -> None:
    admin = place.inside("maria", headers=GERMAN)
    number = place.user("maria").id
    refused = admin.post(f"/console/access/users/{number}/remove", seen="/console/access")
    assert refused.status_code == 409
    for said in ("<h1>Das geht jetzt nicht</h1>", "maria ist der einzige Admin", "erst jemand anders zum Admin machen"):
        assert said in refused.text
    assert [row["detail"]["why"] for row in place.audit("fail")] == ["maria is the only admin"]
    bearer = {"Authorization": f"Bearer {place.token(Role.ADMIN)}", "Content-Type": "application/json", **GERMAN}
    program = place.browser().send(f"/api/v1/access/users/{number}/remove", {}, headers=bearer).json
    said = (program["title"], program["detail"], program["cure"])
    assert said == ("Conflict", "maria is the only admin", "make somebody else an admin first")


def test_a_role_that_is_too_small_is_named_in_german(place: Place) -> None:
    viewer = place.inside("otto", Role.VIEWER, headers=GERMAN)
    refused = viewer.post("/console/runs/start", seen="/console/access/me")
    assert refused.status_code == 403
    assert "otto hat hier die Rolle Leser; dafür braucht es Bediener" in refused.text


def test_a_field_that_is_too_large(place: Place) -> None:
    refused = place.inside("maria", headers=GERMAN).get("/console/runs?size=100000&page=x")
    assert refused.status_code == 422
    for said in ("darf nicht größer sein als 200", "muss eine ganze Zahl sein", "ist nicht, was hier gefragt ist"):
        assert said in refused.text


def test_a_code_of_another_app_and_a_foreign_form(place: Place) -> None:
    reader = place.inside("maria", headers=GERMAN)
    reader.post("/console/access/me/code/begin", seen="/console/access/me")
    wrong = reader.post("/console/access/me/code/confirm", seen="/console/access/me", code="000000")
    assert "das ist nicht der Code, den die App jetzt zeigt" in wrong.text
    foreign = reader.send("/console/access/me/code/begin", {}, headers={"Origin": "https://elsewhere.example"})
    assert (foreign.status_code, "dieses Formular kam von einer anderen Website" in foreign.text) == (403, True)
    old = reader.send("/console/access/me/code/begin", {"csrf_token": "of yesterday"})
    assert (old.status_code, "dieses Formular ist von einer früheren Anmeldung" in old.text) == (400, True)


def test_an_identity_provider_that_is_away(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OIDC_SECRET", "the secret of this test")
    oidc = {"issuer": "http://127.0.0.1:9", "client_id": "console", "client_secret": {"env": "OIDC_SECRET"}}
    reader = place_of(house, oidc={**oidc, "roles": {"all": "viewer"}}).browser(headers=GERMAN)
    away = reader.get("/login/oidc")
    assert (away.status_code, "der Identitätsanbieter ist nicht erreichbar" in away.text) == (503, True)
    assert "diese Anmeldung wurde nicht in diesem Browser begonnen" in reader.get("/login/oidc/back?state=x").text


def test_without_a_page_it_is_english(place: Place) -> None:
    with pytest.raises(UsageError) as refused:
        passwords.check("short", "maria")
    assert refused.value.what == "the password has 5 characters, and takes 12 to 128"
    with place.app.store.connect() as connection, pytest.raises(UsageError) as nameless:
        tokens.issue(connection, "", Role.VIEWER, place.app.clock(), made_by="a test", lasts=None)
    assert f"{nameless.value}: {nameless.value.cure}" == "a token needs a name: name the program that calls with it"


def _told(path: Path) -> Iterator[ast.expr]:
    """What the errors that a file makes tell: what is wrong, and what to do."""
    for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        named = call.func if isinstance(call, ast.Call) else None
        if isinstance(named, ast.Name) and (named.id.endswith("Error") or named.id in _HTTP_ERRORS):
            assert isinstance(call, ast.Call)
            yield from (*call.args[:1], *(one.value for one in call.keywords if one.arg == "cure"))


_HTTP_ERRORS = {"BadRequest", "Forbidden", "TooManyRequests", "Unauthorized"}


@pytest.mark.parametrize(
    "path", [*sorted(ACCESS.glob("*.py")), WEB / "guards.py", WEB / "recording.py"], ids=lambda path: path.name
)
def test_whatever_is_raised_can_be_told_in_another_language(path: Path) -> None:
    """A sentence is made by `Said` where it is raised, or comes in a variable; the catalogue's own test wants it translated."""
    plain = [ast.unparse(one) for one in _told(path) if isinstance(one, ast.JoinedStr | ast.Constant)]
    assert plain == []


def test_every_sentence_of_zxcvbn_is_known() -> None:
    source = ast.parse(inspect.getsource(zxcvbn.feedback))
    warnings = {
        text.args[0].value.rstrip(".")
        for one in ast.walk(source)
        for name, value in _pairs(one)
        if name == "warning"
        for text in ast.walk(value)
        if isinstance(text, ast.Call) and isinstance(text.args[0], ast.Constant)
    }
    assert len(warnings) > 10
    assert {f"{one[0].lower()}{one[1:]}" for one in warnings} == _ids(PASSWORDS)


def _pairs(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        yield node.targets[0].id, node.value
    if isinstance(node, ast.Dict):
        yield from (
            (key.value, value)
            for key, value in zip(node.keys, node.values, strict=True)
            if isinstance(key, ast.Constant)
        )


def _ids(words: tuple[object, ...]) -> set[str]:
    return {str(one._args[0]) for one in words}  # type: ignore[attr-defined]


def test_words_of_others_are_known() -> None:
    states = {*Standing.__args__, *TicketState.__args__, *Level.__args__, *Scope.__args__, *Delivered}  # type: ignore[attr-defined]
    assert {str(one) for one in states} <= _ids(WORDS)
    assert {error.description for error in (BadRequest, NotFound, MethodNotAllowed, RequestEntityTooLarge)} <= _ids(
        HTTP
    )
    checks = (Path(__file__).parents[3] / "docs/operations.md").read_text(encoding="utf-8")
    table = checks[checks.index("## Checks") : checks.index("## Sources that keep failing")]
    first = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert {name.strip(" `") for names in first for name in names.split(",")} == _ids(CHECKS)


def test_what_is_known_is_german() -> None:
    german = {one.id for one in kept("de") if one.id and one.string}
    assert _ids((*WORDS, *CHECKS, *HTTP, *PASSWORDS)) <= german


def test_reasons_of_changes_are_told_in_german_and_what_is_unknown_as_it_stands(place: Place) -> None:
    told = {
        "people/E1 is new": "people/E1 ist neu",
        "people/E1 is in A & B no longer": "people/E1 ist nicht mehr in A & B",
        "people/E1 changed; email and groups changed in Fluix by hand": (
            "people/E1 hat sich geändert; email and groups in Fluix von Hand geändert"
        ),
        "people/E1 is gone from its source; hr/7 is left out (100%)": (
            "people/E1 steht nicht mehr in der Quelle; hr/7 is left out (100%)"
        ),
    }
    with place.web.test_request_context("/console/plans/1", headers=GERMAN):
        assert {text: reason(text) for text in told} == told
    with place.web.test_request_context("/api/v1/plans/1", headers=GERMAN):
        assert {text: reason(text) for text in told} == {text: text for text in told}


def test_forms_of_reasons_are_what_the_core_writes() -> None:
    core = "".join(path.read_text(encoding="utf-8") for path in (WEB.parent / "core").glob("*.py"))
    parts = {part for form in REASONS.forms for part in re.split(r"%\(\w+\)s", form)}
    assert [part for part in sorted(parts) if part not in core] == []
