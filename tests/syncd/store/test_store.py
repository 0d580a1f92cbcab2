"""Plans, approvals, journal and migrations: what is kept comes back, and what is damaged is seen."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, Executable, delete, select, update

from connectors.model import Certificate, Outcome, Problem, Step
from syncd.core.approval import Approval
from syncd.core.change import Change, Decision, Finding, RecordKey
from syncd.core.plan import Plan
from syncd.core.resolve import Link
from syncd.core.safety import Review, SourceRead
from syncd.errors import Interrupted, StoreError
from syncd.store import engine as engines
from syncd.store import links, plans, runs
from syncd.store.audit import verify
from syncd.store.engine import REVISION, open_engine, reading, revision, store_errors, writing
from syncd.store.every_table import EVERY_TABLE
from syncd.store.journal import Journal
from syncd.store.tables import audit, plan_changes, records
from syncd.store.tables import journal as journal_table
from syncd.store.tables import plans as plan_table

NOW = datetime(2026, 11, 2, 8, 30, tzinfo=UTC)
KEY = RecordKey("hr", "E1")
CREATE = Change(
    "create_user", "a@x.example", after={"email": "a@x.example", "display_name": "A", "groups": ["F"]}, records=(KEY,)
)
DELETE = Change("delete_user", "b@x.example", before={"groups": []}, fluix_id="f2", records=(RecordKey("hr", "E2"),))
PLAN = Plan.of([CREATE, DELETE], [Link(RecordKey("hr", "E3"), "f3", {"groups": ["F"]})])
REVIEW = Review(
    (Finding("budget", Decision.HOLD, "too many", (DELETE.key,)),),
    {CREATE.key: Decision.PROCEED, DELETE.key: Decision.HOLD},
)
SOURCES = (SourceRead("hr", 3, 1, True, (), ("group F stays as it is",)),)


def save(store: Engine, plan: Plan = PLAN, review: Review = REVIEW, now: datetime = NOW) -> int:
    return plans.save(
        store, plan, review, run_id=1, sources=SOURCES, accepts=[("hr", "F", 3, [])], now=now, lasts=timedelta(hours=72)
    )


def journal(store: Engine) -> Journal:
    return Journal(store, 1, "anna", lambda: NOW)


def step(change: Change, verb: str = "create_user") -> Step:
    return Step(f"1:{change.key}:{verb}", verb, change.fluix_id, {"email": "a@x.example", "groups": ("F",)})


def given(store: Engine, key: RecordKey = KEY) -> object:
    with reading(store) as connection:
        query = links.links.select().where(links.links.c.external_id == key.external_id)
        row = connection.execute(query).first()
        return row and row.given


# --- plans --------------------------------------------------------------------------------------------------------


def test_a_plan_comes_back_as_it_was(store: Engine) -> None:
    stored = plans.load(store, save(store))
    assert stored is not None
    assert (stored.plan, stored.plan.digest) == (PLAN, PLAN.digest)
    assert stored.review == REVIEW
    assert stored.sources == SOURCES
    assert stored.accepts == [("hr", "F", 3, [])]
    assert stored.created_at == NOW


def test_there_is_no_plan_of_another_number(store: Engine) -> None:
    assert plans.load(store, 7) is None


def test_the_same_plan_again_keeps_its_number_until_something_of_it_was_done(store: Engine) -> None:
    assert save(store) == save(store) == 1
    journal(store).intend(1, [(CREATE, 0, step(CREATE))])
    assert save(store) == 2


@pytest.mark.parametrize(
    ("plan", "hours", "number"), [(PLAN, 35, 1), (PLAN, 36, 2), (Plan.of([], PLAN.links), 36, 2), (Plan.of([]), 999, 1)]
)
def test_the_same_plan_gets_a_new_number_before_it_is_too_old(
    store: Engine, plan: Plan, hours: int, number: int
) -> None:
    """A plan that is shown can be applied; an empty one never needs to be."""
    review = Review((), {change.key: Decision.PROCEED for change in plan.changes})
    save(store, plan, review)
    assert save(store, plan, review, NOW + timedelta(hours=hours)) == number


@pytest.mark.parametrize(
    "damage",
    [
        delete(plan_changes).where(plan_changes.c.place == 0),
        update(plan_table).values(adoptions=[["hr", "E3", "f4", {}]]),
        update(plan_table).values(digest="0" * 32),
    ],
    ids=["a change taken out", "an adoption changed", "the digest changed"],
)
def test_any_damage_to_a_plan_is_seen(store: Engine, damage: Executable) -> None:
    number = save(store)
    with writing(store) as connection:
        connection.execute(damage)
    stored = plans.load(store, number)
    assert stored is not None
    assert stored.plan.digest.startswith("damaged")


def test_other_findings_are_another_plan(store: Engine) -> None:
    save(store)
    assert save(store, review=Review((), REVIEW.decisions)) == 2


def test_a_plan_that_was_changed_in_the_store_is_damaged(store: Engine) -> None:
    number = save(store)
    with writing(store) as connection:
        other = {**plans.change_to_dict(DELETE), "user": "c@x.example"}
        connection.execute(update(plan_changes).where(plan_changes.c.key == DELETE.key).values(change=other))
    stored = plans.load(store, number)
    assert stored is not None
    assert stored.plan.digest.startswith("damaged")


def test_approvals_are_found_by_digest(store: Engine) -> None:
    approval = Approval("d1", frozenset({DELETE.key}), "anna", "left", NOW, NOW + timedelta(hours=1))
    plans.approve(store, 1, approval)
    assert plans.approvals_of(store, "d1") == [approval]
    assert plans.approvals_of(store, "d2") == []


# --- journal ------------------------------------------------------------------------------------------------------


def test_what_is_intended_and_has_no_end_is_open(store: Engine) -> None:
    save(store)
    book = journal(store)
    book.intend(1, [(CREATE, 0, step(CREATE))])
    assert book.open() == [(1, CREATE, 0, step(CREATE))]
    assert book.done_keys(1) == set()
    book.conclude([(CREATE, step(CREATE), Outcome(step(CREATE).operation_id, "done", "f1"))])
    assert book.open() == []
    assert book.done_keys(1) == {CREATE.key}
    assert given(store) == CREATE.after


def test_a_failed_step_owns_nothing_and_is_not_done(store: Engine) -> None:
    save(store)
    book = journal(store)
    book.intend(1, [(CREATE, 0, step(CREATE))])
    book.conclude([(CREATE, step(CREATE), Outcome(step(CREATE).operation_id, "failed", None, "no"))])
    assert (book.open(), book.done_keys(1), given(store)) == ([], set(), None)


def test_what_dropped_out_is_never_taken_up_again(store: Engine) -> None:
    save(store)
    book = journal(store)
    book.drop(1, [(DELETE, step(DELETE, "delete_user"), "is back")])
    assert (book.open(), book.done_keys(1)) == ([], set())


def test_a_deletion_is_done_only_when_all_its_steps_are(store: Engine) -> None:
    save(store)
    book = journal(store)
    first, last = step(DELETE, "leave_workflows"), step(DELETE, "delete_user")
    book.intend(1, [(DELETE, 0, first), (DELETE, 1, last)])
    book.conclude([(DELETE, first, Outcome(first.operation_id, "done", "f2"))])
    assert book.done_keys(1) == set()
    assert [row[3] for row in book.open()] == [last]


def test_a_step_that_is_intended_again_is_one_line(store: Engine) -> None:
    """The same operation, taken up by another run."""
    save(store)
    journal(store).intend(1, [(CREATE, 0, step(CREATE))])
    Journal(store, 2, "bob", lambda: NOW).intend(1, [(CREATE, 0, step(CREATE))])
    with reading(store) as connection:
        assert [row.run_id for row in connection.execute(select(journal_table))] == [2]


def test_open_steps_come_in_the_order_of_their_plans_and_places(store: Engine) -> None:
    save(store)
    verbs = ("reassign_documents", "leave_workflows", "delete_user")
    placed = [(DELETE, place, step(DELETE, verb)) for place, verb in enumerate(verbs)]
    journal(store).intend(1, reversed(placed))
    assert [(row[0], row[3].verb) for row in journal(store).open()] == [(1, verb) for verb in verbs]


def test_every_end_has_its_line_in_the_audit_and_the_chain_is_whole(store: Engine) -> None:
    save(store)
    book = journal(store)
    book.intend(1, [(CREATE, 0, step(CREATE))])
    book.conclude([(CREATE, step(CREATE), Outcome(step(CREATE).operation_id, "done", "f1"))])
    book.drop(1, [(DELETE, step(DELETE, "delete_user"), "is back")])
    with reading(store) as connection:
        rows = [(row.actor, row.action, row.subject, row.detail["state"]) for row in connection.execute(select(audit))]
    assert rows == [
        ("anna", "create_user", "a@x.example", "done"),
        ("anna", "delete_user", "b@x.example", "stale"),
    ]
    assert verify(store) == (2, None)


def own(store: Engine, key: RecordKey = KEY, fluix_id: str = "f1") -> None:
    with writing(store) as connection:
        links.write_links(connection, [Link(key, fluix_id, {"groups": ["F"]})])


def test_a_deleted_account_is_ours_no_longer_and_its_gone_record_is_forgotten(store: Engine) -> None:
    """The record of somebody who is only inactive stays, so that nobody takes it for new."""
    gone, inactive = RecordKey("hr", "E1"), RecordKey("ad", "7")
    row = {"kind": "person", "digest": b"0" * 16, "attributes": {}, "address": None, "dirty": True}
    with writing(store) as connection:
        for key, since in ((gone, NOW), (inactive, None)):
            connection.execute(
                records.insert().values(source=key.source, external_id=key.external_id, gone_since=since, **row)
            )
    own(store, gone)
    own(store, inactive)
    own(store, RecordKey("hr", "E5"), "f5")
    change = Change("delete_user", "a@x.example", fluix_id="f1", records=(gone, inactive))
    with writing(store) as connection:
        links.follow(connection, [(change, Step("1", "delete_user", "f1"), Outcome("1", "done", "f1"))])
    assert links.managed(store) == 1
    with reading(store) as connection:
        assert [row.source for row in connection.execute(select(records))] == ["ad"]


def test_steps_before_the_deletion_change_no_link(store: Engine) -> None:
    own(store)
    with writing(store) as connection:
        for verb in ("reassign_documents", "leave_workflows", "resend_invite", "create_group"):
            links.follow(connection, [(DELETE, Step(verb, verb, "f1"), Outcome(verb, "done", "f1"))])
    assert given(store) == {"groups": ["F"]}


def test_adopting_is_told_once_and_only_for_what_is_not_ours_yet(store: Engine) -> None:
    own(store)
    wanted = [Link(KEY, "f1"), Link(RecordKey("hr", "E3"), "f3")]
    assert links.not_yet(store, wanted) == wanted[1:]
    links.adopt(store, links.not_yet(store, wanted), "anna", NOW)
    links.adopt(store, links.not_yet(store, wanted), "anna", NOW)
    with reading(store) as connection:
        assert [(row.action, row.subject) for row in connection.execute(select(audit))] == [("adopt", "hr/E3")]


# --- reads --------------------------------------------------------------------------------------------------------


def line(run_id: int, store: Engine, *, certified: bool = True) -> runs.ReadLine:
    problems = () if certified else (Problem("bad", external_id="E2", email="B@x.example"),)
    made = runs.ReadLine.of("hr", Certificate(3, problems=problems), 1)
    runs.keep_reads(store, run_id, [made])
    return made


def test_while_a_source_is_read_its_last_read_certifies_nothing_and_still_pins(store: Engine) -> None:
    before = line(runs.start(store, "run", "anna", NOW), store, certified=False)
    runs.keep_reads(store, runs.start(store, "run", "anna", NOW), [before.under_way()])
    trust = runs.trust_of(runs.last_reads(store, ["hr"]).values())
    assert (trust.certified, trust.pinned) == (frozenset(), {RecordKey("hr", "E2")})
    assert trust.pinned_addresses == {"b@x.example"}
    whole = runs.ReadLine.of("hr", Certificate(3), 1)
    assert runs.trust_of([whole]).certified == {"hr"}
    assert runs.trust_of([whole.under_way()]).certified == frozenset()


def test_notes_are_kept_and_a_line_from_before_there_were_any_can_be_read(store: Engine) -> None:
    told = runs.ReadLine.of("hr", Certificate(3, notes=tuple(f"note {number}" for number in range(102))), 1)
    runs.keep_reads(store, runs.start(store, "run", "anna", NOW), [told])
    (line,) = runs.last_reads(store, ["hr"]).values()
    assert line.certified
    assert line.shown().notes[-2:] == ("note 99", "and 2 more")
    old = {name: value for name, value in asdict(told).items() if name != "notes"}
    runs.write(store, runs.start(store, "run", "anna", NOW), reads=[old])
    assert runs.last_reads(store, ["hr"])["hr"].shown().notes == ()


def test_the_newest_read_of_each_source_counts(store: Engine) -> None:
    line(runs.start(store, "run", "anna", NOW), store, certified=False)
    new = line(runs.start(store, "run", "anna", NOW), store)
    runs.start(store, "apply", "anna", NOW)
    assert runs.last_reads(store, ["hr", "never read"]) == {"hr": new}


def test_links_follow_what_was_given(store: Engine) -> None:
    with writing(store) as connection:
        links.write_links(connection, [Link(KEY, "f1", {"email": "a@x.example", "display_name": "A", "groups": ["F"]})])
    told = [
        (Change("add_member", "a", "G", fluix_id="f1", records=(KEY,)), "add_member"),
        (Change("remove_member", "a", "f", fluix_id="f1"), "remove_member"),
        (Change("update_user", "a", after={"display_name": "B"}, fluix_id="f1"), "update_user"),
    ]
    with writing(store) as connection:
        links.follow(
            connection,
            [
                (change, Step(str(n), verb, "f1"), Outcome(str(n), "done", "f1"))
                for n, (change, verb) in enumerate(told)
            ],
        )
    assert given(store) == {"email": "a@x.example", "display_name": "B", "groups": ["G"]}


def test_a_renamed_group_is_renamed_in_what_was_given(store: Engine) -> None:
    with writing(store) as connection:
        links.write_links(connection, [Link(KEY, "f1", {"groups": ["F", "G"]})])
        renamed = Change("rename_group", None, "F", {"display_name": "F"}, {"display_name": "North"})
        links.follow(connection, [(renamed, Step("1", "rename_group"), Outcome("1", "done"))])
    assert given(store) == {"groups": ["North", "G"]}


def test_a_new_key_takes_the_account_over_with_all_that_was_given(store: Engine) -> None:
    new = RecordKey("hr", "E9")
    with writing(store) as connection:
        links.write_links(connection, [Link(KEY, "f1", {"groups": ["F"]})])
        change = Change("update_user", "a", None, {"record": "hr/E1"}, {"record": "hr/E9"}, "", "f1", (new,))
        links.follow(connection, [(change, Step("1", "update_user", "f1"), Outcome("1", "done", "f1"))])
    assert (given(store), given(store, new)) == (None, {"groups": ["F"]})


# --- the store itself ---------------------------------------------------------------------------------------------


def test_the_migrations_lead_to_exactly_the_tables_of_this_program(store: Engine) -> None:
    with store.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        assert compare_metadata(context, [*EVERY_TABLE]) == []


def test_the_newest_migration_is_the_revision_that_the_program_asks_for() -> None:
    config = Config()
    folder = str(engines.Path(engines.__file__).parent / "migrations")
    config.set_main_option("script_location", folder)
    assert ScriptDirectory.from_config(config).get_heads() == [REVISION]


def test_a_new_store_is_made_ready(store: Engine) -> None:
    assert revision(store) == REVISION


def test_a_folder_that_cannot_be_made_is_said(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError) as caught:
        open_engine(f"sqlite:///{tmp_path}/file/deeper/syncd.db")
    assert caught.value.cure


def test_a_mistake_in_a_statement_is_not_blamed_on_the_disk(store: Engine) -> None:
    with (
        pytest.raises(Exception, match=r"no such table|does not exist") as caught,
        store_errors(store),
        store.connect() as connection,
    ):
        connection.exec_driver_sql("SELECT * FROM nowhere")
    assert isinstance(caught.value, StoreError | engines.DBAPIError)


def test_a_signal_that_comes_while_values_are_made_ready_is_heard(store: Engine) -> None:
    class Moment(datetime):
        def isoformat(self, *_: str, **__: str) -> str:
            raise Interrupted("stopped by SIGINT")

    with pytest.raises(Interrupted), writing(store) as connection:
        connection.execute(update(records).values(gone_since=Moment(2026, 1, 1, tzinfo=UTC)))
