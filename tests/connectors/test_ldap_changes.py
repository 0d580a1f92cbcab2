"""Changes of a real slapd with syncprov: what is told equals what a full read would give, and what cannot be told is said."""

from __future__ import annotations

import json

import pytest

from connectors.base import Incremental
from connectors.errors import CursorError
from connectors.ldap import acquaintance, hints
from connectors.ldap.settings import Groups, People
from tests.ldap_changes import ELSEWHERE, cn, follow, modify, move, settle
from tests.ldap_reads import Remembering, make
from tests.slapd import GROUPS, PEOPLE, Slapd, group, ldif, needs_slapd, person, uid_dn

pytestmark = needs_slapd


def test_it_is_an_incremental_source(slapd):
    assert isinstance(make("ldap://127.0.0.1:1"), Incremental)


def test_nothing_changed(slapd):
    lines = []
    reader = follow(slapd, log=lines.append)
    assert json.loads(reader.cursor)["feed"] == "syncrepl"
    lines.clear()
    told = reader.poll()
    assert (told.records, told.gone, told.certificate.records) == ([], [], 0)
    assert told.certified
    assert len(lines) == 4  # the root DSE, the tree's top, people, groups


def test_added_modified_deleted_and_renamed(slapd):
    reader = follow(slapd)
    anna = next(one for one in reader.records.values() if one.attributes.get("user_name") == "anna")
    slapd.add(person("dora"))
    slapd.change(modify(uid_dn("bob"), "displayName", "Bob Berg"))
    slapd.delete(uid_dn("carl"))
    slapd.change(move(uid_dn("anna"), "uid=berg", PEOPLE))
    told = reader.poll()
    assert told.certified
    assert (told.names, told.lost, told.certificate.records) == ({"dora", "bob", "berg"}, {"carl"}, 3)
    assert reader.records["person", anna.external_id].attributes["user_name"] == "berg"
    reader.check()
    assert reader.poll().records == []


def test_in_and_out_of_base_and_filter(slapd):
    people = People(PEOPLE, filter="(&(objectClass=inetOrgPerson)(!(employeeType=left)))")
    reader = follow(slapd, person("guest", ELSEWHERE), person("old", employeeType="left"), people=people)
    slapd.change(move(uid_dn("guest", ELSEWHERE), "uid=guest", PEOPLE))
    slapd.change(modify(uid_dn("old"), "employeeType"))
    slapd.change(move(uid_dn("bob"), "uid=bob", ELSEWHERE))
    slapd.change(modify(uid_dn("carl"), "employeeType", "left"))
    told = reader.poll()
    assert (told.names - {"Field"}, told.lost) == ({"guest", "old"}, {"bob", "carl"})
    reader.check()
    slapd.change(modify(uid_dn("carl"), "employeeType"))
    assert reader.poll().names == {"carl"}
    reader.check()


def test_a_member_who_was_outside_of_the_filter_joins_the_groups_that_name_them_already(slapd):
    people = People(PEOPLE, filter="(&(objectClass=inetOrgPerson)(mail=*))")
    inside = group("All", [cn("Inner")]), group("Inner", [uid_dn("quiet")])
    posix = ldif(cn("Posix"), objectClass="posixGroup", cn="Posix", gidNumber="7", memberUid=["quiet", "bob"])
    reader = follow(slapd, person("quiet", mail=""), *inside, posix, people=people)
    slapd.change(modify(uid_dn("quiet"), "mail", "quiet@example.com"))
    told = reader.poll()
    assert told.names == {"quiet", "All", "Inner", "Posix"}
    reader.check()


def test_groups_come_change_and_go(slapd):
    reader = follow(slapd, group("Old", [uid_dn("bob")]), groups=Groups(GROUPS, nested=False))
    slapd.add(group("New", [uid_dn("carl")]))
    slapd.change(modify(cn("Field"), "member", uid_dn("bob"), uid_dn("carl")))
    slapd.delete(cn("Old"))
    told = reader.poll()
    assert (told.names, told.lost) == ({"New", "Field"}, {"Old"})
    reader.check()


def test_groups_of_groups_follow_at_any_depth(slapd):
    nest = [group("Top", [cn("Middle")]), group("Middle", [cn("Field"), cn("Top")]), group("Aside", [uid_dn("bob")])]
    reader = follow(slapd, *nest)
    slapd.change(modify(cn("Field"), "member", uid_dn("carl")))
    assert reader.poll().names == {"Field", "Middle", "Top"}
    reader.check()


def test_when_a_group_is_gone_all_groups_are_read_since_nobody_knows_what_it_was_in(tmp_path):
    slapd = Slapd(tmp_path / "slapd", overlays="refint_attributes seeAlso")  # members are left as they are
    try:
        reader = follow(slapd, group("Top", [cn("Inner"), uid_dn("bob")]), group("Inner", [uid_dn("carl")]))
        slapd.delete(cn("Inner"))
        told = reader.poll()
        assert told.lost == {"Inner"}
        assert "Top" in told.names
        reader.check()
    finally:
        slapd.stop()


def test_a_large_group_is_resolved_by_one_survey(slapd, monkeypatch):
    monkeypatch.setattr(acquaintance, "FEW", 20)
    lines = []
    reader = follow(slapd, *(person(f"p{n}") for n in range(50)), log=lines.append)
    lines.clear()
    slapd.change(modify(cn("Field"), "member", *(uid_dn(f"p{n}") for n in range(50))))
    assert reader.poll().names == {"Field"}
    assert len(lines) < 15
    reader.check()


@pytest.fixture(params=[1, 2000], ids=["everybody is asked for", "by name"])
def in_pages_of_two(request, slapd, monkeypatch):
    monkeypatch.setattr(acquaintance, "FEW", request.param)
    groups = [group(f"G{n}", [uid_dn("anna"), uid_dn("bob")]) for n in range(7)]
    return follow(slapd, *groups, groups=Groups(GROUPS, page_size=2))


def test_more_groups_change_than_are_asked_for_at_once(slapd, in_pages_of_two):
    for n in range(6):
        slapd.change(modify(cn(f"G{n}"), "member", uid_dn("bob"), uid_dn("carl")))
    told = in_pages_of_two.poll()
    assert (told.certified, told.names) == (True, {f"G{n}" for n in range(6)})
    in_pages_of_two.check()


def test_a_group_is_gone_where_there_are_more_groups_than_are_asked_for_at_once(slapd, in_pages_of_two):
    slapd.delete(cn("G3"))
    told = in_pages_of_two.poll()
    assert (told.certified, told.lost) == (True, {"G3"})
    in_pages_of_two.check()


def test_managers_are_found_and_their_people_follow(slapd):
    reader = follow(slapd, person("dora", manager=uid_dn("late")))
    slapd.change(modify(uid_dn("anna"), "manager", uid_dn("bob")))
    slapd.add(person("late"))
    told = reader.poll()
    assert told.names == {"anna", "late", "dora"}
    reader.check()
    slapd.change(move(uid_dn("late"), "uid=late", ELSEWHERE))
    reader.poll()
    reader.check()


def test_owners_of_groups_are_found_and_their_groups_follow(slapd):
    reader = follow(slapd)
    slapd.change(modify(cn("Field"), "owner", uid_dn("dora")))
    reader.poll()
    reader.check()
    slapd.add(person("dora"))
    told = reader.poll()
    assert "Field" in told.names
    reader.check()


def test_an_attribute_that_was_hidden_meanwhile_is_no_change(tmp_path):
    slapd = Slapd(tmp_path / "slapd")
    try:
        memory = Remembering()
        reader = follow(slapd, memory=memory)
        settle(slapd, reader)
        slapd.change(modify(uid_dn("bob"), "displayName", "Bob Berg"))
        slapd.access = ["access to attrs=mail by * none"]
        slapd.restart()
        told = reader.poll()
        assert (told.records, told.certified) == ([], False)
        assert "mail (then 3 entries)" in told.certificate.reasons[0]
        assert memory.kept == 1
        slapd.access = []
        slapd.restart()
        assert reader.poll().names == {"bob"}
        assert memory.kept == 1
    finally:
        slapd.stop()


def test_who_cannot_be_found_by_key_is_not_gone(tmp_path):
    slapd = Slapd(tmp_path / "slapd")
    try:
        reader = follow(slapd)
        settle(slapd, reader)
        slapd.delete(uid_dn("bob"))
        slapd.access = ["access to attrs=entryUUID by * search"]
        slapd.restart()
        with pytest.raises(CursorError, match="another server"):  # the tree's own id is hidden, too
            reader.poll()
        slapd.access = [f'access to dn.subtree="{PEOPLE}" attrs=entryUUID by * none']
        slapd.restart()
        told = reader.poll()
        assert (told.gone, told.certified) == ([], False)
    finally:
        slapd.stop()


def test_a_bad_value_takes_the_certificate_and_the_cursor_stays(slapd):
    reader = follow(slapd)
    before = reader.cursor
    slapd.change(modify(uid_dn("bob"), "mail", "bob@"))
    slapd.delete(uid_dn("carl"))
    told = reader.poll()
    assert [problem.column for problem in told.certificate.problems] == ["mail"]
    assert (told.gone, told.certificate.cursor, reader.cursor) == ([], None, before)
    slapd.change(modify(uid_dn("bob"), "mail", "bob@example.com"))
    assert reader.poll().lost == {"carl"}
    reader.check()


def test_a_group_in_doubt_is_a_reason(slapd):
    reader = follow(slapd)
    settle(slapd, reader)
    slapd.change(modify(cn("Field"), "member", uid_dn("bob")))
    slapd.access = [f'access to dn.exact="{cn("Field")}" attrs=member by * none']
    slapd.restart()
    told = reader.poll()
    assert not told.certified
    assert told.certificate.reasons == ('group "Field" changed and was not read whole',)
    assert not told.certificate.frozen_groups


def test_too_many_changes_are_no_poll(slapd, monkeypatch):
    reader = follow(slapd)
    for module in ("hints", "syncrepl", "poll"):
        monkeypatch.setattr(f"connectors.ldap.{module}.MANY", 2)
    assert hints.MANY == 2
    for name in ("anna", "bob", "carl"):
        slapd.change(modify(uid_dn(name), "displayName", name))
    with pytest.raises(CursorError, match="reading everything takes no longer"):
        reader.poll()


def test_another_key_than_the_servers_own(slapd):
    reader = follow(slapd, people=People(PEOPLE, key_attribute="uid"))
    slapd.change(modify(uid_dn("bob"), "displayName", "Bob"))
    slapd.change(modify(cn("Field"), "member", uid_dn("carl")))
    assert reader.poll().names == {"bob", "Field"}
    slapd.change(move(uid_dn("carl"), "uid=carl", ELSEWHERE))
    assert reader.poll().lost == {"carl"}
    reader.check()
    slapd.delete(uid_dn("bob"))
    with pytest.raises(CursorError, match="does not say whose uid that was"):
        reader.poll()
