"""Inviting again: for whom, how often, how soon."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from connectors.errors import PermanentError, RefusedError
from connectors.fluix.account.settings import InvitationSettings
from tests.mail_house import MailHouse


@pytest.fixture
def house(tmp_path):
    house = MailHouse(tmp_path)
    house.settings = replace(
        house.settings, invitations=InvitationSettings(resend_limit=5, resend_pause=timedelta(minutes=10))
    )
    return house


def test_resend_invite_exists_only_for_a_user_who_never_logged_in(house):
    house.invite("ida@example.com")
    house.clock.advance(minutes=10)
    mailing = house.mailing(None)
    mailing.resend("Ida@Example.com")
    assert [mail.email for mail in house.mails("invitation")] == ["ida@example.com"] * 2
    house.clock.advance(days=1)
    house.set_user("ida@example.com", last_login_at=house.clock.now)
    with pytest.raises(RefusedError, match="has logged in already"):
        mailing.resend("ida@example.com")
    house.set_user("ida@example.com", last_login_at=None, state="active")
    with pytest.raises(RefusedError, match="has logged in already"):
        mailing.resend("ida@example.com")
    assert len(house.mails("invitation")) == 2
    assert house.activity("invited again") == ["ida@example.com"]


def test_invitations_of_one_user_are_some_time_apart(house):
    house.invite("ida@example.com")
    mailing = house.mailing(None)
    for advance, ago in ((0, "0 seconds"), (3, "3 minutes"), (6, "9 minutes")):
        house.clock.advance(minutes=advance)
        with pytest.raises(RefusedError, match=f"ida@example.com was invited {ago} ago; wait until 08:40 UTC"):
            mailing.resend("ida@example.com")
    house.clock.advance(minutes=1)
    mailing.resend("ida@example.com")
    with pytest.raises(RefusedError, match="wait until 08:50 UTC"):
        mailing.resend("ida@example.com")


def test_one_user_is_invited_again_only_so_often(house):
    house.invite("ida@example.com")
    mailing = house.mailing(None)
    for _ in range(5):
        house.clock.advance(minutes=10)
        mailing.resend("ida@example.com")
    house.clock.advance(days=1)
    with pytest.raises(RefusedError, match=r"ida@example\.com was invited 6 times, the limit is 5 resends"):
        mailing.resend("ida@example.com")
    assert len(house.mails("invitation")) == 6


def test_where_no_resend_is_allowed(house):
    house.settings = replace(house.settings, invitations=InvitationSettings(resend_limit=0, resend_pause=timedelta(0)))
    house.invite("ida@example.com")
    with pytest.raises(RefusedError, match="was invited 1 time, the limit is 0 resends"):
        house.mailing(None).resend("ida@example.com")


def test_a_moment_told_is_never_too_early_and_tomorrow_has_its_date(house):
    house.settings = replace(
        house.settings, invitations=InvitationSettings(resend_pause=timedelta(hours=20, seconds=1))
    )
    house.invite("ida@example.com")
    house.clock.advance(hours=3)
    with pytest.raises(RefusedError, match="was invited 3 hours ago; wait until 2026-11-03 at 04:31 UTC"):
        house.mailing(None).resend("ida@example.com")


def test_a_user_who_was_never_invited_can_be(house):
    house.add_admin("loaded@example.com")
    house.set_user("loaded@example.com", state="invited")
    house.mailing(None).resend("loaded@example.com")
    assert len(house.mails("invitation")) == 1


def test_the_same_user_twice_in_one_call_is_invited_once(house):
    house.invite("ida@example.com")
    house.clock.advance(hours=1)
    house.engine = house.engine.execution_options(fluix_invitations=house.settings.invitations)
    fluix_id = str(house.user("ida@example.com").user_id)
    outcomes = house.apply(("resend_invite", fluix_id, {}), ("resend_invite", fluix_id, {}))
    assert [outcome.state for outcome in outcomes] == ["done", "failed"]
    assert "wait until 09:40 UTC" in outcomes[1].message


def test_other_mails_do_not_count(house):
    house.invite("ida@example.com")
    house.clock.advance(hours=1)
    house.mailing(None).resend("ida@example.com")
    house.clock.advance(minutes=10)
    house.set_mail(2, kind="user_data")
    house.mailing(None).resend("ida@example.com")


def test_nobody(house):
    with pytest.raises(PermanentError, match=r"there is no user nobody@example\.com"):
        house.mailing(None).resend("nobody@example.com")
