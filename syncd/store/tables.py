"""The tables of the store. Times are UTC as ISO 8601 text, structures are JSON as text: the same on every database."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import (
    Boolean,
    Column,
    Dialect,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    TypeDecorator,
    or_,
    text,
    true,
)

metadata = MetaData()


class Json(TypeDecorator[Any]):
    """A structure as JSON text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """To the database."""
        del dialect
        return None if value is None else orjson.dumps(value).decode()

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """From the database."""
        del dialect
        return None if value is None else orjson.loads(value)


class Moment(TypeDecorator[datetime]):
    """An aware UTC time as ISO 8601 text, which sorts like the times do."""

    impl = String(32)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        """To the database."""
        del dialect
        return None if value is None else value.isoformat(timespec="microseconds")

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:
        """From the database."""
        del dialect
        return None if value is None else datetime.fromisoformat(value)


meta = Table("meta", metadata, Column("name", String, primary_key=True), Column("value", Text, nullable=False))

records = Table(
    "records",
    metadata,
    Column("source", String, nullable=False),
    Column("kind", String, nullable=False, comment="person | group"),
    Column("external_id", String, nullable=False),
    Column("digest", LargeBinary(16), nullable=False, comment="of the attributes as last read"),
    Column("attributes", Json, nullable=False),
    Column("address", String, comment="the email as it is compared, after the mapping"),
    Column("gone_since", Moment, comment="when a certified read first missed it"),
    Column("dirty", Boolean, nullable=False, comment="whether the next plan has to look at it"),
    PrimaryKeyConstraint("source", "kind", "external_id"),
    sqlite_with_rowid=False,
)
Index("records_address", records.c.address)
Index(
    "records_dirty",
    records.c.source,
    records.c.external_id,
    sqlite_where=records.c.dirty == true(),
    postgresql_where=text("dirty"),
)

passages = Table(
    "passages",
    metadata,
    Column("source", String, nullable=False),
    Column("digest", LargeBinary(16), nullable=False, comment="of a stretch of the source's last certified read"),
    Column("records", Integer, nullable=False, comment="how many stand in it"),
    Column("ids", LargeBinary, nullable=False, comment="their external ids, as a JSON list"),
    Column("versions", LargeBinary, nullable=False, comment="their digests, one after the other"),
    PrimaryKeyConstraint("source", "digest"),
    sqlite_with_rowid=False,
)

memberships = Table(
    "memberships",
    metadata,
    Column("source", String, nullable=False),
    Column("group_id", String, nullable=False, comment="external id of the group record"),
    Column("person_id", String, nullable=False, comment="external id of the person record"),
    PrimaryKeyConstraint("source", "group_id", "person_id"),
    sqlite_with_rowid=False,
)
Index("memberships_person", memberships.c.source, memberships.c.person_id)

sizes = Table(
    "sizes",
    metadata,
    Column("source", String, nullable=False),
    Column("group_name", String, nullable=False, comment="the source's name of the group"),
    Column("now", Integer, nullable=False),
    Column("accepted", Integer, comment="at the last certified read whose absences were let through"),
    Column("kept", Integer, comment="as the history of certified reads has it"),
    PrimaryKeyConstraint("source", "group_name"),
    sqlite_with_rowid=False,
)

size_history = Table(
    "size_history",
    metadata,
    Column("source", String, nullable=False),
    Column("group_name", String, nullable=False, comment="the source's name of the group; empty: the source itself"),
    Column("day", String(10), nullable=False, comment="a day on which a certified read showed another size"),
    Column("at", Moment, nullable=False, comment="of the last such read of the day"),
    Column("size", Integer, nullable=False, comment="at that read"),
    Column("highest", Integer, nullable=False, comment="of the day"),
    PrimaryKeyConstraint("source", "group_name", "day"),
    sqlite_with_rowid=False,
)

quarantines = Table(
    "quarantines",
    metadata,
    Column("source", String, primary_key=True),
    Column("failures", Integer, nullable=False, comment="reads in a row that failed"),
    Column("since", Moment, nullable=False, comment="when the first of them did"),
    Column("until", Moment, comment="when it is tried again; None: with every run"),
    Column("why", Text, nullable=False),
    sqlite_with_rowid=False,
)

tallies = Table(
    "tallies",
    metadata,
    Column("hour", Moment, nullable=False, comment="in which the changes were done"),
    Column("kind", String, nullable=False, comment="as the budgets name it"),
    Column("group_name", String, nullable=False, comment="as compared, for removals; empty: whatever the group"),
    Column("changes", Integer, nullable=False),
    Column("users", Integer, nullable=False),
    Column("ahead_since", Moment, comment="when this hour was first found to lie ahead"),
    PrimaryKeyConstraint("hour", "kind", "group_name"),
    comment="how much was done, for the budgets: outlives the journal",
    sqlite_with_rowid=False,
)

links = Table(
    "links",
    metadata,
    Column("source", String, nullable=False),
    Column("external_id", String, nullable=False),
    Column("fluix_id", String, nullable=False),
    Column("given", Json, nullable=False, comment="email, display_name and groups as we last set or confirmed them"),
    Column("leaving_since", Moment),
    Column("leaving_reads", Integer, nullable=False),
    PrimaryKeyConstraint("source", "external_id"),
    sqlite_with_rowid=False,
)
Index("links_fluix_id", links.c.fluix_id)

group_links = Table(
    "group_links",
    metadata,
    Column("source", String, nullable=False),
    Column("external_id", String, nullable=False),
    Column("name", String, nullable=False, comment="what the group is called in Fluix"),
    PrimaryKeyConstraint("source", "external_id"),
    sqlite_with_rowid=False,
)

accounts = Table(
    "accounts",
    metadata,
    Column("fluix_id", String, primary_key=True),
    Column("digest", LargeBinary(16), nullable=False),
    Column("address", String, nullable=False, index=True),
    Column("attributes", Json, nullable=False),
    comment="the target's users as they were last read",
    sqlite_with_rowid=False,
)

mdm_people = Table(
    "mdm_people",
    metadata,
    Column("fluix_id", String, primary_key=True),
    Column("email", String, comment="as last written out for an MDM; None: nothing was"),
    Column("dirty", Boolean, nullable=False, comment="the account changed since"),
    comment="who has a managed app config with the email written out, for the delta",
    sqlite_with_rowid=False,
)
_CHANGED = mdm_people.c.dirty == true()
Index("mdm_people_dirty", mdm_people.c.dirty, sqlite_where=_CHANGED, postgresql_where=text("dirty"))

runs = Table(
    "runs",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("command", String, nullable=False),
    Column("actor", String, nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("ended_at", Moment),
    Column("state", String, nullable=False, comment="running | done | failed | interrupted"),
    Column("plan_id", Integer),
    Column("decision", String),
    Column("reads", Json, comment="what each source said, and what its problems pin"),
    Column("outcome", Json),
    Column("error", Text),
    sqlite_autoincrement=True,
)

plans = Table(
    "plans",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("digest", String, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("run_id", Integer, nullable=False),
    Column("decision", String, nullable=False),
    Column("findings", Json, nullable=False),
    Column("sources", Json, nullable=False),
    Column("adoptions", Json, nullable=False),
    Column("accepts", Json, nullable=False, comment="sizes that are accepted once this plan is applied"),
    Column("size", Integer, nullable=False),
    sqlite_autoincrement=True,
)

plan_changes = Table(
    "plan_changes",
    metadata,
    Column("plan_id", Integer, nullable=False),
    Column("place", Integer, nullable=False),
    Column("key", String, nullable=False),
    Column("decision", String, nullable=False),
    Column("change", Json, nullable=False),
    PrimaryKeyConstraint("plan_id", "place"),
    sqlite_with_rowid=False,
)
Index("plan_changes_key", plan_changes.c.plan_id, plan_changes.c.key, unique=True)

approvals = Table(
    "approvals",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("plan_id", Integer, nullable=False),
    Column("digest", String, nullable=False, index=True),
    Column("keys", Json, nullable=False),
    Column("approver", String, nullable=False),
    Column("comment", Text, nullable=False),
    Column("approved_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    sqlite_autoincrement=True,
)

journal = Table(
    "journal",
    metadata,
    Column("operation_id", String, primary_key=True),
    Column("run_id", Integer, nullable=False),
    Column("plan_id", Integer, nullable=False),
    Column("key", String, nullable=False),
    Column("place", Integer, nullable=False, comment="of the step inside its change"),
    Column("step", Json, nullable=False),
    Column("state", String, nullable=False, comment="intended | done | unproven | failed | stale | ordered"),
    Column("fluix_id", String),
    Column("message", Text, nullable=False),
    Column("intended_at", Moment, nullable=False),
    Column("ended_at", Moment),
    sqlite_with_rowid=False,
)
_UNENDED = or_(journal.c.state == "intended", journal.c.state == "unproven")
Index("journal_plan", journal.c.plan_id, journal.c.key)
Index("journal_fluix_id", journal.c.fluix_id)
Index(
    "journal_open",
    journal.c.plan_id,
    sqlite_where=_UNENDED,
    postgresql_where=_UNENDED,
)

audit = Table(
    "audit",
    metadata,
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("at", Moment, nullable=False),
    Column("actor", String, nullable=False),
    Column("action", String, nullable=False),
    Column("subject", String, comment="None once it was erased"),
    Column("detail", Json, comment="None once it was erased"),
    Column("salt", LargeBinary(16), comment="random, so that nobody can guess what was erased from its seal"),
    Column("seal", LargeBinary(32), comment="of salt, subject and detail"),
    Column("hash", LargeBinary(32), nullable=False, comment="of this row's seal and the rest, and the hash before"),
)

ledger = Table(
    "ledger",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("operation_id", String, nullable=False, unique=True, comment="of the step that deletes"),
    Column("state", String, nullable=False, comment="intended | begun | deleted | erased"),
    Column("fluix_id", String, nullable=False, index=True, comment="of the deleted user"),
    Column("address", String, index=True, comment="the email as it is compared; None once it was erased"),
    Column("setup", Json, comment="the user's set-up; None once it was erased"),
    Column("deleted_at", Moment, nullable=False),
    Column("plan_id", Integer, comment="None: deleted by hand"),
    Column("run_id", Integer),
    Column("actor", String, nullable=False),
    Column("approvers", Json, nullable=False),
    Column("returned_at", Moment),
    Column("returned_as", String, comment="the email of the new user; None once it was erased"),
    Column("returned_id", String, comment="the new user's Fluix id"),
    Column("ticket", String, comment="to Fluix support: open | written | done; None while nobody returned"),
    Column("erased_at", Moment),
    comment="deleted users: what Fluix support can recover for 30 days",
    sqlite_autoincrement=True,
)
Index("ledger_due", ledger.c.state, ledger.c.deleted_at)

ledger_records = Table(
    "ledger_records",
    metadata,
    Column("source", String, nullable=False),
    Column("external_id", String, nullable=False),
    Column("ledger_id", Integer, nullable=False, index=True),
    PrimaryKeyConstraint("source", "external_id", "ledger_id"),
    comment="which records the deleted users were made from",
    sqlite_with_rowid=False,
)
