import re

import pytest
from jinja2 import TemplateSyntaxError

from syncd.core.rules import GroupRule, Rules
from tests.syncd.core.build import ANNA

PERSON = {"email": ANNA, "display_name": "Anna Berg", "active": True, "groups": ("Field", "Office")}


def rule(pattern, to):
    return GroupRule(re.compile(pattern), to)


def test_without_rules_everybody_who_is_active_is_wanted_as_the_source_says():
    shaped = Rules().shape(PERSON)
    assert (shaped.email, shaped.out, shaped.problem) == (ANNA, "", "")
    assert (shaped.wanted.email, shaped.wanted.display_name) == (ANNA, "Anna Berg")
    assert shaped.wanted.groups == ("Field", "Office")


def test_whoever_has_no_word_about_being_active_is_active():
    assert Rules().shape({"email": ANNA}).wanted is not None


def test_whoever_is_inactive_is_out_whatever_the_scope_says():
    shaped = Rules("true").shape({**PERSON, "active": False})
    assert (shaped.wanted, shaped.out, shaped.email) == (None, "is not active", ANNA)


@pytest.mark.parametrize("active", ["", "true", "TRUE", ("yes",), None])
def test_an_active_that_is_no_truth_makes_nobody_a_leaver(active):
    """A source that hands over "true" as text must not take everybody's account away."""
    shaped = Rules().shape({**PERSON, "active": active})
    assert (shaped.wanted, shaped.out, shaped.email) == (None, "", ANNA)
    assert shaped.problem == f"active is neither true nor false: {active}"


@pytest.mark.parametrize("scope", ["'Field' in groups", "active", "email.endswith('example.com')", "1"])
def test_whoever_the_scope_is_true_for_is_wanted(scope):
    assert Rules(scope).shape(PERSON).wanted is not None


@pytest.mark.parametrize("scope", ["'Contractors' in groups", "not active", "''", "none"])
def test_whoever_the_scope_is_not_true_for_is_out(scope):
    shaped = Rules(scope).shape(PERSON)
    assert (shaped.wanted, shaped.out) == (None, "is out of scope")


def test_the_scope_sees_groups_of_group_records_too():
    assert Rules("'Staff' in groups").shape(PERSON, ["Staff"]).wanted is not None


@pytest.mark.parametrize(
    "scope",
    [
        "department == 'Sales'",
        "not department",
        "department",
        "department or active",
        "1 / 0",
        "groups.nothing",
        "groups[9]",
        "email + 1",
        "email.encode('nonsense')",
        "''.__class__.__mro__",
    ],
)
def test_a_scope_that_cannot_be_worked_out_says_nothing_of_the_person(scope):
    shaped = Rules(scope).shape(PERSON)
    assert (shaped.wanted, shaped.out, shaped.email) == (None, "", ANNA)
    assert shaped.problem.startswith("people.scope or people.map cannot be worked out: ")


def test_a_scope_that_is_no_expression_is_refused_at_once():
    with pytest.raises(TemplateSyntaxError):
        Rules("active and")


def test_a_mapping_makes_email_and_name():
    rules = Rules(mapping={"email": " {{ uid }}@corp.example ", "display_name": "{{ given }} {{ family }}"})
    shaped = rules.shape({**PERSON, "uid": "aberg", "given": "Anna", "family": "Berg"})
    assert (shaped.wanted.email, shaped.wanted.display_name) == ("aberg@corp.example", "Anna Berg")
    assert shaped.email == "aberg@corp.example"


def test_a_mapping_over_an_attribute_that_is_not_there_cannot_be_worked_out():
    shaped = Rules(mapping={"display_name": "{{ given_name }}"}).shape(PERSON)
    assert (shaped.wanted, shaped.email) == (None, ANNA)
    assert "given_name" in shaped.problem


def test_a_mapping_that_cannot_be_worked_out_takes_even_an_inactive_record_for_unclear():
    shaped = Rules(mapping={"email": "{{ uid }}@x.example"}).shape({**PERSON, "active": False})
    assert (shaped.out, shaped.wanted) == ("", None)
    assert shaped.problem


def test_an_empty_mapped_name_falls_back_to_the_source():
    assert Rules(mapping={"display_name": " "}).shape(PERSON).wanted.display_name == "Anna Berg"


def test_a_person_without_a_name_is_called_by_user_name_then_email():
    assert Rules().shape({"email": ANNA, "user_name": "aberg"}).wanted.display_name == "aberg"
    assert Rules().shape({"email": ANNA}).wanted.display_name == ANNA


def test_an_email_that_is_none_is_a_problem_and_not_a_leaver():
    shaped = Rules().shape({**PERSON, "email": "anna@"})
    assert (shaped.wanted, shaped.out, shaped.email) == (None, "", "anna@")
    assert shaped.problem == '"anna@" is no email address (nothing after the @)'


def test_a_record_without_an_email_has_no_address():
    assert Rules().shape({"display_name": "Anna"}).email is None
    assert Rules().shape({"active": False}).email is None
    assert Rules("nothing").shape({}).email is None


def test_addresses_are_compared_without_case_and_shown_as_written():
    wanted = Rules().shape({**PERSON, "email": "Anna@Example.COM"}).wanted
    assert (wanted.email, wanted.address) == ("Anna@Example.COM", ANNA)


def test_one_group_may_come_as_plain_text():
    assert Rules().shape({**PERSON, "groups": "Field"}).wanted.groups == ("Field",)
    assert Rules().shape({**PERSON, "groups": ""}).wanted.groups == ()


def test_groups_may_come_as_the_list_that_json_keeps_and_a_truth_is_no_group():
    assert Rules().shape({**PERSON, "groups": ["Field", "Lab"]}).wanted.groups == ("Field", "Lab")
    assert Rules().shape({**PERSON, "groups": False}).wanted.groups == ()


def test_a_group_met_twice_in_other_case_stands_once():
    assert Rules().group_names(["Field", "FIELD ", "field"]) == ("field",)


def test_groups_are_mapped_by_the_first_line_that_matches_the_whole_name():
    rules = Rules(groups=(rule("Field (?P<team>.+)", "{team}"), rule("F.*", "Rest")))
    assert rules.group_names(["Field North", "Fleet", "My Field North", "Office"]) == ("North", "Rest")
    assert rules.group_name("Office") is None
    assert rules.group_name("Office") is None, "the second time from what is remembered"


def test_a_part_that_did_not_match_is_empty():
    assert Rules(groups=(rule("A(?P<x>b)?", "{x}"),)).group_names(["A", "Ab"]) == ("b",)


@pytest.mark.parametrize(("pattern", "to"), [("A(?P<x>b)?", "{x}"), ("(?P<x> *)A", " {x} ")])
def test_a_line_that_comes_to_an_empty_name_leaves_the_group_out(pattern, to):
    """Also when a later line would name it: the first that matches decides."""
    rules = Rules(groups=(rule(pattern, to), rule("A", "Other")))
    assert rules.group_name("A") is None
    assert rules.group_names(["A"]) == ()


@pytest.mark.parametrize("name", ["", " ", "\t\n"])
def test_a_group_without_a_name_is_left_out(name):
    assert Rules().group_names([name, "Field"]) == ("Field",)
    assert Rules().group_name(name) is None


def test_mapped_groups_come_from_the_record_and_from_group_records():
    rules = Rules(groups=(rule("g-(?P<n>.+)", "{n}"),))
    assert rules.shape({**PERSON, "groups": ("g-a", "x")}, ["g-b"]).wanted.groups == ("a", "b")


@pytest.mark.parametrize(
    "mapping",
    [{}, {"email": "{{ user_name }}@x.example"}, {"email": "{{ nothing }}"}, {"display_name": "{{ nothing }}"}],
)
@pytest.mark.parametrize(
    "attributes",
    [
        {"email": " Anna@X.example ", "user_name": "Anna"},
        {"email": "", "user_name": ""},
        {"email": "no address"},
        {"user_name": "anna"},
        {"email": "a@x.example", "active": False},
        {"email": "a@x.example", "active": "perhaps"},
    ],
)
def test_the_address_alone_is_that_of_the_whole_shape(mapping, attributes):
    rules = Rules(mapping=mapping)
    assert rules.address(attributes) == rules.shape(attributes).email
