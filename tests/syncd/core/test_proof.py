import pytest

from syncd.core.proof import EACH_TWENTY, Sampling, groups_told, unproven
from tests.syncd.core.build import ANNA, account, change, deletion

MANY = [change("add_member", f"{number}@x.example", "Field") for number in range(100)]


@pytest.mark.parametrize(
    ("sampling", "count"),
    [
        (EACH_TWENTY, 20),
        (Sampling(0), 0),
        (Sampling(500), 100),
        (Sampling(None), 100),
        (Sampling(None, 100), 100),
        (Sampling(None, 0), 0),
        (Sampling(None, 2.1), 3),
    ],
)
def test_a_sample_is_a_number_a_part_rounded_up_or_all(sampling, count):
    chosen = sampling.of(MANY)
    assert len({one.key for one in chosen}) == count
    assert chosen == sampling.of(MANY[::-1])


def test_a_sample_is_not_simply_the_first():
    assert set(range(20)) != {MANY.index(one) for one in EACH_TWENTY.of(MANY)}


def test_deletions_are_all_read_back():
    gone = [deletion(f"{number}@x.example") for number in range(30)]
    assert Sampling(0).of([*gone, *MANY]) == gone


def test_groups_are_read_only_for_changes_of_groups():
    assert not groups_told(MANY)
    assert groups_told([*MANY, change("create_group", group="Field")])
    assert groups_told([change("rename_group", group="Field", after={"display_name": "Site"})])


CREATED = change("create_user", ANNA, after={"email": ANNA, "display_name": "Anna", "groups": ["Field", "Site"]})
MARRIED = change("update_user", ANNA, after={"email": "a.berg@example.com", "display_name": "Anna Berg"})
RENAMED = change("rename_group", group="Field", after={"display_name": "Site"})
SPELLED = change("rename_group", group="field", after={"display_name": "Field"})


@pytest.mark.parametrize(
    ("made", "there", "why"),
    [
        (CREATED, account(groups=["field", "Site"]), None),
        (CREATED, None, "it is not there"),
        (CREATED, account(groups=["Field"]), "it is not in Site"),
        (CREATED, account(name="Ann", groups=["Site"]), 'its display_name is "Ann" and it is not in Field'),
        (MARRIED, account(email="a.berg@example.com", name="Anna Berg"), None),
        (MARRIED, account(), f'its email is "{ANNA}" and its display_name is "Anna"'),
        (change("update_user", ANNA, after={"record": "people/E2"}), account(), None),
        (change("update_user", ANNA, after={"record": "people/E2"}), None, "it is not there"),
        (change("resend_invite", ANNA), account(), None),
        (change("add_member", ANNA, "Field"), account(groups=["FIELD"]), None),
        (change("add_member", ANNA, "Field"), account(groups=["Site"]), "it is not in Field"),
        (change("add_member", ANNA, "Field"), None, "it is not there"),
        (change("remove_member", ANNA, "Field"), account(groups=["Site"]), None),
        (change("remove_member", ANNA, "Field"), account(groups=["field"]), "it is still in Field"),
        (change("remove_member", ANNA, "Field"), None, None),
        (deletion(), None, None),
        (deletion(), account(), f"{ANNA} is still there"),
    ],
)
def test_what_the_account_says_of_a_user(made, there, why):
    assert unproven(made, there) == why


@pytest.mark.parametrize(
    ("made", "groups", "why"),
    [
        (change("create_group", group="Field"), {"field"}, None),
        (change("create_group", group="Field"), {"site"}, "there is no group Field"),
        (RENAMED, {"site"}, None),
        (RENAMED, {"field"}, "there is no group Site"),
        (RENAMED, {"field", "site"}, "there is still a group Field"),
        (SPELLED, {"field"}, None),
    ],
)
def test_what_the_account_says_of_its_groups(made, groups, why):
    assert unproven(made, None, groups) == why
