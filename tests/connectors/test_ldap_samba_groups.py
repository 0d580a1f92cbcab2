"""Groups of a real Active Directory controller (Samba), through the source: ranges, primary groups, groups in groups."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from connectors.errors import ConnectorError
from connectors.ldap.library import ldap3
from connectors.ldap.settings import Groups
from connectors.model import Certificate
from tests.ldap_proxy import DONE, ENTRY, Proxy, ber, done, number, operation
from tests.samba import BASE, Samba, samba
from tests.samba_reads import cutting, named, read, source

__all__ = ["samba"]  # the fixture

USERS = f"CN=Users,{BASE}"
BIG = 1601
"""More than the 1,500 values that Active Directory hands out at once."""


@pytest.fixture(scope="module")
def big(samba: Samba) -> tuple[str, list[str]]:
    """A unit with a group of 1,601 people and one of two; people's names."""
    unit = samba.unit()
    members = [samba.person(unit, f"p{number}") for number in range(BIG)]
    samba.group(unit, "big", members)
    samba.group(unit, "small", members[:2])
    return unit, [f"P{number}" for number in range(BIG)]


def in_ranges(samba: Samba, unit: str, most: int = 1500, **options) -> tuple[list, list[str]]:
    """A read from a controller that gives so many members at once, and what it noted."""
    notes: list[str] = []
    with cutting(samba, most, **options) as proxy:
        items = list(source(samba, unit, url=proxy.url, log=notes.append).read())
    return items, [note for note in notes if note.startswith("#")]


def groups_of(items: list) -> dict[str, int]:
    """Group -> how many members."""
    return {
        item.attributes["display_name"]: len(item.attributes["members"]) for item in items[:-1] if item.kind == "group"
    }


@pytest.mark.parametrize("most", [1500, 200, 1])
def test_a_group_in_ranges_is_the_same_as_in_one_piece(samba, big, most):
    unit, names = big
    if most == 1:
        unit, names = samba.unit(), ["A", "B", "C"]
        samba.group(unit, "big", [samba.person(unit, name) for name in names])
    whole = read(samba, unit)
    items, notes = in_ranges(samba, unit, most)
    assert replace(items[-1], cursor=None) == replace(whole.certificate, cursor=None)
    assert items[-1].certified
    assert not notes
    assert named(whole)["big"] == set(names)
    assert groups_of(items) == {name: len(members) for name, members in whole.groups.items()}


def second_range(message: bytes) -> bool:
    """Whether an answer holds another part than the first."""
    return operation(message) == ENTRY and re.search(rb"member;range=[1-9]", message) is not None


def empty(message: bytes) -> bytes:
    """The entry without any attribute."""
    return ber(0x30, number(message), ber(ENTRY, ber(4, b"cn=x"), ber(0x30)))


def busy(message: bytes, ends: list[bool] = []) -> bytes:  # noqa: B006 - remembered from one answer to the next
    """Instead of the entry an answer that there is none, with a reason."""
    if second_range(message):
        ends.append(True)
        return b""
    return done(message, 51) if operation(message) == DONE and ends and ends.pop() else message


BROKEN = {
    "the entry is away": lambda message: b"" if second_range(message) else message,
    "no range comes": lambda message: empty(message) if second_range(message) else message,
    "the first range again": lambda message: message.replace(b"range=1500-", b"range=0000-"),
    "the server is busy": busy,
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_group_whose_ranges_do_not_go_on_is_frozen_alone(samba, big, how):
    unit, _ = big
    items, notes = in_ranges(samba, unit, alter=BROKEN[how])
    assert items[-1].frozen_groups == {"big"}
    assert groups_of(items) == {"small": 2}
    assert any('group "big" was not read whole' in note for note in notes)


def test_a_connection_that_is_cut_within_a_range_certifies_nothing(samba, big):
    unit, _ = big
    items = []
    with (
        cutting(samba, 1500, alter=lambda message: None if second_range(message) else message) as proxy,
        pytest.raises(ConnectorError),
    ):
        items.extend(source(samba, unit, url=proxy.url).read())
    assert not any(isinstance(item, Certificate) for item in items)
    assert groups_of([*items, None]) == {}


def test_a_group_that_changes_between_two_ranges_is_frozen(samba):
    unit = samba.unit()
    members = [samba.person(unit, name) for name in "abcd"]
    group = samba.group(unit, "field", members)
    changed = []

    def change(message):
        if second_range(message) and not changed:
            changed.append(True)
        if operation(message) == ENTRY and b"member;range=0-1" in message:
            samba.modify(group, member=(ldap3.MODIFY_DELETE, [members[0]]))
        return message

    items, notes = in_ranges(samba, unit, 2, alter=change)
    assert changed
    assert items[-1].frozen_groups == {"field"}
    assert any("changed while it was read" in note for note in notes)
    assert groups_of(in_ranges(samba, unit, 2)[0]) == {"field": 3}


def test_everybody_is_in_domain_users_though_no_list_shows_it(samba):
    unit = samba.unit()
    samba.person(unit, "anna")
    samba.person(unit, "bob")
    everybody = Groups(USERS, filter="(&(objectClass=group)(cn=Domain Users))")
    found = read(samba, unit, groups=everybody)
    assert found.certificate.certified
    assert named(found) == {"Domain Users": {"Anna", "Bob"}}


def test_a_primary_group_counts_within_another_group_too(samba):
    unit = samba.unit()
    samba.person(unit, "anna")
    samba.group(unit, "staff", [f"CN=Domain Users,{USERS}"])
    assert named(read(samba, unit)) == {"staff": {"Anna"}}
    assert named(read(samba, unit, groups=Groups(unit, nested=False))) == {"staff": set()}


def test_who_gets_another_primary_group_stays_in_both(samba):
    unit = samba.unit()
    anna = samba.person(unit, "anna")
    group = samba.group(unit, "night watch", [anna])
    rid = int.from_bytes(samba.read(group, "objectSid")["objectsid"][0][-4:], "little")
    samba.modify(anna, primaryGroupID=(ldap3.MODIFY_REPLACE, [str(rid)]))
    everything = Groups(BASE, filter="(|(cn=night watch)(cn=Domain Users))")
    found = named(read(samba, unit, groups=everything))
    assert found["night watch"] == {"Anna"}
    assert found["Domain Users"] == {"Anna"}


def test_groups_in_groups_and_round_in_a_circle(samba):
    unit = samba.unit()
    people = {name: samba.person(unit, name) for name in ("anna", "bob", "carla")}
    inner = samba.group(unit, "inner", [people["anna"]])
    middle = samba.group(unit, "middle", [people["bob"], inner])
    outer = samba.group(unit, "outer", [people["carla"], middle])
    samba.modify(inner, member=(ldap3.MODIFY_ADD, [outer]))
    notes = []
    found = read(samba, unit, log=notes.append)
    assert found.certificate.certified
    assert named(found) == {name: {"Anna", "Bob", "Carla"} for name in ("inner", "middle", "outer")}
    assert sum("members of each other" in note for note in notes) == 1


def test_a_group_elsewhere_counts_only_as_a_part(samba):
    unit, elsewhere = samba.unit(), samba.unit()
    anna, stranger = samba.person(unit, "anna"), samba.person(elsewhere, "stranger")
    part = samba.group(elsewhere, "part", [anna, stranger])
    samba.group(unit, "field", [part])
    found = read(samba, unit)
    assert found.certificate.certified
    assert named(found) == {"field": {"Anna"}}


def test_a_level_of_groups_takes_one_search(samba):
    """A whole domain's searches refer to its configuration: that must not make us ask name by name."""
    unit, elsewhere = samba.unit(), samba.unit()
    anna = samba.person(unit, "anna")
    for name in range(20):
        samba.group(unit, f"g{name}", [samba.group(elsewhere, f"part{name}", [anna])])
    searches = []
    found = read(samba, unit, log=searches.append)
    assert named(found) == {f"g{name}": {"Anna"} for name in range(20)}
    assert len([search for search in searches if "g0" in search or "objectClass=group" in search]) <= 2


def test_a_member_of_another_domain_is_left_out_and_told(samba):
    unit = samba.unit()
    group = samba.group(unit, "mixed", [samba.person(unit, "anna")])
    samba.modify(group, member=(ldap3.MODIFY_ADD, ["<SID=S-1-5-21-1-2-3-1104>"]))
    notes = []
    found = read(samba, unit, log=notes.append)
    assert found.certificate.certified
    assert named(found) == {"mixed": {"Anna"}}
    (note,) = (note for note in notes if note.startswith("#"))
    assert "1 member is from other domains" in note
    assert note.endswith("S-1-5-21-1-2-3-1104")


def test_any_answer_left_out_is_noticed_or_harmless(samba):
    """Of people every answer counts; whoever is certified is whole."""
    unit = samba.unit()
    people = [samba.person(unit, f"p{n}") for n in range(5)]
    samba.group(unit, "field", people)
    truth = {item.external_id for item in list(source(samba, unit).read())[:-1]}
    kinds: list[int] = []
    with Proxy(samba.port, alter=lambda message: kinds.append(operation(message)) or message) as proxy:
        list(source(samba, unit, url=proxy.url).read())
    entries = [at for at, kind in enumerate(kinds) if kind == ENTRY]
    for at in entries[1:11]:  # after the root DSE: the survey of five, the five people
        met: list[int] = []

        def leave_out(message, at=at, met=met):
            met.append(operation(message))
            return b"" if len(met) == at + 1 else message

        with Proxy(samba.port, alter=leave_out) as proxy:
            *records, certificate = source(samba, unit, url=proxy.url).read()
        assert not certificate.certified or {record.external_id for record in records} == truth
