"""The decoder of entries beside ldap3's own, and how bytes become messages."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.ldap.library import decode_message_fast, ldap3
from connectors.ldap.wire import WireError, decode_entry, message_size
from tests.ldap_proxy import ber

names = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,12}(;[a-z-]{1,8})?", fullmatch=True)
entries = st.tuples(
    st.binary(max_size=300),
    st.dictionaries(names.map(str.lower), st.lists(st.binary(max_size=200), max_size=5), max_size=6),
)


def long(tag, *parts):
    """As Active Directory writes: every length in four bytes."""
    content = b"".join(parts)
    return bytes([tag, 0x84]) + len(content).to_bytes(4, "big") + content


def encoded(number, dn, attributes, *, element=ber, controls=b"", attribute_case=str):
    content = [
        element(0x30, ber(4, attribute_case(name).encode()), element(0x31, *[ber(4, value) for value in values]))
        for name, values in attributes.items()
    ]
    return element(0x30, ber(2, number), element(0x64, ber(4, dn), element(0x30, *content)), controls)


def theirs(message):
    parts = decode_message_fast(message)
    dn, attributes = parts["payload"]
    found = {}
    for name, values in (part[3] for part in attributes[3]):
        found.setdefault(name[3].decode().lower(), []).extend(value[3] for value in values[3] or ())
    return parts["messageID"], dn[3], found


def ours(message):
    number, entry = decode_entry(message)
    return number, entry.dn, entry.attributes


@given(entries, st.integers(1, 0x7FFF_FFFF), st.sampled_from([ber, long]), st.sampled_from([str, str.upper]))
def test_an_entry_is_what_ldap3_finds_in_it(entry, number, element, case):
    size = (number.bit_length() + 8) // 8
    message = encoded(number.to_bytes(size, "big"), *entry, element=element, attribute_case=case)
    assert ours(message) == theirs(message) == (number, *entry)


@settings(max_examples=1000)
@given(
    entries, st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), min_size=1, max_size=3), st.integers(0, 40)
)
def test_of_damaged_bytes_nothing_is_made_that_ldap3_would_not_make(entry, changes, cut):
    message = bytearray(encoded(b"\x07", *entry))
    for at, byte in changes:
        message[at % len(message)] = byte
    damaged = bytes(message[: len(message) - cut])
    try:
        found = decode_entry(damaged)
    except WireError:
        return
    if found is not None:
        assert (found[0], found[1].dn, found[1].attributes) == theirs(damaged)


@given(entries, st.integers(1, 10_000))
def test_no_part_of_an_entry_is_an_entry(entry, cut):
    message = encoded(b"\x07", *entry)
    with pytest.raises(WireError):
        decode_entry(message[: -(1 + cut % len(message))] or b"0")


@given(st.binary(max_size=200))
def test_noise_is_refused_or_left_to_ldap3(noise):
    with contextlib.suppress(WireError):
        assert decode_entry(b"\x30" + noise) is None or theirs(b"\x30" + noise)


def test_the_same_attribute_twice_is_refused():
    twice = ber(0x30, ber(4, b"mail"), ber(0x31, ber(4, b"a@example.com")))
    again = ber(0x30, ber(4, b"MAIL"), ber(0x31, ber(4, b"b@example.com")))
    with pytest.raises(WireError, match="mail is there twice"):
        decode_entry(ber(0x30, ber(2, b"\1"), ber(0x64, ber(4, b"cn=x"), ber(0x30, twice, again))))


def test_whatever_is_no_plain_entry_is_left_to_ldap3():
    done = ber(0x30, ber(2, b"\1"), ber(0x65, ber(10, b"\0"), ber(4), ber(4)))
    assert decode_entry(done) is None
    controls = ber(0xA0, ber(0x30, ber(4, b"1.2.3")))
    assert decode_entry(encoded(b"\1", b"cn=x", {"cn": [b"x"]}, controls=controls)) is None


@given(st.binary(max_size=400), st.sampled_from([ber, long]))
def test_a_message_is_as_long_as_it_says(content, element):
    message = element(0x30, content)
    assert message_size(message + b"more") == len(message)
    if len(message) > 2:  # what ldap3 wants to see before it says anything
        assert message_size(message) == ldap3.strategy.base.BaseStrategy.compute_ldap_message_size(message)
    for cut in range(min(len(message), 6)):
        assert message_size(message[:cut]) in {-1, len(message)}


@pytest.mark.parametrize("start", [b"\x31\x00", b"\x30\x80", b"\x30\x85\0\0\0\0\1", b"HTTP/1.1 400", b"\x15\x03\x01"])
def test_what_begins_otherwise_is_no_message(start):
    with pytest.raises(WireError):
        message_size(start)
