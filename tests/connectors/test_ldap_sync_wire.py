"""The controls of content synchronization: written as RFC 4533 has them, and nothing but `WireError` comes of any bytes."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.ldap.sync_wire import (
    ADD,
    DELETE,
    REFRESH_ONLY,
    SYNC_STATE,
    SyncInfo,
    decode_sync_done,
    decode_sync_entry,
    decode_sync_info,
    element,
    sync_request,
)
from connectors.ldap.wire import WireError, decode_entry

UUID = bytes(range(16))


def entry(state=ADD, uuid=UUID, cookie=None, oid=SYNC_STATE):
    name = element(0x30, element(4, b"cn"), element(0x31, element(4, b"Anna")))
    value = element(0x30, element(10, bytes([state])), element(4, uuid), *([element(4, cookie)] if cookie else []))
    control = element(0x30, element(4, oid), element(1, b"\xff"), element(4, value))
    found = element(0x64, element(4, b"cn=Anna"), element(0x30, name))
    return element(0x30, element(2, b"\x07"), found, element(0xA0, control))


def test_a_request():
    assert sync_request(REFRESH_ONLY, None) == bytes.fromhex("3003 0a0101")
    assert sync_request(REFRESH_ONLY, b"ab") == bytes.fromhex("3007 0a0101 0402 6162")


def test_an_entry_with_its_state():
    number, found = decode_sync_entry(entry(DELETE, cookie=b"c"))
    assert (number, found.state, found.uuid, found.cookie) == (7, DELETE, UUID, b"c")
    assert found.entry.dn == b"cn=Anna"
    assert found.entry.attributes == {"cn": [b"Anna"]}
    assert found.entry.raw == element(4, b"cn=Anna") + element(
        0x30, element(0x30, element(4, b"cn"), element(0x31, element(4, b"Anna")))
    )
    assert decode_sync_entry(entry())[1].cookie is None
    assert decode_entry(entry()) is None


@pytest.mark.parametrize("message", [entry(4), entry(uuid=b"short"), entry(oid=b"1.2.3"), entry()[:-1] + b""])
def test_an_entry_that_is_none(message):
    with pytest.raises(WireError):
        decode_sync_entry(message)


def test_what_is_no_entry_is_left_to_others():
    assert decode_sync_entry(element(0x30, element(2, b"\x07"), element(0x65, b""))) is None


def test_done():
    assert decode_sync_done(element(0x30)) == (None, False)
    assert decode_sync_done(element(0x30, element(4, b"c"), element(1, b"\xff"))) == (b"c", True)
    assert decode_sync_done(element(0x30, element(1, b"\0"))) == (None, False)
    with pytest.raises(WireError):
        decode_sync_done(element(0x30, element(2, b"\1")))


def test_information():
    assert decode_sync_info(element(0x80, b"c")) == SyncInfo(cookie=b"c")
    assert decode_sync_info(element(0xA1)) == SyncInfo(refreshed=True)
    assert decode_sync_info(element(0xA2, element(4, b"c"), element(1, b"\0"))) == SyncInfo(cookie=b"c")
    ids = element(0x31, element(4, UUID), element(4, UUID[::-1]))
    assert decode_sync_info(element(0xA3, ids)) == SyncInfo((UUID, UUID[::-1]))
    told = decode_sync_info(element(0xA3, element(4, b"c"), element(1, b"\xff"), ids))
    assert told == SyncInfo((UUID, UUID[::-1]), deletes=True, cookie=b"c")


@given(st.integers(0, 400), st.integers(0, 255), st.integers(0, 2))
def test_any_byte_of_an_entry_may_be_another(at, byte, how):
    whole = entry(cookie=b"cookie")
    at %= len(whole)
    changed = (
        whole[:at] + bytes([byte]) + whole[at + 1 :],
        whole[:at],
        whole[:at] + bytes([byte]) + whole[at:],
    )[how]
    with contextlib.suppress(WireError):
        decode_sync_entry(changed)


@given(
    st.binary(max_size=60)
    | st.binary(max_size=40).map(lambda b: element(0xA3, b))
    | st.binary(max_size=40).map(lambda b: element(0x30, b))
)
def test_any_bytes(value):
    for decode in (decode_sync_info, decode_sync_done):
        with contextlib.suppress(WireError):
            decode(value)
