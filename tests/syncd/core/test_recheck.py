import json

import pytest

from syncd.core.change import RecordKey
from syncd.core.humans import Entry, Link
from syncd.core.plan import change_from_dict, change_to_dict
from syncd.core.recheck import replaced, stale_in_account, stale_in_directory
from syncd.core.rules import Shaped, Wanted
from tests.syncd.core.build import ANNA, account, change, compare, deletion, dossier, entry, key, part

DELETE = deletion(groups=["Field"])
THERE = account(groups=["Field"])
UPDATE = change(
    "update_user",
    ANNA,
    before={"email": ANNA, "display_name": "Anna"},
    after={"email": "b@x.example"},
    records=["people/E1"],
)
NEW_KEY = change(
    "update_user",
    ANNA,
    before={"record": "people/E1", "replaces": [["people", "E1"]]},
    after={"record": "people/E2"},
    records=["people/E2"],
)
CREATE = change("create_user", ANNA, after={"email": ANNA, "display_name": "Anna"}, records=["people/E1"])
JOIN = change("add_member", ANNA, "Field", records=["people/E1"])
LEAVE = change("remove_member", ANNA, "Field", records=["people/E1"])


def asking(email=ANNA, name="Anna", groups=(), record="people/E1"):
    return {key(record): Wanted(email, name, tuple(groups))}


# --- the account --------------------------------------------------------------------------------------------------


def test_a_change_that_is_about_no_account_yet_always_fits():
    assert stale_in_account(change("create_group", None, "Field"), None) is None
    assert stale_in_account(CREATE, None) is None


@pytest.mark.parametrize("made", [DELETE, UPDATE, JOIN, LEAVE])
def test_a_change_of_an_account_that_is_gone_drops_out(made):
    assert stale_in_account(made, None, dossier()) == "is not in Fluix any more"


def test_an_update_fits_while_the_account_is_as_it_was():
    assert stale_in_account(UPDATE, THERE) is None
    assert stale_in_account(change("update_user", ANNA, after={"display_name": "B"}), THERE) is None


def test_an_update_drops_out_when_what_it_changes_was_changed_by_hand():
    now = account(name="Annie")
    assert stale_in_account(UPDATE, now) == 'display_name is now "Annie", and was "Anna" when this was planned'
    assert stale_in_account(UPDATE, account(email="c@x.example")) == "the account is now c@x.example"
    shouted = f'email is now "{ANNA.upper()}", and was "{ANNA}" when this was planned'
    assert stale_in_account(UPDATE, account(email=ANNA.upper())) == shouted


def test_a_change_of_key_drops_out_when_the_account_has_another_address():
    """That the address is the same was the whole reason to take the account over."""
    assert stale_in_account(NEW_KEY, account(email="somebody.else@x.example")) is not None
    assert stale_in_account(NEW_KEY, THERE) is None


def test_a_membership_fits_while_the_account_is_there():
    assert stale_in_account(JOIN, THERE) is None


def test_a_deletion_fits_while_nothing_changed():
    assert stale_in_account(DELETE, THERE, dossier()) is None


def test_a_deletion_drops_out_when_the_account_has_another_address():
    other = account(email="b@x.example", groups=["Field"])
    assert stale_in_account(DELETE, other, dossier()) == "the account is now b@x.example"


@pytest.mark.parametrize("groups", [(), ("Field", "Office"), ("Office",)])
def test_a_deletion_drops_out_when_the_groups_changed(groups):
    assert stale_in_account(DELETE, account(groups=groups), dossier()) == "its groups changed since this was planned"


@pytest.mark.parametrize(
    ("name", "now"),
    [
        ("owner", {"owner": True}),
        ("owner", {"owner": None}),
        ("role", {"role": "Admin"}),
        ("role", {"role": None}),
        ("workflows", {"workflows": (part(),)}),
        ("workflows", {"workflows": None}),
        ("drafts", {"drafts": 1}),
        ("assigned", {"assigned": None}),
    ],
)
def test_a_deletion_drops_out_when_its_dossier_changed(name, now):
    why = f"what Fluix knows of it changed since this was planned ({name})"
    assert stale_in_account(DELETE, THERE, dossier(**now)) == why


def test_a_deletion_drops_out_when_a_workflow_step_would_now_be_left_empty():
    made = deletion(groups=["Field"], of=dossier(workflows=(part(),)))
    assert stale_in_account(made, THERE, dossier(workflows=(part(),))) is None
    assert "(workflows)" in stale_in_account(made, THERE, dossier(workflows=(part(alone=True),)))


def test_a_deletion_drops_out_when_nothing_is_known_any_more():
    why = "what Fluix knows of it changed since this was planned (nothing is known)"
    assert stale_in_account(DELETE, THERE, None) == why


# --- the directory ------------------------------------------------------------------------------------------------


def test_a_deletion_fits_while_nobody_asks_for_the_account():
    assert stale_in_directory(DELETE, {}) is None


@pytest.mark.parametrize("made", [CREATE, UPDATE, JOIN])
def test_what_gives_something_drops_out_when_nobody_asks_for_it_any_more(made):
    assert stale_in_directory(made, {}) == "people/E1 asks for no account any more"


def test_what_gives_something_fits_while_it_is_asked_for():
    assert stale_in_directory(CREATE, asking()) is None
    assert stale_in_directory(UPDATE, asking("b@x.example")) is None
    assert stale_in_directory(JOIN, asking(groups=["field"])) is None
    assert stale_in_directory(change("create_group", None, "Field"), {}) is None


def test_an_account_is_not_created_or_changed_to_what_the_directory_no_longer_says():
    assert stale_in_directory(CREATE, asking(name="Annie")) == 'the directory now says display_name "Annie"'
    assert stale_in_directory(UPDATE, asking("c@x.example")) == 'the directory now says email "c@x.example"'


def test_a_membership_drops_out_when_the_directory_changed_its_mind():
    assert stale_in_directory(JOIN, asking(groups=["Office"])) == "people/E1 is in Field no longer"
    assert stale_in_directory(LEAVE, asking(groups=["field"])) == "people/E1 is in Field again"
    assert stale_in_directory(LEAVE, asking(groups=["Office"])) is None
    assert stale_in_directory(LEAVE, {}) is None


def test_an_account_is_not_taken_over_by_a_new_key_when_the_old_one_is_back():
    new = asking(record="people/E2")
    assert stale_in_directory(NEW_KEY, new) is None
    assert stale_in_directory(NEW_KEY, {**new, **asking()}) == "people/E1 asks for the account again"


@pytest.mark.parametrize("name", ["Berg, Anna", "a/b", "a, ad/7", ""])
def test_an_old_record_is_known_by_whatever_id_its_source_gives_it(name):
    """A CSV id column may hold "Berg, Anna"; its return must be noticed all the same."""
    old, new = RecordKey("people", name), entry("people/E9")
    parts = Entry(old, Shaped(ANNA, out="is not active")), Link(old, "f1"), new, account()
    (made,) = compare(*parts).changes
    made = change_from_dict(json.loads(json.dumps(change_to_dict(made))))
    assert replaced(made) == (old,)
    back = {**asking(record="people/E9"), old: new.shaped.wanted}
    assert stale_in_directory(made, asking(record="people/E9")) is None
    assert stale_in_directory(made, back) == f"people/{name} asks for the account again"


def test_nobody_is_created_in_a_group_that_they_have_left_since():
    made = change(
        "create_user",
        ANNA,
        after={"email": ANNA, "display_name": "Anna", "groups": ["Field", "Safe"]},
        records=["people/E1", "ad/7"],
    )
    both = {**asking(groups=["field"]), **asking(groups=["safe"], record="ad/7")}
    assert stale_in_directory(made, both) is None
    assert stale_in_directory(made, asking(groups=["Field", "Safe", "More"])) is None
    assert stale_in_directory(made, asking(groups=["Field"])) == "people/E1 is in Safe no longer"


def test_several_of_a_kind_are_named_one_by_one():
    both = ["people/E1", "ad/7"]
    made = change(
        "create_user", ANNA, after={"email": ANNA, "display_name": "Anna", "groups": ["A", "B"]}, records=both
    )
    there = {**asking(), **asking(record="ad/7")}
    assert stale_in_directory(made, there) == "people/E1, ad/7 is in A, B no longer"
    taken = change("update_user", ANNA, before={"replaces": [["people", "E1"], ["ad", "7"]]}, records=["people/E2"])
    back = {**there, **asking(record="people/E2")}
    assert stale_in_directory(taken, back) == "people/E1, ad/7 asks for the account again"
    assert "(drafts, assigned)" in str(stale_in_account(DELETE, THERE, dossier(drafts=1, assigned=1)))


def test_a_change_of_key_names_the_records_that_it_replaces():
    assert replaced(NEW_KEY) == (key("people/E1"),)
    assert replaced(UPDATE) == ()
    assert replaced(DELETE) == ()


def test_who_is_in_the_directory_again_is_not_deleted():
    deletes = change("delete_user", ANNA, records=["people/E1"])
    assert stale_in_directory(deletes, asking()) == "people/E1 is in the directory again"
    assert stale_in_directory(deletes, {}) is None
