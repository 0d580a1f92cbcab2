"""DirSync of a real Active Directory controller (Samba): who may use it, what it tells beside uSNChanged, and bad cookies."""

from __future__ import annotations

import base64
import json
import uuid
from contextlib import contextmanager, suppress
from itertools import count

import pytest

from connectors.errors import CursorError
from connectors.ldap import dirsync, hints
from connectors.ldap.certificates import IncompleteError
from connectors.ldap.dirsync import DIRSYNC, DirSyncFeed, dirsync_request
from connectors.ldap.hints import Hints
from connectors.ldap.library import ldap3
from tests.samba import BASE, samba
from tests.samba_changes import Place, altered, display, lost

__all__ = ["samba"]  # the fixture

REPLICATORS = f"CN=Enterprise Read-only Domain Controllers,CN=Users,{BASE}"
"""By default a group with "Replicating Directory Changes" and no other right."""


ADMINISTRATORS = f"CN=Administrators,CN=Builtin,{BASE}"
"""They have it, too, and may list CN=Deleted Objects."""


@contextmanager
def member(samba, group):
    """An ordinary user in a group that gives rights."""
    user = samba.bind_user(samba.unit())
    samba.modify(group, member=(ldap3.MODIFY_ADD, [user]))
    try:
        yield user
    finally:
        samba.connection.delete(user)


@pytest.fixture
def allowed(samba):
    with member(samba, ADMINISTRATORS) as user:
        yield user


@pytest.fixture
def place(samba, allowed):
    made = Place(samba, user=allowed)
    assert made.feed == "dirsync"
    return made


def cookies(cursor, change):
    """The cursor with other cookies."""
    tokens = json.loads(cursor)["tokens"]
    return altered(cursor, tokens={key: one if key == "usn" else change(one) for key, one in tokens.items()})


def test_the_deleted_are_told(place):
    assert not any("are hidden from the bind user" in line for line in place.lines)
    bob, inner = place.key(place.bob), place.key(place.inner)
    place.samba.connection.delete(place.bob)
    place.samba.connection.delete(place.inner)
    assert lost(place.reader.poll()) == {bob, inner}
    place.reader.check()


def test_who_is_shown_no_deletions_is_told_by_numbers(samba):
    with member(samba, REPLICATORS) as user:
        place = Place(samba, user=user)
        assert any("deleted entries are hidden from the bind user" in line for line in place.lines)
        assert place.feed == "usn"


def test_an_ordinary_user_is_told_by_numbers(samba):
    place = Place(samba, user=samba.bind_user(samba.unit()))
    assert (place.feed, place.reader.read().certified) == ("usn", True)
    samba.modify(place.anna, displayName=(ldap3.MODIFY_REPLACE, ["Anna Berg"]))
    assert display(place.reader.poll()) == {"Anna Berg"}


def test_a_right_that_is_taken_away_ends_in_a_full_read(place, allowed):
    place.samba.modify(ADMINISTRATORS, member=(ldap3.MODIFY_DELETE, [allowed]))
    with pytest.raises(CursorError, match=r"does not go on from there.*result 50"):
        place.reader.poll()
    place.reader.read()
    assert place.feed == "usn"


def test_a_new_name_a_lost_value_and_a_person_put_into_another_unit(place):
    samba, bob = place.samba, place.key(place.bob)
    samba.connection.modify_dn(place.inner, "CN=Innermost")
    samba.modify(place.anna, mail=(ldap3.MODIFY_DELETE, []))
    samba.move(place.bob, place.other)
    told = place.reader.poll()
    assert (display(told), lost(told)) == ({"Innermost", "Outer", "Anna"}, {bob})
    place.reader.check(versions=False)


def test_members_come_and_go_where_only_the_difference_is_told(place):
    samba = place.samba
    samba.modify(place.inner, member=(ldap3.MODIFY_ADD, [place.bob]))
    assert display(place.reader.poll()) == {"Inner", "Outer"}
    place.reader.check()
    samba.modify(place.inner, member=(ldap3.MODIFY_DELETE, [place.bob]))
    assert display(place.reader.poll()) == {"Inner", "Outer"}
    place.reader.check()


def test_what_nobody_reads_is_no_change_and_what_the_filter_asks_is(samba, allowed):
    place = Place(samba, user=allowed, filter="(&(objectClass=user)(!(employeeType=guest)))")
    bob = place.key(place.bob)
    unread = (f"nothing to us {number}" for number in count())
    told = place.poll_in(3, lambda: samba.modify(place.anna, info=(ldap3.MODIFY_REPLACE, [next(unread)])))
    assert (told.records, told.gone, told.certified, len(place.lines)) == ([], [], True, 3)
    samba.modify(place.bob, employeeType=(ldap3.MODIFY_REPLACE, ["guest"]))
    assert lost(place.reader.poll()) == {bob}


def test_too_many_changes_are_read_as_a_whole(place, monkeypatch):
    def change(*people):
        for dn in people:
            place.samba.modify(dn, title=(ldap3.MODIFY_REPLACE, [uuid.uuid4().hex]))

    def one_is_not_too_many():
        place.reader.poll()
        with monkeypatch.context() as patch, suppress(CursorError):  # others write to this controller, too
            for module in (dirsync, hints):
                patch.setattr(module, "MANY", 1)
            change(place.anna)
            return place.reader.poll().certified
        return False

    assert any(one_is_not_too_many() for _ in range(300))
    for module in (dirsync, hints):
        monkeypatch.setattr(module, "MANY", 1)
    change(place.anna, place.bob)
    with pytest.raises(CursorError, match="more than 1 entries changed"):
        place.reader.poll()


def test_nothing_is_asked_for_that_is_not_read(place):
    place.samba.modify(place.anna, title=(ldap3.MODIFY_REPLACE, ["Baker"]))
    place.lines.clear()
    place.reader.poll()
    asked = next(line for line in place.lines if "(objectClass=*)" in line and " -s sub" in line)
    assert " member" in asked
    assert not {"*", "unicodePwd", "pwdAccountLockedTime"} & set(asked.split("'(objectClass=*)'")[1].split())


@pytest.mark.parametrize(
    "people",
    [
        {"key_attribute": "sAMAccountName"},
        {"filter": "(&(objectClass=user)(|(anr=a)(cn=*)))"},
        {"filter": "(&(objectClass=user)(|(2.5.4.3=a)(cn=*)))"},
        {"filter": "(&(objectClass=user)(|(:2.5.13.2:=a)(cn=*)))"},
    ],
)
def test_keys_that_a_deletion_hides_and_filters_that_say_not_what_they_ask(samba, allowed, people):
    assert Place(samba, user=allowed, **people).feed == "usn"


@pytest.mark.parametrize(
    "change",
    [
        lambda _: "",
        lambda _: "no base64",
        lambda _: base64.b64encode(b"garbage").decode(),
        lambda one: base64.b64encode(base64.b64decode(one)[:40]).decode(),
    ],
)
def test_a_cookie_that_is_none(place, change):
    place.samba.modify(place.anna, title=(ldap3.MODIFY_REPLACE, ["Baker"]))
    with pytest.raises(CursorError, match=r"has no cookie|does not go on from there"):
        place.reader.poll(cookies(place.reader.cursor, change))
    assert display(place.reader.poll()) == {"Anna"}


class Answers:
    """A searcher whose server answers so, round by round. Samba never says that more follows."""

    def __init__(self, *rounds):
        self.rounds, self.sent = list(rounds), []

    def answers(self, base, search_filter, attributes, control, decode):
        self.sent.append(control[2])
        value = self.rounds.pop(0) if len(self.rounds) > 1 else self.rounds[0]
        yield {"type": "searchResRef", "uri": ["ldap://child.example.test/"]}
        yield {"type": "searchResDone", "message": "", **value}


def more(cookie, *, follows):
    return {"result": 0, "controls": {DIRSYNC: {"value": {"cookie": cookie, "more_results": follows}}}}


def rounds(*answers):
    feed = DirSyncFeed.__new__(DirSyncFeed)
    feed._searcher, feed._asked = Answers(*answers), ("name",)
    return feed._searcher, lambda: feed._rounds(BASE, "(objectClass=*)", b"0", Hints({}))


def test_more_is_asked_for_with_the_cookie_that_came_until_all_is_told():
    searcher, ask = rounds(more(b"1", follows=True), more(b"2", follows=True), more(b"3", follows=False))
    assert base64.b64decode(ask()) == b"3"
    assert searcher.sent == [dirsync_request(cookie) for cookie in (b"0", b"1", b"2")]


@pytest.mark.parametrize(
    ("answer", "error", "told"),
    [
        (more(b"1", follows=True), IncompleteError, "have no end, even after 5 answers"),
        (more(b"", follows=False), IncompleteError, "did not say that its changes"),
        ({"result": 0}, IncompleteError, "did not say that its changes"),
        ({"result": 51}, IncompleteError, "result 51"),
        ({"result": 53}, CursorError, "result 53"),
    ],
)
def test_no_end_no_cookie_and_refusals(monkeypatch, answer, error, told):
    monkeypatch.setattr(dirsync, "_ROUNDS", 5)
    with pytest.raises(error, match=told):
        rounds(answer)[1]()


def test_the_control_as_windows_writes_it():
    flags, most = bytes.fromhex("0204 80000000"), bytes.fromhex("0203 100000")
    assert dirsync_request(b"ab") == bytes.fromhex("300f") + flags + most + b"\x04\x02ab"
    assert dirsync_request(b"x" * 300).endswith(b"\x04\x82\x01\x2c" + b"x" * 300)
