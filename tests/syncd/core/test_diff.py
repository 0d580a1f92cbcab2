from datetime import timedelta

import pytest

from syncd.core.diff import Difference, adoption, diff
from syncd.core.humans import Isolated
from tests.syncd.core.build import (
    ANNA,
    LONG_AGO,
    NOW,
    account,
    checks,
    compare,
    entry,
    ground,
    key,
    keys,
    leaver,
    link,
    present,
    waited,
)

BOB = "bob@example.com"
GIVEN = {"email": ANNA, "display_name": "Anna", "groups": ["Field"]}


def linked(*, wants=("Field",), has=("Field",), given=GIVEN, on=None, email=ANNA, name="Anna", trusted=True, of=None):
    """What one linked person comes to."""
    e1 = entry("people/E1", email, name, wants, trusted=trusted)
    return compare(e1, link("people/E1", **given), of or account(groups=has), on=on or ground("Field", "Office"))


def waits(found):
    """Nothing is done or said, and the next run looks again: a whole read may find the very same record."""
    return (found.changes, found.findings, found.settled) == ([], [], False)


# --- new accounts -------------------------------------------------------------------------------------------------


def test_a_new_person_is_created_with_the_groups_that_fluix_has_in_its_spelling():
    found = compare(entry("people/E1", groups=["field"]), on=ground("Field"))
    (change,) = found.changes
    assert (change.key, change.fluix_id, change.records) == ("create_user:anna@example.com", None, (key("people/E1"),))
    assert change.after == {"email": ANNA, "display_name": "Anna", "groups": ["Field"]}
    assert change.reason == "people/E1 is new"
    assert found.findings == []


def test_a_group_that_is_missing_is_created_first():
    found = compare(entry("people/E1", groups=["Field"]))
    assert keys(found.changes) == ["create_group:Field", "create_user:anna@example.com"]
    assert found.changes[0].after == {"display_name": "Field"}


def test_with_create_false_a_missing_group_is_named_and_left_out():
    found = compare(entry("people/E1", groups=["Field", "Office"]), on=ground("Office", create_groups=False))
    assert found.changes[0].after["groups"] == ["Office"]
    assert checks(found.findings) == [("group_missing", "proceed")]
    assert "Field" in found.findings[0].message


def test_an_account_that_was_deleted_by_hand_is_made_again_only_with_approval():
    found = compare(entry("people/E1"), link("people/E1"))
    assert keys(found.changes) == ["create_user:anna@example.com"]
    assert checks(found.findings) == [("deleted_by_hand", "hold")]
    assert found.findings[0].changes == ("create_user:anna@example.com",)
    assert found.changes[0].reason == "the account of people/E1 was deleted in Fluix by hand"


# --- attributes ---------------------------------------------------------------------------------------------------


def test_where_nothing_differs_nothing_is_to_do_or_to_say():
    found = linked()
    assert found == Difference()
    assert found.settled


def test_a_changed_email_is_an_update_of_the_same_account():
    (change,) = linked(email="anna.new@example.com").changes
    assert (change.key, change.fluix_id) == ("update_user:anna@example.com", "f1")
    assert (change.before, change.after) == ({"email": ANNA}, {"email": "anna.new@example.com"})
    assert change.reason == "people/E1 changed"


def test_an_email_that_differs_only_in_case_is_the_same():
    assert linked(email="Anna@Example.com").settled


def test_a_changed_name_is_an_update():
    (change,) = linked(name="Anna Berg").changes
    assert (change.before, change.after) == ({"display_name": "Anna"}, {"display_name": "Anna Berg"})


def test_a_name_that_was_changed_by_hand_is_set_back():
    (change,) = linked(of=account(name="Annie", groups=["Field"])).changes
    assert (change.before, change.after) == ({"display_name": "Annie"}, {"display_name": "Anna"})
    assert change.reason == "changed in Fluix by hand"


def test_with_on_drift_report_a_change_by_hand_is_only_named():
    found = linked(of=account(name="Annie", groups=["Field"]), on=ground("Field", on_drift="report"))
    assert found.changes == []
    assert checks(found.findings) == [("drift", "proceed")]
    assert not found.settled


def test_with_on_drift_report_a_change_of_the_directory_is_made():
    found = linked(of=account(name="Annie", groups=["Field"]), email=BOB, on=ground("Field", on_drift="report"))
    assert [change.after for change in found.changes] == [{"email": BOB}]
    assert found.changes[0].reason == "people/E1 changed"


def test_a_directory_that_changed_wins_over_a_change_by_hand():
    (change,) = linked(of=account(name="Annie", groups=["Field"]), name="Anna Berg").changes
    assert (change.after, change.reason) == ({"display_name": "Anna Berg"}, "people/E1 changed")


# --- memberships --------------------------------------------------------------------------------------------------


def test_a_group_that_the_person_joined_is_added():
    (change,) = linked(wants=["Field", "office"]).changes
    assert (change.key, change.reason) == ("add_member:anna@example.com:Office", "people/E1 is in Office")


def test_a_group_that_the_person_left_is_taken_away():
    (change,) = linked(wants=[]).changes
    assert (change.key, change.reason) == ("remove_member:anna@example.com:Field", "people/E1 is in Field no longer")
    assert change.records == (key("people/E1"),)


def test_groups_are_compared_without_case():
    assert linked(wants=["FIELD"], has=["field"]).settled


def test_a_membership_that_an_admin_gave_by_hand_is_never_removed():
    assert linked(has=["Field", "Office"]).settled
    assert linked(has=["Field", "Office"], given={}).settled


def test_a_membership_that_we_gave_and_is_gone_already_needs_nothing():
    assert linked(wants=[], has=[]).settled


def test_a_source_that_was_not_read_whole_takes_nobody_out_of_a_group():
    assert waits(linked(wants=[], trusted=False))
    assert keys(linked(wants=["Office"], trusted=False).changes) == ["add_member:anna@example.com:Office"]


def test_one_source_of_two_that_was_not_read_whole_is_enough():
    parts = entry("people/E1"), link("people/E1", **GIVEN), entry("ad/7", trusted=False), link("ad/7", **GIVEN)
    assert waits(compare(*parts, account(groups=["Field"]), on=ground("Field")))


def test_a_frozen_group_loses_nobody():
    assert waits(linked(wants=[], on=ground("Field", frozen=frozenset({"field"}))))


def test_other_groups_than_the_frozen_one_go_on():
    given = {**GIVEN, "groups": ["Field", "Office"]}
    found = linked(
        wants=[], has=["Field", "Office"], given=given, on=ground("Field", "Office", frozen=frozenset({"field"}))
    )
    assert keys(found.changes) == ["remove_member:anna@example.com:Office"]


def test_a_membership_that_was_taken_away_by_hand_is_given_back():
    (change,) = linked(has=[]).changes
    assert (change.key, change.reason) == ("add_member:anna@example.com:Field", "taken out in Fluix by hand")


def test_with_on_drift_report_a_membership_taken_away_by_hand_is_only_named():
    found = linked(wants=["Field", "Office"], has=[], on=ground("Field", "Office", on_drift="report"))
    assert keys(found.changes) == ["add_member:anna@example.com:Office"]
    assert checks(found.findings) == [("drift", "proceed")]


def test_with_create_false_a_member_of_a_missing_group_is_named():
    found = linked(wants=["Field", "New"], on=ground("Field", create_groups=False))
    assert found.changes == []
    assert checks(found.findings) == [("group_missing", "proceed")]


def test_a_group_that_is_being_renamed_keeps_its_members():
    assert linked(wants=["North"], on=ground("Field", renames={"field": "North"})).settled


def test_who_joins_a_group_that_is_being_renamed_joins_it_under_its_new_name():
    found = linked(wants=["Field", "North"], on=ground("Field", "Office", renames={"office": "North"}))
    assert keys(found.changes) == ["add_member:anna@example.com:North"]


def test_who_leaves_a_group_that_is_being_renamed_leaves_it_under_its_new_name():
    found = linked(wants=[], on=ground("Field", renames={"field": "North"}))
    assert keys(found.changes) == ["remove_member:anna@example.com:North"]


def test_the_old_name_of_a_group_that_is_being_renamed_is_free_again():
    found = compare(entry("people/E1", groups=["Field"]), on=ground("Field", renames={"field": "North"}))
    assert keys(found.changes) == ["create_group:Field", "create_user:anna@example.com"]


# --- adoption -----------------------------------------------------------------------------------------------------


def test_an_adopted_account_is_linked_and_made_equal_without_losing_what_others_gave():
    found = compare(
        entry("people/E1", name="Anna Berg", groups=["Field"]), account(groups=["field", "Office"]), on=ground("field")
    )
    assert found.links == [link("people/E1", email=ANNA, display_name="Anna", groups=["field"])]
    assert keys(found.changes) == ["update_user:anna@example.com"]
    assert not found.settled


def test_a_changed_key_is_one_question_and_nothing_else():
    parts = (
        entry("people/E1", gone=True),
        link("people/E1", **GIVEN),
        entry("people/E9", name="Another", groups=["New"]),
    )
    found = compare(*parts, account(groups=["Field"]), on=ground("Field"))
    (change,) = found.changes
    assert (change.key, change.before, change.after) == (
        "update_user:anna@example.com",
        {"record": "people/E1", "replaces": [["people", "E1"]]},
        {"record": "people/E9"},
    )
    assert checks(found.findings) == [("new_key", "hold")]
    assert found.findings[0].changes == (change.key,)
    assert found.links == []


def test_a_removal_that_waited_is_still_wanted_after_a_second_source_joined():
    """The adoption is written at once, the removal is held: the new link must not forget what we gave."""
    e1, e2 = entry("people/E1"), entry("ad/7")
    old, there, on = link("people/E1", **GIVEN), account(groups=["Field"]), ground("Field")
    found = compare(e1, e2, old, there, on=on, precedence=["ad", "people"])
    assert keys(found.changes) == ["remove_member:anna@example.com:Field"]
    again = compare(e1, e2, old, *found.links, there, on=on, precedence=["ad", "people"])
    assert keys(again.changes) == ["remove_member:anna@example.com:Field"]


def test_groups_of_a_record_that_is_gone_rest_on_its_source_too():
    """Otherwise a source that shrank to nothing takes its groups from everybody whom another source keeps alive."""
    given = {**GIVEN, "groups": ["Field"]}
    parts = (
        entry("people/E1"),
        link("people/E1", **given),
        entry("ad/7", groups=["Field"], gone=True),
        link("ad/7", **given),
    )
    (change,) = compare(*parts, account(groups=["Field"]), on=ground("Field")).changes
    assert change.kind == "remove_member"
    assert key("ad/7") in change.records


def test_a_source_that_is_not_trusted_keeps_its_groups_when_another_source_goes_on_with_the_account():
    given = {**GIVEN, "groups": ["Field"]}
    gone = entry("ad/7", groups=["Field"], out="is not active", trusted=False)
    found = compare(
        entry("people/E1"),
        link("people/E1", **given),
        gone,
        link("ad/7", **given),
        account(groups=["Field"]),
        on=ground("Field"),
    )
    assert found.changes == []


def test_a_present_person_without_links_needs_none_of_what_was_given():
    found = diff(present(entry("people/E1"), of=account()), ground())
    assert found.settled


def test_what_was_given_is_found_in_whichever_link_knows_it():
    parts = entry("ad/7"), link("ad/7"), entry("people/E1"), link("people/E1", **GIVEN)
    found = compare(*parts, account(groups=["Field"]), on=ground("Field"))
    assert keys(found.changes) == ["remove_member:anna@example.com:Field"]


def test_another_source_that_goes_on_with_the_account_inherits_what_was_given():
    """The dead record's source is behind the removal, so that its shrinking holds it."""
    gone = entry("people/E1", groups=["Field"], gone=True)
    found = compare(gone, link("people/E1", **GIVEN), entry("ad/7"), account(groups=["Field"]), on=ground("Field"))
    assert found.links == [link("ad/7", **{**GIVEN, "groups": []})]
    (change,) = found.changes
    assert (change.key, change.records) == ("remove_member:anna@example.com:Field", (key("ad/7"), key("people/E1")))


# --- isolated -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("check", ["conflict", "unreadable", "pinned", "taken"])
def test_whoever_is_isolated_is_named_and_held_and_nothing_is_changed(check):
    found = diff(Isolated(check, "because", (key("people/E1"),), ("f1",)), ground())
    assert (found.changes, found.links, found.leaving) == ([], [], None)
    assert checks(found.findings) == [(check, "hold")]


def test_an_account_that_is_not_ours_is_said_and_does_not_hold_the_run():
    assert checks(diff(Isolated("not_ours", ""), ground()).findings) == [("not_ours", "proceed")]


# --- leavers ------------------------------------------------------------------------------------------------------


def test_a_leaver_who_waited_is_deleted_with_everything_that_is_known():
    gone = leaver(of=account(groups=["Office", "Field"], state="invited"))
    found = diff(gone, ground())
    (change,) = found.changes
    assert (change.key, change.fluix_id, change.records) == ("delete_user:anna@example.com", "f1", (key("people/E1"),))
    assert change.before == {"display_name": "Anna", "state": "invited", "groups": ["Field", "Office"]}
    assert change.reason == "people/E1 is gone from its source"
    assert found.leaving == gone
    assert not found.settled


def waiting(*links, trusted=True, **more):
    entries = [entry(str(one.key), gone=True, trusted=trusted) for one in links]
    found = diff(leaver(*entries, links=links), ground(**more))
    assert found.changes == [] or found.findings == []
    assert found.leaving is not None
    return found.findings[0].message if found.findings else None


def test_a_leaver_seen_for_the_first_time_waits():
    message = waiting(link("people/E1"))
    assert "waits until 2026-03-17 12:00 UTC and for 1 more certified read" in message


def test_the_grace_is_over_at_its_very_end():
    week = timedelta(days=7)
    assert waiting(link("people/E1", since=NOW - week, reads=9)) is None
    assert "until 2026-03-10 12:00 UTC" in waiting(link("people/E1", since=NOW - week + timedelta(seconds=1), reads=9))


def test_a_leaver_waits_for_enough_certified_reads():
    assert waiting(link("people/E1", since=LONG_AGO, reads=1)) is None
    assert waiting(link("people/E1", since=LONG_AGO, reads=0)).endswith("waits for 1 more certified read")
    assert waiting(link("people/E1", since=LONG_AGO, reads=1), certified_absences=4).endswith(
        "for 2 more certified reads"
    )


def test_the_fewest_reads_of_two_records_count():
    assert waiting(waited("people/E1"), link("ad/7", since=LONG_AGO, reads=0)) is not None


def test_the_latest_leaving_of_two_records_counts():
    """The person has been gone from *every* source only since the last one."""
    assert waiting(waited("people/E1"), link("ad/7", since=NOW, reads=9)) is not None
    assert waiting(waited("people/E1"), link("ad/7", reads=9)) is not None


def test_a_leaver_of_a_source_that_was_not_read_whole_waits():
    assert waiting(waited("people/E1"), trusted=False).endswith("waits for a certified read of its source")


def test_one_source_of_two_that_is_not_trusted_keeps_the_account():
    entries = entry("people/E1", gone=True), entry("ad/7", gone=True, trusted=False)
    assert checks(diff(leaver(*entries), ground()).findings) == [("waiting", "proceed")]


def test_waiting_can_be_switched_off():
    assert waiting(link("people/E1"), grace=timedelta(0), certified_absences=1) is None


def test_a_run_that_did_not_read_the_source_does_not_count_as_a_read():
    assert waiting(link("people/E1", since=LONG_AGO, reads=1), counted=frozenset({"ad"})) is not None


def test_every_source_of_a_leaver_must_have_been_read_whole_for_a_read_to_count():
    both = link("people/E1", since=LONG_AGO, reads=1), link("ad/7", since=LONG_AGO, reads=1)
    assert waiting(*both, counted=frozenset({"people"})).endswith("waits for 1 more certified read")
    assert waiting(*both, counted=frozenset({"people", "ad"})) is None


def test_who_has_waited_long_enough_may_go_in_a_run_that_did_not_read_their_source():
    assert waiting(waited("people/E1"), counted=frozenset()) is None


def test_nobody_leaves_for_being_out_of_scope_while_their_source_is_not_trusted():
    """`scope: "'Staff' in groups"`, and Staff was read in part (store/clusters.py then takes the trust away)."""
    out = entry("people/E1", out="is out of scope", trusted=False)
    gone = leaver(out, links=[waited("people/E1", groups=["Staff"])], reason="people/E1 is out of scope")
    assert diff(gone, ground("Staff")).changes == []


# --- strip_groups -------------------------------------------------------------------------------------------------


def stripped(*groups, trusted=True, given=("Field", "Office"), of=("Field", "office", "By hand"), **more):
    gone = leaver(
        entry("people/E1", gone=True, trusted=trusted), links=[link("people/E1", groups=given)], of=account(groups=of)
    )
    return diff(gone, ground(*groups, strip_groups=True, **more))


def test_with_strip_groups_a_waiting_leaver_loses_what_we_gave_and_keeps_the_rest():
    found = stripped()
    assert keys(found.changes) == ["remove_member:anna@example.com:Field", "remove_member:anna@example.com:office"]
    assert found.changes[0].reason == "people/E1 is gone from its source (leavers.on_leave: strip_groups)"
    assert checks(found.findings) == [("waiting", "proceed")]


def test_with_strip_groups_an_untrusted_source_takes_nothing():
    assert stripped(trusted=False).changes == []


def test_with_strip_groups_an_adopted_account_keeps_its_groups():
    assert stripped(given=()).changes == []


def test_without_strip_groups_a_waiting_leaver_keeps_the_groups():
    gone = leaver(links=[link("people/E1", **GIVEN)], of=account(groups=["Field"]))
    assert diff(gone, ground()).changes == []


def test_a_leaver_is_taken_out_of_a_group_that_is_being_renamed_under_its_new_name():
    """The rename is applied first: by then there is no group of the old name."""
    found = stripped("Field", renames={"field": "North"}, given=("Field",), of=("Field",))
    assert keys(found.changes) == ["remove_member:anna@example.com:North"]


def test_a_deletion_in_the_plan_that_renames_its_group_fits_when_its_turn_comes():
    """At the recheck the group has its new name already: that is no reason to drop an approved deletion."""
    (change,) = diff(leaver(of=account(groups=["Field"])), ground("Field", renames={"field": "North"})).changes
    assert change.before["groups"] == ["North"]


# --- adoptions ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("emails", "others", "said"),
    [
        ("a", None, "1 account there already becomes ours: a"),
        ("ab", 0, "2 accounts there already become ours: a, b; 0 others match nobody and stay untouched"),
        ("a", 1, "1 account there already becomes ours: a; 1 other matches nobody and stays untouched"),
        (
            "abcdefg",
            12,
            "7 accounts there already become ours: a, b, c, d, e and 2 more; 12 others match nobody and stay untouched",
        ),
    ],
)
def test_what_would_be_adopted_is_said_with_numbers_and_names(emails, others, said):
    found = adoption(list(emails), others)
    assert (found.check, found.decision.word, found.message) == ("adoption", "proceed", said)


def test_who_is_said_to_leave_in_the_future_leaves_now():
    """The clock was a year ahead when it was written."""
    ahead = link("people/E1", since=NOW + timedelta(days=365), reads=9)
    found = compare(ahead, account(), entry("people/E1", gone=True), on=ground(grace=timedelta(days=7)))
    assert "until 2026-03-17 12:00 UTC" in found.findings[0].message
