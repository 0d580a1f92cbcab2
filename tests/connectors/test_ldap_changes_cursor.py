"""From where changes can be told on a real slapd, and from where not: then everything is read."""

from __future__ import annotations

import base64
import json
import subprocess
from datetime import UTC, datetime

import pytest

from connectors.errors import CursorError
from connectors.ldap.settings import Groups, People
from tests.ldap_changes import TEAM, Follower, cn, follow, modify
from tests.ldap_reads import make
from tests.slapd import GROUPS, PEOPLE, SLAPADD, SUFFIX, Slapd, needs_slapd, person, uid_dn

pytestmark = needs_slapd


def test_without_a_certificate_or_with_a_frozen_group_a_read_has_no_cursor(slapd):
    slapd.load(*TEAM, person("bad", mail="bad@")).start()
    assert Follower(make(slapd.url)).cursor is None


def test_an_account_that_expires_ends_the_cursor_then(slapd):
    now = [datetime(2024, 10, 3, tzinfo=UTC)]
    late = person("late", objectClass=["inetOrgPerson", "shadowAccount"], shadowExpire="20003")
    reader = follow(slapd, late, clock=lambda: now[0])
    soon = person("soon", objectClass=["inetOrgPerson", "shadowAccount"], shadowExpire="20001")  # 5 October 2024
    slapd.add(soon)
    assert reader.poll().names == {"soon"}
    now[0] = datetime(2024, 10, 4, 23, 59, tzinfo=UTC)
    assert reader.poll().certified
    now[0] = datetime(2024, 10, 5, tzinfo=UTC)
    with pytest.raises(CursorError, match="an account expired at 2024-10-05 00:00 UTC"):
        reader.poll()
    reader.read()
    assert not next(one for one in reader.records.values() if one.attributes.get("user_name") == "soon").attributes[
        "active"
    ]


def test_other_settings_make_the_cursor_void(slapd):
    reader = follow(slapd)
    for other in (
        make(slapd.url, groups=Groups(GROUPS, nested=False)),
        make(slapd.url, groups=None),
        make(slapd.url, people=People(PEOPLE, filter="(mail=*)")),
        make(slapd.url, people=People(PEOPLE, attributes={"note": "description"})),
    ):
        with pytest.raises(CursorError, match="the settings changed"):
            list(other.changes(reader.cursor, reader))
    quicker = make(slapd.url, page_size=7, lookup_size=3)
    assert list(quicker.changes(reader.cursor, reader))[-1].certified


def test_another_server_of_the_list(slapd, tmp_path):
    other = Slapd(tmp_path / "other").load(*TEAM).start()
    try:
        reader = follow(slapd)
        with pytest.raises(CursorError, match=f"{other.url} answered, and the cursor is of {slapd.url}"):
            list(make(other.url).changes(reader.cursor, reader))
        parts = json.loads(reader.cursor) | {"url": other.url}
        with pytest.raises(CursorError, match="set up anew"):
            list(make(other.url).changes(json.dumps(parts), reader))
    finally:
        other.stop()


def with_cookie(reader, cookie):
    parts = json.loads(reader.cursor)
    parts["tokens"]["person"] = base64.b64encode(cookie).decode()
    return json.dumps(parts)


@pytest.mark.parametrize("garbage", ["", "x", "{}", "[]", "null", '{"format":2}', "\ud800", '{"format":1,"tokens":[]}'])
def test_a_garbage_cursor(slapd, garbage):
    with pytest.raises(CursorError):
        list(make("ldap://127.0.0.1:1").changes(garbage, None))


@pytest.mark.parametrize("cookie", [b"", b"garbage", b"rid=000,csn=xx", b"\xff"])
def test_a_garbage_cookie(slapd, cookie):
    reader = follow(slapd)
    with pytest.raises(CursorError, match="cookie"):
        reader.poll(with_cookie(reader, cookie))


def test_a_cookie_newer_than_the_server(slapd):
    reader = follow(slapd)
    with pytest.raises(CursorError, match="newer than provider"):
        reader.poll(with_cookie(reader, b"rid=000,csn=20380101000000.000000Z#000000#000#000000"))


def test_a_server_that_was_started_anew_tells_who_is_present(slapd):
    reader = follow(slapd)
    slapd.change(modify(uid_dn("bob"), "displayName", "Bob"))
    assert reader.poll().names == {"bob"}
    slapd.restart()
    slapd.delete(uid_dn("carl"), cn("Field"))
    slapd.change(modify(uid_dn("anna"), "displayName", "Anna"))
    told = reader.poll()
    assert (told.names, told.lost) == ({"anna"}, {"carl", "Field"})
    reader.check()


def test_more_changes_than_the_session_log_holds(tmp_path):
    slapd = Slapd(tmp_path / "slapd", overlays="")
    config = slapd.folder / "slapd.conf"
    config.write_text(config.read_text().replace("sessionlog 100000", "sessionlog 3"))
    try:
        slapd.load(*TEAM, *(person(f"p{n}") for n in range(20))).start()
        reader = Follower(make(slapd.url))
        slapd.change(modify(uid_dn("bob"), "displayName", "Bob"))
        assert reader.poll().names == {"bob"}
        slapd.delete(*(uid_dn(f"p{n}") for n in range(8)))
        slapd.change(modify(uid_dn("p9"), "displayName", "Nine"))
        told = reader.poll()
        assert told.names == {"p9"}
        assert told.lost == {f"p{n}" for n in range(8)}
        reader.check()
    finally:
        slapd.stop()


def backup(slapd):
    asked = [str(SLAPADD).replace("slapadd", "slapcat"), "-f", str(slapd.folder / "slapd.conf"), "-b", SUFFIX]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout


def restore(slapd, text):
    slapd.stop()
    for file in (slapd.folder / "db").iterdir():
        file.unlink()
    (slapd.folder / "old.ldif").write_text(text)
    words = [
        str(SLAPADD),
        "-q",
        "-f",
        str(slapd.folder / "slapd.conf"),
        "-b",
        SUFFIX,
        "-l",
        str(slapd.folder / "old.ldif"),
    ]
    subprocess.run(words, check=True, capture_output=True)
    slapd.start()


@pytest.mark.parametrize("changed_since", [False, True])
def test_a_server_that_was_restored_from_an_older_backup(slapd, changed_since):
    reader = follow(slapd)
    old = backup(slapd)
    slapd.change(modify(uid_dn("bob"), "displayName", "Bob Berg"))
    assert reader.poll().names == {"bob"}
    restore(slapd, old)
    if changed_since:
        slapd.change(modify(uid_dn("carl"), "displayName", "Carl"))
    with pytest.raises(CursorError, match=r"newer than provider|started anew"):
        reader.poll()
