"""What is answered without models equals what scim2-server's own handler answers over the same storage."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import Any
from uuid import uuid4

import orjson
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from scim2_models import SCIMException
from scim2_server.handler import ScimHandler
from scim2_server.requests import ScimRequest
from scim2_server.responses import ScimResponse
from sqlalchemy import Engine

from scim.connections import Store
from scim.handler import TenantHandler
from scim.limits import Limits
from scim.moments import text_of, utc_now
from scim.provider import build_provider
from scim.provisioning import Provisioning, note_provisioning
from scim.seams import always
from scim.service import TenantService
from scim.storage import SqlStorage
from scim.tenant import Tenant
from tests.depth import examples
from tests.scim_house import BOTH, ENTERPRISE, GROUP, PATCH, USER
from tests.scim_people import WORDS, chosen, filters, people, sorts, words

pytestmark = pytest.mark.parametrize("engine", BOTH, indirect=True)
HOW: dict[str, Any] = {"deadline": None, "phases": [Phase.explicit, Phase.generate, Phase.shrink]}
HOW["suppress_health_check"] = [HealthCheck.function_scoped_fixture]
PROVIDER = build_provider()
_numbers = count()


class Sides:
    """The same tenant, or two that begin equal, served in both ways."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.tenant = Tenant(f"sides{next(_numbers)}", group_patch_answer="resource")

    def __repr__(self) -> str:
        return self.tenant.name

    def quick(self, *asked: Any, of: Tenant | None = None) -> ScimResponse:
        return self._ask(lambda service, storage: TenantHandler(service, storage, always), of or self.tenant, *asked)

    def slow(self, *asked: Any, of: Tenant | None = None) -> ScimResponse:
        return self._ask(ScimHandler, of or self.tenant, *asked)

    def _ask(self, handler: Any, tenant: Tenant, method: str, path: str, *more: Any) -> ScimResponse:
        query, body = (*more, None, None)[:2]
        service = TenantService(PROVIDER, tenant, secret="s", limits=Limits())
        storage = SqlStorage(Store.of(self.engine), tenant, PROVIDER, reads=method == "GET")
        asked = ScimRequest(
            method, "https://x.example/scim/v2/t", path, query or {}, {}, orjson.dumps(body) if body else b""
        )
        try:
            answer: ScimResponse = handler(service, storage).handle(asked)
        except SCIMException as error:
            return service.error_response(error)
        # As it is sent: what is kept whole goes out as the text that is stored.
        body = orjson.loads(orjson.dumps(answer.body)) if answer.body is not None else None
        return replace(answer, body=body)


_filled: dict[str, Sides] = {}


@pytest.fixture
def sides(engine: Engine) -> Sides:
    """A tenant with some people and groups, made once for each database."""
    name = engine.dialect.name
    if name not in _filled:
        found = Sides(engine)
        ids = []
        for n in range(40):
            person = {"schemas": [USER, ENTERPRISE], "userName": f"U{n}", "title": WORDS[n % len(WORDS)]}
            person["emails"] = [
                {"value": WORDS[n % 5], "type": "work"},
                {"value": WORDS[n % 7], "type": "home", "primary": n % 2 == 0},
            ]
            manager = {"manager": {"value": "a/b c"}} if n % 3 else {}
            person[ENTERPRISE] = {"employeeNumber": str(n), **manager}
            ids.append(found.quick("POST", "/Users", None, person).body["id"])
        for n in range(5):
            members = [{"value": one, "display": f"d{n}"} for one in ids[:: n + 1]]
            found.quick("POST", "/Groups", None, {"schemas": [GROUP], "displayName": WORDS[n], "members": members})
        with engine.begin() as connection:
            noted = [Provisioning(ids[n], "held", "why", None, None, text_of(utc_now())) for n in (3, 4)]
            note_provisioning(connection, found.tenant.name, noted)
        _filled[name] = found
    return _filled[name]


def same(one: ScimResponse, other: ScimResponse) -> None:
    assert (one.status, _bare(one.body), one.headers) == (other.status, _bare(other.body), other.headers)


def _bare(body: Any) -> Any:
    """A body without the empty list that scim2 leaves out, and without what differs from call to call."""
    body = dict(body or {})
    if not body.get("Resources"):
        body.pop("Resources", None)
    sealed = {name: bool(body.pop(name)) for name in ("nextCursor", "previousCursor") if name in body}
    if "status" in body:
        body.pop("detail", None)
    return body | sealed


equal = st.tuples(
    st.sampled_from(
        ["userName", "USERNAME", "emails", "emails.value", "title", "id", "displayName", f"{ENTERPRISE}:employeeNumber"]
    ),
    st.sampled_from([*(word for word in WORDS if '"' not in word), "U1", "u2", "3"]),
).map(lambda t: f'{t[0]} eq "{t[1]}"')
entry = st.tuples(st.sampled_from(["work", "HOME", "x"]), words).map(
    lambda t: f'emails[type eq "{t[0]}"].value eq "{t[1]}"'
)


@settings(max_examples=examples(40, 120), **HOW)
@given(
    kind=st.sampled_from(["/Users", "/Groups", "/"]),
    query=st.fixed_dictionaries(
        {},
        optional={
            "filter": st.one_of(equal, entry, filters),
            "attributes": chosen,
            "excludedAttributes": chosen,
            "startIndex": st.sampled_from(["0", "1", "3", "-4", "x", "400", " 2"]),
            "count": st.sampled_from(["0", "1", "7", "-1", "5000", "x"]),
            "sortBy": sorts,
            "cursor": st.just(""),
        },
    ),
)
def test_searches(sides: Sides, kind: str, query: dict[str, str]) -> None:
    same(sides.quick("GET", kind, query), sides.slow("GET", kind, query))


@settings(max_examples=examples(20, 60), **HOW)
@given(
    number=st.integers(0, 44),
    query=st.fixed_dictionaries({}, optional={"attributes": chosen, "excludedAttributes": chosen}),
)
def test_reads(sides: Sides, number: int, query: dict[str, str]) -> None:
    found = sides.quick("GET", "/", {"startIndex": str(number + 1), "count": "1"}).body["Resources"]
    path = found[0]["meta"]["location"].removeprefix("https://x.example/scim/v2/t") if found else "/Users/none"
    same(sides.quick("GET", path, query), sides.slow("GET", path, query))


def told(answer: ScimResponse, ids: dict[str, str]) -> Any:
    """An answer without ids, moments and displays."""
    text = orjson.dumps(_bare(answer.body)).decode()
    for own, common in ids.items():
        text = text.replace(own, common)
    body = orjson.loads(text)
    body.pop("meta", None)
    for entry in body.get("members", []):
        entry.pop("display", None)  # scim2 keeps a present member twice when it is added with another display
    body.get("members", []).sort(key=lambda one: one["value"])
    return int(answer.status), body


_ids = st.sampled_from(["A", "B", "C", "none"])
_member = st.fixed_dictionaries({"value": _ids}, optional={"display": words})
_kinds = st.sampled_from(["Group", "group", "x"])
_operations = st.lists(
    st.one_of(
        st.fixed_dictionaries(
            {
                "op": st.sampled_from(["add", "replace"]),
                "path": st.just("members"),
                "value": st.lists(_member, max_size=3),
            }
        ),
        st.fixed_dictionaries(
            {
                "op": st.sampled_from(["add", "replace"]),
                "value": st.fixed_dictionaries(
                    {}, optional={"displayName": words, "members": st.lists(_member, min_size=1, max_size=3)}
                ),
            }
        ),
        st.builds(lambda one: {"op": "remove", "path": f'members[value eq "{one}"]'}, _ids),
        st.builds(
            lambda one, kind: {"op": "remove", "path": f'members[value eq "{one}" or type eq "{kind}"]'}, _ids, _kinds
        ),
        st.just({"op": "remove", "path": "members"}),
        st.builds(
            lambda ids: {"op": "Remove", "path": "members", "value": [{"value": one} for one in ids]},
            st.lists(_ids, min_size=1),
        ),
        st.builds(lambda said: {"op": "replace", "path": "displayName", "value": said}, words),
        st.builds(lambda said: {"op": "add", "path": "externalId", "value": said}, words),
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=examples(20, 60), **HOW)
@given(operations=_operations)
def test_patches_of_groups(engine: Engine, operations: list[dict[str, Any]]) -> None:
    sides = Sides(engine)
    answers = []
    for ask in (sides.quick, sides.slow):
        of = Tenant(f"{ask.__name__}-{uuid4()}", group_patch_answer="resource")
        ids = {}
        for name in "ABC":
            ids[name] = ask("POST", "/Users", None, {"schemas": [USER], "userName": name}, of=of).body["id"]
        group = {"schemas": [GROUP], "displayName": "G", "members": [{"value": ids["A"], "display": "Anna"}]}
        ids["G"] = ask("POST", "/Groups", None, group, of=of).body["id"]
        said = orjson.dumps({"schemas": [PATCH], "Operations": operations}).decode()
        for name in "ABC":
            said = said.replace(f'"{name}"', f'"{ids[name]}"').replace(f'\\"{name}\\"', f'\\"{ids[name]}\\"')
        back = {own: name for name, own in ids.items()}
        answer = ask("PATCH", f"/Groups/{ids['G']}", None, orjson.loads(said), of=of)
        answers.append((told(answer, back), told(ask("GET", f"/Groups/{ids['G']}", of=of), back)))
    assert answers[0] == answers[1]


@settings(max_examples=examples(20, 60), **HOW)
@given(first=people, then=people)
def test_creations_and_replacements(engine: Engine, first: dict[str, Any], then: dict[str, Any]) -> None:
    sides = Sides(engine)
    answers = []
    for ask in (sides.quick, sides.slow):
        of = Tenant(f"{ask.__name__}-{uuid4()}")
        made = ask("POST", "/Users", None, {**first, "userName": "A"}, of=of)
        ids = {str((made.body or {}).get("id")): "A"}
        replaced = (
            ask("PUT", f"/Users/{made.body['id']}", None, {**then, "userName": "a"}, of=of)
            if made.status == 201
            else made
        )
        answers.append((told(made, ids), told(replaced, ids)))
    assert answers[0] == answers[1]
