"""Sentences that hold for every small directory and account, however odd. The account that changes are applied to is a model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from connectors.model import normalise_email, normalise_name
from syncd.core.approval import Approval, decide
from syncd.core.budgets import Budgets, Limit
from syncd.core.change import Change, Decision, Finding, RecordKey
from syncd.core.diff import Difference, diff
from syncd.core.humans import Cluster, Entry, Link
from syncd.core.plan import Plan
from syncd.core.recheck import replaced, stale_in_account, stale_in_directory
from syncd.core.resolve import resolve
from syncd.core.safety import Facts, Policy, SourceRead, review
from syncd.core.shrinkage import Size
from tests.syncd.core.build import LONG_AGO, NOW, account, deletion, entry, ground

examples = settings(max_examples=300, deadline=None)

ADDRESSES = ("anna@x.example", "bob@x.example", "carl@x.example", "dora@x.example")
GROUPS = ("Field", "Office", "Lab")
RECORDS = tuple(RecordKey(source, name) for source in ("people", "ad") for name in ("1", "2", "3"))
IDS = ("f1", "f2", "f3")
some_groups = st.sets(st.sampled_from(GROUPS)).map(lambda names: tuple(sorted(names)))
grounds = st.builds(
    ground,
    *map(st.just, ("Field", "Office")),
    on_drift=st.sampled_from(["repair", "report"]),
    strip_groups=st.booleans(),
    create_groups=st.booleans(),
    frozen=st.sampled_from([frozenset(), frozenset({"field"})]),
    counted=st.sampled_from([frozenset(), frozenset({"people"}), frozenset({"people", "ad"})]),
    certified_absences=st.sampled_from([1, 6]),
)


CLEAR = ("live", "live", "live", "gone", "gone", "inactive")


@st.composite
def entries(draw, name, states):
    state = draw(st.sampled_from(states))
    made = entry(
        str(name),
        None if state == "unknown" else draw(st.sampled_from(ADDRESSES)),
        draw(st.sampled_from(["Anna", "Bob"])),
        draw(some_groups),
        gone=state == "gone",
        out="is not active" if state == "inactive" else "",
        problem="cannot be worked out" if state in {"unclear", "unknown"} else "",
    )
    return replace(made, pinned=states != CLEAR and draw(st.integers(0, 9)) == 0)


told = st.builds(
    lambda email, name, groups: {"email": email, "display_name": name, "groups": list(groups)},
    st.sampled_from(ADDRESSES),
    st.sampled_from(["Anna", "Bob"]),
    some_groups,
)


@st.composite
def links(draw, names):
    """Some of these records own accounts; what we gave an account stands in each of its links."""
    gave = {fluix_id: draw(told) for fluix_id in IDS}
    made = []
    for name in names:
        if draw(st.booleans()):
            fluix_id, waited = draw(st.sampled_from(IDS)), draw(st.booleans())
            made.append(Link(name, fluix_id, gave[fluix_id], LONG_AGO if waited else None, 5 if waited else 0))
    return made


@st.composite
def clusters(draw, states=(*CLEAR, "unclear", "unknown")):
    """A handful of records, of which some own accounts; each address has at most one account."""
    names = draw(st.lists(st.sampled_from(RECORDS), min_size=1, max_size=4, unique=True))
    untrusted = draw(st.sampled_from([set(), set(), {"people"}, {"ad"}]))
    made = [replace(draw(entries(name, states)), trusted=name.source not in untrusted) for name in names]
    owned = draw(links(names))
    ids = draw(st.lists(st.sampled_from(IDS), max_size=3, unique=True))
    emails = draw(st.permutations(ADDRESSES))
    there = [
        account(fluix_id, email, draw(st.sampled_from(["Anna", "Bob"])), draw(some_groups))
        for fluix_id, email in zip(ids, emails, strict=False)
    ]
    pinned = draw(st.sampled_from([frozenset(), frozenset(), frozenset({ADDRESSES[0]})])) if states != CLEAR else ()
    return Cluster(made, owned, there, frozenset(pinned))


def differences(cluster, on, adopt) -> list[Difference]:
    on = replace(on, groups=groups_of(cluster, on))
    return [diff(verdict, on) for verdict in resolve(cluster, adopt=adopt, precedence=("people", "ad"))]


def groups_of(cluster, on):
    return {**on.groups, **{normalise_name(name): name for one in cluster.accounts for name in one.groups}}


def changes_of(cluster, on, adopt) -> list[Change]:
    return [change for difference in differences(cluster, on, adopt) for change in difference.changes]


def taking(changes) -> set[str]:
    return {change.key for change in changes if change.kind in {"delete_user", "remove_member"}}


# --- (a) nobody loses an account by mistake -----------------------------------------------------------------------


@examples
@given(clusters(), grounds, st.booleans())
def test_nobody_is_deleted_while_one_linked_record_is_alive_unclear_pinned_or_untrusted(cluster, on, adopt):
    known = {made.key: made for made in cluster.entries}
    emails = {there.fluix_id: normalise_email(there.email) for there in cluster.accounts}
    for change in changes_of(cluster, on, adopt):
        if change.kind != "delete_user":
            continue
        event("a deletion")
        owners = [owned.key for owned in cluster.links if owned.fluix_id == change.fluix_id]
        assert owners, "not ours"
        assert set(change.records) == set(owners)
        for made in (known[name] for name in owners):
            assert not made.live
            assert made.gone_since or made.shaped.out
            assert made.trusted
            assert not made.pinned
            assert made.shaped.email not in cluster.pinned_addresses
        assert emails[change.fluix_id] not in cluster.pinned_addresses


@examples
@given(clusters(), grounds, st.booleans())
def test_only_what_we_own_is_updated_or_taken_from(cluster, on, adopt):
    owned = {one.fluix_id for one in cluster.links}
    for difference in differences(cluster, on, adopt):
        ours = owned | {one.fluix_id for one in difference.links}
        assert {change.fluix_id for change in difference.changes if change.fluix_id} <= ours


@examples
@given(clusters(), grounds, st.booleans())
def test_a_membership_is_taken_away_only_if_we_gave_it(cluster, on, adopt):
    for change in changes_of(cluster, on, adopt):
        if change.kind == "remove_member":
            event("a removal")
            told = [one.given["groups"] for one in cluster.links if one.fluix_id == change.fluix_id]
            assert change.group in {name for groups in told for name in groups}


# --- (b) knowing less never takes more ----------------------------------------------------------------------------


@examples
@given(clusters(), grounds, st.booleans(), st.sampled_from(["people", "ad"]))
def test_taking_a_certificate_away_never_adds_a_deletion_or_a_removal(cluster, on, adopt, source):
    doubted = [replace(made, trusted=made.trusted and made.key.source != source) for made in cluster.entries]
    less = taking(changes_of(replace(cluster, entries=doubted), on, adopt))
    assert less <= taking(changes_of(cluster, on, adopt))


@examples
@given(clusters(), grounds, st.booleans(), st.sets(st.sampled_from(RECORDS)), st.sets(st.sampled_from(ADDRESSES)))
def test_pinning_more_never_adds_a_deletion_or_a_removal(cluster, on, adopt, names, addresses):
    pinned = [replace(made, pinned=made.pinned or made.key in names) for made in cluster.entries]
    more = replace(cluster, entries=pinned, pinned_addresses=cluster.pinned_addresses | addresses)
    assert taking(changes_of(more, on, adopt)) <= taking(changes_of(cluster, on, adopt))


@examples
@given(clusters(), grounds, st.booleans(), st.sampled_from(RECORDS))
def test_a_record_that_cannot_be_worked_out_any_more_never_adds_a_deletion_or_a_removal(cluster, on, adopt, name):
    def unclear(made: Entry) -> Entry:
        return (
            replace(made, shaped=replace(made.shaped, wanted=None, out="", problem="odd")) if made.key == name else made
        )

    worse = replace(cluster, entries=[unclear(made) for made in cluster.entries])
    assert taking(changes_of(worse, on, adopt)) <= taking(changes_of(cluster, on, adopt))


@examples
@given(clusters(), grounds, st.booleans())
def test_freezing_groups_never_adds_a_deletion_or_a_removal(cluster, on, adopt):
    frozen = replace(on, frozen=frozenset(map(normalise_name, GROUPS)))
    assert taking(changes_of(cluster, frozen, adopt)) <= taking(changes_of(cluster, on, adopt))


@examples
@given(clusters(), grounds, st.booleans(), st.sampled_from(["people", "ad"]))
def test_reading_a_source_less_often_never_adds_a_deletion(cluster, on, adopt, source):
    less = replace(on, counted=on.counted - {source})
    deleted = {name for name in taking(changes_of(cluster, less, adopt)) if name.startswith("delete_user")}
    assert deleted <= taking(changes_of(cluster, on, adopt))


# --- (b2) what was just planned is not stale, and never fits a directory that says otherwise -----------------------


def asking(cluster):
    return {made.key: made.shaped.wanted for made in cluster.entries if made.live}


@examples
@given(clusters(), grounds, st.booleans())
def test_what_was_just_planned_is_what_the_directory_asks_for(cluster, on, adopt):
    there = {one.fluix_id: one for one in cluster.accounts}
    for change in changes_of(cluster, on, adopt):
        assert stale_in_directory(change, asking(cluster)) is None
        if change.kind != "delete_user":
            assert stale_in_account(change, there.get(change.fluix_id)) is None


@examples
@given(clusters(), grounds, st.booleans(), clusters())
def test_what_is_applied_later_is_asked_for_by_the_directory_of_then(cluster, on, adopt, later):
    now = asking(later)
    for change in changes_of(cluster, on, adopt):
        wanted = [now[name] for name in change.records if name in now]
        groups = {normalise_name(name) for one in wanted for name in one.groups}
        if stale_in_directory(change, now) is not None or change.kind == "create_group":
            continue
        event(change.kind)
        match change.kind:
            case "delete_user":
                assert not wanted
            case "remove_member":
                assert normalise_name(change.group) not in groups
            case "add_member":
                assert normalise_name(change.group) in groups
            case "create_user":
                assert {normalise_name(name) for name in change.after["groups"]} <= groups
                assert (wanted[0].email, wanted[0].display_name) == (
                    change.after["email"],
                    change.after["display_name"],
                )
            case "update_user":
                assert wanted
                assert not now.keys() & set(replaced(change))


# --- (c) the digest -----------------------------------------------------------------------------------------------


@examples
@given(clusters(), grounds, st.booleans(), st.randoms(use_true_random=False))
def test_a_plan_has_one_digest_in_whatever_order_its_changes_come(cluster, on, adopt, random):
    found = differences(cluster, on, adopt)
    changes = [change for difference in found for change in difference.changes]
    adoptions = [one for difference in found for one in difference.links]
    plan = Plan.of(changes, adoptions)
    random.shuffle(changes)
    random.shuffle(adoptions)
    assert Plan.of(changes, adoptions) == plan
    assert Plan.of(changes, adoptions).digest == plan.digest
    assert len({change.key for change in plan.changes}) == len(plan.changes)


@examples
@given(clusters(), grounds, st.booleans(), st.randoms(use_true_random=False))
def test_a_plan_has_one_digest_in_whatever_order_the_store_gives_its_rows(cluster, on, adopt, random):
    def shuffled(rows):
        rows = list(rows)
        random.shuffle(rows)
        return rows

    other = Cluster(
        shuffled(cluster.entries), shuffled(cluster.links), shuffled(cluster.accounts), cluster.pinned_addresses
    )
    assert Plan.of(changes_of(other, on, adopt)).digest == Plan.of(changes_of(cluster, on, adopt)).digest


# --- (d) approvals ------------------------------------------------------------------------------------------------

PLAN = Plan.of(deletion(f"u{n}@x.example") for n in range(5))
KEYS = [change.key for change in PLAN.changes]
approvals = st.builds(
    lambda keys, digest, hours: Approval(
        digest, frozenset(keys), "boss", "", NOW + timedelta(hours=hours), NOW + timedelta(hours=hours + 3)
    ),
    st.sets(st.sampled_from([*KEYS, "delete_user:nobody@x.example"])),
    st.sampled_from([PLAN.digest, PLAN.digest, "another"]),
    st.integers(-6, 3),
)


@examples
@given(st.lists(st.sampled_from(Decision), min_size=5, max_size=5), st.lists(approvals, max_size=4))
def test_an_approval_lets_through_only_what_it_names_and_never_what_is_refused(decisions, given_approvals):
    before = dict(zip(KEYS, decisions, strict=True))
    after = decide(PLAN, before, given_approvals, NOW)
    good = [one for one in given_approvals if one.digest == PLAN.digest and one.approved_at <= NOW < one.expires_at]
    named = {name for one in good for name in one.keys}
    assert after.keys() == before.keys()
    for name, decision in after.items():
        if before[name] is Decision.HOLD and name in named:
            assert decision is Decision.PROCEED
        else:
            assert decision is before[name]


# --- (e) the review -----------------------------------------------------------------------------------------------

findings = st.builds(
    lambda decision, keys: Finding("said", decision, "", tuple(keys)),
    st.sampled_from(Decision),
    st.lists(st.sampled_from([*KEYS, "delete_user:nobody@x.example"]), max_size=3),
)
policies = st.builds(
    lambda count, percent, block, minimum: Policy(
        Budgets({"delete": Limit(count, percent)}, minimum_population=minimum, block=block)
    ),
    st.sampled_from([None, 0, 4, 5]),
    st.sampled_from([None, 0.0, 4.0, 6.0]),
    st.sampled_from(["deletes", "kind", "all"]),
    st.sampled_from([1, 20]),
)
facts = st.builds(
    Facts,
    st.integers(1, 120),
    st.lists(st.builds(SourceRead, st.just("people"), certified=st.booleans()), max_size=1),
    st.lists(st.builds(Size, st.just("people"), st.none(), st.integers(0, 20), st.integers(0, 20)), max_size=1),
    st.sampled_from([None, 1, 9]),
    st.lists(findings, max_size=4),
)


@examples
@given(facts, policies)
def test_the_decision_of_a_change_is_the_worst_of_its_findings(told, policy):
    reviewed = review(PLAN, told, policy)
    assert set(told.findings) <= set(reviewed.findings)
    assert reviewed.decisions.keys() == set(KEYS)
    for name, decision in reviewed.decisions.items():
        about = [finding.decision for finding in reviewed.findings if name in finding.changes]
        assert decision == max(about, default=Decision.PROCEED)
    assert reviewed.decision == max((finding.decision for finding in reviewed.findings), default=Decision.PROCEED)


# --- (f) applying a plan leaves nothing to do ---------------------------------------------------------------------


@dataclass
class Model:
    """A tiny account with its links: what the target and `syncd.store.links` make of each change."""

    entries: dict
    links: dict
    accounts: dict
    groups: dict
    made: int = 0

    @classmethod
    def of(cls, cluster, on):
        return cls(
            {one.key: one for one in cluster.entries},
            {one.key: one for one in cluster.links},
            {one.fluix_id: one for one in cluster.accounts},
            groups_of(cluster, on),
        )

    def cluster(self, pinned):
        return Cluster(list(self.entries.values()), list(self.links.values()), list(self.accounts.values()), pinned)

    def apply(self, plan):
        for one in plan.links:
            self.links[one.key] = one
        for change in plan.changes:
            getattr(self, change.kind)(change)

    def create_group(self, change):
        self.groups.setdefault(normalise_name(change.group), change.after["display_name"])

    def create_user(self, change):
        after = change.after
        assert {normalise_name(name) for name in after["groups"]} <= self.groups.keys(), "no such group"
        self.free(after["email"])
        self.made += 1
        new = account(f"new{self.made}", after["email"], after["display_name"], after["groups"])
        self.accounts[new.fluix_id] = new
        for name in change.records:
            self.links[name] = Link(name, new.fluix_id, dict(after))

    def update_user(self, change):
        there = self.accounts[change.fluix_id]
        if "email" in change.after:
            self.free(change.after["email"], change.fluix_id)
        self.accounts[change.fluix_id] = replace(there, **change.after)
        self.give(change.fluix_id, **change.after)

    def add_member(self, change):
        there = self.accounts[change.fluix_id]
        assert normalise_name(change.group) in self.groups, "no such group"
        self.accounts[change.fluix_id] = replace(there, groups=there.groups | {change.group})
        for one in self.owned(change.fluix_id):
            self.give(change.fluix_id, groups=sorted({*one.given["groups"], change.group}))

    def remove_member(self, change):
        there = self.accounts[change.fluix_id]
        assert change.group in there.groups
        self.accounts[change.fluix_id] = replace(there, groups=there.groups - {change.group})
        for one in self.owned(change.fluix_id):
            self.give(change.fluix_id, groups=[name for name in one.given["groups"] if name != change.group])

    def delete_user(self, change):
        del self.accounts[change.fluix_id]
        for one in self.owned(change.fluix_id):
            del self.links[one.key]
        for name in change.records:
            if self.entries[name].gone_since:
                del self.entries[name]

    def owned(self, fluix_id):
        return [one for one in self.links.values() if one.fluix_id == fluix_id]

    def give(self, fluix_id, **values):
        for one in self.owned(fluix_id):
            self.links[one.key] = replace(one, given={**one.given, **values})

    def free(self, email, but=None):
        taken = [one for one in self.accounts.values() if normalise_email(one.email) == normalise_email(email)]
        assert all(one.fluix_id == but for one in taken), "the address is taken"


@examples
@given(clusters(CLEAR), grounds, st.booleans())
def test_applying_a_plan_leaves_nothing_to_do(cluster, on, adopt):
    found = differences(cluster, on, adopt)
    assume(not any(finding.decision is Decision.HOLD for difference in found for finding in difference.findings))
    plan = Plan.of(
        [change for difference in found for change in difference.changes],
        [one for difference in found for one in difference.links],
    )
    event(f"{len(plan.changes)} changes")
    model = Model.of(cluster, on)
    model.apply(plan)
    again = differences(model.cluster(cluster.pinned_addresses), replace(on, groups=model.groups), adopt)
    assert [change.key for difference in again for change in difference.changes] == []
    assert [one for difference in again for one in difference.links] == []


@examples
@given(clusters(), grounds, st.booleans())
def test_every_plan_can_be_applied_in_its_order(cluster, on, adopt):
    """What is held is done too, as after an approval: each group is there before its members, each address is free."""
    found = differences(cluster, on, adopt)
    changes = [change for difference in found for change in difference.changes]
    plain = [change for change in changes if "record" not in (change.after or {})]
    Model.of(cluster, on).apply(Plan.of(plain, [one for difference in found for one in difference.links]))
