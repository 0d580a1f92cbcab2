"""Random people, filters and parameters for the service provider's property tests."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.scim_house import ENTERPRISE, USER

WORDS = ["Anna", "anna", "Åsa", "a\u030asa", "ÅSA", "bob", "50%", "a_b", "", "x" * 40, "ß", "İ", "zoë", "0", "{}"]
words = st.sampled_from(WORDS)
flags = st.booleans()


def _entry(**more: Any) -> Any:
    optional = {"type": st.sampled_from(["work", "home", "Work", ""]), "display": words, **more}
    return st.fixed_dictionaries({"value": words}, optional=optional)


def _entries(value: Any) -> Any:
    return st.lists(value, min_size=1, max_size=3).map(_one_primary)


def _one_primary(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    seen = False
    for entry in entries:
        if entry.get("primary") and seen:
            entry["primary"] = False
        seen = seen or entry.get("primary", False)
    return entries


people = st.fixed_dictionaries(
    {"schemas": st.just([USER, ENTERPRISE])},
    optional={
        "externalId": words,
        "displayName": words,
        "title": words,
        "active": flags,
        "nickName": words,
        "profileUrl": st.sampled_from(["https://a.example/x", "/y"]),
        "name": st.fixed_dictionaries({}, optional={"givenName": words, "familyName": words}),
        "emails": _entries(_entry(primary=flags)),
        "roles": _entries(_entry(primary=flags)),
        "addresses": st.lists(st.fixed_dictionaries({}, optional={"locality": words, "type": words}), max_size=2),
        "x509Certificates": st.just([{"value": "AAEC"}]),
        ENTERPRISE: st.fixed_dictionaries(
            {},
            optional={
                "employeeNumber": words,
                "department": words,
                "manager": st.fixed_dictionaries(
                    {"value": st.sampled_from(["m 1", "m/2"])}, optional={"displayName": words}
                ),
            },
        ),
    },
)

_SIMPLE = [
    "userName",
    "displayName",
    "title",
    "externalId",
    "name.givenName",
    "name.familyName",
    "emails",
    "emails.value",
]
_SIMPLE += ["emails.type", "roles.display", "addresses.locality", "id", "groups.display", "groups", "meta.resourceType"]
_SIMPLE += [
    f"{ENTERPRISE}:employeeNumber",
    f"{ENTERPRISE}:manager.value",
    f"{USER}:title",
    "profileUrl",
    "schemas",
    "meta.version",
]
_ANY = [*_SIMPLE, "active", "emails.primary", "name", "addresses", "meta.created", "x509Certificates", "meta"]
_said = words.map(lambda word: '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"')

_term = st.one_of(
    st.tuples(
        st.sampled_from(_SIMPLE), st.sampled_from(["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"]), _said
    ).map(" ".join),
    st.tuples(st.sampled_from(_ANY), st.sampled_from(["eq null", "ne null", "pr"])).map(" ".join),
    st.sampled_from(
        ["active eq true", "active ne true", "emails.primary eq false", 'x509Certificates.value eq "AAEC"']
    ),
    st.sampled_from(
        ['meta.created gt "2001-01-01T00:00:00Z"', 'meta.lastModified le "2001-01-01T00:00:00+01:00"', "title gt null"]
    ),
)
_inner = st.one_of(
    st.tuples(
        st.sampled_from(["value", "type", "display"]), st.sampled_from(["eq", "ne", "co", "sw", "lt"]), _said
    ).map(" ".join),
    st.tuples(
        st.sampled_from(["value", "type", "display", "primary"]), st.sampled_from(["pr", "eq null", "ne null"])
    ).map(" ".join),
    st.just("primary eq true"),
)


def _joined(term: Any) -> Any:
    return st.recursive(
        term,
        lambda part: st.one_of(
            st.tuples(part, st.sampled_from([" and ", " or "]), part).map(lambda t: f"({t[0]}){t[1]}({t[2]})"),
            part.map(lambda one: f"not ({one})"),
        ),
        max_leaves=4,
    )


_path = st.tuples(st.sampled_from(["emails", "roles"]), _joined(_inner)).map(lambda t: f"{t[0]}[{t[1]}]")
filters = _joined(st.one_of(_term, _path))
sorts = st.sampled_from(
    [one for one in _ANY if one not in {"name", "addresses", "x509Certificates", "meta", "schemas"}]
)
chosen = st.lists(
    st.sampled_from(
        [
            *_ANY,
            "ID",
            "userName.x",
            ENTERPRISE,
            USER,
            "employeeNumber",
            f"{ENTERPRISE}:manager",
            "members",
            "meta.location",
        ]
    ),
    min_size=1,
    max_size=3,
).map(",".join)
