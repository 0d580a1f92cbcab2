"""Waiting for a real slapd to announce changes."""

from __future__ import annotations

import threading
import time

import pytest

from connectors.errors import RetryableError
from tests.ldap_changes import cn, follow, modify
from tests.ldap_proxy import Proxy
from tests.ldap_reads import make
from tests.slapd import SUFFIX, needs_slapd, person, uid_dn

pytestmark = needs_slapd


@pytest.fixture(params=["ldap", "ldaps"])
def source(slapd, request):
    """A source that listens already."""
    options = {} if request.param == "ldap" else {"ca_file": slapd.ca_file, "plain_text": False}
    follow(slapd)
    source = make(slapd.url if request.param == "ldap" else slapd.tls_url, servers=options)
    assert source.watch(5)  # nobody listened before
    yield source
    source.close()


def test_nothing_happens(slapd, source):
    assert not source.watch(0)
    assert not source.watch(0.2)
    slapd.change(modify(f"ou=elsewhere,{SUFFIX}", "description", "nobody of ours"))
    assert not source.watch(0.2)


@pytest.mark.parametrize("what", ["add", "modify", "delete", "group"])
def test_what_happens_between_two_calls_is_told_by_the_next(slapd, source, what):
    match what:
        case "add":
            slapd.add(person("dora"))
        case "modify":
            slapd.change(modify(uid_dn("bob"), "displayName", "Bob"))
        case "delete":
            slapd.delete(uid_dn("bob"))
        case "group":
            slapd.change(modify(cn("Field"), "member", uid_dn("bob")))
    assert source.watch(20)
    assert not source.watch(0.1)


def test_a_change_ends_the_wait(slapd, source):
    start = time.monotonic()
    change = threading.Timer(0.2, slapd.change, [modify(uid_dn("bob"), "displayName", "Bob")])
    change.start()
    assert source.watch(60)
    assert time.monotonic() - start < 30
    change.join()


def test_a_wait_that_ends_within_a_message_breaks_nothing(slapd):
    follow(slapd)
    held, slow, whole = [], threading.Event(), threading.Event()

    def alter(message):
        if not slow.is_set():
            return message
        held.append(message)
        if len(held) == 1:
            return message[:9]
        if not whole.is_set():
            return b""
        slow.clear()
        return b"".join(held)[9:]

    with Proxy(slapd.port, alter=alter) as proxy:
        source = make(proxy.url)
        assert source.watch(5)
        slow.set()
        slapd.change(modify(uid_dn("bob"), "displayName", "Bob"))
        assert not source.watch(0.3)
        whole.set()
        slapd.change(modify(uid_dn("bob"), "displayName", "Bobby"))
        assert source.watch(20)
        source.close()


def test_after_a_broken_connection_it_says_that_something_may_have_changed(slapd, source):
    slapd.restart()
    assert source.watch(5)
    assert not source.watch(0.1)
    slapd.stop()
    with pytest.raises(RetryableError, match="cannot be reached"):
        source.watch(5)
    slapd.start()
    assert source.watch(5)
    slapd.change(modify(uid_dn("bob"), "displayName", "Bob"))
    assert source.watch(20)


def test_closed_it_connects_again(slapd, source):
    source.close()
    source.close()
    assert source.watch(5)
