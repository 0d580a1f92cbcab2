"""Changes of a real Active Directory controller (Samba), told by DirSync or uSNChanged, and its notifications."""

from __future__ import annotations

import threading

import pytest

from connectors.errors import CursorError
from connectors.ldap.dirsync import DirSyncFeed
from connectors.ldap.kinds import sid_bytes, sid_text
from connectors.ldap.library import ldap3
from tests.samba import samba
from tests.samba_changes import Place, altered, display, lost

__all__ = ["samba"]  # the fixture


@pytest.fixture(params=["dirsync", "usn"], autouse=True)
def feed(request, monkeypatch):
    """Both feeds tell the same."""
    if request.param == "usn":
        monkeypatch.setattr(DirSyncFeed, "offered", staticmethod(lambda _: False))
    return request.param


@pytest.fixture
def place(samba, feed):
    made = Place(samba)
    assert made.feed == feed
    assert not any("are hidden from the bind user" in line for line in made.lines)
    return made


def test_nothing_changed_in_two_searches(place):
    told = place.poll_in(2)
    assert (told.records, told.gone, told.certified) == ([], [], True)
    assert len(place.lines) == 2


def test_people_come_change_move_and_go(place):
    samba = place.samba
    bob = place.key(place.bob)
    samba.person(place.unit, "new")
    samba.modify(place.anna, displayName=(ldap3.MODIFY_REPLACE, ["Anna Berg"]))
    samba.move(place.bob, place.other)
    told = place.reader.poll()
    assert (display(told), lost(told), told.certificate.records) == ({"New", "Anna Berg"}, {bob}, 2)
    place.reader.check(versions=False)
    anna = place.key(place.anna)
    samba.connection.delete(place.anna)
    told = place.reader.poll()
    assert (display(told), lost(told)) == (set(), {anna})
    place.reader.check(versions=False)


def test_who_moves_in_joins_the_groups_that_name_them_already(place):
    place.samba.move(place.guest, place.unit)
    assert display(place.reader.poll()) == {"Guest", "Inner", "Outer"}
    place.reader.check()


def test_disabled_is_a_change_and_out_of_the_filter_is_gone(samba):
    enabled = "(&(objectCategory=person)(objectClass=user)(!(userAccountControl:1.2.840.113556.1.4.803:=2)))"
    place = Place(samba, filter=enabled)
    bob = place.key(place.bob)
    samba.modify(place.bob, userAccountControl=(ldap3.MODIFY_REPLACE, ["546"]))
    assert lost(place.reader.poll()) == {bob}
    samba.modify(place.bob, userAccountControl=(ldap3.MODIFY_REPLACE, ["544"]))
    assert display(place.reader.poll()) == {"Bob"}
    place.reader.check(versions=False)


def test_groups_and_the_groups_they_are_in(place):
    samba = place.samba
    samba.modify(place.inner, member=(ldap3.MODIFY_ADD, [place.bob]))
    assert display(place.reader.poll()) == {"Inner", "Outer"}
    place.reader.check()
    inner = place.key(place.inner)
    samba.connection.delete(place.inner)
    told = place.reader.poll()
    assert (display(told), lost(told)) == ({"Outer"}, {inner})
    place.reader.check()


def test_a_group_of_a_group_outside_of_the_base_is_told_by_the_group_itself(place):
    samba = place.samba
    far = samba.group(place.other, "Far", [place.bob])
    samba.modify(place.outer, member=(ldap3.MODIFY_ADD, [far]))
    assert display(place.reader.poll()) == {"Outer"}
    place.reader.check()


def test_a_primary_group_has_the_new_person_and_the_one_who_changed_to_it(place):
    samba = place.samba
    main = samba.group(place.unit, "Main", [place.anna])
    place.reader.poll()
    rid = sid_text(samba.read(main, "objectSid")["objectsid"][0]).rpartition("-")[2]
    samba.modify(place.anna, primaryGroupID=(ldap3.MODIFY_REPLACE, [rid]))
    assert display(place.reader.poll()) >= {"Anna", "Main"}
    place.reader.check()
    away = samba.move(place.anna, place.other)
    place.reader.poll()
    place.reader.check()
    samba.move(away, place.unit)
    assert display(place.reader.poll()) == {"Anna", "Main", "Inner", "Outer"}
    place.reader.check()


def test_an_ordinary_user_is_shown_no_deletions_and_that_is_said(samba):
    place = Place(samba, user=samba.bind_user(samba.unit()))
    assert any("deleted entries are hidden from the bind user" in line for line in place.lines)
    samba.connection.delete(place.bob)
    told = place.reader.poll()
    assert (told.gone, told.certified) == ([], True)
    place.reader.read()
    place.reader.check()


def test_another_controller_or_one_that_was_restored(place):
    for parts, told in (
        ({"server": "00" * 16}, "another server"),
        ({"tokens": {"usn": "999999999"}}, "it is older"),
        ({"tokens": {"usn": "-1"}}, "the cursor has none"),
        ({"tokens": {}}, "the cursor has none"),
    ):
        with pytest.raises(CursorError, match=told):
            place.reader.poll(altered(place.reader.cursor, **parts))


def test_a_sid_and_its_text():
    for text in ("S-1-5-21-1-2-4294967295-1104", "S-1-5-32-544", "S-1-0x1000000000AB-7"):
        assert sid_text(sid_bytes(text)) == text


def test_a_change_is_announced(place):
    source = place.source
    assert source.watch(20)  # nobody listened before
    place.samba.modify(place.anna, displayName=(ldap3.MODIFY_REPLACE, ["Between two calls"]))
    assert source.watch(60)
    change = threading.Timer(0.3, place.samba.modify, [place.anna], {"title": (ldap3.MODIFY_REPLACE, ["In the wait"])})
    change.start()
    assert source.watch(60)
    change.join()
    source.close()
