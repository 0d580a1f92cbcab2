"""One form for each distinguished name (RFC 4514), so that two spellings of one can be compared.

Case, white space around and within values, escapes, quotes, `;` between parts and the order within a multi-valued part
make no difference. Pure. May not: serve as anybody's identity; names change when an entry moves.
"""

from __future__ import annotations

import re
import unicodedata

# Nothing here can be spelled another way but by its case.
_TEXT = r"[!$-*.-:?-\[\]-~-]+"
_PART = rf"[A-Za-z0-9.-]+={_TEXT}(?: {_TEXT})*"
_PLAIN = re.compile(rf"{_PART}(?:,{_PART})*".encode("ascii"))
_plain = _PLAIN.fullmatch
_HEX = re.compile(rb"[0-9A-Fa-f]{2}").match
_ALIASES = {
    b"2.5.4.3": b"cn",
    b"commonname": b"cn",
    b"2.5.4.11": b"ou",
    b"organizationalunitname": b"ou",
    b"2.5.4.10": b"o",
    b"organizationname": b"o",
    b"0.9.2342.19200300.100.1.1": b"uid",
    b"userid": b"uid",
    b"0.9.2342.19200300.100.1.25": b"dc",
    b"domaincomponent": b"dc",
}
_SPECIAL = re.compile(rb'[\\,+=;"<>#]')


def normalise_dn(dn: bytes) -> bytes:
    """The form in which two names are compared; never shown, never sent to a server.

    A name that cannot be taken apart is only lowered and trimmed: it equals nothing but itself.
    """
    if _plain(dn) and b"userid=" not in (lowered := dn.lower()) and b"name=" not in lowered and b"2." not in lowered:
        return lowered
    try:
        return b",".join(b"+".join(sorted(part)) for part in _parts(dn.strip()))
    except ValueError:
        return dn.strip().lower()


def _parts(dn: bytes) -> list[list[bytes]]:
    """The relative names, each a list of `type=value`."""
    found: list[list[bytes]] = []
    current: list[bytes] = []
    at = 0
    while at < len(dn):
        equals = dn.find(b"=", at)
        if equals < 0:
            raise ValueError("no =")
        name = dn[at:equals].strip().lower().removeprefix(b"oid.")
        if not name or _SPECIAL.search(name):
            raise ValueError("no attribute type")
        value, at = _value(dn, equals + 1)
        current.append(_ALIASES.get(name, name) + b"=" + _SPECIAL.sub(lambda m: b"\\" + m[0], _folded(value)))
        separator = dn[at : at + 1]
        if separator != b"+":
            found.append(current)
            current = []
        if separator and at + 1 >= len(dn):
            raise ValueError("it ends with a separator")
        at += 1
    return found


def _value(dn: bytes, at: int) -> tuple[bytes, int]:  # noqa: C901 - the grammar has that many cases
    """An unescaped value, and where its separator stands."""
    while dn[at : at + 1] == b" ":
        at += 1
    quoted = dn[at : at + 1] == b'"'
    at += quoted
    value = bytearray()
    while at < len(dn):
        byte = dn[at : at + 1]
        if byte == b"\\":
            pair = _HEX(dn, at + 1)
            if pair:
                value += bytes.fromhex(pair[0].decode("ascii"))
                at += 3
                continue
            if at + 1 >= len(dn):
                raise ValueError("it ends with a backslash")
            value += dn[at + 1 : at + 2]
            at += 2
            continue
        if quoted and byte == b'"':
            at += 1
            while dn[at : at + 1] == b" ":
                at += 1
            if dn[at : at + 1] not in {b"", b",", b";", b"+"}:
                raise ValueError("text after a quote")
            return bytes(value), at
        if not quoted and byte in {b",", b";", b"+"}:
            return bytes(value), at
        value += byte
        at += 1
    if quoted:
        raise ValueError("an open quote")
    return bytes(value), at


def _folded(value: bytes) -> bytes:
    """As caseIgnoreMatch compares (RFC 4518): NFKC, case folded, white space collapsed."""
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        return value
    if text.isascii():
        return b" ".join(value.lower().split())
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return " ".join(text.split()).encode("utf-8")


def within(dn: bytes, base: bytes) -> bool:
    """Whether a normalised name is a normalised base or below it; everything is below the empty one."""
    return not base or dn == base or dn.endswith(b"," + base)


def escaped(value: bytes) -> str:
    r"""Any bytes as a filter's value: every byte as `\xx` (RFC 4515, 3)."""
    return "".join(f"\\{byte:02x}" for byte in value)
