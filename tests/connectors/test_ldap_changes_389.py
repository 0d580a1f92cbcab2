"""Content synchronization as 389 Directory Server 2.3 answers it (recorded by hand: it cannot be set up below one folder)."""

from __future__ import annotations

import base64
import uuid

import pytest

from connectors.errors import CursorError
from connectors.ldap.kinds import DS389
from connectors.ldap.scopes import Scope, Scopes
from connectors.ldap.sync_wire import ADD, SYNC_DONE, SyncEntry, element
from connectors.ldap.syncrepl import SyncFeed
from connectors.ldap.wire import Entry
from connectors.model import Known

ID = "d6c610aa-e82311f1-b093be0f-852118d6"
COOKIE = b"localhost:389#cn=directory manager:ou=people,dc=example,dc=com:(objectClass=*)#7"


class Answering:
    """Answers every sync search alike."""

    def __init__(self, entries=(), *, result=0):
        self.entries = list(entries)
        self.result = result
        self.asked = []

    def answers(self, base, search_filter, attributes, control, decode):
        self.asked.append(search_filter)
        yield from self.entries
        # It never says refreshDeletes, though it names who was deleted.
        controls = {SYNC_DONE: {"value": element(0x30, element(4, COOKIE))}}
        yield {
            "type": "searchResDone",
            "result": self.result,
            "message": "Invalid session cookie",
            "controls": controls,
        }


class Holding(Known):
    def every(self, kind):
        return iter(["who-was-not-named"])


def feed(answering):
    people = Scope("person", "ou=people,dc=example,dc=com", "(objectClass=inetOrgPerson)", DS389, "dc=example,dc=com")
    return SyncFeed(answering, Scopes(DS389, {}, ("dc=example,dc=com",), people, None))


def tokens():
    return {"person": base64.b64encode(COOKIE).decode()}


def test_who_is_not_named_is_not_gone_and_the_key_is_ns_unique_id():
    entry = Entry(b"uid=anna,ou=people,dc=example,dc=com", {}, b"", 0)
    answering = Answering([SyncEntry(entry, ADD, uuid.UUID(ID.replace("-", "")).bytes, None)])
    hints = feed(answering).hints(tokens(), Holding())
    assert hints.changed["person"] == {ID}
    assert hints.deleted["person"] == set()


def test_no_filter_is_asked_for_since_who_leaves_it_is_not_told():
    answering = Answering()
    assert not feed(answering).hints(tokens(), Holding()).filtered
    assert answering.asked == ["(objectClass=*)"]


def test_a_cookie_that_it_does_not_know():
    with pytest.raises(CursorError, match="Invalid session cookie"):
        feed(Answering(result=4096)).hints(tokens(), Holding())
