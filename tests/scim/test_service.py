"""What an identity provider meets, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from scim2_models import UnauthorizedException
from sqlalchemy import Engine, select

from scim import feed
from scim.limits import Limits
from scim.moments import text_of, utc_now
from scim.provider import PROVISIONING
from scim.provisioning import Provisioning, note_provisioning
from scim.seams import Exchange, Seams
from scim.tables import members
from scim.tenant import Tenant
from tests.scim_house import BOTH, BULK, ENTERPRISE, GROUP, SEARCH, USER, Client

pytestmark = pytest.mark.parametrize("engine", BOTH, indirect=True)
Make = Callable[..., Client]


def test_who_returns_keeps_the_id(client: Client, engine: Engine, tenant: Tenant) -> None:
    anna = client.user("Anna@corp.local", title="Old")
    client.group("G", anna["id"])
    client("DELETE", f"/Users/{anna['id']}", expect=204)
    client("GET", f"/Users/{anna['id']}", expect=404)
    assert client("GET", '/Users?filter=userName eq "anna@corp.local"').said["totalResults"] == 0
    [gone] = [one for one in feed.changes(engine, tenant.name) if one.gone]
    assert (gone.id, gone.document["title"]) == (anna["id"], "Old")
    back = client.user("aNNA@corp.local")
    assert back["id"] == anna["id"]
    assert "title" not in back
    assert "groups" not in back
    assert back["meta"]["version"] != anna["meta"]["version"]
    assert [one.gone for one in feed.changes(engine, tenant.name) if one.id == anna["id"]] == [False]


def test_deleted_names_are_free_for_others_who_change_theirs(client: Client) -> None:
    anna, bob = client.user("anna"), client.user("bob")
    client("DELETE", f"/Users/{anna['id']}", expect=204)
    client("PUT", f"/Users/{bob['id']}", {"schemas": [USER], "userName": "anna"}, 200)
    client("POST", "/Users", {"schemas": [USER], "userName": "Anna"}, 409)


def test_tenants_do_not_see_each_other(make_client: Make) -> None:
    one, other = make_client(Tenant("one")), make_client(Tenant("other"))
    anna = one.user(f"anna-{id(one)}")
    assert other.user(anna["userName"])["id"] != anna["id"]
    other("GET", f"/Users/{anna['id']}", expect=404)
    group = other.group("G")
    other.patch(f"/Groups/{group['id']}", {"op": "add", "path": "members", "value": [{"value": anna["id"]}]})
    assert "members" not in other("GET", f"/Groups/{group['id']}").said
    one("GET", f"/Groups/{group['id']}", expect=404)
    other.client.get("/scim/v2/nobody/Users")


def test_etags_guard_reads_and_writes(client: Client) -> None:
    anna = client.user("anna")
    path = f"/Users/{anna['id']}"
    first = client("GET", path, expect=200).headers["ETag"]
    assert client("GET", path, If_None_Match=first, expect=304).data == b""
    client.patch(path, {"op": "replace", "path": "title", "value": "T"}, expect=200, If_Match=first)
    client.patch(path, {"op": "replace", "path": "title", "value": "U"}, expect=412, If_Match=first)
    client("PUT", path, {"schemas": [USER], "userName": "anna"}, 412, If_Match=first)
    client("DELETE", path, expect=412, If_Match=first)
    client.group("G", anna["id"])
    now = client("GET", path, expect=200, If_None_Match='W/"2"')
    assert now.said["groups"][0]["display"] == "G"
    client("DELETE", path, expect=204, If_Match=now.headers["ETag"])


def test_provisioning_is_read_only_and_changes_the_etag(client: Client, engine: Engine, tenant: Tenant) -> None:
    said = {PROVISIONING: {"state": "mine"}, "schemas": [USER, PROVISIONING], "userName": "anna"}
    anna = client("POST", "/Users", said, 201).said
    assert anna.get(PROVISIONING, {}) == {}
    before = feed.newest(engine, tenant.name)
    rows = [
        Provisioning(anna["id"], "held", "too many at once", "f7", "sent", text_of(utc_now())),
        Provisioning("nobody", "x"),
    ]
    with engine.begin() as connection:
        assert note_provisioning(connection, tenant.name, rows) == 1
    assert [one.id for one in feed.changes(engine, tenant.name, before)] == []
    now = client("GET", f"/Users/{anna['id']}", If_None_Match=anna["meta"]["version"], expect=200).said
    assert now[PROVISIONING] == {"state": "held", "reason": "too many at once", "fluixId": "f7", "invitation": "sent"}
    assert PROVISIONING in now["schemas"]
    found = client("GET", f'/Users?filter={PROVISIONING}:state eq "held"').said
    assert [one["id"] for one in found["Resources"]] == [anna["id"]]
    with engine.begin() as connection:
        assert note_provisioning(connection, tenant.name, rows) == 0
    assert client("PUT", f"/Users/{anna['id']}", {**said, "title": "T"}, 200).said[PROVISIONING]["state"] == "held"
    schemas = {one["id"] for one in client("GET", "/Schemas").said["Resources"]}
    assert PROVISIONING in schemas


def test_a_password_is_taken_and_kept_nowhere(client: Client, engine: Engine) -> None:
    anna = client.user("anna", password="horse battery")
    assert "password" not in anna
    with engine.connect() as connection:
        for table in feed.resources.metadata.sorted_tables:
            assert "horse battery" not in repr(connection.execute(select(table)).all())
    assert client("GET", '/Users?filter=password eq "horse battery"').said["totalResults"] == 0


def test_members_are_changed_by_rows(make_client: Make, engine: Engine, tenant: Tenant) -> None:
    client = make_client(Tenant(tenant.name, group_patch_answer="nothing"))
    a, b, c = (client.user(name)["id"] for name in "abc")
    group = client.group("G", a)
    path = f"/Groups/{group['id']}"

    def there() -> dict[str, Any]:
        return {one["value"]: one.get("display") for one in client("GET", path).said.get("members", [])}

    client.patch(
        path, {"op": "Add", "path": "members", "value": [{"value": a, "display": "A"}, {"value": b}]}, expect=204
    )
    assert there() == {a: "A", b: None}
    client.patch(path, {"op": "add", "path": "members", "value": [{"value": a}]}, expect=204)
    assert there() == {a: "A", b: None}
    client.patch(path, {"op": "replace", "path": f'members[value eq "{b}"].display', "value": "B"}, expect=204)
    assert there() == {a: "A", b: "B"}
    client.patch(path, {"op": "Remove", "path": "members", "value": [{"$ref": None, "value": a}]}, expect=204)
    assert there() == {b: "B"}
    client.patch(path, {"op": "replace", "path": "members", "value": [{"value": c}, {"value": b}]}, expect=204)
    assert there() == {b: None, c: None}
    inner = client.group("Inner")["id"]
    client.patch(path, {"op": "add", "value": {"members": [{"value": inner}], "externalId": "E"}}, expect=204)
    found = client("GET", path).said
    assert (found["externalId"], [one["type"] for one in found["members"]].count("Group")) == ("E", 1)
    client.patch(path, {"op": "remove", "path": 'members[type eq "Group"]'}, expect=204)
    assert there() == {b: None, c: None}
    version = client("GET", path).headers["ETag"]
    client.patch(path, {"op": "remove", "path": f'members[value eq "{a}"]'}, expect=204)
    assert client("GET", path).headers["ETag"] == version
    failing = [{"op": "remove", "path": "members"}, {"op": "replace", "path": "displayName", "value": None}]
    client.patch(path, *failing, expect=400)
    assert there() == {b: None, c: None}
    client.patch(path, {"op": "replace", "path": "members", "value": []}, expect=204)
    with engine.connect() as connection:
        assert connection.execute(select(members).where(members.c.tenant == tenant.name)).all() == []


def test_unknown_members_are_noted_or_refused(make_client: Make) -> None:
    heard: list[Exchange] = []
    seams = Seams(told=lambda tenant, raw, exchange, response: heard.append(exchange))
    lenient = make_client(Tenant("lenient"), seams=seams)
    group = lenient("POST", "/Groups", {"schemas": [GROUP], "displayName": "G", "members": [{"value": "x"}]}, 201).said
    assert "members" not in group
    assert heard[-1].notes == ["1 members are no users or groups here, and were left out: x"]
    strict = make_client(Tenant("strict", unknown_members="refuse"))
    strict("POST", "/Groups", {"schemas": [GROUP], "displayName": "G", "members": [{"value": "x"}]}, 400)
    assert strict("GET", "/Groups").said["totalResults"] == 0


def test_a_tenant_may_refuse_deletions_with_the_reason(make_client: Make) -> None:
    seams = Seams(may_delete=lambda tenant, resource_id: "owner of 3 documents")
    anna = make_client(Tenant("stages"), seams=seams)
    anna("DELETE", f"/Users/{anna.user(f'a{id(seams)}')['id']}", expect=204)
    client = make_client(Tenant("refuses", deletes="refuse"), seams=seams)
    user = client.user(f"a{id(seams)}")
    assert client("DELETE", f"/Users/{user['id']}", expect=409).said["detail"] == "owner of 3 documents"
    client("GET", f"/Users/{user['id']}", expect=200)


def test_seams_are_asked_and_told(make_client: Make, tenant: Tenant) -> None:
    told: list[tuple[str, ...]] = []

    def admit(request: Any, of: Tenant) -> Any:
        if request.headers.get("Authorization") != "Bearer good":
            error = UnauthorizedException(detail="no token")
            error.headers = {"Retry-After": "7"}
            raise error

    def normalise(of: Tenant, exchange: Exchange) -> Exchange:
        if exchange.body:
            exchange.body = {**exchange.body, "title": "normal"}
        return exchange

    def changed(connection: Any, of: str, kind: str, ids: list[str], deed: str) -> None:
        told.append((kind, deed, *ids))

    client = make_client(tenant, seams=Seams(admit=admit, normalise=normalise, changed=changed))
    refused = client("POST", "/Users", {"schemas": [USER], "userName": "x"}, 401)
    assert refused.headers["Retry-After"] == "7"
    assert refused.headers["WWW-Authenticate"] == 'Bearer realm="SCIM"'
    good = {"Authorization": "Bearer good"}
    anna = client("POST", "/Users", {"schemas": [USER], "userName": "anna"}, 201, **good).said
    assert anna["title"] == "normal"
    client.patch(f"/Users/{anna['id']}", {"op": "replace", "value": {"active": False}}, expect=200, **good)
    client("DELETE", f"/Users/{anna['id']}", expect=204, **good)
    assert [one[:2] for one in told] == [
        ("User", "create"),
        ("User", "patch"),
        ("User", "deactivate"),
        ("User", "delete"),
    ]


def test_me_is_the_callers_own_user(make_client: Make, tenant: Tenant) -> None:
    class Caller:
        resource_id: str | None = None

    caller = Caller()
    client = make_client(tenant, seams=Seams(admit=lambda request, of: caller))
    client("GET", "/Me", expect=501)
    caller.resource_id = "nobody"
    client("GET", "/Me", expect=404)
    caller.resource_id = client.user("anna")["id"]
    found = client("GET", "/Me", expect=200)
    assert (found.said["userName"], found.headers["Location"]) == ("anna", found.said["meta"]["location"])
    client.patch("/Me", {"op": "add", "path": "title", "value": "T"}, expect=200)


def test_patch_answers_as_the_tenant_says(make_client: Make) -> None:
    quiet = make_client(Tenant("quiet", user_patch_answer="nothing", group_patch_answer="resource"))
    user, group = quiet.user(f"q{id(quiet)}"), quiet.group("G")
    title = {"op": "add", "path": "title", "value": "T"}
    assert quiet.patch(f"/Users/{user['id']}", title, expect=204).headers["ETag"] == 'W/"2"'
    assert quiet.patch(f"/Users/{user['id']}?attributes=title", title, expect=200).said["title"] == "T"
    quiet.patch(f"/Groups/{group['id']}", {"op": "replace", "path": "displayName", "value": "H"}, expect=200)


@pytest.mark.parametrize("entra", ['emails[type eq "work"].value', "name.givenName", f"{ENTERPRISE}:manager"])
def test_what_entra_patches_is_made(client: Client, entra: str) -> None:
    user = client.user("anna")
    value = {"value": "m1"} if entra.endswith("manager") else "x@y.z"
    answer = client.patch(f"/Users/{user['id']}", {"op": "Add", "path": entra, "value": value}, expect=200).said
    if entra.startswith("emails"):
        assert answer["emails"] == [{"type": "work", "value": "x@y.z"}]


# --- bulk ---------------------------------------------------------------------------------------------------------


def test_references_in_a_circle_are_closed(client: Client) -> None:
    def group(name: str, other: str) -> dict[str, Any]:
        data = {
            "schemas": [GROUP],
            "displayName": name,
            "members": [{"value": f"bulkId:{other}"}, {"value": "bulkId:u"}],
        }
        return {"method": "POST", "path": "/Groups", "bulkId": name, "data": data}

    user = {"method": "POST", "path": "/Users", "bulkId": "u", "data": {"schemas": [USER], "userName": "anna"}}
    answer = client(
        "POST", "/Bulk", {"schemas": [BULK], "Operations": [group("a", "b"), group("b", "a"), user]}, 200
    ).said
    assert [one["status"] for one in answer["Operations"]] == ["201"] * 3
    ids = {one["bulkId"]: one["location"].rpartition("/")[2] for one in answer["Operations"]}
    for name, other in (("a", "b"), ("b", "a")):
        found = client("GET", f"/Groups/{ids[name]}").said
        assert {one["value"] for one in found["members"]} == {ids[other], ids["u"]}
        [said] = [one for one in answer["Operations"] if one["bulkId"] == name]
        assert said["version"] == found["meta"]["version"]


def test_a_circle_with_a_bad_link_is_not_made(client: Client) -> None:
    one = {"schemas": [GROUP], "displayName": "A", "members": [{"value": "bulkId:b"}]}
    two = {"schemas": [GROUP], "members": [{"value": "bulkId:a"}]}
    operations = [
        {"method": "POST", "path": "/Groups", "bulkId": name, "data": data} for name, data in (("a", one), ("b", two))
    ]
    answer = client("POST", "/Bulk", {"schemas": [BULK], "Operations": operations}, 200).said
    assert [said["status"] for said in answer["Operations"]] == ["409", "400"]
    assert client("GET", "/Groups").said["totalResults"] == 0


def test_bulk_stops_after_so_many_errors_and_keeps_what_was_right(client: Client) -> None:
    taken = client.user("anna")
    again = {"method": "POST", "path": "/Users", "bulkId": "x", "data": {"schemas": [USER], "userName": "anna"}}
    fine = {"method": "POST", "path": "/Users", "bulkId": "y", "data": {"schemas": [USER], "userName": "bob"}}
    patch = {"schemas": [], "Operations": [{"op": "add", "path": "title", "value": "T"}]}
    change = {"method": "PATCH", "path": f"/Users/{taken['id']}", "data": patch, "version": taken["meta"]["version"]}
    body = {"schemas": [BULK], "failOnErrors": 2, "Operations": [again, fine, change, again, fine]}
    answer = client("POST", "/Bulk", body, 200).said
    assert [one["status"] for one in answer["Operations"]] == ["409", "201", "200", "400"]
    assert client("GET", f"/Users/{taken['id']}").said["title"] == "T"


# --- searching ----------------------------------------------------------------------------------------------------


def test_search_by_post_and_at_the_root(client: Client) -> None:
    client.user("anna", displayName="X")
    client.group("X")
    body = {
        "schemas": [SEARCH],
        "filter": 'displayName eq "x"',
        "attributes": ["displayName"],
        "count": 1,
        "cursor": "",
    }
    first = client("POST", "/.search", body, 200).said
    assert (first["totalResults"], first["itemsPerPage"]) == (2, 1)
    second = client("POST", "/.search", {**body, "cursor": first["nextCursor"]}, 200).said
    assert "nextCursor" not in second
    assert {one["id"] for one in first["Resources"]} != {one["id"] for one in second["Resources"]}
    client("POST", "/.search", {**body, "cursor": first["nextCursor"], "count": 2}, 400)
    assert client("POST", "/Users/.search", {"schemas": [SEARCH], "count": 0}, 200).said["Resources"] == []


def test_a_group_is_read_without_its_members(client: Client) -> None:
    group = client.group("G", client.user("anna")["id"])
    assert "members" not in client("GET", f"/Groups/{group['id']}?excludedAttributes=members").said
    found = client("GET", '/Groups?filter=displayName eq "g"&excludedAttributes=members').said
    assert "members" not in found["Resources"][0]
    members_eq = f'/Groups?filter=id eq "{group["id"]}" and members eq "{client.user("b")["id"]}"'
    assert client("GET", members_eq).said["totalResults"] == 0


# --- limits -------------------------------------------------------------------------------------------------------

DEEP: Any = "x"
for _ in range(40):
    DEEP = {"name": DEEP}


@pytest.mark.parametrize(
    ("status", "method", "path", "body"),
    [
        (413, "POST", "/Users", {"schemas": [USER], "userName": "x" * 2_000_000}),
        (400, "POST", "/Users", {"schemas": [USER], "userName": "x" * 600}),
        (400, "POST", "/Users", {"schemas": [USER], "userName": "x", "title": "y" * 70_000}),
        (400, "POST", "/Users", {"schemas": [USER], "userName": "a\0b"}),
        (400, "POST", "/Users", {"schemas": [USER], "userName": "x", "name": DEEP}),
        (400, "POST", "/Users", {"schemas": [USER], "userName": "x", "emails": [{"value": "v"}] * 1001}),
        (
            400,
            "POST",
            "/Groups",
            {"schemas": [GROUP], "displayName": "x", "members": [{"value": str(n)} for n in range(10_001)]},
        ),
        (
            413,
            "PATCH",
            "/Users/x",
            {"schemas": [], "Operations": [{"op": "add", "path": "title", "value": "x"}] * 1001},
        ),
        (400, "GET", "/Users?filter=" + " or ".join(f'userName eq "{n}"' for n in range(1000)), None),
        (400, "GET", "/Users?filter=" + " or ".join(f"id eq {n!r}".replace("'", '"') for n in range(150)), None),
        (400, "GET", "/Users?filter=" + "not (" * 20 + "title pr" + ")" * 20, None),
        (400, "GET", "/Users?filter=title eq", None),
        (400, "GET", '/Users?filter=nothing eq "x"', None),
        (400, "GET", "/Users?cursor=abc", None),
        (400, "GET", "/Users?attributes=a&excludedAttributes=b", None),
        (200, "GET", "/Users?startIndex=99999999999999999999", None),
        (400, "GET", "/Users/a%00b", None),
        (404, "GET", "/Nothing", None),
        (405, "DELETE", "/Users", None),
        (404, "GET", "/Users/a/b/c", None),
        (404, "POST", "/Users/x/y", {}),
    ],
)
def test_too_much_is_a_scim_error(client: Client, status: int, method: str, path: str, body: Any) -> None:
    answer = client(method, path, body)
    assert answer.status_code == status, answer.get_data(as_text=True)[:300]
    assert answer.headers["Content-Type"] == "application/scim+json"
    if status >= 400:
        assert answer.said["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
        assert answer.said["status"] == str(status)
        assert answer.said["detail"]


def test_bodies_that_are_no_json(client: Client) -> None:
    for body, kind, status in (
        (b"{", None, 400),
        (b'{"userName": "\\ud800"}', None, 400),
        (b"x=1", "text/plain", 400),
        (b"", None, 400),
    ):
        answer = client.client.post(f"/scim/v2/{client.tenant.name}/Users", data=body, content_type=kind)
        assert answer.status_code == status
        assert answer.get_json(force=True)["status"] == str(status)
    answer = client.client.post(f"/scim/v2/{client.tenant.name}/Users", data=b"{}", content_type="text/xml")
    assert answer.status_code == 415


def test_bulk_has_its_own_limit(make_client: Make, tenant: Tenant) -> None:
    client = make_client(tenant, limits=Limits(bulk_body=2_000, bulk_operations=3))
    user = {"method": "POST", "path": "/Users", "bulkId": "x", "data": {"schemas": [USER], "userName": "u"}}
    client("POST", "/Bulk", {"schemas": [BULK], "Operations": [user] * 4}, 413)
    client("POST", "/Bulk", {"schemas": [BULK], "Operations": [user] * 40}, 413)


# --- the engine's side --------------------------------------------------------------------------------------------


def test_the_feed_tells_changes_in_order_and_streams(
    client: Client, engine: Engine, tenant: Tenant, monkeypatch: Any
) -> None:
    monkeypatch.setattr(feed, "_PAGE", 3)
    users = [client.user(f"u{n}")["id"] for n in range(10)]
    group = client.group("G", *users)["id"]
    since = feed.newest(engine, tenant.name)
    assert [one.id for one in feed.everybody(engine, tenant.name, "User")] == users
    assert [one for one, kind in feed.members_of(engine, tenant.name, group)] == sorted(users)
    assert list(feed.changes(engine, tenant.name, since)) == []
    client.patch(f"/Groups/{group}", {"op": "remove", "path": f'members[value eq "{users[4]}"]'})
    client("DELETE", f"/Users/{users[2]}")
    client.patch(f"/Users/{users[0]}", {"op": "replace", "path": "active", "value": False})
    found = [(one.id, one.gone, one.active) for one in feed.changes(engine, tenant.name, since)]
    assert found == [(users[4], False, True), (users[2], True, True), (group, False, True), (users[0], False, False)]
    assert feed.groups_of(engine, tenant.name, users[1]) == [group]
    assert [one.id for one in feed.some(engine, tenant.name, [users[2], "nobody"])] == [users[2]]
    with engine.begin() as connection:
        assert feed.forget(connection, tenant.name, text_of(utc_now())) == 1
    assert users[2] not in [one.id for one in feed.changes(engine, tenant.name)]
