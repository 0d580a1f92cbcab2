"""Finding people in texts: whole addresses and names, in any case, and nothing that only looks like them."""

import json

import pytest

from syncd.core.needles import Needles, Person, folded

ANNA = Person("#1", frozenset({"Anna.Berg@Example.com"}), frozenset({"Anna Berg"}))
ZOE = Person("#2", frozenset({"zoë@bücher.example", "z@x.example"}), frozenset({"Zoë O'Neill", "Cher"}))
BOTH = Needles([ANNA, ZOE])


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Anna Berg <anna.berg@example.com> left", "#1 <#1> left"),
        ("ANNA.BERG@EXAMPLE.COM.", "#1."),
        ("'anna.berg@example.com'", "'#1'"),
        ("delete_user:anna.berg@example.com:Field", "delete_user:#1:Field"),
        ("z@x.example, Zoë O'Neill; zoe", "#2, #2; zoe"),
        ("ZOË@BÜCHER.EXAMPLE", "#2"),
        ("nobody at all", "nobody at all"),
        ("", ""),
    ],
)
def test_people_are_found_in_any_case(text, left):
    assert BOTH.scrub(text) == left
    assert bool(BOTH.met(text)) == (text != left)


@pytest.mark.parametrize(
    "text",
    [
        "joanna.berg@example.com",
        "o'anna.berg@example.com",
        "x+anna.berg@example.com",
        "anna.berg@example.com.au",
        "anna.berg@example.community",
        "anna.berg@example.com-x.example",
        "Joanna Berg",
        "Anna Bergman",
        "Cher sings",
        "@example.com",
        "g@example.com",
        "Berg",
    ],
)
def test_what_only_looks_like_them_stays(text):
    assert BOTH.scrub(text) == text
    assert BOTH.met(text) == set()


@pytest.mark.parametrize("ascii_only", [True, False])
def test_they_are_found_inside_of_json(ascii_only):
    written = json.dumps({"name": "Zoë O'Neill", "text": "to\nzoë@bücher.example\tnow"}, ensure_ascii=ascii_only)
    assert BOTH.met(written) == {"#2"}
    left = BOTH.scrub(written)
    assert "Neill" not in left
    assert "cher.example" not in left
    json.loads(left)


def test_a_name_that_living_people_bear_goes_only_where_the_text_is_about_the_person():
    shared = Needles([ANNA], shared={folded("Anna Berg")})
    assert shared.scrub("Anna Berg is here") == "Anna Berg is here"
    assert shared.met("Anna Berg is here") == set()
    assert shared.scrub("Anna Berg is here", about={"#1"}) == "#1 is here"
    assert shared.scrub("Anna Berg is here", about={"#7"}) == "Anna Berg is here"


def test_a_name_of_one_word_is_a_word_as_well():
    assert BOTH.scrub("Cher was deleted", about={"#2"}) == "#2 was deleted"


def test_an_address_that_somebody_has_now_is_not_looked_for():
    taken = Needles([ANNA], shared={folded("anna.berg@example.com")})
    assert taken.scrub("anna.berg@example.com") == "anna.berg@example.com"


def test_a_text_whose_letters_fold_to_several_goes_whole():
    assert BOTH.scrub("Straße of Anna Berg") == "erased"
    assert BOTH.scrub("Straße of nobody") == "Straße of nobody"
    assert BOTH.scrub("Straße of Cher", about={"#2"}) == "erased"


def test_somebody_without_address_or_name_is_nowhere():
    assert Needles([Person("#3", frozenset({"nonsense"}), frozenset({"-", ""}))]).met("nonsense - @") == set()
