"""A property: whatever changes in a directory, what was held and what is told make what a full read gives."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.ldap.settings import People
from tests.ldap_changes import ELSEWHERE, UNIT, Follower, cn, modify, move
from tests.ldap_reads import make
from tests.slapd import PEOPLE, Slapd, group, needs_slapd, person, uid_dn

pytestmark = needs_slapd


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["add", "modify", "delete", "move", "member", "group", "drop", "nest", "hide"]),
        st.integers(0, 7),
        st.integers(0, 7),
    ),
    min_size=1,
    max_size=6,
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    server = Slapd(tmp_path_factory.mktemp("slapd"))
    yield server.load(UNIT).start()
    server.stop()


def anew(slapd):
    """The same beginning for every example."""
    if there := [dn for dn in slapd.uuids() if dn.startswith(("uid=q", "cn=G"))]:
        slapd.delete(*there)
    people = [person(f"q{n}", base=PEOPLE if n % 3 else ELSEWHERE) for n in range(6)]
    slapd.add(*people, *(group(f"G{n}", [uid_dn(f"q{n}"), cn(f"G{n + 1}")]) for n in range(3)))


@settings(max_examples=25)
@given(st.lists(ACTIONS, min_size=1, max_size=3))
def test_any_changes_give_what_a_full_read_gives(shared, rounds):
    anew(shared)
    people = People(PEOPLE, filter="(&(objectClass=inetOrgPerson)(!(employeeType=left)))")
    reader = Follower(make(shared.url, people=people))
    for actions in rounds:
        for action in actions:
            act(shared, *action)
        told = reader.poll()
        assert told.certified, told.certificate
        reader.check(versions=False)


def act(slapd, what, one, other):
    """One change, where the directory as it is allows it."""
    there = slapd.uuids()
    uid = next((dn for dn in there if dn.startswith(f"uid=q{one},")), None)
    two = next((dn for dn in there if dn.startswith(f"uid=q{other},")), None)
    a_group = cn(f"G{one % 4}")
    match what:
        case "add" if uid is None:
            slapd.add(person(f"q{one}", base=PEOPLE if other % 2 else ELSEWHERE, manager=two or ""))
        case "modify" if uid:
            slapd.change(modify(uid, "displayName", f"Name {other}") + (modify(uid, "manager", two) if two else ""))
        case "delete" if uid:
            slapd.delete(uid)
        case "move" if uid:
            slapd.change(move(uid, f"uid=q{one}", PEOPLE if uid.endswith(ELSEWHERE) else ELSEWHERE))
        case "hide" if uid:
            slapd.change(modify(uid, "employeeType", *(["left"] if other % 2 else [])))
        case "member" if a_group in there:
            slapd.change(modify(a_group, "member", uid_dn(f"q{other}"), uid_dn(f"q{other}", ELSEWHERE)))
        case "nest" if a_group in there:
            slapd.change(modify(a_group, "member", cn(f"G{other % 4}"), uid_dn(f"q{other}")))
        case "group" if a_group not in there:
            slapd.add(group(f"G{one % 4}", [uid_dn(f"q{other}")]))
        case "drop" if a_group in there:
            slapd.delete(a_group)
