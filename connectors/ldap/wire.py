"""One SearchResultEntry from its bytes (RFC 4511, 4.5.2), by offsets, in one pass.

Pure. Everything else of the protocol stays ldap3's: its own decoder of entries makes a Python call for every group of
bytes, and a directory of 100,000 people took 12 seconds with it instead of 2. May not: repair. An entry whose lengths do
not fit into each other exactly is refused.
"""

from __future__ import annotations

from typing import NamedTuple

_SEQUENCE = 0x30
_SET = 0x31
_INTEGER = 0x02
_BOOLEAN = 0x01
_OCTETS = 0x04
ENTRY = 0x64
_CONTROLS = 0xA0
_LONG = 0x7F
_LENGTH_BYTES = 4
_NAMES = 10_000


class WireError(ValueError):
    """The bytes are no whole message."""


class Entry(NamedTuple):
    """One entry as the server sent it."""

    dn: bytes
    attributes: dict[str, list[bytes]]
    """Descriptions in small letters, with their options (`cn;lang-de`)."""
    message: bytes
    """The message that it came in."""
    start: int
    """Where in it the entry begins, after the message's number."""

    @property
    def raw(self) -> bytes:
        """The entry as it came, DN included: what does not change while the entry does not."""
        return self.message[self.start :]


class _Names(dict[bytes, str]):
    def __missing__(self, written: bytes) -> str:
        try:
            name = written.decode("ascii").lower()
        except UnicodeDecodeError:
            raise WireError(f"{written[:60]!r} is no name of an attribute") from None
        if len(self) >= _NAMES:
            self.clear()
        self[written] = name
        return name


_names = _Names()


def message_size(data: bytes, at: int = 0) -> int:
    """How long the message is that begins there, its head included; -1 when there are too few bytes to tell.

    Raises:
        WireError: no LDAP message begins so.
    """
    have = len(data) - at
    if have and data[at] != _SEQUENCE:
        raise WireError(f"a message begins with 0x30, and this one with 0x{data[at]:02x}")
    if have < 2:  # noqa: PLR2004 - the tag and the first byte of the length
        return -1
    first = data[at + 1]
    if first <= _LONG:
        return first + 2
    size = first & _LONG
    if not 0 < size <= _LENGTH_BYTES:
        raise WireError(f"a message of indefinite length, or with {size} bytes of length")
    if have < 2 + size:
        return -1
    return int.from_bytes(data[at + 2 : at + 2 + size], "big") + 2 + size


def numbered(message: bytes) -> tuple[int, int]:
    """A message's number, and the tag of what it is about.

    Raises:
        WireError: it has none.
    """
    try:
        at, _ = open_element(message, 0, _SEQUENCE)
        begin, end = open_element(message, at, _INTEGER)
        return int.from_bytes(message[begin:end], "big", signed=True), message[end]
    except IndexError:
        raise WireError("the message ends within its head") from None


def operation(message: bytes) -> int:
    """The tag of what a message is about, quickly; nonsense of a message that is none.

    Raises:
        WireError: the message ends before.
    """
    try:
        first = message[1]
        at = 3 if first <= _LONG else 3 + (first & _LONG)
        return message[at + 1 + message[at]]
    except IndexError:
        raise WireError("the message ends within its head") from None


def decode_entry(message: bytes) -> tuple[int, Entry] | None:
    """The message's number and the entry.

    Args:
        message: one whole message.

    Returns:
        None for every other kind of message, and for an entry with controls: these are ldap3's to decode.

    Raises:
        WireError: it is an entry, and no whole one, or it names an attribute twice.
    """
    try:
        found = _decode(message)
    except IndexError:
        raise WireError("the message ends within an entry") from None
    return None if found is None or found[2] < len(message) else found[:2]


def decode_controlled(message: bytes) -> tuple[int, Entry, dict[bytes, bytes]] | None:
    """The message's number, the entry, and its controls: OID -> value (RFC 4511, 4.1.11).

    Args:
        message: one whole message.

    Returns:
        None for every other kind of message.

    Raises:
        WireError: it is an entry, and no whole one.
    """
    try:
        found = _decode(message)
        if found is None:
            return None
        number, entry, at = found
        controls = {}
        if at < len(message):
            at, end = open_element(message, at, _CONTROLS)
            if end != len(message):
                raise WireError("the controls do not end where the message does")
            while at < end:
                oid, value, at = _control(message, at)
                controls[oid] = value
            if at != end:
                raise WireError("a control is longer than the message")
    except IndexError:
        raise WireError("the message ends within an entry") from None
    return number, entry, controls


def _control(message: bytes, at: int) -> tuple[bytes, bytes, int]:
    at, stop = open_element(message, at, _SEQUENCE)
    at, end = open_element(message, at, _OCTETS)
    oid, value = message[at:end], b""
    at = end
    if at < stop and message[at] == _BOOLEAN:
        at = open_element(message, at, _BOOLEAN)[1]
    if at < stop:
        at, end = open_element(message, at, _OCTETS)
        value, at = message[at:end], end
    if at != stop:
        raise WireError("a control does not end where it says")
    return oid, value, stop


def _length(message: bytes, at: int) -> tuple[int, int]:
    """The length written there, and where its content begins."""
    first = message[at]
    if first <= _LONG:
        return first, at + 1
    size = first & _LONG
    if not 0 < size <= _LENGTH_BYTES:
        raise WireError(f"indefinite length, or {size} bytes of length")
    end = at + 1 + size
    if end > len(message):
        raise WireError("the message ends within a length")
    return int.from_bytes(message[at + 1 : end], "big"), end


def open_element(message: bytes, at: int, tag: int) -> tuple[int, int]:
    """Begin and end of the content of an element that must have this tag. The end may be beyond the message's.

    Raises:
        WireError: it has another tag, or no length.
        IndexError: nothing is there any more.
    """
    if message[at] != tag:
        raise WireError(f"tag 0x{message[at]:02x} at byte {at}, where 0x{tag:02x} is due")
    length, begin = _length(message, at + 1)
    return begin, begin + length


def _decode(message: bytes) -> tuple[int, Entry, int] | None:
    """Number, entry, and where the entry ends: with the message, or before its controls."""
    at, end = open_element(message, 0, _SEQUENCE)
    if end != len(message):
        raise WireError(f"the message says it has {end} bytes, and has {len(message)}")
    begin, at = open_element(message, at, _INTEGER)
    if message[at] != ENTRY:
        return None
    if not begin < at <= begin + _LENGTH_BYTES:
        raise WireError("a message number of no or of too many bytes")
    number = int.from_bytes(message[begin:at], "big", signed=True)
    at, stop = open_element(message, at, ENTRY)
    if stop > end:
        raise WireError("the entry is longer than its message")
    start = at
    if message[at] != _OCTETS:
        raise WireError(f"no name of an entry at byte {at}")
    length = message[at + 1]
    at += 2
    if length > _LONG:
        length, at = _length(message, at - 1)
    dn = message[at : at + length]
    at, last = open_element(message, at + length, _SEQUENCE)
    if last != stop:
        raise WireError("the attributes do not end where the entry does")
    entry = Entry(dn, _attributes(message, at, stop), message if stop == end else message[:stop], start)
    return number, entry, stop


def _attributes(message: bytes, at: int, end: int) -> dict[str, list[bytes]]:  # noqa: C901, PLR0912 - see below
    """Everything from here to the end. Lengths are taken in place: it is what nearly all the time goes into."""
    found: dict[str, list[bytes]] = {}
    names = _names
    while at < end:
        if message[at] != _SEQUENCE:
            raise WireError(f"no attribute at byte {at}")
        length = message[at + 1]
        at += 2
        if length > _LONG:
            length, at = _length(message, at - 1)
        stop = at + length
        if message[at] != _OCTETS:
            raise WireError(f"no name of an attribute at byte {at}")
        length = message[at + 1]
        at += 2
        if length > _LONG:
            length, at = _length(message, at - 1)
        name = names[message[at : at + length]]
        at += length
        if message[at] != _SET:
            raise WireError(f"no values at byte {at}")
        length = message[at + 1]
        at += 2
        if length > _LONG:
            length, at = _length(message, at - 1)
        if at + length != stop:
            raise WireError(f"the values of {name} do not end where the attribute does")
        values: list[bytes] = []
        while at < stop:
            if message[at] != _OCTETS:
                raise WireError(f"no value at byte {at}")
            length = message[at + 1]
            at += 2
            if length > _LONG:
                length, at = _length(message, at - 1)
            values.append(message[at : at + length])
            at += length
        if at != stop:
            raise WireError(f"a value of {name} is longer than its attribute")
        if name in found:
            raise WireError(f"{name} is there twice")
        found[name] = values
    if at != end:
        raise WireError("the attributes are longer than the entry")
    return found
