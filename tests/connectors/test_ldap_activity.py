"""Who is active by a directory's attributes. What cannot be read is nobody's answer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.ldap.activity import ACTIVITY_ATTRIBUTES, active, filetime, generalized_time

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
NEVER = 0x7FFF_FFFF_FFFF_FFFF


def ticks(time: datetime) -> int:
    return (time - datetime(1601, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 10


def days(time: datetime) -> int:
    return (time - datetime(1970, 1, 1, tzinfo=UTC)).days


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("userAccountControl", "512"),
        ("userAccountControl", str(512 | 0x10)),  # locked out after wrong passwords
        ("userAccountControl", str(512 | 0x800000)),  # the password expired
        ("userAccountControl", str(-0x80000000 | 512)),
        ("accountExpires", "0"),
        ("accountExpires", str(NEVER)),
        ("accountExpires", str(NEVER - 1)),
        ("accountExpires", str(ticks(NOW) + 10)),
        ("nsAccountLock", "FALSE"),
        ("pwdAccountLockedTime", "20260301110000Z"),
        ("shadowExpire", "-1"),
        ("shadowExpire", str(days(NOW) + 1)),
        ("krbPrincipalExpiration", "20260301120001Z"),
        ("loginDisabled", "FALSE"),
        ("loginShell", "/sbin/nologin"),
    ],
)
def test_active(attribute, value):
    assert active({attribute.lower(): [value.encode()]}, NOW) == (True, "the account is neither disabled nor expired")


@pytest.mark.parametrize(
    ("attribute", "value", "reason"),
    [
        ("userAccountControl", "514", "the account is disabled (userAccountControl 514)"),
        ("userAccountControl", "66050", "the account is disabled (userAccountControl 66050)"),
        ("accountExpires", str(ticks(NOW)), "the account expired on 2026-03-01 (accountExpires)"),
        ("accountExpires", "1", "the account expired on 1601-01-01 (accountExpires)"),
        ("nsAccountLock", "true", "the account is disabled (nsAccountLock true)"),
        (
            "pwdAccountLockedTime",
            "000001010000Z",
            "an administrator locked the account (pwdAccountLockedTime 000001010000Z)",
        ),
        ("shadowExpire", str(days(NOW)), "the account expired on 2026-03-01 (shadowExpire)"),
        ("shadowExpire", "1", "the account expired on 1970-01-02 (shadowExpire)"),
        ("krbPrincipalExpiration", "20260301120000Z", "the account expired on 2026-03-01 (krbPrincipalExpiration)"),
        ("loginDisabled", "TRUE", "the account is disabled (loginDisabled TRUE)"),
        ("loginExpirationTime", "20250101000000Z", "the account expired on 2025-01-01 (loginExpirationTime)"),
    ],
)
def test_inactive_and_why(attribute, value, reason):
    assert active({attribute.lower(): [value.encode()]}, NOW) == (False, reason)


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("userAccountControl", ""),
        ("userAccountControl", "512 "),
        ("userAccountControl", "0x200"),
        ("userAccountControl", "٥١٢"),
        ("userAccountControl", "4294967296"),
        ("accountExpires", "-1"),
        ("accountExpires", "never"),
        ("accountExpires", str(NEVER + 1)),
        ("nsAccountLock", "yes"),
        ("nsAccountLock", ""),
        ("pwdAccountLockedTime", "2026"),
        ("pwdAccountLockedTime", "20261301000000Z"),
        ("shadowExpire", "0"),
        ("shadowExpire", "-2"),
        ("shadowExpire", "1.5"),
        ("krbPrincipalExpiration", "20260301120000"),
        ("loginDisabled", "1"),
    ],
)
def test_what_cannot_be_read_is_neither_and_is_named(attribute, value):
    with pytest.raises(ValueError, match=attribute) as caught:
        active({attribute.lower(): [value.encode()]}, NOW)
    if value.isascii():
        assert f'"{value}"' in str(caught.value)


def test_an_unreadable_value_is_named_even_beside_one_that_decides():
    with pytest.raises(ValueError, match="accountExpires"):
        active({"useraccountcontrol": [b"514"], "accountexpires": [b"soon"]}, NOW)


def test_two_values_are_no_answer():
    with pytest.raises(ValueError, match="userAccountControl has 2 values"):
        active({"useraccountcontrol": [b"512", b"514"]}, NOW)


def test_bytes_that_are_no_text_are_no_answer():
    with pytest.raises(ValueError, match="nsAccountLock"):
        active({"nsaccountlock": [b"\xff\xfe"]}, NOW)


def test_an_attribute_that_everybody_has_and_we_do_not_see_is_withheld_from_us():
    with pytest.raises(ValueError, match="useraccountcontrol is absent: the bind user may not read it"):
        active({}, NOW, required=("useraccountcontrol",))
    assert active({"useraccountcontrol": [b"512"]}, NOW, required=("useraccountcontrol",))[0]


def test_every_attribute_that_is_asked_for_can_decide():
    values = ("514", "1", "TRUE", "000001010000Z", "1", "20000101000000Z", "TRUE", "20000101000000Z")
    told = [active({n.lower(): [v.encode()]}, NOW)[0] for n, v in zip(ACTIVITY_ATTRIBUTES, values, strict=True)]
    assert not any(told)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("20260301120000Z", NOW),
        ("202603011200Z", NOW),
        ("2026030112Z", NOW),
        ("20260301120000.0Z", NOW),
        ("20260301140000+0200", NOW),
        ("20260301063000-0530", NOW),
    ],
)
def test_times_as_directories_write_them(text, time):
    assert generalized_time(text) == time


@given(st.datetimes(min_value=datetime(1601, 1, 1), max_value=datetime(9000, 1, 1)))  # noqa: DTZ001
def test_the_last_moment_counts_as_expired_and_the_one_before_does_not(moment):
    moment = moment.replace(tzinfo=UTC)
    assert filetime(ticks(moment)) == moment
    if ticks(moment):
        attributes = {"accountexpires": [str(ticks(moment)).encode()]}
        assert not active(attributes, moment)[0]
        if moment > datetime(1601, 1, 2, tzinfo=UTC):
            assert active(attributes, moment - timedelta(microseconds=1))[0]


def test_the_clocks_own_zone_makes_no_difference():
    attributes = {"accountexpires": [str(ticks(NOW)).encode()], "shadowexpire": [str(days(NOW)).encode()]}
    for hours in (-11, 0, 13):
        assert not active(attributes, NOW.astimezone(timezone(timedelta(hours=hours))))[0]
