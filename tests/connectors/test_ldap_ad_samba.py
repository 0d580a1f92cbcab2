"""Against a real Active Directory controller (Samba): ranges, primary groups, states of accounts, moves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from connectors.errors import RetryableError
from connectors.ldap.active_directory import (
    USN_CHANGED,
    all_values,
    foreign_sid,
    guid_base,
    guid_filter,
    primary_members,
    range_name,
)
from connectors.ldap.activity import ACTIVITY_ATTRIBUTES, active
from connectors.ldap.kinds import SAMBA, kind_of, primary_group_sid, sid_text
from connectors.ldap.library import ldap3
from tests.samba import BASE, PASSWORD, Samba, samba

__all__ = ["samba"]  # the fixture

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
BIG = 1601


@pytest.fixture(scope="module")
def big(samba: Samba) -> tuple[str, set[bytes]]:
    """A group of more than 1,500 members."""
    unit = samba.unit()
    # Contacts, because a controller makes them in half the time.
    members = [samba.add(f"CN=c{number},{unit}", "contact") for number in range(BIG)]
    return samba.group(unit, "big", members), {member.encode() for member in members}


def test_it_is_recognised(samba):
    samba.connection.search("", "(objectClass=*)", ldap3.BASE, attributes=["*", "+"])
    assert kind_of(samba.connection.response[0]["raw_attributes"]) is SAMBA


def in_ranges(samba, group, change=None, most=1500):
    """Read a group as Active Directory gives it out: Samba cuts only where it is asked to (it has no MaxValRange)."""
    base = guid_base(SAMBA.key(samba.read(group, "objectGUID")))
    first = samba.read(base, range_name("member", 0, most), USN_CHANGED)
    if change:
        change()
    asked = []

    def again(names):
        asked.append(names[0])
        return samba.read(base, *names)

    return set(all_values("member", first, again, where=group, count=most)), first, asked


def test_a_group_of_more_than_1500_comes_in_ranges(samba, big):
    group, members = big
    found, first, asked = in_ranges(samba, group)
    assert "member" not in first
    assert len(first["member;range=0-1499"]) == 1500
    assert found == members
    assert asked == ["member;range=1500-2999"]


def test_many_small_ranges_join(samba, big):
    group, members = big
    found, _, asked = in_ranges(samba, group, most=200)
    assert found == members
    assert len(asked) == 8


def test_a_group_that_changes_between_two_ranges_is_not_taken_for_whole(samba):
    unit = samba.unit()
    members = [samba.person(unit, f"p{number}") for number in range(4)]
    group = samba.group(unit, "small", members)
    leaving = {"member": (ldap3.MODIFY_DELETE, [members[0]])}
    with pytest.raises(RetryableError, match="changed while it was read"):
        in_ranges(samba, group, change=lambda: samba.modify(group, **leaving), most=2)


def test_a_primary_group_has_members_that_its_member_list_does_not_show(samba):
    unit = samba.unit()
    group = samba.group(unit, "primary")
    other = samba.group(unit, "other")
    anna = samba.person(unit, "anna")
    samba.modify(group, member=(ldap3.MODIFY_ADD, [anna]))
    sid = samba.read(group, "objectSid")["objectsid"][0]
    rid = sid_text(sid).rpartition("-")[2]
    samba.modify(anna, primaryGroupID=(ldap3.MODIFY_REPLACE, [rid]))
    assert "member" not in samba.read(group, "member")

    groups = {name: samba.read(name, "objectSid")["objectsid"][0] for name in (group, other)}
    searches = []

    def search(text, attributes):
        searches.append(text)
        return [(dn.encode(), found) for dn, found in samba.search(unit, text, *attributes)]

    assert list(primary_members(search, groups)) == [(group, anna.encode())]
    assert len(searches) == 1
    person = samba.read(anna, "objectSid", "primaryGroupID")
    assert primary_group_sid(person["objectsid"][0], person["primarygroupid"][0]) == sid_text(sid)


def state(samba, dn, now=NOW):
    return active(samba.read(dn, *ACTIVITY_ATTRIBUTES), now, SAMBA.activity_required)


def test_enabled_disabled_and_expired(samba):
    unit = samba.unit()
    moment = (NOW - datetime(1601, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 10
    assert state(samba, samba.person(unit, "enabled")) == (True, "the account is neither disabled nor expired")
    disabled = samba.person(unit, "disabled", userAccountControl="546")
    assert state(samba, disabled) == (False, "the account is disabled (userAccountControl 546)")
    expires = samba.person(unit, "expires", accountExpires=str(moment))
    assert state(samba, expires) == (False, "the account expired on 2026-03-01 (accountExpires)")
    assert state(samba, expires, NOW - timedelta(seconds=1))[0]
    samba.modify(disabled, userAccountControl=(ldap3.MODIFY_REPLACE, ["544"]))
    assert state(samba, disabled)[0]


def test_wrong_passwords_lock_out_and_do_not_make_inactive(samba):
    unit = samba.unit()
    user = samba.bind_user(unit, "locked")
    samba.modify(BASE, lockoutThreshold=(ldap3.MODIFY_REPLACE, ["2"]))
    try:
        for _ in range(3):
            with pytest.raises(ldap3.core.exceptions.LDAPBindError), samba.bound(user, "wrong"):
                pass
        assert samba.read(user, "lockoutTime")["lockouttime"] != [b"0"]
        assert state(samba, user)[0]
    finally:
        samba.modify(BASE, lockoutThreshold=(ldap3.MODIFY_REPLACE, ["0"]))


def test_who_moves_and_is_renamed_keeps_the_key(samba):
    one, other = samba.unit(), samba.unit()
    anna = samba.person(one, "anna")
    key = SAMBA.key(samba.read(anna, "objectGUID"))
    moved = samba.move(anna, other)
    assert SAMBA.key(samba.read(moved, "objectGUID")) == key
    found = samba.search(BASE, guid_filter(key), "cn")
    assert [dn for dn, _ in found] == [moved]
    assert samba.read(guid_base(key), "cn") == {"cn": [b"anna"]}


def test_a_member_of_another_domain_is_a_placeholder(samba):
    group = samba.group(samba.unit(), "mixed")
    sid = "S-1-5-21-1-2-3-1104"
    samba.modify(group, member=(ldap3.MODIFY_ADD, [f"<SID={sid}>"]))
    (member,) = samba.read(group, "member")["member"]
    assert foreign_sid(member) == sid


def test_an_account_without_rights_may_read_all_that_a_read_needs(samba):
    unit = samba.unit()
    anna = samba.person(unit, "anna")
    user = samba.bind_user(unit)
    with samba.bound(user, PASSWORD, tls=True) as connection:
        connection.search(
            anna, "(objectClass=*)", ldap3.BASE, attributes=["objectGUID", "objectSid", *ACTIVITY_ATTRIBUTES]
        )
        seen = {name.lower() for name in connection.response[0]["raw_attributes"]}
    assert seen >= {"objectguid", "objectsid", "useraccountcontrol", "accountexpires"}
