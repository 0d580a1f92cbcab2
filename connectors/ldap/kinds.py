"""The kinds of directory servers, and how each writes the one id of a person that never changes.

Pure: bytes in, text out. May not: ask a server (`detect` does), or decide what a person's state is (`activity` does).

A key is decoded or refused, never patched up: a key that is read wrongly makes one person leave and another join.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from connectors.text import shown, unwanted_character

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_BYTES = 16
_SID_HEAD = 8
_SUB_AUTHORITIES = 15
_UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}").fullmatch
_NS_UNIQUE_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{8}){3}").fullmatch

AD_CAPABILITY = "1.2.840.113556.1.4.800"
"""`supportedCapabilities` of an Active Directory domain controller (MS-ADTS 3.1.1.3.4.3), and of Samba."""
AD_LDS_CAPABILITY = "1.2.840.113556.1.4.1851"
"""The same for Active Directory Lightweight Directory Services."""


def uuid_text(value: bytes) -> str:
    """A UUID that is written as text (`entryUUID`, `ipaUniqueID`; RFC 4530), in small letters.

    Raises:
        ValueError: it is none.
    """
    text = value.decode("ascii", "replace")
    # uuid.UUID also takes braces, `urn:` and hyphens anywhere, and these would be a second spelling of one key.
    if not _UUID(text):
        raise ValueError(f"{shown(text)} is no UUID")
    return text.lower()


def guid_mixed(value: bytes) -> str:
    """An `objectGUID`: 16 bytes, the first three fields with their lowest byte first (MS-DTYP 2.3.4.2).

    Raises:
        ValueError: it has not 16 bytes.
    """
    return str(uuid.UUID(bytes_le=_sixteen(value)))


def guid_straight(value: bytes) -> str:
    """An eDirectory `GUID`: 16 bytes in their order.

    Raises:
        ValueError: it has not 16 bytes.
    """
    return str(uuid.UUID(bytes=_sixteen(value)))


def ns_unique_id(value: bytes) -> str:
    """An `nsUniqueId` of 389 Directory Server (`3a4b7c01-5d6e11ef-9f8ac3d2-e1f00a1b`), in small letters.

    Raises:
        ValueError: it is none.
    """
    text = value.decode("ascii", "replace").lower()
    if not _NS_UNIQUE_ID(text):
        raise ValueError(f"{shown(text)} is no nsUniqueId")
    return text


def plain_text(value: bytes) -> str:
    """Any other attribute as a key: its text, trimmed, letters as they are.

    Raises:
        ValueError: it is empty, not UTF-8, or holds a character that nobody can see.
    """
    try:
        text = value.decode("utf-8").strip()
    except UnicodeDecodeError:
        raise ValueError(f"the bytes {value[:20].hex()} are not UTF-8 text") from None
    if not text:
        raise ValueError("it is empty")
    if hidden := unwanted_character(text):
        raise ValueError(f"{shown(text)} contains {hidden}")
    return text


@dataclass(frozen=True, slots=True)
class Kind:
    """What differs from one directory server to the next."""

    name: str
    key_attribute: str
    """The attribute that names a person and a group for good, as the server's schema writes it."""
    decode_key: Callable[[bytes], str]
    member_attributes: tuple[str, ...] = ("member", "uniqueMember", "memberUid")
    """Where groups keep their members: DNs, but for `memberUid`, which holds values of `uid`."""
    owner_attribute: str = "owner"
    """Where groups keep the DN of whoever answers for them (RFC 4519, 2.21)."""
    people_filter: str = "(objectClass=inetOrgPerson)"
    group_filter: str = (
        "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=posixGroup)(objectClass=groupOfURLs))"
    )
    activity_required: tuple[str, ...] = ()
    """Attributes (small letters) that every person has: when one is absent, we may not read it (`activity.active`)."""
    ranged: bool = False
    """Whether many values arrive in ranges (`member;range=0-1499`)."""
    primary_groups: bool = False
    """Whether a person is in one group more, by `primaryGroupID`, that no member list shows."""
    member_urls: bool = True
    """Whether groups may say by `memberURL`, a search, who is in them."""

    refers: bool = False
    """Whether a search from the top of a tree is referred to the trees below, which it holds itself or not."""

    def with_key(self, attribute: str) -> Kind:
        """The same kind with another attribute as the key."""
        return replace(self, key_attribute=attribute, decode_key=DECODERS.get(attribute.lower(), plain_text))

    def key(self, attributes: Mapping[str, Sequence[bytes]]) -> str:
        """The key of one entry.

        Args:
            attributes: the entry's attributes, their names in small letters.

        Raises:
            ValueError: the key is absent, there are several, or it cannot be read; the message names it.
        """
        values = attributes.get(self.key_attribute.lower(), ())
        if len(values) != 1:
            how = f"has {len(values)} values" if values else "is absent"
            raise ValueError(f"{self.key_attribute}, the key, {how}")
        try:
            return self.decode_key(values[0])
        except ValueError as error:
            raise ValueError(f"{self.key_attribute}, the key: {error}") from None


OPENLDAP = Kind("openldap", "entryUUID", uuid_text)
# Computers are users for AD; only objectCategory tells them apart. Contacts are persons without an account.
ACTIVE_DIRECTORY = Kind(
    "active_directory",
    "objectGUID",
    guid_mixed,
    ("member",),
    "managedBy",
    "(&(objectCategory=person)(objectClass=user))",
    "(objectClass=group)",
    ("useraccountcontrol",),
    ranged=True,
    primary_groups=True,
    member_urls=False,
    refers=True,
)
SAMBA = replace(ACTIVE_DIRECTORY, name="samba")
DS389 = Kind("ds389", "nsUniqueId", ns_unique_id)
FREEIPA = Kind(
    "freeipa",
    "ipaUniqueID",
    uuid_text,
    ("member",),
    people_filter="(objectClass=posixAccount)",
    group_filter="(objectClass=ipaUserGroup)",
)
EDIRECTORY = Kind(
    "edirectory",
    "GUID",
    guid_straight,
    ("member", "uniqueMember"),
    group_filter="(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames))",
)
OTHER = Kind("other", "entryUUID", uuid_text)

KINDS = {kind.name: kind for kind in (OPENLDAP, ACTIVE_DIRECTORY, SAMBA, DS389, FREEIPA, EDIRECTORY, OTHER)}


def kind_of(root_dse: Mapping[str, Sequence[bytes]]) -> Kind:
    """The kind of server that a root DSE speaks of; `OTHER` where nothing is recognised.

    Args:
        root_dse: the attributes of the entry with the empty DN, user and operational ones; names in any case.
    """
    told = {name.lower(): [value.decode("utf-8", "replace") for value in values] for name, values in root_dse.items()}
    vendor = " ".join((*told.get("vendorname", ()), *told.get("vendorversion", ()))).lower()
    capabilities = told.get("supportedcapabilities", ())
    asked = (
        ("samba" in vendor, SAMBA),
        (AD_CAPABILITY in capabilities or AD_LDS_CAPABILITY in capabilities, ACTIVE_DIRECTORY),
        (_is_freeipa(told), FREEIPA),
        (any(word in vendor for word in ("389", "red hat", "fedora")), DS389),
        (any(word in vendor for word in ("novell", "netiq", "edirectory")), EDIRECTORY),
        ("openldaprootdse" in map(str.lower, told.get("objectclass", ())) or "openldap" in vendor, OPENLDAP),
    )
    return next((kind for is_it, kind in asked if is_it), OTHER)


def _is_freeipa(told: Mapping[str, Sequence[str]]) -> bool:
    """FreeIPA is a 389 Directory Server with plugins and a certificate authority's suffix of its own."""
    return any(name.startswith("ipatopology") or name == "ipadomainlevel" for name in told) or "o=ipaca" in map(
        str.lower, told.get("namingcontexts", ())
    )


def sid_text(value: bytes) -> str:
    """An `objectSid` as it is written: `S-1-5-21-…-1104` (MS-DTYP 2.4.2).

    Raises:
        ValueError: the bytes are none.
    """
    count = value[1] if len(value) >= _SID_HEAD else -1
    if count < 0 or count > _SUB_AUTHORITIES or value[0] != 1 or len(value) != _SID_HEAD + 4 * count:
        raise ValueError(f"the bytes {value[:32].hex()} are no SID")
    authority = int.from_bytes(value[2:8], "big")
    # From 2^32 on the authority is written in hexadecimal.
    first = str(authority) if authority < 1 << 32 else f"0x{authority:012X}"
    parts = (int.from_bytes(value[at : at + 4], "little") for at in range(_SID_HEAD, len(value), 4))
    return "-".join(("S-1", first, *map(str, parts)))


def sid_bytes(text: str) -> bytes:
    """The bytes of what `sid_text` wrote."""
    authority, *parts = (int(part, 0) for part in text.split("-")[2:])
    return (
        bytes((1, len(parts))) + authority.to_bytes(6, "big") + b"".join(part.to_bytes(4, "little") for part in parts)
    )


def relative_id(sid: bytes) -> int:
    """The last part of an `objectSid`, which numbers a group or person within its domain (RID).

    Raises:
        ValueError: the bytes are no SID, or one without a last part.
    """
    text = sid_text(sid)
    if not sid[1]:
        raise ValueError(f"{text} has no relative id")
    return int.from_bytes(sid[-4:], "little")


def primary_group_sid(member_sid: bytes, primary_group_id: bytes) -> str:
    """The SID of a person's primary group: the person's own domain, and `primaryGroupID` as the last part.

    Args:
        member_sid: the person's `objectSid`.
        primary_group_id: the person's `primaryGroupID`, a number written in digits.

    Raises:
        ValueError: one of them cannot be read; the message names it.
    """
    if not re.fullmatch(rb"[0-9]{1,10}", primary_group_id):
        raise ValueError(f"primaryGroupID is {shown(primary_group_id.decode('utf-8', 'replace'))}, which is no number")
    relative_id(member_sid)
    return f"{sid_text(member_sid).rpartition('-')[0]}-{int(primary_group_id)}"


def _sixteen(value: bytes) -> bytes:
    if len(value) != _BYTES:
        raise ValueError(f"{value[:20].hex()} has {len(value)} bytes instead of {_BYTES}")
    return value


DECODERS: dict[str, Callable[[bytes], str]] = {
    "entryuuid": uuid_text,
    "ipauniqueid": uuid_text,
    "ibm-entryuuid": uuid_text,
    "objectguid": guid_mixed,
    "guid": guid_straight,
    "nsuniqueid": ns_unique_id,
    "objectsid": sid_text,
}
"""Attribute in small letters -> how its value becomes a key; every other attribute is `plain_text`."""
