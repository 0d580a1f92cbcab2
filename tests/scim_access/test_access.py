"""The gate: who is let in, how often, and what is kept of each call."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from scim2_models import ForbiddenException, UnauthorizedException
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import OperationalError

from scim.access import tokens
from scim.access.calls import Answered
from scim.access.gate import Gate
from scim.access.guards import FREE
from scim.access.metadata import reading, writing
from scim.access.scopes import Scope
from scim.access.settings import Call, Log, Tenant
from scim.access.tables import calls, credentials
from scim.access.tokens import Issued, Wanted
from scim.dialects import DIALECTS
from tests.house import Clock
from tests.scim.small_provider import guarded_app

USER = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "anna@corp.local", "password": "s3cret"}


@pytest.fixture
def gate(engine: Engine, clock: Clock) -> Iterator[Gate]:
    tenants = (
        Tenant("people", DIALECTS["entra"]),
        Tenant("others", DIALECTS["okta"], log=Log.FULL),
        Tenant("slow", rate=2.0, burst=4),
        Tenant("ping", DIALECTS["ping"], log=Log.NONE, log_for=timedelta(days=1)),
    )
    made = Gate(engine, {tenant.name: tenant for tenant in tenants}, clock)
    yield made
    made.close()


@pytest.fixture
def client(gate: Gate) -> FlaskClient:
    return guarded_app(gate).test_client()


@pytest.fixture
def issue(engine: Engine, clock: Clock) -> Callable[..., Issued]:
    def made(
        tenant: str = "people", scope: Scope = "write", lasts: timedelta | None = None, client: bool = False
    ) -> Issued:
        how = tokens.issue_client if client else tokens.issue_token
        with writing(engine) as connection:
            return how(connection, Wanted(tenant, scope, "by a test", lasts), clock.now)

    return made


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def rows(gate: Gate) -> list[Any]:
    gate.calls.flush()
    with reading(gate.engine) as connection:
        return list(connection.execute(select(calls).order_by(calls.c.call_id)))


# --- tokens -------------------------------------------------------------------------------------------------------


def test_a_token_lets_in_and_is_kept_as_a_hash_only(client: FlaskClient, issue: Any, engine: Engine) -> None:
    token = issue().secret
    assert client.get("/scim/v2/people/Users", headers=bearer(token)).status_code == 200
    assert client.get("/scim/v2/people/Users", headers={"Authorization": token}).status_code == 200
    with reading(engine) as connection:
        kept = str(connection.execute(select(credentials)).all())
    assert token not in kept
    assert token[: len("fxs_") + 8] in kept


@pytest.mark.parametrize("headers", [{}, bearer("fxs_wrong"), bearer(""), {"Authorization": "Bearer"}, basic("a", "b")])
def test_without_a_valid_token_nothing_is_told(client: FlaskClient, headers: dict[str, str]) -> None:
    for path in ("/scim/v2/people/Users", "/scim/v2/people/Schemas", "/scim/v2/people/nothing"):
        answer = client.get(path, headers=headers)
        if answer.status_code == 429:
            continue
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="SCIM"'
        assert answer.get_json()["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]


def test_a_token_is_good_for_its_own_tenant_only(client: FlaskClient, issue: Any) -> None:
    token = issue("others").secret
    assert client.get("/scim/v2/others/Users", headers=bearer(token)).status_code == 200
    assert client.get("/scim/v2/people/Users", headers=bearer(token)).status_code == 401


def test_several_tokens_are_valid_at_once_and_a_revoked_one_is_soon_worthless(
    client: FlaskClient, issue: Any, engine: Engine, clock: Clock
) -> None:
    old, new = issue(), issue()
    assert client.get("/scim/v2/people/Users", headers=bearer(old.secret)).status_code == 200
    with writing(engine) as connection:
        revoked = tokens.revoke(connection, old.credential.credential_id, clock.now)
        assert revoked is not None
        assert tokens.revoke(connection, 999, clock.now) is None
        again = tokens.revoke(connection, old.credential.credential_id, clock())
    assert again == revoked
    clock.advance(milliseconds=200)
    assert client.get("/scim/v2/people/Users", headers=bearer(old.secret)).status_code == 401
    assert client.get("/scim/v2/people/Users", headers=bearer(new.secret)).status_code == 200


def test_a_busy_client_costs_one_look_up_for_many_calls(
    gate: Gate, issue: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up = []
    find = tokens.find_token
    monkeypatch.setattr(tokens, "find_token", lambda *given: looked_up.append(1) or find(*given))
    call = Call("GET", "/Users", f"Bearer {issue().secret}", "127.0.0.1")
    for _ in range(50):
        gate.admit(call, "people")
    assert len(looked_up) == 1
    clock.advance(milliseconds=200)
    gate.admit(call, "people")
    assert len(looked_up) == 2


def test_what_is_remembered_is_still_of_one_tenant_and_one_scope(gate: Gate, issue: Any) -> None:
    call = Call("GET", "/Users", f"Bearer {issue(scope='read').secret}", "127.0.0.1")
    gate.admit(call, "people")
    with pytest.raises(UnauthorizedException):
        gate.admit(call, "others")
    with pytest.raises(ForbiddenException):
        gate.admit(replace(call, method="POST"), "people")


def test_a_token_expires(client: FlaskClient, issue: Any, clock: Clock) -> None:
    token = issue(lasts=timedelta(days=1)).secret
    clock.advance(hours=23)
    assert client.get("/scim/v2/people/Users", headers=bearer(token)).status_code == 200
    clock.advance(hours=1)
    assert client.get("/scim/v2/people/Users", headers=bearer(token)).status_code == 401


@pytest.mark.parametrize(
    ("scope", "request_line", "status"),
    [
        ("read", "GET /Users", 200),
        ("read", "POST /Users/.search", 200),
        ("read", "POST /Users", 403),
        ("read", "DELETE /Users/1", 403),
        ("read", "POST /Bulk", 403),
        ("read", "POST /events/poll", 403),
        ("events", "GET /Users", 403),
        ("events", "POST /events/poll", 405),
        ("write", "POST /Users", 201),
    ],
)
def test_what_a_scope_allows(client: FlaskClient, issue: Any, scope: Scope, request_line: str, status: int) -> None:
    method, path = request_line.split()
    body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]} if "search" in path else USER
    answer = client.open(f"/scim/v2/people{path}", method=method, json=body, headers=bearer(issue(scope=scope).secret))
    assert answer.status_code == status


def test_the_last_use_is_noted_at_most_once_a_minute(
    client: FlaskClient, issue: Any, engine: Engine, clock: Clock
) -> None:
    token = issue().secret
    noted = []
    for _ in range(4):
        assert client.get("/scim/v2/people/Users", headers=bearer(token)).status_code == 200
        with reading(engine) as connection:
            noted.append(tokens.listed(connection, "people")[0].used_at)
        clock.advance(seconds=25)
    assert noted[0] == noted[1] == noted[2] != noted[3]


# --- OAuth and Basic ----------------------------------------------------------------------------------------------


def ask(client: FlaskClient, headers: dict[str, str], tenant: str = "people", **form: str) -> Any:
    return client.post(
        f"/scim/v2/{tenant}/oauth/token", data={"grant_type": "client_credentials", **form}, headers=headers
    )


def test_a_client_gets_access_tokens_that_last_an_hour(client: FlaskClient, issue: Any, clock: Clock) -> None:
    made = issue(client=True)
    answer = ask(client, basic(made.credential.client_id, made.secret))
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    got = answer.get_json()
    assert (got["token_type"], got["expires_in"], got["scope"]) == ("Bearer", 3600, "write")
    assert client.post("/scim/v2/people/Users", json=USER, headers=bearer(got["access_token"])).status_code == 201
    clock.advance(hours=1)
    assert client.get("/scim/v2/people/Users", headers=bearer(got["access_token"])).status_code == 401


def test_a_client_may_ask_for_less_and_in_the_form(client: FlaskClient, issue: Any) -> None:
    made = issue(client=True)
    form = {"client_id": made.credential.client_id, "client_secret": made.secret}
    got = ask(client, {}, scope="read", **form).get_json()
    assert got["scope"] == "read"
    assert client.post("/scim/v2/people/Users", json=USER, headers=bearer(got["access_token"])).status_code == 403
    assert ask(client, {}, scope="events", **form).get_json()["error"] == "invalid_scope"


def test_a_wrong_client_gets_nothing(client: FlaskClient, issue: Any, engine: Engine, clock: Clock) -> None:
    made = issue(client=True)
    name = made.credential.client_id
    assert ask(client, basic(name, "wrong")).status_code == 401
    assert ask(client, basic("nobody", made.secret)).status_code == 401
    assert ask(client, basic(name, made.secret), tenant="others").status_code == 401
    assert ask(client, basic(name, made.secret), grant_type="password").get_json()["error"] == "unsupported_grant_type"
    assert client.get("/scim/v2/people/Users", headers=bearer(made.secret)).status_code == 401
    got = ask(client, basic(name, made.secret)).get_json()["access_token"]
    with writing(engine) as connection:
        tokens.revoke(connection, made.credential.credential_id, clock.now)
    assert client.get("/scim/v2/people/Users", headers=bearer(got)).status_code == 401
    assert ask(client, basic(name, made.secret)).status_code in {401, 429}


def test_guessing_at_clients_is_slowed_down(client: FlaskClient, clock: Clock) -> None:
    found = [ask(client, basic("fxc_no", "no")) for _ in range(FREE + 2)]
    assert [answer.status_code for answer in found] == [401] * (FREE + 1) + [429]
    assert (found[-1].headers["Retry-After"], found[-1].get_json()["error"]) == ("2", "temporarily_unavailable")


def test_access_tokens_that_are_over_do_not_pile_up(
    client: FlaskClient, issue: Any, engine: Engine, clock: Clock
) -> None:
    made = issue(client=True)
    for _ in range(3):
        token = ask(client, basic(made.credential.client_id, made.secret)).get_json()["access_token"]
        assert client.get("/scim/v2/people/Users", headers=bearer(token)).status_code == 200
        clock.advance(hours=2)
    with reading(engine) as connection:
        assert len(connection.execute(select(credentials)).all()) == 2
        assert [one.kind for one in tokens.listed(connection)] == ["client"]


def test_basic_is_for_the_dialect_that_needs_it(client: FlaskClient, issue: Any) -> None:
    mine, theirs = issue("ping", client=True), issue("people", client=True)
    assert client.get("/scim/v2/ping/Users", headers=basic(mine.credential.client_id, mine.secret)).status_code == 200
    assert (
        client.get("/scim/v2/people/Users", headers=basic(theirs.credential.client_id, theirs.secret)).status_code
        == 401
    )
    refused = client.get("/scim/v2/ping/Users", headers=basic(mine.credential.client_id, "no"))
    assert refused.headers["WWW-Authenticate"] == 'Bearer realm="SCIM", Basic realm="SCIM", charset="UTF-8"'


# --- limits -------------------------------------------------------------------------------------------------------


def statuses(client: FlaskClient, token: str, count: int) -> list[int]:
    return [client.get("/scim/v2/slow/Users", headers=bearer(token)).status_code for _ in range(count)]


def test_a_bucket_that_is_empty_is_a_429_with_the_time_to_wait(client: FlaskClient, issue: Any, clock: Clock) -> None:
    token, other = issue("slow").secret, issue("slow").secret
    assert statuses(client, token, 6) == [200, 200, 200, 200, 429, 429]
    assert statuses(client, other, 1) == [200]
    answer = client.get("/scim/v2/slow/Users", headers=bearer(token))
    assert answer.headers["Retry-After"] == "1"
    assert answer.get_json()["status"] == "429"
    clock.advance(seconds=1)
    assert statuses(client, token, 3) == [200, 200, 429]
    clock.advance(seconds=100)
    assert statuses(client, token, 5) == [200, 200, 200, 200, 429]


def test_two_workers_take_from_one_bucket(engine: Engine, gate: Gate, issue: Any, clock: Clock) -> None:
    first = guarded_app(gate).test_client()
    second = guarded_app(Gate(engine, gate.tenants, clock)).test_client()
    token = issue("slow").secret
    assert sorted(statuses(first, token, 3) + statuses(second, token, 3)) == [200, 200, 200, 200, 429, 429]


def test_what_a_worker_took_out_at_once_is_never_more_than_the_limit(engine: Engine, clock: Clock, issue: Any) -> None:
    from scim.access.limits import Limiter

    number = issue().credential.credential_id
    workers = [Limiter(engine), Limiter(engine)]
    tenant = Tenant("people", rate=100.0, burst=50)
    passed = sum(not workers[turn % 2].take(number, tenant, clock.now) for turn in range(200))
    assert 40 <= passed <= 50
    clock.advance(seconds=1)
    passed = sum(not workers[turn % 2].take(number, tenant, clock.now) for turn in range(200))
    assert 40 <= passed <= 60


def test_what_a_worker_took_out_is_not_handed_out_for_ever(engine: Engine, clock: Clock, issue: Any) -> None:
    from scim.access.limits import Limiter

    number = issue().credential.credential_id
    first, second = Limiter(engine), Limiter(engine)
    tenant = Tenant("people", rate=100.0, burst=50)
    assert not first.take(number, tenant, clock.now)
    clock.advance(seconds=6)
    assert sum(not second.take(number, tenant, clock.now) for _ in range(100)) == 50
    assert first.take(number, tenant, clock.now)


def test_an_access_token_counts_for_its_client(client: FlaskClient, issue: Any) -> None:
    made = issue("slow", client=True)
    both = [ask(client, basic(made.credential.client_id, made.secret), "slow").get_json()["access_token"] for _ in "ab"]
    assert statuses(client, both[0], 3) + statuses(client, both[1], 2) == [200, 200, 200, 200, 429]


def test_who_keeps_failing_waits_longer_and_a_valid_token_passes_all_the_same(
    client: FlaskClient, issue: Any, clock: Clock, gate: Gate
) -> None:
    token = issue().secret
    found = [client.get("/scim/v2/people/Users", headers=bearer("no")) for _ in range(FREE + 3)]
    assert [answer.status_code for answer in found] == [401] * (FREE + 1) + [429, 429]
    assert found[-1].headers["Retry-After"] == "2"
    clock.advance(seconds=2)
    assert client.get("/scim/v2/people/Users", headers=bearer("no")).status_code == 401
    assert client.get("/scim/v2/people/Users", headers=bearer("no")).headers["Retry-After"] == "4"
    assert client.get("/scim/v2/people/Users", headers=bearer(token)).status_code == 200
    assert client.get("/scim/v2/people/Users", headers=bearer("no")).status_code == 401
    told = [row.notes for row in rows(gate) if row.status == 401]
    assert told[-2] == "no such token (Bearer); 7 failures from this address, 2 calls not looked at since the last"


# --- the call audit -----------------------------------------------------------------------------------------------


def test_a_call_is_kept_with_its_keys_and_without_values_of_people(client: FlaskClient, issue: Any, gate: Gate) -> None:
    token = issue()
    query = {"filter": 'userName eq "anna@corp.local" and active eq true', "count": "1"}
    client.get("/scim/v2/people/Users", query_string=query, headers=bearer(token.secret))
    made = client.post("/scim/v2/people/Users", json=USER, headers=bearer(token.secret)).get_json()
    patch = {"Operations": [{"op": "Replace", "path": "active", "value": "False"}]}
    client.patch(f"/scim/v2/people/Users/{made['id']}", json=patch, headers=bearer(token.secret))
    asked, created, patched = rows(gate)
    assert (asked.method, asked.path, asked.status, asked.prefix) == ("GET", "/Users", 200, token.credential.prefix)
    assert asked.query == 'filter=userName eq "…" and active eq true&count=1'
    assert (created.tenant, created.address, created.milliseconds > 0) == ("people", "127.0.0.1", True)
    assert json.loads(created.raw) == {"schemas": USER["schemas"], "userName": "…", "password": "…"}
    assert created.normalised is None
    assert json.loads(patched.raw)["Operations"] == [{"op": "Replace", "path": "active", "value": "…"}]
    assert json.loads(patched.normalised)["body"]["Operations"] == [{"op": "replace", "path": "active", "value": False}]
    assert patched.notes == 'operation names in lower case; "True" and "False" as truth values'


def test_in_full_only_secrets_are_cut_and_with_none_nothing_is_kept(
    client: FlaskClient, issue: Any, gate: Gate
) -> None:
    changes = [{"op": "replace", "path": "password", "value": "s3cret"}, {"op": "add", "value": {"password": "s3cret"}}]
    for tenant in ("others", "ping"):
        headers = bearer(issue(tenant).secret)
        client.post(f"/scim/v2/{tenant}/Users", json=USER, headers=headers)
        client.patch(f"/scim/v2/{tenant}/Users/1", json={"Operations": changes}, headers=headers)
        client.get(f"/scim/v2/{tenant}/Users", query_string={"filter": 'password eq "s3cret"'}, headers=headers)
    full, none = rows(gate)[:3], rows(gate)[3:]
    assert json.loads(full[0].raw) == {**USER, "password": "…"}
    assert "s3cret" not in str(full)
    assert [(row.raw, row.query, row.normalised) for row in none] == [(None, None, None)] * 3


def test_no_token_and_no_password_is_ever_kept(client: FlaskClient, issue: Any, gate: Gate) -> None:
    made = issue("others", client=True)
    form = {"client_id": made.credential.client_id, "client_secret": made.secret}
    token = ask(client, {}, "others", **form).get_json()["access_token"]
    client.post("/scim/v2/others/Users", json=USER, headers=bearer(token))
    client.get("/scim/v2/others/Users", query_string={"access_token": token}, headers=bearer(token))
    kept = str(rows(gate))
    assert not any(secret in kept for secret in (token, made.secret, "s3cret"))


def test_a_body_is_kept_up_to_a_size(client: FlaskClient, issue: Any, gate: Gate) -> None:
    members = [{"value": f"{number:036d}"} for number in range(5000)]
    group = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "G", "members": members}
    client.post("/scim/v2/others/Groups", json=group, headers=bearer(issue("others").secret))
    (row,) = rows(gate)
    assert len(row.raw) < 5000
    assert row.raw.endswith(" more)")


def test_who_was_not_let_in_is_kept_with_the_reason(client: FlaskClient, issue: Any, gate: Gate, clock: Clock) -> None:
    mine, theirs, short = issue(scope="read"), issue("others"), issue(lasts=timedelta(seconds=1))
    clock.advance(seconds=2)
    for headers in ({}, bearer("fxs_x"), bearer(theirs.secret), bearer(short.secret)):
        client.get("/scim/v2/people/Users", headers=headers)
    client.delete("/scim/v2/people/Users/1", headers=bearer(mine.secret))
    assert [(row.status, row.notes) for row in rows(gate)] == [
        (401, "no Authorization header"),
        (401, "no such token (Bearer)"),
        (401, f"{theirs.credential.prefix} is another tenant's"),
        (401, f"{short.credential.prefix} expired"),
        (403, "This token may read; this request needs write"),
    ]


def test_old_rows_go_and_those_of_other_tenants_stay(client: FlaskClient, issue: Any, gate: Gate, clock: Clock) -> None:
    for tenant in ("ping", "others"):
        client.get(f"/scim/v2/{tenant}/Users", headers=bearer(issue(tenant).secret))
    gate.told("nobody", Answered(Call("GET", "/", None, "127.0.0.1"), None, None, None, 401, 0.0))
    assert len(rows(gate)) == 3
    clock.advance(days=1, hours=1)
    assert [row.tenant for row in rows(gate)] == ["others", ""]
    clock.advance(days=29)
    assert rows(gate) == []


def test_rows_are_written_without_anybody_asking(client: FlaskClient, issue: Any, gate: Gate) -> None:
    import time

    client.get("/scim/v2/people/Users", headers=bearer(issue().secret))
    until = time.monotonic() + 10
    while True:
        with reading(gate.engine) as connection:
            if connection.execute(select(calls)).all():
                return
        assert time.monotonic() < until
        time.sleep(0.05)


def test_while_the_store_cannot_be_written_requests_go_on_and_their_rows_wait(
    client: FlaskClient, issue: Any, gate: Gate, engine: Engine
) -> None:
    token = issue().secret
    assert client.get("/scim/v2/people/Users", headers=bearer(token)).status_code == 200
    with writing(engine) as connection:
        connection.execute(text("ALTER TABLE scim_calls RENAME TO away"))
    for _ in range(210):
        assert client.get("/scim/v2/people/Users", headers=bearer(token)).status_code == 200
    with pytest.raises(OperationalError):
        gate.calls.flush()
    with writing(engine) as connection:
        connection.execute(text("ALTER TABLE away RENAME TO scim_calls"))
    assert len(rows(gate)) == 211


def test_a_body_that_is_no_json_is_answered_as_such(client: FlaskClient, issue: Any) -> None:
    headers = {**bearer(issue().secret), "Content-Type": "application/scim+json"}
    for data in ("{", "[" * 100_000, "\ud800".encode("utf-8", "surrogatepass")):
        answer = client.post("/scim/v2/people/Users", data=data, headers=headers)
        assert answer.status_code == 400
