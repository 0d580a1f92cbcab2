"""Whatever the steps, in one call or in many: the embedded account and its in-memory twin end alike."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool

from connectors.fluix.account import EmbeddedAccount, account_metadata
from connectors.memory_target import MemoryTarget
from connectors.model import Account, AccountGroup, Step
from tests.depth import examples
from tests.target_contract import DATA, GONE

PEOPLE = [user["email"] for user in DATA["users"]]
FEW = ["anna@example.com", "bob@example.com"]


def steps(people, addresses):
    """One step of each verb, about these people (by the email that they had at the beginning)."""
    person, address = st.sampled_from([*people, GONE]), st.sampled_from(addresses)
    name = st.sampled_from(["Anna", "Bob", "Zoë"])
    group = st.sampled_from(["Office", "office ", "Field", "Nobody", "New", "Unknown"])
    create = {"email": address, "display_name": name, "groups": st.lists(group, max_size=2)}
    values = {
        "create_group": {"display_name": group},
        "rename_group": {"display_name": group, "new_name": group},
        "create_user": create,
        "add_member": {"group": group},
        "remove_member": {"group": group},
        "resend_invite": {},
        "reassign_documents": {"to": st.sampled_from([*people, GONE, ""])},
        "leave_workflows": {},
        "delete_user": {},
    }
    nobody = {"create_group", "rename_group", "create_user"}
    made = {
        verb: st.tuples(st.just(verb), st.none() if verb in nobody else person, st.fixed_dictionaries(wanted))
        for verb, wanted in values.items()
    }
    update = st.fixed_dictionaries({}, optional={"email": address, "display_name": name})
    return made | {"update_user": st.tuples(st.just("update_user"), person, update)}


broad = steps(PEOPLE, [*PEOPLE, "BOB@example.com", "new@example.com"])
narrow = steps(FEW, [*FEW, "new@example.com"])
mixed = st.lists(st.one_of(*broad.values()), max_size=12)
runs = st.lists(
    st.sampled_from(sorted(narrow)).flatmap(lambda verb: st.lists(narrow[verb], min_size=2, max_size=4)), max_size=3
).map(lambda parts: [step for part in parts for step in part])
"""Steps of one verb after each other, which the account does in one go, about the same few people."""


class Side:
    """One of the two targets, with ids by the email that a person had at the beginning."""

    def __init__(self, target):
        self.target = target
        self.ids = {user.email: user.fluix_id for user in target.read() if isinstance(user, Account)}
        self.ids |= {GONE: GONE, "": ""}

    def steps(self, drawn):
        for operation_id, verb, user, values in drawn:
            mine = dict(values)
            if "to" in mine:
                mine["to"] = self.ids[mine["to"]]
            if "groups" in mine:
                mine["groups"] = tuple(mine["groups"])
            yield Step(operation_id, verb, user and self.ids[user], mine)

    def apply(self, drawn):
        return [outcome.state for outcome in self.target.apply(list(self.steps(drawn)))]

    def state(self):
        """All that is held, without the ids of either side."""
        items = list(self.target.read())
        users = {item.email: item for item in items if isinstance(item, Account)}
        dossiers = self.target.dossiers(user.fluix_id for user in users.values())
        return (
            {item.display_name for item in items if isinstance(item, AccountGroup)},
            {email: (user.display_name, user.state, user.groups) for email, user in users.items()},
            {
                email: (one.owner, one.role, one.admins, set(one.workflows), one.drafts, one.assigned)
                for email, user in users.items()
                for one in [dossiers[user.fluix_id]]
            },
        )


def embedded():
    engine = create_engine("sqlite://", poolclass=StaticPool)
    account_metadata.create_all(engine)
    account = EmbeddedAccount(engine, lambda: datetime(2026, 11, 2, tzinfo=UTC))
    account.load(DATA)
    return account


def update(user, **values):
    return ("update_user", user, values)


@settings(max_examples=examples(30, 100))
@given(mixed | runs, st.integers(1, 12))
@example([update(FEW[0], display_name="Zoë"), update(FEW[0], email="new@example.com")], 2)
@example([update(FEW[0], email="new@example.com"), update(FEW[1], email=FEW[0])], 2)
@example([update(FEW[0], email="new@example.com"), update(FEW[0], email=FEW[0]), update(FEW[1], email=FEW[0])], 3)
@example([("leave_workflows", FEW[1], {}), ("delete_user", FEW[1], {}), ("delete_user", FEW[1], {})], 3)
@example([("reassign_documents", FEW[1], {"to": FEW[1]}), ("leave_workflows", FEW[1], {})], 2)
def test_the_account_and_its_twin_end_alike(drawn, size):
    one, other = Side(embedded()), Side(MemoryTarget(DATA))
    assert one.state() == other.state()
    numbered = [(f"op-{number}", *step) for number, step in enumerate(drawn)]
    for start in range(0, len(numbered), size):
        part = numbered[start : start + size]
        assert one.apply(part) == other.apply(part)
        assert one.state() == other.state()
    assert one.apply(numbered) == other.apply(numbered)
    assert one.state() == other.state()
