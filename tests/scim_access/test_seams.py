"""The gate and the outbox as the provider's app calls them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from flask import Flask, Response, request
from flask.testing import FlaskClient
from scim2_models import SCIMException
from sqlalchemy import Engine, select

from scim.access import tokens
from scim.access.gate import Gate
from scim.access.metadata import reading, writing
from scim.access.seams import admitting, normalising, telling
from scim.access.settings import Log, Tenant
from scim.access.tables import calls
from scim.access.tokens import Wanted
from scim.dialects import DIALECTS, Exchange
from scim.events.hearing import attributes_of, hearing
from scim.events.outbox import Outbox
from scim.events.settings import Stream
from scim.events.tables import events
from tests.house import Clock


@dataclass
class Asked:
    """An exchange of an app's own."""

    method: str
    path: str
    query: dict[str, str]
    body: Any = None
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Whose:
    name: str


@pytest.fixture
def gate(engine: Engine, clock: Clock) -> Iterator[Gate]:
    made = Gate(engine, {"people": Tenant("people", DIALECTS["entra"], log=Log.FULL)}, clock)
    yield made
    made.close()


@pytest.fixture
def client(gate: Gate, clock: Clock) -> FlaskClient:
    """An app that answers what it understood, and writes that somebody changed."""
    app = Flask("app")
    admit, normalise, told = admitting(gate), normalising(gate), telling(gate)
    changed = hearing(Outbox({"people": Stream("people", "aud", "iss")}), clock)

    @app.route("/scim/v2/<tenant>/<path:path>", methods=["GET", "POST", "PATCH", "DELETE"])
    def serve(tenant: str, path: str) -> Response:
        whose = Whose(tenant)
        body = json.loads(request.data) if request.data else None
        raw = exchange = Asked(request.method, f"/{path}", request.args.to_dict(), body)
        try:
            subject = admit(request, whose)
            assert subject.resource_id is None
            exchange = normalise(whose, replace(raw, query=dict(raw.query)))
            if request.method != "GET":
                with writing(gate.engine) as connection:
                    deed = {"POST": "create", "PATCH": "patch", "DELETE": "delete"}[request.method]
                    changed(connection, tenant, "User", ["7", "8"], deed)
                    if request.method == "PATCH":
                        changed(connection, tenant, "User", ["7"], "deactivate")
                    changed(connection, "nobody", "User", ["7"], deed)
            exchange.notes.append("by the storage")
            answer = Response(json.dumps([exchange.query, exchange.body]), status=200)
        except SCIMException as error:
            answer = Response(error.detail, status=error.status, headers=dict(getattr(error, "headers", {})))
        answered = type("Answer", (), {"status": answer.status_code})()
        told(whose, raw, exchange, answered)
        return answer

    return app.test_client()


@pytest.fixture
def headers(engine: Engine, clock: Clock) -> dict[str, str]:
    with writing(engine) as connection:
        return {"Authorization": "Bearer " + tokens.issue_token(connection, Wanted("people"), clock.now).secret}


def test_a_request_is_let_in_put_right_and_told(client: FlaskClient, headers: Any, gate: Gate, engine: Engine) -> None:
    body = {"Operations": [{"op": "Replace", "path": "active", "value": "False"}]}
    answer = client.patch("/scim/v2/people/Users/7?aadOptscim062020", json=body, headers=headers)
    plain = {"Operations": [{"op": "replace", "path": "active", "value": False}]}
    assert answer.get_json(force=True) == [{}, plain]
    gate.calls.flush()
    with reading(engine) as connection:
        (row,) = connection.execute(select(calls)).all()
    assert (row.path, row.status, json.loads(row.raw)) == ("/Users/7", 200, body)
    assert json.loads(row.normalised) == {"query": {}, "body": plain}
    assert row.notes.endswith('"True" and "False" as truth values; by the storage')


def test_who_is_not_let_in_is_told_once_and_answered_with_headers(
    client: FlaskClient, gate: Gate, engine: Engine
) -> None:
    answer = client.get("/scim/v2/people/Users")
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, 'Bearer realm="SCIM"')
    gate.calls.flush()
    with reading(engine) as connection:
        assert [row.status for row in connection.execute(select(calls))] == [401]


def test_what_is_changed_is_told_with_its_attributes_and_one_transaction(
    client: FlaskClient, headers: Any, engine: Engine
) -> None:
    body = {"Operations": [{"op": "Replace", "path": "active", "value": "False"}]}
    client.patch("/scim/v2/people/Users/7", json=body, headers=headers)
    client.post("/scim/v2/people/Users", json={"schemas": [], "userName": "a", "password": "x"}, headers=headers)
    client.delete("/scim/v2/people/Users/7", headers=headers)
    with reading(engine) as connection:
        found = [json.loads(row.claims) for row in connection.execute(select(events).order_by(events.c.event_id))]
    assert [(claims["sub_id"]["uri"], *claims["events"].items()) for claims in found] == [
        ("/Users/7", ("urn:ietf:params:scim:event:prov:patch:notice", {"attributes": ["active"]})),
        ("/Users/8", ("urn:ietf:params:scim:event:prov:patch:notice", {"attributes": ["active"]})),
        ("/Users/7", ("urn:ietf:params:scim:event:prov:deactivate", {})),
        ("/Users/7", ("urn:ietf:params:scim:event:prov:create:notice", {"attributes": ["id", "userName"]})),
        ("/Users/8", ("urn:ietf:params:scim:event:prov:create:notice", {"attributes": ["id", "userName"]})),
        ("/Users/7", ("urn:ietf:params:scim:event:prov:delete", {})),
        ("/Users/8", ("urn:ietf:params:scim:event:prov:delete", {})),
    ]
    assert len({claims["txn"] for claims in found[:3]}) == 1
    assert len({claims["txn"] for claims in found}) == 3


def test_a_change_outside_of_a_request_is_told_without_attributes(engine: Engine, clock: Clock) -> None:
    changed = hearing(Outbox({"people": Stream("people", "aud", "iss")}), clock)
    with writing(engine) as connection:
        changed(connection, "people", "Group", ["1"], "patch")
        (row,) = connection.execute(select(events)).all()
    assert json.loads(row.claims)["events"] == {"urn:ietf:params:scim:event:prov:patch:notice": {"attributes": []}}


@pytest.mark.parametrize(
    ("body", "attributes"),
    [
        (None, ()),
        ([1], ()),
        ({"schemas": [], "id": "1", "userName": "a", "emails": []}, ("userName", "emails")),
        ({"Operations": [{"op": "add", "path": 'emails[type eq "x"].value', "value": 1}]}, ("emails.value",)),
        ({"Operations": [{"op": "replace", "value": {"name.givenName": "a", "password": "x"}}, 3, {}]}, ("name.givenName",)),
        ({"Operations": [{"op": "remove", "path": 'members[value eq "1"]'}] * 2}, ("members",)),
        (
            {"Operations": [{"method": "POST", "data": {"title": "t"}}, {"method": "PATCH", "data": {"Operations": [{"path": "active"}]}}]},
            ("title", "active"),
        ),
    ],
)  # fmt: skip
def test_the_attributes_of_a_request(body: Any, attributes: tuple[str, ...]) -> None:
    assert attributes_of(Exchange("PATCH", "/Users/1", body=body)) == attributes
