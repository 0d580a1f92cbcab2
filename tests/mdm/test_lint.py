"""Lint names everything at once, with line, key and cure; merge mends the email and keeps every key."""

from __future__ import annotations

from datetime import datetime
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdm.errors import MdmError
from mdm.lint import lint
from mdm.merge import merge
from mdm.model import EMAIL_KEY, same
from mdm.plist import fragment, full_plist
from mdm.reading import read
from mdm.strict import MAX_NODES
from mdm.vendors import VENDORS, choose
from tests.bench.mdm import hostile

DAY = datetime(2026, 1, 1)  # noqa: DTZ001 - property lists know UTC only


def checks(settings, vendor: str | None = None, *, whole: bool = False, token: str = "") -> dict[str, str]:
    content = full_plist(settings) if whole else fragment(settings)
    found = lint(content, "f.xml", VENDORS[vendor] if vendor else None, token)
    return {finding.check: finding.message for finding in found}


@pytest.mark.parametrize(
    ("settings", "vendor", "check", "message"),
    [
        ({}, None, "key_missing", "there is no key com.fluix.mdm.userEmail"),
        ({"com.fluix.mdm.useremail": "$EMAIL"}, None, "key_case", "upper and lower case"),
        ({"userEmail": "$EMAIL"}, None, "key_case", '"userEmail" is not com.fluix.mdm.userEmail'),
        ({"configuration": {EMAIL_KEY: "$EMAIL"}}, None, "wrapper", 'below a key "configuration"'),
        ({"Configuration": {EMAIL_KEY: "$EMAIL"}}, None, "wrapper", 'below a key "Configuration"'),
        ({"PayloadType": "Configuration", "PayloadContent": []}, None, "profile", "no payload of a profile carries"),
        ({"Command": {"RequestType": "Settings"}}, None, "command", "a whole MDM command"),
        ({EMAIL_KEY: 1}, None, "email_type", "is written as integer"),
        ({EMAIL_KEY: ["a@x.example"]}, None, "email_type", "is written as array"),
        ({EMAIL_KEY: " "}, None, "email_empty", "the email is empty"),
        ({EMAIL_KEY: "anna"}, None, "email_wrong", "there is no @"),
        ({EMAIL_KEY: "anna@x.example"}, "intune", "literal", "everybody who gets this file gets it"),
        ({EMAIL_KEY: "$PASSWORD$@x.example"}, None, "token_like", "looks like a variable"),
        ({EMAIL_KEY: "$PASSWORD$"}, "ivanti_epmm", "token_like", "not like Ivanti EPMM's"),
        (
            {EMAIL_KEY: "$EMAIL"},
            "intune",
            "foreign_token",
            "the variable of Jamf Pro, Kandji (Iru), and not of Microsoft Intune",
        ),
        ({EMAIL_KEY: "$EMAIL"}, None, "token", "the variable of Jamf Pro, Kandji (Iru)"),
        ({EMAIL_KEY: "$OWNEREMAIL"}, "meraki", "token_unverified", "is not verified"),
        ({EMAIL_KEY: "{{mail}}", "a": "%serial%"}, "intune", "foreign_token", "leaves it as it is"),
        ({EMAIL_KEY: "{{mail}}", "a": [DAY]}, "intune", "type", "takes no date"),
        ({EMAIL_KEY: "{{mail}}", "a": {"b": b"c"}}, "intune", "type", "takes no data"),
        ({EMAIL_KEY: "${userEmailAddress}", "a": []}, "ivanti_neurons", "type", "takes no array"),
        ({EMAIL_KEY: "$EMAIL$"}, "ivanti_epmm", "form", "takes a whole property list"),
        ({EMAIL_KEY: "{{mail}}", "a": "b\u200bc"}, "intune", "text", "ZERO WIDTH SPACE"),
        ({EMAIL_KEY: "{{mail}}", "a\u202e": 1}, "intune", "text", "RIGHT-TO-LEFT OVERRIDE"),
    ],
)
def test_each_mistake_is_named(settings, vendor: str | None, check: str, message: str) -> None:
    assert message in checks(settings, vendor)[check]


@pytest.mark.parametrize(
    ("vendor", "whole"),
    [("intune", False), ("jamf_pro", False), ("ivanti_epmm", True), ("fleet", True), ("fleet", False)],
)
def test_a_right_file_has_no_finding(vendor: str, whole: bool) -> None:
    token = choose(vendor).token
    assert checks({EMAIL_KEY: token, "server": "https://x.example", "limit": 5}, vendor, whole=whole) == {}


def test_the_box_that_takes_a_fragment_gets_no_whole_property_list() -> None:
    assert "takes the bare <dict>" in checks({EMAIL_KEY: "{{mail}}"}, "intune", whole=True)["form"]


def test_another_variable_that_stands_for_the_email_and_one_that_the_operator_gave() -> None:
    assert checks({EMAIL_KEY: "{{userprincipalname}}"}, "intune") == {}
    assert checks({EMAIL_KEY: "{{other}}"}, "intune", token="{{other}}") == {}


def test_everything_is_found_at_once_with_lines() -> None:
    content = b"<dict>\n<key>configuration</key><dict/>\n<key>Com.Fluix.Mdm.UserEmail</key><string>x</string>\n<key>d</key>\n<data>YQ==</data></dict>"
    found = lint(content, "f.xml", VENDORS["intune"])
    assert [(one.check, one.where) for one in found] == [
        ("wrapper", "f.xml:2"),
        ("key_case", "f.xml:3"),
        ("type", "f.xml:5"),
    ]


ADMIN = {
    "server": "https://x.example",
    "limits": {"a": [1, 2.5, True]},
    "moment": DAY,
    "cert": b"\0\1",
}


def test_merge_adds_the_email_and_keeps_every_key() -> None:
    done = merge(full_plist(ADMIN), "f.plist", choose("ivanti_epmm"))
    assert same(read(done.content).settings, {**ADMIN, EMAIL_KEY: "$EMAIL$"})
    assert not read(done.content).fragment
    assert {one.key: one.what for one in done.differences} == {EMAIL_KEY: "added", **dict.fromkeys(ADMIN, "kept")}
    assert lint(done.content, "f.plist", VENDORS["ivanti_epmm"]) == []


@pytest.mark.parametrize("before", ["$EMAIL", "anna@x.example", "", "$PASSWORD$@x", 5, ["a"]])
def test_merge_mends_whatever_stood_at_the_email(before) -> None:
    done = merge(fragment({"a": 1, EMAIL_KEY: before}), "f.xml", choose("intune"))
    assert same(read(done.content).settings, {"a": 1, EMAIL_KEY: "{{mail}}"})
    assert read(done.content).fragment
    changed = next(one for one in done.differences if one.key == EMAIL_KEY)
    assert (changed.what, changed.before, changed.after) == ("changed", before, "{{mail}}")


@pytest.mark.parametrize(
    ("settings", "vendor", "what"),
    [
        ({"configuration": {}}, "intune", "below a key"),
        ({"PayloadContent": [], "PayloadType": "x"}, "intune", "which cannot work"),
        ({"useremail": "x"}, "intune", "is not com.fluix.mdm.userEmail"),
        ({"a": b"x"}, "intune", "takes no data"),
        ({"a": 1}, "nanomdm", "replaces no variables"),
    ],
)
def test_merge_refuses_what_it_cannot_mend(settings, vendor: str, what: str) -> None:
    with pytest.raises(MdmError, match=what):
        merge(fragment(settings), "f.xml", choose(vendor))


def test_merge_refuses_a_value_that_would_come_back_as_another() -> None:
    with pytest.raises(MdmError, match="carriage return"):
        merge(b"<dict><key>a</key><string>x&#13;y</string></dict>", "f.xml", choose("intune"))


def test_merge_keeps_a_joiner_in_the_admins_own_text_and_says_so() -> None:
    done = merge(fragment({"name": "می\u200cخواهم"}), "f.xml", choose("intune"))
    assert read(done.content).settings["name"] == "می\u200cخواهم"
    assert [one.check for one in done.findings] == ["text"]


def as_an_admin_would(settings) -> bytes:
    """Not by our own writer, which refuses some of it."""
    values = (
        f"<{'true' if value else 'false'}/>"
        if isinstance(value, bool)
        else f"<integer>{value}</integer>"
        if isinstance(value, int)
        else f"<string>{escape(value, {chr(13): '&#13;'})}</string>"
        for value in settings.values()
    )
    return "".join(
        ["<dict>", *(f"<key>{key}</key>{value}" for key, value in zip(settings, values, strict=True)), "</dict>"]
    ).encode()


@given(
    st.dictionaries(
        st.text("abcKey.", min_size=1, max_size=8),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=9)
        | st.sampled_from(["a\rb", "{{x}}", " a "])
        | st.integers(-9, 9)
        | st.booleans(),
        max_size=6,
    )
)
def test_merge_never_drops_or_changes_a_key(settings) -> None:
    content = as_an_admin_would(settings)
    try:
        there = read(content).settings
        done = merge(content, "f.xml", choose("jamf_pro"))
    except MdmError:
        return
    assert same(there, settings)
    assert same(read(done.content).settings, {**settings, EMAIL_KEY: "$EMAIL"})


@pytest.mark.parametrize("name", hostile())
def test_the_dearest_files_of_64_kib_are_answered(name: str) -> None:
    """Each would take many seconds if anything here looked at it again and again; how long it takes, `make bench` says."""
    found = lint(hostile()[name], "f.xml", VENDORS["intune"])
    assert len(found) <= 4 * MAX_NODES
    assert all(len(one.message) < 1000 for one in found)
