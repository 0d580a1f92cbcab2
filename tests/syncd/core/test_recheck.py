import pytest

from syncd.core.recheck import stale
from tests.syncd.core.build import ANNA, account, change, deletion, dossier, key, part

DELETE = deletion(groups=["Field"])
THERE = account(groups=["Field"])
UPDATE = change("update_user", ANNA, before={"email": ANNA, "display_name": "Anna"}, after={"email": "b@x.example"})


def test_a_change_that_is_about_no_account_yet_always_fits():
    assert stale(change("create_group", None, "Field"), None) is None
    assert stale(change("create_user", ANNA), None) is None


@pytest.mark.parametrize("made", [DELETE, UPDATE, change("add_member", ANNA, "F"), change("remove_member", ANNA, "F")])
def test_a_change_of_an_account_that_is_gone_drops_out(made):
    assert stale(made, None, dossier()) == "is not in Fluix any more"


def test_an_update_fits_while_the_account_is_as_it_was():
    assert stale(UPDATE, THERE) is None
    assert stale(change("update_user", ANNA, after={"display_name": "B"}), THERE) is None


def test_an_update_drops_out_when_what_it_changes_was_changed_by_hand():
    assert stale(UPDATE, account(name="Annie")) == 'display_name is now "Annie", and was "Anna" when this was planned'
    assert "email is now" in stale(UPDATE, account(email="c@x.example"))


def test_an_update_of_the_name_does_not_mind_another_email():
    made = change("update_user", ANNA, before={"display_name": "Anna"}, after={"display_name": "B"})
    assert stale(made, account(email="c@x.example")) is None


def test_a_change_of_key_drops_out_when_the_account_has_another_address():
    """That the address is the same was the whole reason to take the account over."""
    made = change(
        "update_user", ANNA, before={"record": "people/E1"}, after={"record": "people/E2"}, records=["people/E2"]
    )
    assert stale(made, account(email="somebody.else@x.example")) is not None


def test_a_membership_fits_while_the_account_is_there():
    assert stale(change("add_member", ANNA, "Field"), THERE) is None


def test_a_deletion_fits_while_nothing_changed():
    assert stale(DELETE, THERE, dossier()) is None
    assert stale(DELETE, THERE, dossier(), [key("people/E2")]) is None


def test_a_deletion_drops_out_when_its_person_is_back():
    assert stale(DELETE, THERE, dossier(), [key("people/E1")]) == "people/E1 is back in its source"


def test_a_deletion_drops_out_when_one_of_two_records_is_back():
    made = deletion(groups=["Field"], records=["people/E1", "ad/7"])
    assert stale(made, THERE, dossier(), [key("ad/7")]) == "ad/7 is back in its source"


def test_a_deletion_drops_out_when_the_account_has_another_address():
    assert stale(DELETE, account(email="b@x.example", groups=["Field"]), dossier()) == "the account is now b@x.example"


@pytest.mark.parametrize("groups", [(), ("Field", "Office"), ("Office",)])
def test_a_deletion_drops_out_when_the_groups_changed(groups):
    assert stale(DELETE, account(groups=groups), dossier()) == "its groups changed since this was planned"


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
    assert stale(DELETE, THERE, dossier(**now)) == f"what Fluix knows of it changed since this was planned ({name})"


def test_a_deletion_drops_out_when_a_workflow_step_would_now_be_left_empty():
    made = deletion(groups=["Field"], of=dossier(workflows=(part(),)))
    assert stale(made, THERE, dossier(workflows=(part(),))) is None
    assert "(workflows)" in stale(made, THERE, dossier(workflows=(part(alone=True),)))


def test_a_deletion_drops_out_when_nothing_is_known_any_more():
    assert stale(DELETE, THERE, None) == "what Fluix knows of it changed since this was planned (nothing is known)"


def test_a_deletion_of_what_has_become_the_last_admin_drops_out():
    """Planned and approved as one of three admins; the two others were demoted since."""
    made = deletion(groups=["Field"], of=dossier(role="Admin", admins=3))
    assert stale(made, THERE, dossier(role="Admin", admins=1)) is not None
