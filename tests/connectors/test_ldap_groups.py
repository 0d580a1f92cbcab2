"""Groups on a real slapd: three kinds of member lists, groups in groups, cycles, members from elsewhere."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.ldap.members import Membership, cycles
from connectors.ldap.settings import Groups, People
from tests.ldap_reads import Read, make
from tests.slapd import GROUPS, PEOPLE, SUFFIX, Slapd, group, ldif, needs_slapd, person, uid_dn

pytestmark = needs_slapd

ELSEWHERE = f"ou=elsewhere,{SUFFIX}"
TEAM = [person(name) for name in ("anna", "bob", "carl", "dora")]


@pytest.fixture
def lines():
    """What was logged."""
    return []


def groups_of(slapd, *texts, lines=None, **options):
    slapd.load(*TEAM, ldif(ELSEWHERE, objectClass="organizationalUnit", ou="elsewhere"), *texts).start()
    found = Read(make(slapd.url, log=(lines if lines is not None else []).append, **options))
    assert found.certificate.certified, found.certificate
    assert not found.certificate.frozen_groups
    return found


def cn(name, base=GROUPS):
    return f"cn={name},{base}"


def test_the_owner_of_a_group_is_the_first_who_is_one_of_our_people(slapd):
    found = groups_of(
        slapd,
        group("Field", [uid_dn("anna")], owner=[f"cn=nobody,{ELSEWHERE}", uid_dn("dora")]),
        group("Office", [uid_dn("anna")], owner=f"cn=nobody,{ELSEWHERE}"),
    )
    assert found.owners == {"Field": "dora", "Office": None}


def test_three_kinds_of_groups(slapd):
    found = groups_of(
        slapd,
        group("Names", [uid_dn("anna"), uid_dn("bob")]),
        ldif(
            cn("Unique"),
            objectClass="groupOfUniqueNames",
            cn="Unique",
            uniqueMember=[f"{uid_dn('anna')}#'0101'B", uid_dn("carl")],
        ),
        ldif(cn("Posix"), objectClass="posixGroup", cn="Posix", gidNumber="7", memberUid=["bob", "CARL", "nobody"]),
        ldif(cn("Empty"), objectClass="posixGroup", cn="Empty", gidNumber="8"),
    )
    assert found.members() == {
        "Names": {"anna", "bob"},
        "Unique": {"anna", "carl"},
        "Posix": {"bob", "carl"},
        "Empty": set(),
    }
    assert found.certificate.groups == 4


def test_a_group_is_keyed_by_entry_uuid_and_shows_the_name_it_has_now(slapd):
    slapd.load(*TEAM, group("Field", [uid_dn("anna")])).start()
    key = slapd.uuids()[cn("Field")]
    source = make(slapd.url)
    (before,) = [item for item in source.read() if getattr(item, "kind", "") == "group"]
    slapd.change(f"dn: {cn('Field')}\nchangetype: modrdn\nnewrdn: cn=Outside\ndeleteoldrdn: 1\n")
    (after,) = [item for item in source.read() if getattr(item, "kind", "") == "group"]
    assert before.external_id == after.external_id == key
    assert (before.attributes["display_name"], after.attributes["display_name"]) == ("Field", "Outside")


def test_the_name_may_be_another_attribute(slapd):
    found = groups_of(
        slapd, group("g1", [uid_dn("anna")], description="Field work"), groups=Groups(GROUPS, name="description")
    )
    assert found.members() == {"Field work": {"anna"}}


def test_groups_in_groups_at_any_depth(slapd):
    found = groups_of(
        slapd,
        group("All", [cn("Field"), cn("Office")]),
        group("Field", [uid_dn("anna"), cn("North")]),
        group("Office", [uid_dn("bob")]),
        group("North", [uid_dn("carl")]),
    )
    assert found.members()["All"] == {"anna", "bob", "carl"}
    assert found.members()["Field"] == {"anna", "carl"}


def test_nested_can_be_turned_off(slapd):
    inner = [group("All", [cn("Field"), uid_dn("bob")]), group("Field", [uid_dn("anna")])]
    assert groups_of(slapd, *inner, groups=Groups(GROUPS, nested=False)).members()["All"] == {"bob"}


def test_groups_outside_of_the_base_are_opened_level_by_level_and_are_no_groups_of_ours(slapd, lines):
    far = [group(f"Far{n}", [cn(f"Far{n + 1}", ELSEWHERE), cn(f"Side{n}", ELSEWHERE)], ELSEWHERE) for n in range(3)]
    sides = [group(f"Side{n}", [uid_dn(name)], ELSEWHERE) for n, name in enumerate(["anna", "bob", "carl"])]
    last = group("Far3", [uid_dn("dora")], ELSEWHERE)
    found = groups_of(slapd, group("Top", [cn("Far0", ELSEWHERE)]), *far, *sides, last, lines=lines)
    assert found.members() == {"Top": {"anna", "bob", "carl", "dora"}}
    lookups = [line for line in lines if "entryDN=" in line and "1.1" not in line]
    assert len(lookups) == 4  # one for each level, however many groups it has
    assert not any("1.2.840.113556.1.4.1941" in line for line in lines)


def test_cycles_are_cut_and_named(slapd, lines):
    found = groups_of(
        slapd,
        group("A", [cn("B"), uid_dn("anna")]),
        group("B", [cn("C", ELSEWHERE), uid_dn("bob")]),
        group("C", [cn("A"), uid_dn("carl")], ELSEWHERE),
        group("Self", [cn("Self"), uid_dn("dora")]),
        lines=lines,
    )
    assert found.members() == {"A": {"anna", "bob", "carl"}, "B": {"anna", "bob", "carl"}, "Self": {"dora"}}
    notes = [line for line in lines if line.startswith("#")]
    assert any('"A" -> "B" -> "C" -> "A"' in note for note in notes)
    assert any('"Self" -> "Self"' in note for note in notes)


def test_members_who_are_no_people_of_this_source_are_left_out_and_said(slapd, lines):
    found = groups_of(
        slapd,
        person("guest", ELSEWHERE),
        group("Field", [uid_dn("anna"), uid_dn("guest", ELSEWHERE), f"cn=gone,{SUFFIX}", "cn=far,dc=other,dc=org"]),
        lines=lines,
    )
    assert found.members() == {"Field": {"anna"}}
    notes = "\n".join(line for line in lines if line.startswith("#"))
    missing = f'"cn=far,dc=other,dc=org", "cn=gone,{SUFFIX}"'
    assert f'group "Field": 2 members are not there, or hidden from the bind user: {missing}' in notes
    assert f'1 member of 1 group is not among the people of this source: "{uid_dn("guest", ELSEWHERE)}"' in notes
    assert found.certificate.certified
    assert set(found.certificate.notes) == {note.removeprefix("# ") for note in notes.split("\n")}


def test_spellings_of_members_make_no_difference(slapd):
    found = groups_of(
        slapd,
        ldif(f"uid=x\\2By,{PEOPLE}", objectClass="inetOrgPerson", uid="x+y", cn="x", sn="x"),
        group(
            "Field",
            [
                f"UID=ANNA , OU=People,{SUFFIX.upper()}",
                f'uid="bob",{PEOPLE}',
                f"userid=carl,{PEOPLE}",
                f"uid=x\\+y,{PEOPLE}",
            ],
        ),
    )
    assert found.members() == {"Field": {"anna", "bob", "carl", "x+y"}}


def test_a_person_who_moved_after_the_people_were_read_is_still_a_member(slapd):
    slapd.load(*TEAM, group("Field", [uid_dn("anna"), uid_dn("bob")])).start()
    stream = make(slapd.url).read()
    people = {item.attributes["user_name"]: item.external_id for item in (next(stream) for _ in range(4))}
    slapd.change(f"dn: {uid_dn('anna')}\nchangetype: modrdn\nnewrdn: uid=berg\ndeleteoldrdn: 1\n")  # refint follows
    field, certificate = stream
    assert set(field.attributes["members"]) == {people["anna"], people["bob"]}
    assert certificate.certified


def test_many_lookups_go_in_batches(slapd, lines):
    guests = [person(f"g{n}", ELSEWHERE) for n in range(25)]
    found = groups_of(
        slapd,
        *guests,
        group("Field", [uid_dn(f"g{n}", ELSEWHERE) for n in range(25)] + [uid_dn("anna")]),
        lines=lines,
        lookup_size=10,
    )
    assert found.members() == {"Field": {"anna"}}
    assert len([line for line in lines if "entryDN=" in line]) == 1 + 3


def test_a_server_that_hides_entry_dn_is_asked_name_by_name(tmp_path, lines):
    slapd = Slapd(tmp_path / "slapd", access=["access to attrs=entryDN by * none"])
    try:
        found = groups_of(
            slapd, group("Top", [cn("Far", ELSEWHERE)]), group("Far", [uid_dn("anna")], ELSEWHERE), lines=lines
        )
    finally:
        slapd.stop()
    assert found.members() == {"Top": {"anna"}}


def test_a_large_group_is_whole(slapd):
    many = [person(f"p{n}") for n in range(3000)]
    found = groups_of(slapd, *many, group("All", [uid_dn(f"p{n}") for n in range(3000)]))
    assert len(found.groups["All"]) == 3000


def test_pages_of_groups(slapd):
    texts = [group(f"G{n}", [uid_dn("anna")]) for n in range(25)]
    assert len(groups_of(slapd, *texts, groups=Groups(GROUPS, page_size=4)).groups) == 25


def test_without_groups_none_are_asked_for(slapd, lines):
    found = groups_of(slapd, group("Field", [uid_dn("anna")]), groups=None, lines=lines)
    assert found.groups == {}
    assert not any("groupOfNames" in line for line in lines)


def test_people_with_another_key_than_their_groups(slapd):
    found = groups_of(slapd, group("Field", [uid_dn("anna")]), people=People(PEOPLE, key_attribute="uid"))
    assert found.people["anna"].external_id == "anna"
    assert found.members() == {"Field": {"anna"}}


def made(children):
    found = [Membership(str(n), str(n), b"", None, listed=True) for n in range(len(children))]
    for one, inside in zip(found, children, strict=True):
        one.children += inside
    return found


graphs = st.integers(1, 7).flatmap(
    lambda n: st.lists(st.lists(st.integers(0, n - 1), max_size=4), min_size=n, max_size=n)
)


@given(graphs)
def test_everything_inside_is_reached_once(children):
    groups = made(children)
    for start in range(len(groups)):
        inside = {start}
        while more := {child for one in inside for child in children[one]} - inside:
            inside |= more
        reached = [int(group.key) for group in groups[start].reached(groups)]
        assert sorted(reached) == sorted(inside)


@given(graphs)
def test_a_cycle_is_told_when_there_is_one(children):
    groups = made(children)
    for cycle in cycles(groups):
        assert cycle[0] == cycle[-1]
        assert all(after in children[before] for before, after in pairwise(cycle))
    in_itself = any(
        start in {child for one in map(int, [g.key for g in groups[start].reached(groups)]) for child in children[one]}
        for start in range(len(groups))
    )
    assert bool(list(cycles(groups))) == in_itself
