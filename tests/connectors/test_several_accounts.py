"""A store can hold several accounts; nothing of one is seen, counted or changed in another."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connectors.errors import PermanentError
from connectors.fluix.account import EmbeddedAccount, account_metadata
from connectors.fluix.account.settings import Settings
from connectors.model import Account, Step
from syncd.store.engine import open_engine

NOW = datetime(2026, 11, 2, tzinfo=UTC)
COPY = {
    "users": [
        {"email": "ida@example.com", "name": "Ida", "role": "admin", "owner": True, "groups": ["Field"]},
        {"email": "bob@example.com", "name": "Bob", "groups": ["Office"]},
    ],
    "groups": [{"name": "Field"}, {"name": "Office"}],
    "workflows": [{"name": "Permits", "steps": [{"name": "Approve", "users": ["bob@example.com"], "groups": []}]}],
    "documents": [{"title": "Form 7", "state": "draft", "user": "bob@example.com"}],
}


@pytest.fixture
def both(tmp_path):
    engine = open_engine(f"sqlite:///{tmp_path}/store.db")
    account_metadata.create_all(engine)
    north, south = (EmbeddedAccount(engine, lambda: NOW, Settings(name=name)) for name in ("north", "south"))
    north.load(COPY)
    return north, south


def test_the_same_people_and_names_can_be_in_both(both):
    north, south = both
    south.load(COPY)
    assert north.dump() == south.dump()
    ids = [{item.fluix_id for item in account.read() if isinstance(item, Account)} for account in both]
    assert not ids[0] & ids[1]


def test_replacing_one_leaves_the_other(both):
    north, south = both
    south.load(COPY)
    before = north.dump()
    south.load({"users": [{"email": "new@example.com"}]}, replace=True)
    assert north.dump() == before
    assert [user["email"] for user in south.list_users()] == ["new@example.com"]


def test_what_is_in_one_is_not_in_the_other(both):
    north, south = both
    assert south.list_users() == []
    assert south.dump() == {"users": [], "groups": [], "workflows": [], "documents": []}
    with pytest.raises(PermanentError):
        south.show_user("bob@example.com")
    ids = [item.fluix_id for item in north.read() if isinstance(item, Account)]
    assert south.get(ids) == {}
    assert south.dossiers(ids) == {}


def test_no_step_of_one_reaches_into_the_other(both):
    north, south = both
    before = north.dump()
    ids = [item.fluix_id for item in north.read() if isinstance(item, Account)]
    south.load({"users": [{"email": "taker@example.com"}], "groups": [{"name": "Field"}]})
    taker = next(item.fluix_id for item in south.read() if isinstance(item, Account))
    steps = [
        step
        for one in ids
        for step in (
            Step(f"u{one}", "update_user", one, {"display_name": "Other"}),
            Step(f"a{one}", "add_member", one, {"group": "Field"}),
            Step(f"r{one}", "remove_member", one, {"group": "Field"}),
            Step(f"i{one}", "resend_invite", one),
            Step(f"d{one}", "reassign_documents", one, {"to": taker}),
            Step(f"w{one}", "leave_workflows", one),
            Step(f"x{one}", "delete_user", one),
        )
    ]
    south.apply(steps)
    north.apply([Step("to", "reassign_documents", ids[1], {"to": taker})])
    assert north.dump() == before
