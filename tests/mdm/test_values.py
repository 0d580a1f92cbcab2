"""What may stand in a config, and what is refused with a clear reason; nothing is ever rewritten."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdm.errors import MdmError
from mdm.model import EMAIL_KEY, AppConfig, value_problem
from mdm.values import bundle_id_problem, email_problem, literal_problem, text_problem, token_in
from mdm.vendors import VENDORS

VISIBLE_FORMAT = "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"


@pytest.mark.parametrize(
    "email",
    [
        "anna@example.com",
        "o'brien+field@example.com",
        "zoë@bücher.example",  # an IDN is kept as it is
        "用户@例え.テスト",
        "🙂@example.com",
        "=1+1@example.com",
        "a%b@example.com",  # one sign alone is nobody's variable
        "a$1@example.com",
        f"{'a' * 64}@example.com",
    ],
)
def test_good_emails_are_taken_as_they_are(email: str) -> None:
    assert email_problem(email) is None


@pytest.mark.parametrize(
    ("email", "reason"),
    [
        ("", "it is empty"),
        ("anna", "there is no @"),
        ("a@b@c", "more than one @"),
        ("@example.com", "nothing before the @"),
        ("anna@", "nothing after the @"),
        ("anna@example..com", "an empty part"),
        ('"anna"@example.com', 'it contains "'),
        ("<anna@example.com>", "it contains <"),
        ("Anna <anna@example.com>", "a space (U+0020)"),
        ("anna@example.com\n", "it begins or ends with white space"),
        (" anna@example.com", "it begins or ends with white space"),
        ("an\rna@example.com", "a carriage return (U+000D)"),
        ("an\x00na@example.com", "a NUL (U+0000)"),
        ("an\u202ena@example.com", "RIGHT-TO-LEFT OVERRIDE (U+202E)"),
        ("an\u200fna@example.com", "RIGHT-TO-LEFT MARK (U+200F)"),
        ("an\u200bna@example.com", "ZERO WIDTH SPACE (U+200B)"),
        ("an\ufffena@example.com", "U+FFFE"),
        ("an\ud800na@example.com", "U+D800"),
        ("zoe\u0308@example.com", "Normalisation Form C"),
        (f"{'a' * 65}@example.com", "65 characters before the @, 64 at most"),
        (f"a@{'b.' * 148}com", "301 characters, 254 at most"),
        ("$PASSWORD$@x.example", 'an MDM would take "$PASSWORD$" in it for a variable'),
        ("$PASSWORD@x.example", 'an MDM would take "$PASSWORD" in it'),
        ("%Password%@x.example", 'an MDM would take "%Password%" in it'),
        ("{{password}}@x.example", 'an MDM would take "{{password}}" in it'),
        ("${user.password}@x.example", 'an MDM would take "${user.password}" in it'),
        ("{Password}@x.example", 'an MDM would take "{Password}" in it'),
        ("＄PASSWORD@x.example", 'an MDM would take "$PASSWORD" in it'),
    ],
)
def test_bad_emails_are_refused_with_the_reason(email: str, reason: str) -> None:
    assert reason in (email_problem(email) or "")


@pytest.mark.parametrize("vendor", [one for one in VENDORS.values() if one.token], ids=lambda one: one.name)
def test_a_literal_with_any_vendors_variable_is_refused(vendor) -> None:
    for token in (vendor.token, *vendor.other_tokens):
        assert token_in(f"a{token}-b") == token
        assert literal_problem(f"a{token}b")
        assert email_problem(f"{token}@x.example")
        assert vendor.own(token)


def test_every_character_that_nobody_sees_is_refused() -> None:
    """As Unicode has them, so that a newer Python that knows more of them shows it here."""
    for point in range(sys.maxunicode + 1):
        character = chr(point)
        category = unicodedata.category(character)
        nothing = point & 0xFFFE == 0xFFFE or 0xFDD0 <= point <= 0xFDEF
        hidden = category in {"Cc", "Cf", "Cs", "Zl", "Zp"} and character not in VISIBLE_FORMAT + "\t\n"
        if nothing or hidden:
            assert text_problem(f"a{character}b"), f"U+{point:04X}"
        elif category[0] in "LN" and unicodedata.is_normalized("NFC", f"a{character}b"):
            blank = character in "\u115f\u1160\u3164\uffa0"
            assert bool(text_problem(f"a{character}b")) == blank, f"U+{point:04X}"


@given(st.text())
def test_an_email_that_is_taken_has_nothing_that_any_vendor_expands(text: str) -> None:
    if email_problem(text) is None:
        assert not any(vendor.own(text) for vendor in VENDORS.values())
        assert text == unicodedata.normalize("NFC", text).strip()


@pytest.mark.parametrize(
    ("bundle_id", "reason"),
    [
        ("com.example app", "a space (U+0020)"),
        ("com.example.äpp", "LATIN SMALL LETTER A WITH DIAERESIS"),
        ("example", "at least two parts"),
        (".com.example", "at least two parts"),
        ("com..example", "at least two parts"),
        ("com.example-", "at least two parts"),
        ("", "it is empty"),
        ("com." + "a" * 155, "159 characters, 155 at most"),
        ("com.example_app", "_"),
    ],
)
def test_a_bundle_identifier_is_checked(bundle_id: str, reason: str) -> None:
    assert reason in (bundle_id_problem(bundle_id) or "")
    with pytest.raises(MdmError, match="is no bundle identifier"):
        AppConfig(bundle_id, {})


def test_good_bundle_identifiers() -> None:
    assert [bundle_id_problem(one) for one in ("com.example.app", "com.ex-ample.A1", "a.b")] == [None] * 3


@pytest.mark.parametrize(
    ("settings", "where", "what"),
    [
        ({EMAIL_KEY: 5}, EMAIL_KEY, "the email must be a string"),
        ({"a": None}, "a", "no such type (NoneType)"),
        ({"a": {"b": [1, float("nan")]}}, "a.b[1]", "no finite number"),
        ({"a": 2**63}, "a", "64 bits"),
        ({"a": "x\ry"}, "a", "carriage return"),
        ({"a": {"x\u200b": 1}}, "a", "the key"),
        ({"": 1}, "", "it is empty"),
        ({"k" * 256: 1}, "", "256 characters, 255 at most"),
        ({"$EMAIL": 1}, "", "for a variable"),
        ({1: 1}, "", "it is no text"),
    ],
)
def test_a_value_that_must_not_be_written_is_named_with_its_place(settings, where: str, what: str) -> None:
    with pytest.raises(MdmError, match=r".") as refused:
        AppConfig("com.example.app", settings)
    assert what in refused.value.what
    assert refused.value.where == where


def test_a_variable_is_let_through_only_where_it_is_asked_for() -> None:
    assert value_problem("{{mail}}") is None
    assert value_problem("{{mail}}", tokens=False)
