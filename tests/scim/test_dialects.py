"""The dialects: each normalisation by values, and that none of them ever does harm."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim.dialects import DIALECTS, Exchange, normalise, same

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
MANAGER = f"{ENTERPRISE}:manager"
MICROSOFT = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"


def patched(dialect: str, *operations: Any, path: str = "/Users/7") -> list[Any]:
    done = normalise(DIALECTS[dialect], Exchange("PATCH", path, body={"Operations": list(operations)}))
    found: list[Any] = done.body["Operations"]
    return found


def sent(dialect: str, body: Any, path: str = "/Users", method: str = "POST") -> Any:
    return normalise(DIALECTS[dialect], Exchange(method, path, body=body)).body


def asked(dialect: str, text: str, path: str = "/Groups") -> str:
    return normalise(DIALECTS[dialect], Exchange("GET", path, {"filter": text})).query["filter"]


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"op": "Replace", "path": "active", "value": "False"}, [{"op": "replace", "path": "active", "value": False}]),
        ({"op": "Replace", "path": "title", "value": "True"}, [{"op": "replace", "path": "title", "value": "True"}]),
        ({"op": "replace", "value": {"active": "TRUE"}}, [{"op": "replace", "value": {"active": True}}]),
        (
            {"op": "Add", "path": 'emails[type eq "work"].Value', "value": "a"},
            [{"op": "add", "path": 'emails[type eq "work"].value', "value": "a"}],
        ),
        (
            {"op": "Add", "path": 'roles[primary eq "True"].value', "value": "a"},
            [{"op": "add", "path": "roles[primary eq true].value", "value": "a"}],
        ),
        ({"op": "Add", "path": MANAGER, "value": "9"}, [{"op": "add", "path": MANAGER, "value": {"value": "9"}}]),
        ({"op": "Add", "path": "manager", "value": "9"}, [{"op": "add", "path": MANAGER, "value": {"value": "9"}}]),
        (
            {"op": "Add", "path": MANAGER, "value": [{"$ref": None, "value": "9"}]},
            [{"op": "add", "path": MANAGER, "value": {"value": "9"}}],
        ),
        ({"op": "Replace", "path": MANAGER, "value": ""}, [{"op": "remove", "path": MANAGER}]),
        ({"op": "Replace", "path": MANAGER, "value": []}, [{"op": "remove", "path": MANAGER}]),
        (
            {"op": "replace", "value": {"displayName": "B", MANAGER: "9"}},
            [
                {"op": "replace", "value": {"displayName": "B"}},
                {"op": "replace", "path": MANAGER, "value": {"value": "9"}},
            ],
        ),
        (
            {"op": "replace", "value": {ENTERPRISE: {"manager": "", "department": "S"}}},
            [
                {"op": "replace", "value": {ENTERPRISE: {"department": "S"}}},
                {"op": "remove", "path": MANAGER},
            ],
        ),
        ({"op": "replace", "value": {MANAGER: ""}}, [{"op": "remove", "path": MANAGER}]),
    ],
)
def test_entra_changes_of_a_person(given: Any, wanted: list[Any]) -> None:
    assert same(patched("entra", given), wanted)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_removal_with_a_value_takes_just_those_members_whatever_else_is_said_of_them(dialect: str) -> None:
    members = [{"value": "a", "display": "old"}, {"value": 'b"c'}]
    assert patched(dialect, {"op": "Remove", "path": "members", "value": members}, path="/Groups/1") == [
        {"op": "remove", "path": 'members[value eq "a"]'},
        {"op": "remove", "path": 'members[value eq "b\\"c"]'},
    ]


@pytest.mark.parametrize("value", [[], [{}], [{"value": ""}], [{"value": 3}], "a", None, [["a"]]])
def test_a_removal_whose_members_cannot_be_read_never_becomes_one_of_others(value: Any) -> None:
    operation = {"op": "remove", "path": "members", "value": value}
    assert all("value" in one for one in patched("entra", operation, path="/Groups/1"))


def test_entra_members_lose_their_empty_reference() -> None:
    operation = {
        "op": "Add",
        "path": "members",
        "value": [{"$ref": None, "Value": "a"}, {"$ref": "/Users/b", "value": "b"}],
    }
    assert patched("entra", operation, path="/Groups/1") == [
        {"op": "add", "path": "members", "value": [{"value": "a"}, {"$ref": "/Users/b", "value": "b"}]}
    ]


def test_entra_members_of_a_whole_group_lose_it_as_well() -> None:
    body = {"schemas": [GROUP], "displayName": "G", "members": [{"$ref": None, "Value": "a"}]}
    assert sent("entra", body, "/Groups/1", "PUT")["members"] == [{"value": "a"}]


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        (1, True, False),
        ([0], [False], False),
        ({"a": 1}, {"a": 1.0}, False),
        ({"a": 1, "b": [None]}, {"b": [None], "a": 1}, True),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ([1], [1, 2], False),
    ],
)
def test_when_two_values_are_the_same(one: Any, other: Any, alike: bool) -> None:
    assert same(one, other) is alike


def test_entra_schemas_that_nobody_declares() -> None:
    assert sent("entra", {"schemas": [GROUP, MICROSOFT], "displayName": "G", MICROSOFT: {"x": 1}}, "/Groups") == {
        "schemas": [GROUP],
        "displayName": "G",
    }
    assert sent("entra", {"schemas": [MICROSOFT]}, "/Groups") == {"schemas": [GROUP]}


@pytest.mark.parametrize(
    ("given", "wanted"),
    [("9", {"manager": {"value": "9"}}), ("", {}), ([{"value": "9"}], {"manager": {"value": "9"}}), (None, {})],
)
def test_entra_managers_in_whole_people(given: Any, wanted: Any) -> None:
    body = {"schemas": [USER], "userName": "a", "active": "True", ENTERPRISE: {"manager": given}}
    assert same(sent("entra", body), {**body, "active": True, ENTERPRISE: wanted})


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ('id eq "1" and members eq "2"', 'id eq "1" and members.value eq "2"'),
        ('id eq "1" and manager eq "2"', f'id eq "1" and {MANAGER}.value eq "2"'),
        ('displayName eq "members eq \\"x\\""', 'displayName eq "members eq \\"x\\""'),
        ('members.value eq "2"', 'members.value eq "2"'),
        (f'{MANAGER} eq "2"', f'{MANAGER} eq "2"'),
        ('members[value eq "2"]', 'members[value eq "2"]'),
        ('active eq "True"', "active eq true"),
        ('userName eq "active eq \\"True\\""', 'userName eq "active eq \\"True\\""'),
    ],
)
def test_entra_filters(given: str, wanted: str) -> None:
    assert asked("entra", given) == wanted
    body = {"filter": given}
    assert sent("entra", body, "/Groups/.search") == {"filter": wanted}


def test_entra_flags_in_the_address_are_not_for_us() -> None:
    done = normalise(DIALECTS["entra"], Exchange("GET", "/Users", {"aadOptscim062020": "", "count": "1"}))
    assert done.query == {"count": "1"}
    assert done.notes == ("Entra's flags dropped from the query",)


def test_okta_renames_a_group_with_its_own_id_only() -> None:
    mine = {"op": "replace", "value": {"id": "7", "displayName": "G"}}
    assert patched("okta", mine, path="/Groups/7") == [{"op": "replace", "value": {"displayName": "G"}}]
    assert patched("okta", mine, path="/Groups/8") == [mine]


def test_onelogin_templates() -> None:
    body = {
        "schemas": ["urn:scim:schemas:core:1.0", "urn:scim:schemas:extension:enterprise:1.0"],
        "id": None,
        "active": "false",
        "urn:scim:schemas:extension:enterprise:1.0": {"manager": {"managerId": "9", "displayName": "B"}},
    }
    assert sent("onelogin", body) == {
        "schemas": [USER, ENTERPRISE],
        "active": False,
        ENTERPRISE: {"manager": {"value": "9", "displayName": "B"}},
    }
    assert sent("onelogin", {"schemas": ["urn:scim:schemas:core:1.0"], "displayName": "G"}, "/Groups")["schemas"] == [
        GROUP
    ]


def test_operations_of_a_bulk_request_are_taken_one_by_one() -> None:
    patch = {"Operations": [{"op": "Replace", "path": "active", "value": "False"}]}
    bulk = {
        "Operations": [
            {"method": "patch", "path": "/Users/1", "data": patch},
            {"method": "DELETE", "path": "/Users/2"},
            3,
        ]
    }
    done = normalise(DIALECTS["entra"], Exchange("POST", "/Bulk", body=bulk))
    first, second, third = done.body["Operations"]
    assert first["data"]["Operations"] == [{"op": "replace", "path": "active", "value": False}]
    assert (second, third) == ({"method": "DELETE", "path": "/Users/2"}, 3)
    assert done.notes == ("operation names in lower case", '"True" and "False" as truth values')


def test_what_was_done_is_noted_and_a_plain_request_has_no_note() -> None:
    plain = {"schemas": [], "Operations": [{"op": "replace", "path": "active", "value": False}]}
    for dialect in DIALECTS.values():
        assert normalise(dialect, Exchange("PATCH", "/Users/1", body=plain)).notes == ()


def test_how_a_patch_is_answered() -> None:
    answers = {name: (one.answer("/Users").value, one.answer("Groups").value) for name, one in DIALECTS.items()}
    assert answers["entra"] == ("resource", "empty")
    assert answers["okta"] == ("resource", "resource")


def test_every_line_has_words_and_a_source() -> None:
    assert all(line.what and len(line.source) > 5 for dialect in DIALECTS.values() for line in dialect.lines)


words = st.sampled_from(
    ["op", "Op", "path", "value", "Value", "$ref", "id", "active", "primary", "members", "manager", "schemas", "Operations",
     "operations", "Remove", "add", "True", "", ENTERPRISE, MANAGER, MICROSOFT, "urn:scim:schemas:core:1.0", "data", "method",
     'emails[type eq "work"].Value', "PATCH", "/Users/1", "managerId"]
)  # fmt: skip
values = st.recursive(
    st.none() | st.booleans() | st.integers() | words | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words | st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)


@given(
    st.sampled_from(list(DIALECTS)),
    st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE"]),
    st.sampled_from(["/", "/Users", "/Users/1", "/Groups/1", "/Bulk", "/Users/.search", "/x//"]),
    st.dictionaries(words, st.text(max_size=20), max_size=2),
    values | st.fixed_dictionaries({"Operations": st.lists(values, max_size=3)}),
)
def test_nothing_that_comes_makes_a_rule_stumble_and_twice_is_as_good_as_once(
    dialect: str, method: str, path: str, query: dict[str, str], body: Any
) -> None:
    once = normalise(DIALECTS[dialect], Exchange(method, path, query, body))
    again = normalise(DIALECTS[dialect], Exchange(method, path, once.query, once.body))
    assert same(again.body, once.body)
    assert again.query == once.query
