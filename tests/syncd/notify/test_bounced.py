"""Invitations that did not arrive."""

from __future__ import annotations

import pytest

from tests.mail_servers import Inbox, smtp_server
from tests.syncd.notify.conftest import Told


@pytest.mark.parametrize("personal", ["names", "counts"])
def test_refused_invitations_are_told_in_one_message(told: Told, personal: str) -> None:
    inbox = Inbox()
    inbox.rcpt = {f"e00{number}@example.com": "550 5.1.1 no such user" for number in (1, 2)}
    with smtp_server(inbox) as port:
        told.house.configure(
            target={"type": "account", "mail": {"host": "127.0.0.1", "port": port, "security": "none"}}
        )
        told.configure(events=["invitation_bounced"], personal=personal)
        assert told.house.syncd("run").code == 0
        assert told.house.syncd("account", "deliver").code == 0
    told.house.clock.now = told.app.clock()
    told.tell()
    (document,) = told.receiver.documents
    assert document["title"] == "2 invitations did not arrive"
    assert ("e001@example.com" in document["message"]) == (personal == "names")
    assert told.tell().sent == 0
