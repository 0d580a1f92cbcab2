"""The target against an endpoint that loses answers, changes meanwhile, asks for pauses, and lacks what is optional."""

from __future__ import annotations

import pytest

from connectors.errors import ConnectorError
from connectors.model import Account, Certificate
from connectors.scim.settings import TargetSettings
from connectors.scim_target import ScimTarget
from tests.scim_services import Given, access, error, group, our_service, user
from tests.target_contract import Hand

ETAGS = {"patch": {"supported": True}, "filter": {"supported": True}, "etag": {"supported": True}}


@pytest.fixture
def service():
    with our_service(config={"patch": {"supported": True}, "filter": {"supported": True}}) as running:
        running.seed(
            [user("E1", "anna@example.com", "Anna"), user("E2", "bob@example.com", "Bob")],
            [group("G1", "Field", ["E1"])],
        )
        yield running


def target(service, **more):
    return ScimTarget(TargetSettings(access(service.url, tries=2), **more), sleep=lambda _: None)


def losing(method, path, times=1):
    """The request arrives and is done; its answer does not come back."""
    left = [times]

    def after(asked, given):
        if asked.method == method and asked.path.startswith(path) and left[0]:
            left[0] -= 1
            return Given(given.status, given.body, cut=0)
        return given

    return after


VERBS = [
    ("POST", "/Users", "create_user", None, {"email": "new@example.com", "display_name": "New", "groups": ("Field",)}),
    ("POST", "/Groups", "create_group", None, {"display_name": "Office"}),
    ("PATCH", "/Groups", "rename_group", None, {"display_name": "Field", "new_name": "Fields"}),
    ("PATCH", "/Users", "update_user", "E1", {"email": "hill@example.com", "display_name": "Anna Hill"}),
    ("PATCH", "/Groups", "add_member", "E2", {"group": "Field"}),
    ("PATCH", "/Groups", "remove_member", "E1", {"group": "Field"}),
    ("DELETE", "/Users", "delete_user", "E1", {}),
]


@pytest.mark.parametrize("case", VERBS, ids=[case[2] for case in VERBS])
def test_a_lost_answer_does_nothing_twice(service, case):
    method, path, verb, who, values = case
    whole = our_state(service, verb, who, values)
    service.after = losing(method, path)
    hand = Hand(target(service))
    assert hand.done(verb, who, **values).state == "done"
    assert state(service) == whole


def our_state(service, verb, who, values):
    """What the same step leaves behind where every answer comes back."""
    with our_service(config=service.config) as other:
        other.seed(list(service.users.values()), list(service.groups.values()))
        Hand(target(other)).done(verb, who, **values)
        return state(other)


def state(service):
    names = {key: one["userName"] for key, one in service.users.items()}
    return (
        sorted((one["userName"], one["displayName"], str(one["emails"])) for one in service.users.values()),
        sorted(
            (g["displayName"], sorted(names[m["value"]] for m in g.get("members", []))) for g in service.groups.values()
        ),
    )


def test_a_creation_whose_answers_never_come_is_found_by_the_next_process(service):
    service.after = losing("POST", "/Users", times=9)
    hand = Hand(target(service))
    step = hand.step("create_user", email="new@example.com", display_name="New", groups=())
    assert [o.state for o in hand.target.apply([step])] == ["done"]
    assert [o.state for o in target(service).apply([step])] == ["done"]
    assert len(service.users) == 3


def test_the_owner_of_a_taken_name_is_not_adopted(service):
    service.users["E9"] = {**user("E9", "new@example.com", "Somebody else"), "meta": {}}
    assert "already exists" in Hand(target(service)).refused(
        "create_user", email="new@example.com", display_name="New", groups=()
    )


def test_what_changed_between_reading_and_writing_is_read_again(service):
    service.config = ETAGS
    moved = [0]

    def before(asked):
        if asked.method == "PATCH" and asked.path == "/Users/E1" and moved[0] < 2:
            moved[0] += 1
            service.put({**service.users["E1"], "title": f"Changed {moved[0]}"})

    service.before = before
    Hand(target(service)).done("update_user", "E1", display_name="Anna Hill")
    assert (service.users["E1"]["displayName"], service.users["E1"]["title"]) == ("Anna Hill", "Changed 2")
    assert all("if-match" in asked.headers for asked in service.asked if asked.method == "PATCH")


def test_what_changes_all_the_time_fails_and_changes_nothing(service):
    service.config = ETAGS
    service.before = lambda asked: service.put({**service.users["E1"]}) if asked.method == "PATCH" else None
    outcome = Hand(target(service)).do("update_user", "E1", display_name="Anna Hill")
    assert outcome.state == "failed"
    assert service.users["E1"]["displayName"] == "Anna"


def test_by_put_everything_else_of_the_resource_stays(service):
    service.config = {"filter": {"supported": True}}
    service.users["E1"] |= {
        "title": "Lead",
        "emails": [{"value": "home@example.com", "type": "home"}, {"value": "anna@example.com", "primary": True}],
    }
    Hand(target(service)).done("update_user", "E1", email="hill@example.com")
    now = service.users["E1"]
    assert (now["userName"], now["title"]) == ("hill@example.com", "Lead")
    assert now["emails"] == [
        {"value": "home@example.com", "type": "home"},
        {"value": "hill@example.com", "primary": True},
    ]
    assert not service.paths("PATCH")


def test_members_of_one_group_go_together(service):
    service.seed([user(f"E{n}", f"e{n}@example.com", f"P {n}") for n in range(50)], [group("G1", "Field", [])])
    hand = Hand(target(service))
    outcomes = hand.target.apply([hand.step("add_member", f"E{n}", group="Field") for n in range(50)])
    assert {o.state for o in outcomes} == {"done"}
    assert len(service.paths("PATCH")) == 1
    assert len(hand.members("Field")) == 50


def test_one_member_that_is_refused_does_not_keep_the_others_out(service):
    def before(asked):
        if asked.method == "PATCH" and any(one["value"] == "E2" for one in asked.body["Operations"][0]["value"]):
            return error(400, "not this one", "invalidValue")
        return None

    service.put(user("E3", "eve@example.com", "Eve"))
    service.before = before
    hand = Hand(target(service))
    outcomes = hand.target.apply([hand.step("add_member", who, group="Field") for who in ("E2", "E3")])
    assert [o.state for o in outcomes] == ["failed", "done"]
    assert "invalidValue" in outcomes[0].message


def test_two_groups_of_one_name_are_a_question(service):
    service.put(group("G2", "field", []))
    assert "2 groups" in Hand(target(service)).refused("add_member", "E2", group="Field")


def test_a_pause_that_is_asked_for_is_kept(service):
    asked = [0]

    def before(one):
        asked[0] += one.method == "PATCH"
        return Given(429, headers={"retry-after": "3"}) if one.method == "PATCH" and asked[0] == 1 else None

    waits = []
    service.before = before
    made = ScimTarget(TargetSettings(access(service.url)), sleep=waits.append)
    Hand(made).done("add_member", "E2", group="Field")
    assert waits == [3.0]


def test_who_is_created_by_bulk_and_not_named_in_the_answer_is_looked_for(service):
    service.config = {**service.config, "bulk": {"supported": True, "maxOperations": 20, "maxPayloadSize": 100_000}}

    def bulk(asked):
        if asked.path != "/Bulk":
            return None
        made = []
        for number, operation in enumerate(asked.body["Operations"]):
            if number % 3 == 0:
                made.append({"bulkId": operation["bulkId"], "status": "409", "location": f"{service.url}/Users/E1"})
                continue
            given = service._create(service.users, operation["data"])
            if number % 3 == 1:
                made.append(
                    {
                        "bulkId": operation["bulkId"],
                        "status": "201",
                        "location": f"{service.url}/Users/{given.body['id']}",
                    }
                )
        return Given(200, {"Operations": made})

    service.before = bulk
    hand = Hand(target(service))
    outcomes = hand.target.apply(
        [hand.step("create_user", email=f"n{n}@example.com", display_name=f"N {n}", groups=()) for n in range(40)]
    )
    assert {o.state for o in outcomes} == {"done"}
    assert len(service.users) == 42
    assert {o.fluix_id for o in outcomes} == service.users.keys() - {"E1", "E2"}


def test_half_of_the_groups_is_not_certified(service):
    service.put(*(group(f"X{n}", f"Team {n}", []) for n in range(5)))
    service.after = lambda asked, given: _short(asked, given, "/Groups")
    made = target(service, page_size=2)
    *_, certificate = made.read()
    assert not certificate.certified
    with pytest.raises(ConnectorError, match="read whole"):
        made.every_group()


def test_half_an_account_is_not_certified(service):
    service.users |= {f"X{n}": {**user(f"X{n}", f"x{n}@example.com", "X"), "meta": {}} for n in range(5)}
    service.after = _short
    *_, certificate = target(service, page_size=2).read()
    assert isinstance(certificate, Certificate)
    assert not certificate.certified


def _short(asked, given, path="/Users"):
    if asked.path == path and int(asked.query.get("startIndex", 1)) > 4:
        given.body["Resources"] = []
    return given


def test_an_address_is_the_user_name_where_that_is_one_else_the_primary_email(service):
    service.put({"id": "E3", "userName": "eve", "displayName": "Eve", "emails": [{"value": "eve@example.com"}]})
    service.put({"id": "E4", "userName": "robot", "displayName": "R"})
    users = {one.fluix_id: one.email for one in target(service).read() if isinstance(one, Account)}
    assert users == {"E1": "anna@example.com", "E2": "bob@example.com", "E3": "eve@example.com", "E4": "robot"}
    assert set(target(service).find(["EVE@example.com"])) == {"E3"}


def test_check_names_what_is_missing(service):
    assert list(target(service).check()) == []
    service.config = {}
    (said,) = target(service).check()
    assert "filters" in said
    service.before = lambda _: error(401, "no")
    assert "token" in next(iter(target(service).check()))


def test_an_endpoint_that_fails_raises_and_the_same_steps_can_be_repeated(service):
    hand = Hand(target(service))
    step = hand.step("add_member", "E2", group="Field")
    service.before = lambda asked: error(500, "no") if asked.method == "PATCH" else None
    with pytest.raises(ConnectorError):
        hand.target.apply([step])
    service.before = None
    assert [o.state for o in hand.target.apply([step])] == ["done"]
