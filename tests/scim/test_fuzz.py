"""No request is answered with a 500: random methods, paths, parameters and bodies on every route, on both databases.

`SCIM_FUZZ=20000` asks that many on each.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from scim.app import scim_app
from scim.provider import PROVISIONING
from scim.tenant import Tenant
from tests.depth import examples
from tests.scim_house import BOTH, BULK, ENTERPRISE, GROUP, PATCH, SEARCH, USER, Client
from tests.scim_people import filters, people

MANY = int(os.environ.get("SCIM_FUZZ", examples(50, 300)))
NAMES = [
    "userName",
    "displayName",
    "active",
    "emails",
    "members",
    "groups",
    "name",
    "id",
    "meta",
    "schemas",
    "externalId",
    "password",
]
NAMES += [
    "value",
    "$ref",
    "type",
    "primary",
    "op",
    "path",
    "Operations",
    "method",
    "bulkId",
    "data",
    "filter",
    "count",
    "sortBy",
]
NAMES += [
    "manager",
    ENTERPRISE,
    PROVISIONING,
    USER,
    GROUP,
    "addresses",
    "x509Certificates",
    "cursor",
    "attributes",
    "x",
    "",
    "startIndex",
]
names = st.sampled_from(NAMES)
texts = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        [*NAMES, "ID", "bulkId:a", "add", "Remove", "replace", "POST", "PATCH", "/Users", "/Groups", "Users/ID", "true"]
    ),
    st.sampled_from(
        [
            'members[value eq "ID"]',
            'emails[type eq "work"].value',
            "members.display",
            "name.givenName",
            "[",
            "a[b",
            "urn:",
        ]
    ),
    filters,
)
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False, allow_infinity=False), texts
)
anything: Any = st.recursive(
    scalars,
    lambda part: st.one_of(st.lists(part, max_size=3), st.dictionaries(names | texts, part, max_size=4)),
    max_leaves=8,
)
operation = st.fixed_dictionaries(
    {"op": st.sampled_from(["add", "replace", "remove", "Add"])}, optional={"path": texts, "value": anything}
)
patch = st.fixed_dictionaries({"schemas": st.just([PATCH]), "Operations": st.lists(operation, min_size=1, max_size=3)})
member = st.fixed_dictionaries(
    {"value": st.sampled_from(["ID", "GROUP", "bulkId:a", "x"])}, optional={"display": scalars}
)
group = st.fixed_dictionaries(
    {"schemas": st.just([GROUP]), "displayName": scalars}, optional={"members": st.lists(member, max_size=2)}
)
user = st.tuples(people, texts, st.dictionaries(names, anything, max_size=2)).map(
    lambda t: {**t[0], "userName": t[1], **t[2]}
)
bulk_operation = st.fixed_dictionaries(
    {
        "method": st.sampled_from(["POST", "PUT", "PATCH", "DELETE", "GET"]),
        "path": st.sampled_from(["/Users", "/Groups", "/Users/ID", "/Groups/bulkId:a", "x"]),
    },
    optional={"bulkId": st.sampled_from(["a", "b"]), "data": st.one_of(user, group, patch, anything), "version": texts},
)
bulk = st.fixed_dictionaries(
    {"schemas": st.just([BULK]), "Operations": st.lists(bulk_operation, max_size=4)}, optional={"failOnErrors": scalars}
)
search = st.fixed_dictionaries(
    {"schemas": st.just([SEARCH])},
    optional={
        "filter": texts,
        "sortBy": texts,
        "count": scalars,
        "startIndex": scalars,
        "cursor": texts,
        "attributes": anything,
    },
)
bodies = st.one_of(st.none(), user, group, patch, bulk, search, anything)
paths = st.one_of(
    st.sampled_from(
        [
            "/Users",
            "/Groups",
            "/Users/ID",
            "/Groups/GROUP",
            "/Me",
            "/Bulk",
            "/.search",
            "/Users/.search",
            "/Groups/.search",
            "/",
        ]
    ),
    st.sampled_from(
        ["/Schemas", "/ResourceTypes", "/ServiceProviderConfig", f"/Schemas/{USER}", "/ResourceTypes/User", ""]
    ),
    st.lists(st.sampled_from(["Users", "Groups", "ID", ".search", "Bulk", "x", "", "é", "a b", "%2F"]), max_size=4).map(
        lambda p: "/" + "/".join(p)
    ),
)
queries = st.dictionaries(
    st.sampled_from(
        ["filter", "sortBy", "sortOrder", "count", "startIndex", "cursor", "attributes", "excludedAttributes", "x"]
    ),
    texts,
    max_size=3,
)
headers = st.dictionaries(
    st.sampled_from(["If-Match", "If-None-Match"]), st.sampled_from(['W/"1"', "*", "x", '"', ""]), max_size=1
)


@pytest.fixture
def service(engine: Engine, tenant: Tenant) -> Client:
    return Client(scim_app(engine, {tenant.name: tenant}.get, secret="s").test_client(), tenant)


def _put(value: Any, ids: dict[str, str]) -> Any:
    """The value, with the ids of what is there."""
    if isinstance(value, dict):
        return {_put(name, ids): _put(part, ids) for name, part in value.items()}
    if isinstance(value, list):
        return [_put(one, ids) for one in value]
    if isinstance(value, str):
        for name, known in ids.items():
            value = value.replace(name, known)
    return value


@pytest.mark.parametrize("engine", BOTH, indirect=True)
@settings(
    max_examples=MANY, deadline=None, phases=[Phase.generate, Phase.shrink], suppress_health_check=list(HealthCheck)
)
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]),
    path=paths,
    query=queries,
    body=bodies,
    conditions=headers,
)
def test_nothing_is_a_mistake_of_the_server(
    service: Client, method: str, path: str, query: dict[str, str], body: Any, conditions: dict[str, str]
) -> None:
    ids: dict[str, str] = {}
    for name, at, made in (
        ("ID", "/Users", {"schemas": [USER], "userName": "x"}),
        ("GROUP", "/Groups", {"schemas": [GROUP], "displayName": "x"}),
    ):
        there = service("GET", f"{at}?count=1").said["Resources"] or [service("POST", at, made, 201).said]
        ids[name] = there[0]["id"]
    url = f"/scim/v2/{service.tenant.name}{_put(path, ids)}"
    try:
        how = {"json": _put(body, ids)} if body is not None else {}
        answer = service.client.open(url, method=method, query_string=_put(query, ids), headers=conditions, **how)
    except (UnicodeEncodeError, ValueError):
        return  # what cannot be sent
    assert answer.status_code not in {500, 503}, answer.get_data(as_text=True)
    if answer.data:
        said = answer.get_json(force=True)
        assert said["schemas"]
        assert answer.status_code < 400 or said["status"] == str(answer.status_code)
        for one in said.get("Operations", []):
            assert one["status"] != "500", said
