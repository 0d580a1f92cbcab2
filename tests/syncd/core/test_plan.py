import json

import pytest

from syncd.core.plan import Plan, change_from_dict, change_to_dict
from tests.syncd.core.build import ANNA, change, deletion, link

CREATE_GROUP = change("create_group", None, "Field", after={"display_name": "Field"}, reason="the directory names it")
CREATE = change(
    "create_user", "new@x.example", after={"email": "new@x.example", "groups": ["Field"]}, records=["people/E2"]
)
ADD = change("add_member", ANNA, "Field", records=["people/E1"])
REMOVE = change("remove_member", ANNA, "Office")


def test_a_plan_is_ordered_by_kind_then_user_then_group():
    plan = Plan.of([deletion(), REMOVE, ADD, change("add_member", ANNA, "Archive"), CREATE, CREATE_GROUP])
    assert [made.key for made in plan.changes] == [
        "create_group:Field",
        "create_user:new@x.example",
        "add_member:anna@example.com:Archive",
        "add_member:anna@example.com:Field",
        "remove_member:anna@example.com:Office",
        "delete_user:anna@example.com",
    ]


def test_a_group_that_two_people_need_is_created_once():
    assert Plan.of([CREATE_GROUP, ADD, CREATE_GROUP]).counts() == {"create_group": 1, "add_member": 1}


def test_the_same_changes_give_the_same_digest_in_any_order():
    assert Plan.of([ADD, REMOVE, CREATE]).digest == Plan.of([CREATE, REMOVE, ADD]).digest


def test_two_different_changes_of_one_key_are_a_mistake_of_ours():
    """Which one wins must not depend on order."""
    one = change("rename_group", None, "Field", before={"display_name": "Field"}, after={"display_name": "North"})
    two = change("rename_group", None, "Field", before={"display_name": "Field"}, after={"display_name": "South"})
    for changes in ([one, two], [two, one]):
        with pytest.raises(ValueError, match="both called rename_group:Field"):
            Plan.of(changes)


def test_a_group_spelt_in_two_ways_is_created_once():
    """ "Field" and "field" are one group (normalise_name), and one create_group."""
    other = change("create_group", None, "field", after={"display_name": "field"}, reason="the directory names it")
    assert Plan.of([CREATE_GROUP, other]).counts() == {"create_group": 1}
    assert Plan.of([CREATE_GROUP, other]) == Plan.of([other, CREATE_GROUP])
    assert Plan.of([CREATE_GROUP, other]).digest == Plan.of([other, CREATE_GROUP]).digest


def test_two_memberships_that_differ_only_in_case_are_two_changes():
    """Only a group is one in two spellings; a user's key must not swallow another's."""
    assert len(Plan.of([ADD, change("add_member", ANNA.upper(), "Field", records=["people/E1"])]).changes) == 2


def test_every_part_of_a_change_is_in_the_digest():
    plain = Plan.of([deletion()]).digest
    others = [
        deletion("other@x.example"),
        deletion(groups=["Field"]),
        deletion(after={"documents": "discard"}),
        deletion(records=["people/E9"]),
    ]
    assert len({plain, *(Plan.of([other]).digest for other in others)}) == 5


def test_an_adoption_is_in_the_digest():
    plans = [Plan.of([ADD]), Plan.of([ADD], [link("people/E1")]), Plan.of([ADD], [link("people/E1", "f2")])]
    assert len({plan.digest for plan in plans}) == 3


def test_adoptions_stand_in_the_order_of_their_records():
    one, two = link("people/E1"), link("people/E2", "f2")
    assert Plan.of([], [two, one]).links == (one, two)
    assert Plan.of([], [two, one]).digest == Plan.of([], [one, two]).digest


def test_counts_are_in_the_order_of_kinds_without_zeros():
    assert list(Plan.of([REMOVE, ADD, deletion()]).counts().items()) == [
        ("add_member", 1),
        ("remove_member", 1),
        ("delete_user", 1),
    ]
    assert Plan.of([]).counts() == {}


def test_the_changes_of_one_kind_can_be_asked_for():
    plan = Plan.of([REMOVE, ADD])
    assert plan.of_kind("add_member") == (ADD,)
    assert plan.of_kind("delete_user") == ()


def test_a_plan_that_went_through_json_has_the_same_digest():
    plan = Plan.of([deletion(groups=["Fjäll", "Büro"]), CREATE, ADD])
    back = [change_from_dict(json.loads(json.dumps(change_to_dict(made)))) for made in plan.changes]
    assert Plan.of(back).digest == plan.digest
    assert Plan.of(back) == plan


def test_a_name_with_half_a_character_still_has_a_digest():
    assert Plan.of([change("create_group", None, "\ud800")]).digest
