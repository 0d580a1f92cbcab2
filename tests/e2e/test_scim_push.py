"""An identity provider pushes people by SCIM: they get their accounts, lose them as safely as all others, and it can read why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from connectors.fluix.account import EmbeddedAccount
from scim import feed
from syncd.approving import approve
from syncd.core.report import Report
from syncd.pushed import PushedSource
from syncd.run import apply_plan, run
from syncd.sync import Request
from syncd.web.app import web_app
from tests.e2e.test_serve import serving, until
from tests.house import House

PROVISIONING = "urn:fluix-syncd:scim:schemas:extension:provisioning:1.0:User"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


@dataclass
class Pushing:
    """An identity provider, and the company that it pushes to."""

    house: House
    client: FlaskClient
    token: str

    def call(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"}
        return self.client.open(f"/scim/v2/acme{path}", method=method, json=body, headers=headers)

    def hire(self, name: str, **more: Any) -> str:
        email = f"{name}@example.com"
        body = {"schemas": [USER], "userName": email, "displayName": name.title(), "active": True}
        answer = self.call("POST", "/Users", {**body, "emails": [{"value": email, "primary": True}], **more})
        assert answer.status_code == 201, answer.json
        return str(answer.json["id"])

    def group(self, name: str, *members: str) -> str:
        body = {"schemas": [GROUP], "displayName": name, "members": [{"value": one} for one in members]}
        answer = self.call("POST", "/Groups", body)
        assert answer.status_code == 201, answer.json
        return str(answer.json["id"])

    def patch(self, path: str, *operations: dict[str, Any]) -> Any:
        answer = self.call("PATCH", path, {"schemas": [PATCH], "Operations": list(operations)})
        assert answer.status_code in {200, 204}, answer.json
        return answer

    def deactivate(self, user: str) -> None:
        self.patch(f"/Users/{user}", {"op": "replace", "path": "active", "value": False})

    def told(self, user: str) -> tuple[str, str]:
        """State and reason, as the identity provider reads them."""
        extension = self.call("GET", f"/Users/{user}").json.get(PROVISIONING, {})
        return extension.get("state", ""), extension.get("reason", "")

    def run(self) -> Report:
        return run(self.house.app().sync(), Request("run"))

    @property
    def account(self) -> EmbeddedAccount:
        made = self.house.app().target()
        assert isinstance(made, EmbeddedAccount)
        return made

    def users(self) -> dict[str, set[str]]:
        return {one["email"]: set(one.get("groups", ())) for one in self.account.dump()["users"]}


@pytest.fixture
def push(house: House, call: Callable[..., Any]) -> Callable[..., Pushing]:
    def make(**source: Any) -> Pushing:
        house.configure(
            sources=[{"name": "acme", "type": "scim_push", **source}],
            leavers={"grace_days": 7, "certified_absences": 1},
            shrink={"max_percent": 100},
            budgets={"run": {"delete": None}},
        )
        made = call("token", "create", "--tenant", "acme", "--json")
        return Pushing(house, web_app(house.app()).test_client(), made.json["token"])

    return make


def test_whoever_is_pushed_gets_an_account_and_the_provider_reads_it(push: Callable[..., Pushing]) -> None:
    idp = push()
    anna = idp.hire("anna")
    assert idp.told(anna) == ("", "")
    idp.run()
    assert idp.users() == {"anna@example.com": set()}
    extension = idp.call("GET", f"/Users/{anna}").json[PROVISIONING]
    assert extension == {
        "state": "provisioned",
        "fluixId": idp.account.find(["anna@example.com"]).popitem()[0],
        "invitation": "sent",
    }


def test_pain_11_entras_removal_of_one_member_does_not_empty_the_group(push: Callable[..., Pushing]) -> None:
    """azure-docs#30826: `Remove` at `members` with a value, read literally, takes everybody out."""
    idp = push(dialect="entra")
    anna, bob, carl = (idp.hire(name) for name in ("anna", "bob", "carl"))
    field = idp.group("Field", anna, bob, carl)
    idp.run()
    removed = {"op": "Remove", "path": "members", "value": [{"$ref": None, "value": anna}]}
    idp.patch(f"/Groups/{field}", removed)
    idp.run()
    assert [name for name, groups in sorted(idp.users().items()) if groups] == ["bob@example.com", "carl@example.com"]


def test_a_retried_post_is_not_a_second_user(push: Callable[..., Pushing]) -> None:
    idp = push()
    idp.hire("anna")
    body = {"schemas": [USER], "userName": "Anna@example.com", "emails": [{"value": "anna@example.com"}]}
    assert idp.call("POST", "/Users", body).status_code == 409
    assert idp.run().plan.counts() == {"create_user": 1}


def test_groups_are_pushed_changed_renamed_and_deleted(push: Callable[..., Pushing]) -> None:
    idp = push()
    anna, bob = idp.hire("anna"), idp.hire("bob")
    field = idp.group("Field", anna)
    idp.group("Everybody", field, bob)
    idp.run()
    assert idp.users() == {"anna@example.com": {"Field", "Everybody"}, "bob@example.com": {"Everybody"}}
    idp.patch(f"/Groups/{field}", {"op": "add", "path": "members", "value": [{"value": bob}]})
    idp.patch(f"/Groups/{field}", {"op": "replace", "value": {"displayName": "Yard"}})
    idp.run()
    assert idp.users()["bob@example.com"] == {"Yard", "Everybody"}
    idp.patch(f"/Groups/{field}", {"op": "remove", "path": f'members[value eq "{anna}"]'})
    idp.run()
    assert idp.users()["anna@example.com"] == set(), "through Yard she was in Everybody as well"
    assert idp.call("DELETE", f"/Groups/{field}").status_code == 204
    idp.run()
    assert idp.users() == {"anna@example.com": set(), "bob@example.com": {"Everybody"}}


@pytest.mark.parametrize("deleted", [False, True], ids=["inactive", "deleted"])
def test_who_leaves_waits_as_everybody_does(push: Callable[..., Pushing], deleted: bool) -> None:
    idp = push()
    anna = idp.hire("anna")
    idp.hire("bob")
    idp.run()
    if deleted:
        assert idp.call("DELETE", f"/Users/{anna}").status_code == 204
        assert idp.call("GET", f"/Users/{anna}").status_code == 404
    else:
        idp.deactivate(anna)
    assert idp.run().plan.changes == ()
    assert set(idp.users()) == {"anna@example.com", "bob@example.com"}
    if not deleted:
        state, reason = idp.told(anna)
        assert (state, "the account waits until" in reason) == ("leaving", True)
    idp.house.clock.advance(days=8)
    assert idp.run().plan.counts() == {"delete_user": 1}
    assert set(idp.users()) == {"bob@example.com"}
    if not deleted:
        assert idp.told(anna) == ("deprovisioned", "")


def test_who_is_deleted_and_pushed_again_in_time_keeps_the_account_and_the_id(push: Callable[..., Pushing]) -> None:
    idp = push()
    anna = idp.hire("anna")
    idp.run()
    (before,) = idp.account.find(["anna@example.com"])
    idp.call("DELETE", f"/Users/{anna}")
    idp.run()
    assert idp.hire("anna") == anna
    idp.house.clock.advance(days=30)
    assert idp.run().plan.changes == ()
    assert list(idp.account.find(["anna@example.com"])) == [before]


def test_what_is_held_is_told_with_its_reason_until_a_person_says_yes(push: Callable[..., Pushing]) -> None:
    idp = push()
    anna = idp.hire("anna")
    idp.hire("bob")
    idp.run()
    copy = {"users": [{"email": f"{name}@example.com", "name": name, "role": "admin"} for name in ("anna", "bob")]}
    idp.account.load(copy)
    idp.deactivate(anna)
    idp.house.clock.advance(days=1)
    idp.run()
    idp.house.clock.advance(days=8)
    report = idp.run()
    state, reason = idp.told(anna)
    assert state == "held"
    assert "holds the admin role" in reason
    app = idp.house.app()
    approve(app.store, report.plan_id, approver="ida", comment="yes", now=app.clock(), lasts=timedelta(hours=1))
    apply_plan(app.sync(), report.plan_id)
    idp.run()
    assert set(idp.users()) == {"bob@example.com"}
    assert idp.told(anna)[0] in {"deprovisioned", "excluded"}


def test_a_user_who_cannot_be_understood_holds_up_nobody_else(push: Callable[..., Pushing]) -> None:
    idp = push()
    anna, bob = idp.hire("anna"), idp.hire("bob")
    idp.run()
    idp.patch(
        f"/Users/{anna}", {"op": "replace", "path": "emails", "value": [{"value": "no address", "primary": True}]}
    )
    idp.patch(f"/Users/{bob}", {"op": "replace", "path": "displayName", "value": "Robert"})
    report = idp.run()
    assert report.plan.counts() == {"update_user": 1}
    assert all(source.certified for source in report.sources)
    assert idp.told(anna)[0] == "undecided"
    assert set(idp.users()) == {"anna@example.com", "bob@example.com"}
    idp.call("DELETE", f"/Users/{bob}")
    idp.house.clock.advance(days=1)
    idp.run()
    idp.house.clock.advance(days=8)
    assert idp.run().plan.counts() == {"delete_user": 1}, "another's bad address is no reason to doubt a deletion"


def test_a_tenant_that_would_rather_refuse_answers_with_the_reason(push: Callable[..., Pushing]) -> None:
    idp = push(deletes="refuse")
    anna, bob = idp.hire("anna"), idp.hire("bob")
    idp.run()
    idp.account.load({"users": [{"email": "anna@example.com", "name": "Anna", "role": "admin"}]})
    answer = idp.call("DELETE", f"/Users/{anna}")
    assert answer.status_code == 409
    assert "anna@example.com holds the admin role" in answer.json["detail"]
    off = {"schemas": [PATCH], "Operations": [{"op": "replace", "path": "active", "value": False}]}
    answer = idp.call("PATCH", f"/Users/{anna}", off)
    assert (answer.status_code, "holds the admin role" in answer.json["detail"]) == (409, True)
    assert idp.call("GET", f"/Users/{anna}").json["active"] is True
    assert idp.call("DELETE", f"/Users/{bob}").status_code == 204


def test_a_push_reads_who_was_pushed_and_not_everybody(
    push: Callable[..., Pushing], monkeypatch: pytest.MonkeyPatch
) -> None:
    idp = push()
    anna, bob, carl = (idp.hire(name) for name in ("anna", "bob", "carl"))
    field = idp.group("Field", anna, bob)
    idp.group("Everybody", field)
    idp.run()
    with monkeypatch.context() as patch:
        patch.setattr(PushedSource, "read", lambda *_: pytest.fail("everybody was read"))
        idp.patch(f"/Groups/{field}", {"op": "add", "path": "members", "value": [{"value": carl}]})
        idp.call("DELETE", f"/Users/{bob}")
        idp.hire("dora")
        idp.run()
    assert idp.users()["carl@example.com"] == {"Field", "Everybody"}
    assert run(idp.house.app().sync(), Request("run", full=True)).plan.changes == ()


def test_what_was_told_before_is_not_written_again(push: Callable[..., Pushing]) -> None:
    """Else each run would announce a change, and the next run would follow at once, for ever."""
    idp = push()
    anna = idp.hire("anna")
    idp.run()
    idp.deactivate(anna)
    idp.run()
    store = idp.house.app().store
    before, seen = feed.newest(store, "acme"), idp.call("GET", f"/Users/{anna}").headers["ETag"]
    idp.run()
    assert feed.newest(store, "acme") == before
    assert idp.call("GET", f"/Users/{anna}").headers["ETag"] == seen


def test_the_doctors_people_are_nobody(push: Callable[..., Pushing]) -> None:
    idp = push()
    idp.hire("real")
    body = {"schemas": [USER], "userName": "doctor@example.invalid", "emails": [{"value": "doctor@example.invalid"}]}
    assert idp.call("POST", "/Users", body).status_code == 201
    idp.run()
    assert set(idp.users()) == {"real@example.com"}


def test_events_are_written_with_the_change(push: Callable[..., Pushing]) -> None:
    idp = push(events={"audience": "https://receiver.example.com"})
    anna = idp.hire("anna")
    idp.deactivate(anna)
    polled = idp.call("POST", "/events/poll", {"maxEvents": 10, "returnImmediately": True})
    assert polled.status_code == 200, polled.json
    assert len(polled.json["sets"]) >= 2


def test_a_push_reaches_the_account_by_itself(push: Callable[..., Pushing]) -> None:
    import httpx

    idp = push()
    idp.house.configure(serve={"listen": "127.0.0.1:0", "workers": 1}, schedule={"every": "60s"})
    with serving(idp.house) as daemon:
        until(daemon.well)
        headers = {"Authorization": f"Bearer {idp.token}"}
        body = {"schemas": [USER], "userName": "anna@example.com", "emails": [{"value": "anna@example.com"}]}
        made = httpx.post(f"{daemon.url}/scim/v2/acme/Users", json=body, headers=headers).json()

        def state() -> Any:
            read = httpx.get(f"{daemon.url}/scim/v2/acme/Users/{made['id']}", headers=headers)
            return read.json().get(PROVISIONING, {}).get("state")

        until(lambda: state() == "provisioned")
    assert set(idp.users()) == {"anna@example.com"}
