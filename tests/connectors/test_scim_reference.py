"""Source and target against the reference implementation (scim2-server): cursors, ETags, PATCH and bulk as the RFCs have them."""

from __future__ import annotations

import threading
from typing import Any
from wsgiref.simple_server import make_server

import orjson
import pytest
from scim2_models import Pagination
from scim2_server.service import ScimService

from connectors.model import Account, AccountGroup
from connectors.scim.service import Service
from connectors.scim.settings import Access, SourceSettings, TargetSettings
from connectors.scim_source import ScimSource
from connectors.scim_target import ScimTarget
from tests.contracts import PEOPLE, memberships, read_all
from tests.target_contract import Hand

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"


@pytest.fixture(scope="session")
def scim2_server_service(scim2_server_provider):
    """With cursors, which the plugin's own has not."""
    scim2_server_provider.config.pagination = Pagination(cursor=True, index=True)
    return ScimService(scim2_server_provider, secret="a secret of thirty-two characters")


@pytest.fixture(scope="session")
def scim2_server(scim2_server_object):
    """As the plugin's, with its socket closed at the end."""
    handler = scim2_server_object.make_request_handler()
    with make_server("127.0.0.1", scim2_server_object.port, scim2_server_object.app, handler_class=handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield scim2_server_object
        server.shutdown()
        thread.join()


@pytest.fixture
def url(scim2_server) -> Any:
    """The service, with the contract's people and groups in it and nobody else."""
    base = f"http://127.0.0.1:{scim2_server.port}"
    with Service(Access(base)) as service:
        for path in ("/Groups", "/Users"):
            while found := service.get(path, {"count": 100}).body["Resources"]:
                for one in found:
                    service.ask("DELETE", f"{path}/{one['id']}")
        ids = {}
        for person in PEOPLE:
            body = {
                "schemas": [USER],
                "userName": person["email"],
                "displayName": person["display_name"],
                "active": person["active"],
                "emails": [{"value": person["email"], "primary": True}],
            }
            ids[person["external_id"]] = service.ask("POST", "/Users", body=body).body["id"]
        for name in dict.fromkeys(name for person in PEOPLE for name in person["groups"]):
            members = [{"value": ids[p["external_id"]]} for p in PEOPLE if name in p["groups"]]
            service.ask("POST", "/Groups", body={"schemas": [GROUP], "displayName": name, "members": members})
    return base


@pytest.mark.parametrize("paging", ["index", "cursor"])
@pytest.mark.parametrize("page_size", [1, 100])
def test_everyone_is_read_with_their_groups(url, paging, page_size):
    source = ScimSource("scim", SourceSettings(Access(url), page_size=page_size, groups_page_size=1, paging=paging))
    records, certificate = read_all(source)
    assert certificate.certified, certificate.reasons
    people = {r.attributes["email"]: r for r in records if r.kind == "person"}
    assert {e: (r.attributes["display_name"], r.attributes["active"]) for e, r in people.items()} == {
        p["email"]: (p["display_name"], p["active"]) for p in PEOPLE
    }
    groups = memberships(records)
    assert {e: groups[r.external_id] for e, r in people.items()} == {
        p["email"]: tuple(sorted(p["groups"])) for p in PEOPLE
    }


def test_check_says_what_it_can_do(url):
    told = list(ScimSource("scim", SourceSettings(Access(url))).explain())
    assert {one.kind for one in told} == {"fact"}
    assert "PATCH, filter, ETag, bulk" in told[0].sentence
    assert "has 4 users" in " ".join(one.sentence for one in told)


@pytest.mark.parametrize("paging", ["index", "cursor"])
def test_a_life_of_the_account(url, paging):
    hand = Hand(ScimTarget(TargetSettings(Access(url), paging=paging)))
    new = [f"new{n}@example.com" for n in range(12)]
    steps = [hand.step("create_group", display_name="Night")]
    steps += [hand.step("create_user", email=e, display_name=e, groups=("Night", "Field")) for e in new]
    steps += [
        hand.step("rename_group", display_name="Office", new_name="Bureau"),
        hand.step("update_user", "anna@example.com", email="hill@example.com", display_name="Anna Hill"),
        hand.step("add_member", "bob@corp.local", group="Bureau"),
        hand.step("remove_member", "anna@example.com", group="Field"),
    ]
    assert [o.message for o in hand.target.apply(steps) if o.state != "done"] == []
    assert hand.user("hill@example.com").groups == {"Bureau"}
    assert hand.members("Night") == set(new)
    assert hand.members("Bureau") == {"hill@example.com", "bob@corp.local"}
    before = list(hand.target.read())
    assert [o.state for o in ScimTarget(TargetSettings(Access(url))).apply(steps)] == ["done"] * len(steps)
    assert list(hand.target.read()) == before
    *items, certificate = before
    assert certificate.certified
    users = {one.fluix_id: one for one in items if isinstance(one, Account)}
    assert hand.target.get(users) == users
    assert [one for one in items if isinstance(one, AccountGroup)] == list(hand.target.every_group())
    deleted = hand.target.apply([hand.step("delete_user", e) for e in new])
    assert {o.state for o in deleted} == {"done"}
    assert len(hand.users()) == len(PEOPLE)


def test_what_we_create_is_what_its_schema_knows(url):
    hand = Hand(ScimTarget(TargetSettings(Access(url))))
    key = hand.done("create_user", email="new@example.com", display_name="Zoë New", groups=()).fluix_id
    with Service(Access(url)) as service:
        there = service.get(f"/Users/{key}").body
    assert orjson.dumps(there["emails"]) == b'[{"value":"new@example.com","type":"work","primary":true}]'
    assert (there["userName"], there["displayName"], there["active"]) == ("new@example.com", "Zo\u00eb New", True)
