import pytest

from syncd.core.succession import Manager, Owner, Succession, owner_of, successor

BOSS = Manager("boss@x.example", stays=True)


@pytest.mark.parametrize(
    ("people", "email", "chain"),
    [
        ({"E1": BOSS}, "boss@x.example", ()),
        ({"E1": Manager("a@x.example", False, "E2"), "E2": BOSS}, "boss@x.example", ("E1 leaves as well",)),
        ({"E1": Manager(None, False, "E2"), "E2": BOSS}, "boss@x.example", ("E1 has no account",)),
        ({}, None, ("E1 is unknown",)),
        ({"E1": Manager("a@x.example", False)}, None, ("E1 leaves as well", "nobody is named above")),
        ({"E1": Manager("a@x.example", False, "E2")}, None, ("E1 leaves as well", "E2 is unknown")),
        ({"E1": Manager("a@x.example", False, "E1")}, None, ("E1 leaves as well", "E1 again")),
        (
            {"E1": Manager("a@x.example", False, "E2"), "E2": Manager(None, True, "E1")},
            None,
            ("E1 leaves as well", "E2 has no account", "E1 again"),
        ),
    ],
)
def test_the_chain_of_managers_is_walked_to_the_first_who_stays(people, email, chain):
    assert successor("E1", people.get) == Succession(email, chain)


def test_without_a_manager_nobody_takes_over():
    assert successor("", {"": BOSS}.get) == Succession(None, ("nobody is named above",))


GONE = Manager("gone@x.example", stays=False)
OTHER = Manager("other@x.example", stays=True)


@pytest.mark.parametrize(
    ("owners", "email", "chain"),
    [
        ([], None, ("no source names an owner of its groups",)),
        ([Owner("E1", "Field", BOSS)], "boss@x.example", ()),
        ([Owner("E1", "Field", BOSS), Owner("E1", "Office", BOSS)], "boss@x.example", ()),
        (
            [Owner("E1", "Field", GONE), Owner("E2", "Office", BOSS)],
            "boss@x.example",
            ("E1, who owns Field, leaves as well",),
        ),
        (
            [Owner("E1", "Field", None), Owner("E2", "Office", Manager(None, stays=True))],
            None,
            ("E1, who owns Field, is unknown", "E2, who owns Office, has no account"),
        ),
        (
            [Owner("E1", "Field", BOSS), Owner("E2", "Office", OTHER)],
            None,
            ("several own its groups: boss@x.example owns Field, other@x.example owns Office",),
        ),
    ],
)
def test_of_the_owners_of_its_groups_the_only_one_who_stays_takes_over(owners, email, chain):
    assert owner_of(owners) == Succession(email, chain)
