from syncd.core.change import KINDS, Decision, RecordKey, worst
from tests.syncd.core.build import ANNA, change


def test_a_record_key_is_read_as_source_and_id():
    assert str(RecordKey("people", "E17")) == "people/E17"


def test_a_change_is_named_by_kind_user_and_group():
    assert change("delete_user", ANNA).key == "delete_user:anna@example.com"
    assert change("add_member", ANNA, "Field").key == "add_member:anna@example.com:Field"
    assert change("create_group", None, "Field").key == "create_group:Field"


def test_only_an_update_of_the_email_changes_the_email():
    assert change("update_user", ANNA, after={"email": "b@example.com"}).changes_email
    assert not change("update_user", ANNA, after={"display_name": "B"}).changes_email
    assert not change("update_user", ANNA).changes_email
    assert not change("create_user", ANNA, after={"email": ANNA}).changes_email


def test_decisions_are_ordered_and_the_worst_counts():
    assert worst([Decision.PROCEED, Decision.REFUSE, Decision.HOLD]) is Decision.REFUSE
    assert worst([Decision.PROCEED, Decision.HOLD]) is Decision.HOLD
    assert worst([]) is Decision.PROCEED


def test_decisions_have_the_words_of_the_interface():
    assert [decision.word for decision in Decision] == ["proceed", "hold", "refuse"]


def test_groups_come_before_their_members_and_what_takes_away_comes_last():
    place = KINDS.index
    assert place("rename_group") < place("create_group") < place("create_user") < place("add_member")
    assert place("update_user") < place("remove_member") < place("delete_user") == len(KINDS) - 1
