"""Who gave what, where several sources and an admin have their hands in one account."""

import pytest

from syncd.core.change import Change
from syncd.core.drift import on_drift
from syncd.core.naming import same_name
from syncd.core.ownership import share_of
from syncd.core.resolve import resolve
from tests.syncd.core.build import ANNA, account, change, checks, cluster, compare, entry, ground, key, keys, link

OWN = {"email": ANNA, "display_name": "Anna"}
FIRST = ["people", "ad"]


def both(people=(), ad=(), *, gave=((), ()), has=(), trusted=(True, True), name="Anna", of=None, on=None, **states):
    """One person in two sources, with what each asks for and gave."""
    gone = states.get("gone", ())
    parts = [
        entry("people/E1", groups=people, trusted=trusted[0], gone="people" in gone),
        entry("ad/7", states.get("email", ANNA), name, ad, trusted=trusted[1], gone="ad" in gone),
        link("people/E1", **OWN, groups=gave[0]),
        link("ad/7", **OWN, groups=gave[1]),
        of or account(groups=has),
    ]
    return compare(*parts, on=on or ground("Field", "Lab"), precedence=FIRST)


def notes(found):
    return {str(one.key): one.given["groups"] for one in found.noted}


def test_a_new_account_is_divided_among_those_who_asked_for_its_groups():
    found = compare(
        entry("people/E1", groups=["Field"]), entry("ad/7", groups=["field", "Lab"]), on=ground("Field", "Lab")
    )
    (made,) = found.changes
    assert made.after["given_by"] == {"Field": ["ad", "people"], "Lab": ["ad"]}
    assert share_of(made, key("people/E1")) == ["Field"]
    assert set(share_of(made, key("ad/7"))) == {"Field", "Lab"}
    alone = Change("create_user", ANNA, after={"groups": ["Field"]}, records=(key("people/E1"),))
    assert share_of(alone, key("people/E1")) == ["Field"]


def test_a_membership_is_given_by_those_who_ask_for_it():
    (added,) = both(ad=["Lab"]).changes
    assert (added.key, added.records, added.reason) == (f"add_member:{ANNA}:Lab", (key("ad/7"),), "ad/7 is in Lab")


def test_a_source_that_begins_to_name_what_another_gave_owns_it_as_well():
    found = both(["Field"], ["Field"], gave=(["Field"], []), has=["Field"])
    assert (notes(found), found.changes, found.settled) == ({"ad/7": ["Field"]}, [], True)


def test_a_source_that_stops_naming_what_another_names_gives_its_part_up():
    found = both(["Field"], [], gave=(["Field"], ["Field"]), has=["Field"])
    assert (notes(found), found.changes, found.settled) == ({"ad/7": []}, [], True)


def test_a_source_that_was_not_read_whole_gives_nothing_up():
    found = both(["Field"], [], gave=(["Field"], ["Field"]), has=["Field"], trusted=(True, False))
    assert (notes(found), found.settled) == ({}, True)


def test_a_source_never_takes_over_what_an_admin_gave():
    assert both(["Field"], ["Field"], has=["Field"]).noted == []
    assert both([], [], has=["Field"]).settled


def test_what_was_taken_out_by_hand_and_nobody_asks_for_is_forgotten():
    found = both(gave=(["Field"], ["Field"]))
    assert (notes(found), found.settled) == ({"people/E1": [], "ad/7": []}, True)


def test_only_what_the_source_that_was_not_read_whole_gave_waits():
    found = both(gave=(["Field"], ["Lab"]), has=["Field", "Lab"], trusted=(True, False))
    assert keys(found.changes) == [f"remove_member:{ANNA}:Field"]
    assert found.changes[0].before == {"given_by": ["people"]}
    assert found.changes[0].taken_from == {"people"}
    assert found.waits


def test_what_both_gave_goes_when_both_say_so():
    shared = (["Field"], ["Field"])
    assert both(gave=shared, has=["Field"], trusted=(False, True)).changes == []
    (removed,) = both(gave=shared, has=["Field"]).changes
    assert (removed.before, removed.reason) == ({"given_by": ["people", "ad"]}, "people/E1 is in Field no longer")


def test_when_a_record_vanishes_only_what_it_gave_alone_is_taken():
    found = both(["Field"], ["Field", "Lab"], gave=(["Field"], ["Field", "Lab"]), has=["Field", "Lab"], gone=["ad"])
    assert keys(found.changes) == [f"remove_member:{ANNA}:Lab"]
    assert notes(found) == {"ad/7": ["Lab"]}


def test_a_source_that_joins_owns_what_it_asks_for_of_what_we_gave():
    parts = [entry("people/E1", groups=["Field"]), link("people/E1", **OWN, groups=["Field"])]
    new = entry("ad/7", groups=["field", "Audit"])
    found = compare(*parts, new, account(groups=["Field", "Audit"]), on=ground("Field", "Audit"), precedence=FIRST)
    assert found.links == [link("ad/7", **OWN, groups=["Field"])]
    assert found.changes == []


def test_a_source_that_joins_and_was_not_read_whole_owns_everything_until_it_is():
    parts = [entry("people/E1"), link("people/E1", **OWN, groups=["Field"]), entry("ad/7", trusted=False)]
    found = compare(*parts, account(groups=["Field"]), on=ground("Field"), precedence=FIRST)
    assert found.links == [link("ad/7", **OWN, groups=["Field"])]
    assert (found.changes, found.waits) == ([], True)


def test_nothing_is_known_of_an_account_whose_links_tell_nothing():
    parts = [entry("people/E1"), link("people/E1"), entry("ad/7")]
    assert compare(*parts, account(), precedence=FIRST).links == [link("ad/7", **OWN, groups=[])]


def test_a_link_without_a_record_keeps_its_groups():
    parts = [entry("people/E1"), link("people/E1", **OWN, groups=[]), link("ad/7", **OWN, groups=["Field"])]
    found = compare(*parts, account(groups=["Field"]), on=ground("Field"))
    assert (found.changes, found.noted, found.waits) == ([], [], True)


def test_notes_are_written_under_the_name_that_the_group_has_until_it_is_renamed():
    on = ground("Field", renames={"field": "North"})
    assert notes(both(["North"], ["North"], gave=(["Field"], []), has=["Field"], on=on)) == {"ad/7": ["Field"]}


def test_what_the_directory_and_the_account_agree_on_counts_as_given_whoever_made_it_so():
    parts = entry("people/E1", name="Anna Dahl"), link("people/E1", **OWN), account(name="Anna Dahl")
    found = compare(*parts)
    assert [one.given for one in found.noted] == [{**OWN, "display_name": "Anna Dahl"}]
    assert found.settled


# --- attributes ---------------------------------------------------------------------------------------------------


def test_the_first_source_gives_the_email_and_the_difference_is_said():
    found = both(email="other@example.com")
    assert (found.changes, checks(found.findings)) == ([], [("email_differs", "proceed")])
    assert "people/E1 says anna@example.com, ad/7 says other@example.com" in found.findings[0].message


def test_the_next_source_gives_attributes_when_the_first_is_gone_for_certain():
    gone = {"email": "other@example.com", "gone": ["people"]}
    assert keys(both(**gone).changes) == [f"update_user:{ANNA}"]
    found = both(**gone, trusted=(False, True))
    assert (found.changes, found.waits) == ([], True)
    assert both(gone=["people"], trusted=(False, True)).settled


def test_a_later_source_that_is_not_sure_keeps_nothing_from_the_first():
    found = both(gone=["ad"], trusted=(True, False), of=account(name="Old"))
    assert keys(found.changes) == [f"update_user:{ANNA}"]


# --- drift --------------------------------------------------------------------------------------------------------

LEFT = "left as it is (people.on_drift: report)"
BY_ATTRIBUTE = {"email": "report", "groups": "report"}


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        ("repair", ["repair"] * 3),
        ("report", ["report"] * 3),
        (BY_ATTRIBUTE, ["report", "repair", "report"]),
    ],
)
def test_one_word_counts_for_all_attributes_and_what_is_not_named_is_repaired(policy, told):
    assert [on_drift(policy, name) for name in ("email", "display_name", "groups")] == told


def test_each_attribute_that_was_changed_by_hand_is_said_with_its_values():
    parts = entry("people/E1", groups=["Field"]), link("people/E1", **OWN, groups=["Field"])
    there = account(email="x@example.com", name="Annie")
    found = compare(*parts, there, on=ground("Field", on_drift=BY_ATTRIBUTE))
    assert keys(found.changes) == ["update_user:x@example.com"]
    assert [(one.message, one.changes) for one in found.findings] == [
        (
            'x@example.com: email was changed in Fluix by hand to "x@example.com", we gave "anna@example.com": ' + LEFT,
            (),
        ),
        (
            'x@example.com: display_name was changed in Fluix by hand to "Annie", we gave "Anna": set back',
            ("update_user:x@example.com",),
        ),
        (
            "x@example.com: groups were changed in Fluix by hand, taken out of Field, which we gave for people/E1: "
            + LEFT,
            (),
        ),
    ]


def test_what_is_put_back_is_linked_to_its_changes():
    parts = entry("people/E1", groups=["Field"]), link("people/E1", **OWN, groups=["Field"]), account()
    (finding,) = compare(*parts, on=ground("Field")).findings
    assert (finding.changes, finding.message[-8:]) == ((f"add_member:{ANNA}:Field",), "put back")


def test_a_directory_that_changed_as_well_counts_and_the_drift_is_said():
    parts = entry("people/E1", name="Anna Dahl"), link("people/E1", **OWN), account(name="Annie")
    found = compare(*parts, on=ground(on_drift="report"))
    assert keys(found.changes) == [f"update_user:{ANNA}"]
    assert 'the directory has changed since and now says "Anna Dahl", which counts' in found.findings[0].message


def test_a_change_that_mends_drift_and_follows_the_directory_says_both():
    parts = entry("people/E1", "new@example.com"), link("people/E1", **OWN), account(name="Annie")
    (update,) = compare(*parts).changes
    assert update.reason == "people/E1 changed; display_name changed in Fluix by hand"


def test_the_case_of_an_email_is_no_drift():
    found = compare(entry("people/E1"), link("people/E1", **{**OWN, "email": "ANNA@example.com"}), account())
    assert (found.findings, found.noted) == ([], [])


# --- addresses that move ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "known", "same"),
    [
        ("Anna Berg", ["Berg, ANNA (Agency)"], True),
        ("Anna Berg", ["Bob Stone"], False),
        ("Anna Berg", ["Bob Stone", "Anna Berg"], True),
        ("Anna Berg", [None, ""], True),
        ("Anna Berg", [], True),
        ("Anna Berg", ["Anna Dahl"], False),
    ],
)
def test_whether_two_names_may_be_one_humans(name, known, same):
    assert same_name(name, known) is same


def test_a_leavers_account_goes_to_another_directorys_newcomer_of_another_name_only_when_a_person_says_so():
    left = [entry("people/E1", gone=True), link("people/E1", **OWN), account()]
    found = compare(*left, entry("ad/7", name="Bob Stone"), precedence=FIRST)
    assert (checks(found.findings), found.links) == ([("new_key", "hold")], [])
    assert [one.before["replaces"] for one in found.changes] == [[["people", "E1"]]]
    assert compare(*left, entry("ad/7"), precedence=FIRST).links == [link("ad/7", **OWN, groups=[])]


def test_who_gets_the_address_of_a_leaver_is_held_and_the_leavers_account_stays_as_it_is():
    left = [entry("people/E1", gone=True), link("people/E1", **OWN), account()]
    bob = [entry("people/E2", ANNA, "Bob"), link("people/E2", "f2"), account("f2", "bob@example.com", "Bob")]
    found = compare(*left, *bob)
    assert checks(found.findings) == [("taken", "hold"), ("waiting", "proceed")]
    assert (found.changes, found.links) == ([], [])


def test_two_who_swap_addresses_are_both_held():
    one = [entry("people/E1", "bob@example.com"), link("people/E1", **OWN), account()]
    two = [entry("people/E2", ANNA, "Bob"), link("people/E2", "f2"), account("f2", "bob@example.com", "Bob")]
    found = resolve(cluster(*one, *two))
    assert [(verdict.check, verdict.accounts) for verdict in found] == [("taken", ("f1",)), ("taken", ("f2",))]


def test_what_a_change_takes_rests_on_its_records_where_nothing_else_is_said():
    assert change("delete_user", ANNA, records=["people/E1", "ad/7"]).taken_from == {"people", "ad"}
