"""What the account stores: SQLAlchemy Core tables, portable between SQLite and PostgreSQL. No statements here.

Foreign keys have no cascade: what goes with a user is removed by name, so that the database itself refuses what a rule
forgot (a user who still takes part in a workflow). The outbox, the activity and the operations outlive their user.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)

if TYPE_CHECKING:
    from sqlalchemy import Dialect


class UtcDateTime(TypeDecorator[datetime]):
    """A moment, aware and in UTC on the Python side, whether or not the database keeps time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Python to database: UTC, and naive where the database knows no zones."""
        if value is None:
            return None
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Database to Python: always aware."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


account_metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

ADMIN_CONDITION = "role <> '' OR owner"
"""Who counts as an admin. Text without parameters, because only then SQLite answers it from the partial index."""

users = Table(
    "account_users",
    account_metadata,
    Column("user_id", Integer, primary_key=True),
    Column("email", Text, nullable=False),
    Column("email_key", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("name_key", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("owner", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    CheckConstraint("state IN ('invited', 'active')", name="state"),
    sqlite_autoincrement=True,  # an id is never given to a second person
)
Index(
    "ix_account_users_admins",
    users.c.user_id,
    sqlite_where=text(ADMIN_CONDITION),
    postgresql_where=text(ADMIN_CONDITION),
)
Index(
    "uq_account_users_owner",
    users.c.owner,
    unique=True,
    sqlite_where=text("owner"),
    postgresql_where=text("owner"),
)

groups = Table(
    "account_groups",
    account_metadata,
    Column("group_id", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("name_key", Text, nullable=False, unique=True),
    sqlite_autoincrement=True,
)

memberships = Table(
    "account_memberships",
    account_metadata,
    Column("user_id", ForeignKey("account_users.user_id"), primary_key=True),
    Column("group_id", ForeignKey("account_groups.group_id"), primary_key=True, index=True),
    sqlite_with_rowid=False,  # the rows themselves lie in the key's order: a user's groups are one page
)

workflows = Table(
    "account_workflows",
    account_metadata,
    Column("workflow_id", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("name_key", Text, nullable=False, unique=True),
)

workflow_steps = Table(
    "account_workflow_steps",
    account_metadata,
    Column("step_id", Integer, primary_key=True),
    Column("workflow_id", ForeignKey("account_workflows.workflow_id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("name", Text, nullable=False),
    UniqueConstraint("workflow_id", "position"),
)

step_users = Table(
    "account_step_users",
    account_metadata,
    Column("step_id", ForeignKey("account_workflow_steps.step_id"), primary_key=True),
    Column("user_id", ForeignKey("account_users.user_id"), primary_key=True, index=True),
    sqlite_with_rowid=False,
)

step_groups = Table(
    "account_step_groups",
    account_metadata,
    Column("step_id", ForeignKey("account_workflow_steps.step_id"), primary_key=True),
    Column("group_id", ForeignKey("account_groups.group_id"), primary_key=True, index=True),
    sqlite_with_rowid=False,
)

documents = Table(
    "account_documents",
    account_metadata,
    Column("document_id", Integer, primary_key=True),
    Column("title", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("user_id", ForeignKey("account_users.user_id"), nullable=False, index=True),
    CheckConstraint("state IN ('draft', 'assigned')", name="state"),
)

invitations = Table(
    "account_invitations",
    account_metadata,
    Column("invitation_id", Integer, primary_key=True),
    Column("user_id", Integer, nullable=False, index=True),
    Column("email", Text, nullable=False),
    Column("sent_at", UtcDateTime, nullable=False),
    Column("text", Text, nullable=False),
)

activity = Table(
    "account_activity",
    account_metadata,
    Column("activity_id", Integer, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("user_id", Integer, index=True),
    Column("kind", Text, nullable=False),
    Column("text", Text, nullable=False),
)

operations = Table(
    "account_operations",
    account_metadata,
    Column("operation_id", Text, primary_key=True),
    Column("user_id", Integer),
    Column("done_at", UtcDateTime, nullable=False),
    sqlite_with_rowid=False,
)
