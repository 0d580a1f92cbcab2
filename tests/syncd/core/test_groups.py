from syncd.core.groups import merged, renames
from tests.syncd.core.build import change, checks, key

G1, G2 = key("ad/G1"), key("ad/G2")


def same(name):
    return name


def test_a_group_met_for_the_first_time_is_only_remembered():
    found = renames({G1: "Field"}, {}, {"field": "Field"}, same)
    assert (found.changes, found.findings, found.names) == ((), (), {G1: "Field"})


def test_a_group_with_its_old_name_needs_nothing():
    assert renames({G1: "Field"}, {G1: "Field"}, {"field": "Field"}, same).names == {}


def test_a_group_that_is_left_out_needs_nothing():
    assert renames({G1: "Field"}, {G1: "Old"}, {"old": "Old"}, lambda _: None).names == {}


def test_a_renamed_group_is_renamed_in_fluix_in_the_spelling_of_fluix():
    found = renames({G1: "New"}, {G1: "old"}, {"old": "Old"}, same)
    (change,) = found.changes
    assert (change.key, change.before, change.after) == (
        "rename_group:Old",
        {"display_name": "Old"},
        {"display_name": "New"},
    )
    assert found.moved == {"old": "New"}
    assert found.names == {}, "remembered when it is done"


def test_a_group_whose_case_changed_is_renamed():
    assert renames({G1: "FIELD"}, {G1: "Field"}, {"field": "Field"}, same).moved == {"field": "FIELD"}


def test_a_renamed_group_that_fluix_has_not_is_only_remembered():
    assert renames({G1: "New"}, {G1: "Old"}, {}, same).names == {G1: "New"}


def test_a_new_name_that_is_another_groups_holds_those_who_would_change_groups():
    found = renames({G1: "New"}, {G1: "Old"}, {"old": "Old", "new": "New"}, same)
    assert (found.changes, found.findings, found.names, found.merges) == ((), (), {}, {G1: ("Old", "New")})
    moving = [
        change("add_member", "a", "new"),
        change("add_member", "b", "Other"),
        change("remove_member", "c", "Old"),
        change("delete_user", "d"),
    ]
    held = merged(found.merges, moving)
    assert checks(held.findings) == [("group_name_taken", "hold")]
    assert held.findings[0].changes == ("add_member:a:new", "remove_member:c:Old")
    assert "1 would be put into New, 1 taken out of Old" in held.findings[0].message
    assert held.names == {}, "it is a question until it is answered"


def test_once_nobody_is_left_to_change_groups_the_new_name_is_remembered():
    done = merged({G1: ("Old", "New")}, [change("add_member", "b", "Other")])
    assert (done.findings, done.names) == ((), {G1: "New"})


def test_a_name_that_its_group_gives_up_in_the_same_plan_is_free():
    found = renames({G1: "B", G2: "C"}, {G1: "A", G2: "B"}, {"a": "A", "b": "B"}, same)
    assert (found.moved, found.merges, found.names) == ({"b": "C"}, {}, {G1: "B"})


def test_two_groups_that_swap_names_are_both_a_question():
    found = renames({G1: "B", G2: "A"}, {G1: "A", G2: "B"}, {"a": "A", "b": "B"}, same)
    assert (found.changes, found.merges) == ((), {G1: ("A", "B"), G2: ("B", "A")})


def test_a_group_that_two_records_feed_is_not_renamed_for_one_of_them():
    """G2 still is Field; renaming Field carries off its members, and the workflows of the group."""
    known = {G1: "Field", G2: "Field"}
    assert renames({G1: "North", G2: "Field"}, known, {"field": "Field"}, same).changes == ()


def test_two_groups_that_get_one_name_are_not_both_renamed_to_it():
    """The second rename must fail in Fluix, for the name is taken by then."""
    found = renames({G1: "New", G2: "New"}, {G1: "A", G2: "B"}, {"a": "A", "b": "B"}, same)
    assert len(found.changes) <= 1


def test_no_group_is_renamed_to_nothing():
    """A line of groups.map may come to an empty name, which `Rules.group_names` leaves out."""
    assert renames({G1: "x"}, {G1: "Old"}, {"old": "Old"}, lambda _: "").changes == ()
