import pytest

from syncd.core.succession import Manager, Succession, successor

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
