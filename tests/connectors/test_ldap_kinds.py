"""What tells directory servers apart, and how their keys become text."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.ldap.kinds import (
    ACTIVE_DIRECTORY,
    DS389,
    EDIRECTORY,
    FREEIPA,
    KINDS,
    OPENLDAP,
    OTHER,
    SAMBA,
    guid_mixed,
    kind_of,
    plain_text,
    primary_group_sid,
    relative_id,
    sid_text,
)

AD = {"supportedCapabilities": [b"1.2.840.113556.1.4.800", b"1.2.840.113556.1.4.1670"]}
IPA = {"vendorName": [b"389 Project"], "vendorVersion": [b"389-Directory/2.4.5 B2024"]}


@pytest.mark.parametrize(
    ("root_dse", "kind"),
    [
        ({"objectClass": [b"top", b"OpenLDAProotDSE"]}, OPENLDAP),
        (AD, ACTIVE_DIRECTORY),
        ({"supportedCapabilities": [b"1.2.840.113556.1.4.1851"]}, ACTIVE_DIRECTORY),
        ({**AD, "vendorName": [b"Samba Team (https://www.samba.org)"]}, SAMBA),
        ({"vendorName": [b"389 Project"], "vendorVersion": [b"389-Directory/2.4.5"]}, DS389),
        ({"VENDORNAME": [b"Red Hat, Inc."]}, DS389),
        ({**IPA, "ipatopologypluginversion": [b"1.0"]}, FREEIPA),
        ({**IPA, "namingContexts": [b"dc=example,dc=test", b"o=ipaca"]}, FREEIPA),
        ({"vendorName": [b"NetIQ Corporation"], "vendorVersion": [b"LDAP Agent for NetIQ eDirectory"]}, EDIRECTORY),
        ({"vendorName": [b"ForgeRock AS."]}, OTHER),
        ({}, OTHER),
    ],
)
def test_a_root_dse_names_its_kind(root_dse, kind):
    assert kind_of(root_dse) == kind


def test_every_kind_is_found_by_its_name():
    assert all(KINDS[name].name == name for name in KINDS)
    assert {"openldap", "active_directory", "samba", "ds389", "freeipa", "edirectory", "other"} == set(KINDS)


def test_object_guid_is_read_as_windows_shows_it():
    # The bytes 0 to 15: Windows shows them as {03020100-0504-0706-0809-0a0b0c0d0e0f}.
    assert guid_mixed(bytes(range(16))) == "03020100-0504-0706-0809-0a0b0c0d0e0f"
    assert EDIRECTORY.decode_key(bytes(range(16))) == "00010203-0405-0607-0809-0a0b0c0d0e0f"


@given(st.binary(min_size=16, max_size=16))
def test_two_guids_never_share_a_key(value):
    assert uuid.UUID(guid_mixed(value)).bytes_le == value


@pytest.mark.parametrize(
    ("kind", "written", "key"),
    [
        (OPENLDAP, b"3A4B7C01-5D6E-11EF-9F8A-C3D2E1F00A1B", "3a4b7c01-5d6e-11ef-9f8a-c3d2e1f00a1b"),
        (DS389, b"3A4B7C01-5D6E11EF-9F8AC3D2-E1F00A1B", "3a4b7c01-5d6e11ef-9f8ac3d2-e1f00a1b"),
        (OTHER.with_key("employeeNumber"), b" E-0042 ", "E-0042"),
        (OTHER.with_key("objectGUID"), bytes(range(16)), "03020100-0504-0706-0809-0a0b0c0d0e0f"),
    ],
)
def test_a_key_has_one_spelling(kind, written, key):
    assert kind.key({kind.key_attribute.lower(): [written]}) == key


@pytest.mark.parametrize(
    ("kind", "values", "told"),
    [
        (OPENLDAP, [], "entryUUID, the key, is absent"),
        (OPENLDAP, [b"a", b"b"], "entryUUID, the key, has 2 values"),
        (OPENLDAP, [b"autogenerate"], '"autogenerate" is no UUID'),
        (OPENLDAP, [b"{3a4b7c01-5d6e-11ef-9f8a-c3d2e1f00a1b}"], "is no UUID"),
        (ACTIVE_DIRECTORY, [b"123"], "has 3 bytes instead of 16"),
        (DS389, [b"3a4b7c01-5d6e-11ef-9f8a-c3d2e1f00a1b"], "is no nsUniqueId"),
        (OTHER.with_key("uid"), [b"  "], "uid, the key: it is empty"),
        (OTHER.with_key("uid"), [b"\xff"], "the bytes ff are not UTF-8 text"),
        (OTHER.with_key("uid"), ["an\u200bna".encode()], "contains ZERO WIDTH SPACE"),
    ],
)
def test_a_key_that_cannot_be_read_is_refused_by_name(kind, values, told):
    with pytest.raises(ValueError, match="the key") as caught:
        kind.key({kind.key_attribute.lower(): values})
    assert told in str(caught.value)


def test_letters_of_a_plain_key_stay_as_they_are():
    assert plain_text(b"Anna") == "Anna"


SID = bytes.fromhex("010500000000000515000000" + "e9f4a92f" + "d2c2a1f3" + "8a7db2ba" + "50040000")


def test_a_sid_is_read_as_windows_writes_it():
    parts = [int.from_bytes(SID[at : at + 4], "little") for at in range(12, 24, 4)]
    assert sid_text(SID) == "S-1-5-21-" + "-".join(map(str, parts)) + "-1104"
    assert sid_text(bytes.fromhex("0101000000000001" + "00000000")) == "S-1-1-0"
    assert sid_text(bytes.fromhex("0101010000000000" + "05000000")) == "S-1-0x010000000000-5"


@pytest.mark.parametrize("broken", [b"", SID[:-1], SID + b"\0", b"\x02" + SID[1:], b"\x01\x10" + SID[2:]])
def test_bytes_that_are_no_sid_are_refused(broken):
    with pytest.raises(ValueError, match="no SID"):
        sid_text(broken)


def test_the_primary_group_is_in_the_persons_own_domain():
    assert primary_group_sid(SID, b"513") == sid_text(SID).removesuffix("1104") + "513"
    assert relative_id(SID) == 1104


def test_a_sid_can_be_a_key():
    assert OTHER.with_key("objectSid").key({"objectsid": [SID]}) == sid_text(SID)


@pytest.mark.parametrize("number", [b"", b"-1", b"x", "٣".encode()])
def test_a_primary_group_that_is_no_number_is_refused(number):
    with pytest.raises(ValueError, match="primaryGroupID"):
        primary_group_sid(SID, number)
