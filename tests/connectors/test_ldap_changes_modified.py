"""Changes by time stamps, where a slapd has no syncprov: who came and who changed; who is gone is told by full reads alone."""

from __future__ import annotations

import json

import pytest

from connectors.errors import CursorError, PermanentError
from tests.ldap_changes import ELSEWHERE, cn, follow, modify, move
from tests.slapd import PEOPLE, Slapd, needs_slapd, person, uid_dn

pytestmark = needs_slapd


@pytest.fixture(params=["not loaded", "not for this database"])
def slapd(tmp_path, request):
    """A server without syncprov."""
    server = Slapd(tmp_path / "slapd")
    config = server.folder / "slapd.conf"
    text = config.read_text().replace("overlay syncprov\nsyncprov-sessionlog 100000\n", "")
    if request.param == "not loaded":
        text = text.replace("moduleload syncprov\n", "")
    config.write_text(text)
    yield server
    server.stop()


def test_who_came_and_who_changed(slapd):
    lines = []
    reader = follow(slapd, log=lines.append)
    assert json.loads(reader.cursor)["feed"] == "modified"
    assert any("only a full read tells who is gone" in line for line in lines)
    slapd.add(person("dora"))
    slapd.change(modify(uid_dn("bob"), "displayName", "Bob Berg"))
    slapd.change(modify(cn("Field"), "member", uid_dn("carl"), uid_dn("dora")))
    told = reader.poll()
    assert told.certified
    assert told.names >= {"dora", "bob", "Field"}
    reader.check()


def test_who_is_gone_is_told_by_the_next_full_read(slapd):
    reader = follow(slapd)
    slapd.delete(uid_dn("bob"))
    slapd.change(move(uid_dn("carl"), "uid=carl", ELSEWHERE))
    told = reader.poll()
    assert (told.gone, told.certified) == ([], True)
    reader.read()
    assert {name for _, name in reader.records} == {one.external_id for one in reader.records.values()}
    assert [one.attributes["user_name"] for one in reader.records.values() if one.kind == "person"] == ["anna"]


def test_a_time_that_is_none(slapd):
    reader = follow(slapd)
    parts = json.loads(reader.cursor) | {"tokens": {"time": "yesterday"}}
    with pytest.raises(CursorError, match="no time of a change"):
        reader.poll(json.dumps(parts))


def test_an_unreadable_time_stamp_is_no_matter(tmp_path):
    slapd = Slapd(tmp_path / "slapd", access=[f'access to dn.subtree="{PEOPLE}" attrs=modifyTimestamp by * none'])
    config = slapd.folder / "slapd.conf"
    config.write_text(config.read_text().replace("overlay syncprov\nsyncprov-sessionlog 100000\n", ""))
    try:
        assert follow(slapd).cursor is None
    finally:
        slapd.stop()


def test_nothing_is_announced(slapd):
    source = follow(slapd).source
    with pytest.raises(PermanentError, match="does not announce changes"):
        source.watch(1)
