"""What is understood without a model is what scim2-models makes of it."""

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scim2_models import Context

from scim.plain import plain_user
from scim.provider import PROVISIONING, build_provider
from scim.storage import dump
from tests.scim_house import ENTERPRISE, USER
from tests.scim_people import people

PROVIDER = build_provider()
ANNA = {"schemas": [USER], "userName": "anna"}


def modelled(body):
    with PROVIDER:
        model = PROVIDER.model_for("User")
        read = model.model_validate_json(orjson.dumps(body), scim_ctx=Context.RESOURCE_CREATION_REQUEST)
        return dump(read, PROVIDER)


def same(body):
    """Whether it is plain; when it is, both say the same, in the same order."""
    plain = plain_user(PROVIDER, body)
    if plain is not None:
        assert orjson.dumps(plain) == orjson.dumps(modelled(body))
    return plain is not None


@settings(max_examples=300, deadline=None)
@given(people, st.sampled_from(["anna", "Anna@x.example", "", "İ"]), st.booleans())
def test_random_people_are_understood_alike(person, name, enterprise):
    body = {**person, "userName": name}
    if not enterprise or not body.get(ENTERPRISE):
        body = {part: value for part, value in body.items() if part != ENTERPRISE} | {"schemas": [USER]}
    try:
        modelled(body)
    except ValueError:
        assert plain_user(PROVIDER, body) is None
        return
    same(body)


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"active": False, "displayName": "Anna", "externalId": "E1", "title": "Boss"},
        {"name": {"givenName": "Anna", "familyName": "Berg", "formatted": "Anna Berg"}},
        {"emails": [{"type": "work", "value": "a@x.example", "primary": True}, {"value": "b@x.example"}]},
        {"schemas": [USER, ENTERPRISE], ENTERPRISE: {"department": "D1", "employeeNumber": "1"}},
        {"schemas": [USER, ENTERPRISE], ENTERPRISE: {"manager": {"value": "m1"}}},
    ],
)
def test_what_identity_providers_send_is_plain(more):
    assert same({**ANNA, **more})


@pytest.mark.parametrize(
    "more",
    [
        {"username": "anna"},
        {"userName": ""},
        {"userName": None},
        {"displayName": None},
        {"displayName": ""},
        {"displayName": 7},
        {"active": "True"},
        {"active": 1},
        {"password": "secret"},
        {"id": "mine"},
        {"meta": {"version": "1"}},
        {"groups": [{"value": "g"}]},
        {"emails": []},
        {"emails": {"value": "a@x.example"}},
        {"emails": [{}]},
        {"emails": [{"value": "a", "primary": True}, {"value": "b", "primary": True}]},
        {"emails": [{"Value": "a@x.example"}]},
        {"name": {}},
        {"unknown": "x"},
        {"profileUrl": "https://a.example"},
        {"x509Certificates": [{"value": "AAEC"}]},
        {"schemas": []},
        {"schemas": [ENTERPRISE]},
        {"schemas": [USER, USER]},
        {"schemas": [USER, ENTERPRISE]},
        {ENTERPRISE: {"department": "D1"}},
        {"schemas": [USER, PROVISIONING], PROVISIONING: {"state": "provisioned"}},
    ],
)
def test_what_needs_judgement_is_left_to_the_models(more):
    assert plain_user(PROVIDER, {**ANNA, **more}) is None


@pytest.mark.parametrize("body", [None, [], "x", 7])
def test_what_is_no_object_is_not_plain(body):
    assert plain_user(PROVIDER, body) is None
