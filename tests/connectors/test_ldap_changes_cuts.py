"""A property: a poll that is cut at whatever byte, or whose answers end in an error, certifies nothing and says nobody is gone."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.errors import ConnectorError
from connectors.model import Certificate, Gone
from tests.depth import examples
from tests.ldap_changes import ELSEWHERE, TEAM, UNIT, Follower, cn, modify, move
from tests.ldap_proxy import DONE, Proxy, done, operation
from tests.ldap_reads import make
from tests.slapd import Slapd, group, needs_slapd, person, uid_dn

pytestmark = needs_slapd


@pytest.fixture(scope="module")
def changed(tmp_path_factory):
    """A server, a reader that has not heard of its changes, and how many bytes and answers they take."""
    slapd = Slapd(tmp_path_factory.mktemp("slapd"))
    slapd.load(*TEAM, UNIT, group("Top", [cn("Field")]), group("Field", [uid_dn("anna"), uid_dn("dora")])).start()
    reader = Follower(make(slapd.url))
    slapd.add(person("dora"))
    slapd.delete(uid_dn("bob"))
    slapd.change(move(uid_dn("carl"), "uid=carl", ELSEWHERE))
    slapd.change(modify(uid_dn("anna"), "displayName", "Anna"))
    kinds = []
    with Proxy(slapd.port, alter=lambda message: kinds.append(operation(message)) or message) as proxy:
        items = poll(reader, proxy)
        yield slapd, reader, items, proxy.sent, kinds
    slapd.stop()


def poll(reader, proxy):
    cursor = json.dumps(json.loads(reader.cursor) | {"url": proxy.url})
    items = []
    try:
        for item in make(proxy.url).changes(cursor, reader):
            items.append(item)  # noqa: PERF402 - what came before it broke is wanted
    except ConnectorError:
        return items
    return items


def true(items, whole):
    """Nothing untrue was said, and nobody is gone without a certificate."""
    certificate = items[-1] if items and isinstance(items[-1], Certificate) else None
    gone = [item for item in items if isinstance(item, Gone)]
    for item in items:
        assert isinstance(item, Certificate) or item in whole
    if certificate is None or not certificate.certified:
        assert certificate is None or (certificate.cursor is None and not gone)
        return
    assert {str(item) for item in items[:-1]} == {str(item) for item in whole[:-1]}


def test_untouched_it_is_whole(changed):
    _, _, items, _, _ = changed
    assert items[-1].certified
    assert len([item for item in items if isinstance(item, Gone)]) == 2
    assert len(items) == 2 + 2 + 2 + 1  # people, groups, who is gone, the certificate


@settings(max_examples=examples(20, 60))
@given(st.integers(0, 10**9))
def test_cut_at_any_byte(changed, where):
    slapd, reader, whole, size, _ = changed
    with Proxy(slapd.port, cut_after=where % (size - 1)) as proxy:
        items = poll(reader, proxy)
    assert not any(isinstance(item, Certificate) for item in items)
    true(items, whole)


@settings(max_examples=examples(20, 60))
@given(st.integers(0, 10**9), st.sampled_from([1, 3, 4, 11, 51, 53, 80, 90]))
def test_ended_early_with_an_error_at_any_answer(changed, where, code):
    slapd, reader, whole, _, kinds = changed
    ends = [number for number, kind in enumerate(kinds) if kind == DONE]
    at, met = ends[where % len(ends)], []

    def alter(message):
        met.append(message)
        return done(message, code) if len(met) == at + 1 else message

    with Proxy(slapd.port, alter=alter) as proxy:
        items = poll(reader, proxy)
    true(items, whole)


def test_a_refresh_without_its_control_is_not_whole(changed):
    slapd, reader, whole, _, _ = changed
    with Proxy(slapd.port, alter=lambda message: done(message) if operation(message) == DONE else message) as proxy:
        items = poll(reader, proxy)
    assert not items or not items[-1].certified
    true(items, whole)
