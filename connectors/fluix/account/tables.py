"""What the account stores: SQLAlchemy Core tables, portable between SQLite and PostgreSQL. No statements here.

Foreign keys have no cascade: what goes with a user is removed by name, so that the database itself refuses what a rule
forgot (a user who still takes part in a workflow). Mails, the activity and the operations outlive their user.
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

ADMIN_CONDITION = "(role <> '' OR owner)"
"""Who counts as an admin; in parentheses, since it stands beside other conditions. Text without parameters, because only
then SQLite answers it from the partial index."""

users = Table(
    "account_users",
    account_metadata,
    Column("user_id", Integer, primary_key=True),
    Column("account", Text, nullable=False, comment="the account's name: a store can hold several"),
    Column("email", Text, nullable=False),
    Column("email_key", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("name_key", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("role", Text, nullable=False, comment="an admin role's name; empty: none"),
    Column("owner", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("last_login_at", UtcDateTime),
    Column("refused", Text, comment="why the mail server did not accept the address, as it said"),
    CheckConstraint("state IN ('invited', 'active')", name="state"),
    # The account stands behind: before, SQLite (which has no statistics of a new store) would read a whole account by it
    # rather than look up the fifty ids that are asked for.
    UniqueConstraint("email_key", "account"),
    sqlite_autoincrement=True,  # an id is never given to a second person
)
Index(
    "ix_account_users_admins",
    users.c.account,
    users.c.user_id,
    sqlite_where=text(ADMIN_CONDITION),
    postgresql_where=text(ADMIN_CONDITION),
)
Index(
    "uq_account_users_owner",
    users.c.account,
    unique=True,
    sqlite_where=text("owner"),
    postgresql_where=text("owner"),
)

Index(
    "ix_account_users_list",  # all that a list searches, filters and sorts by: it is answered without the table
    users.c.email_key,
    users.c.name_key,
    users.c.account,
    users.c.state,
    users.c.role,
    users.c.last_login_at,
)
Index(
    "ix_account_users_names",  # the same, for a list by name
    users.c.name_key,
    users.c.email_key,
    users.c.account,
    users.c.state,
    users.c.role,
    users.c.last_login_at,
)
Index(
    "ix_account_users_logins",  # the same, for a list by the last login; PostgreSQL, whose DESC begins with NULL, sorts instead
    users.c.last_login_at.desc(),
    users.c.email_key,
    users.c.account,
    users.c.state,
    users.c.role,
    users.c.name_key,
)
Index(
    "ix_account_users_refused",
    users.c.email_key,
    users.c.account,
    sqlite_where=text("refused IS NOT NULL"),
    postgresql_where=text("refused IS NOT NULL"),
)

groups = Table(
    "account_groups",
    account_metadata,
    Column("group_id", Integer, primary_key=True),
    Column("account", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("name_key", Text, nullable=False),
    UniqueConstraint("account", "name_key"),
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
    Column("account", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("name_key", Text, nullable=False),
    UniqueConstraint("account", "name_key"),
)

workflow_groups = Table(
    "account_workflow_groups",
    account_metadata,
    Column("workflow_id", ForeignKey("account_workflows.workflow_id"), primary_key=True),
    Column("group_id", ForeignKey("account_groups.group_id"), primary_key=True, index=True),
    comment="a group gives its members these workflows",
    sqlite_with_rowid=False,
)

role_groups = Table(
    "account_role_groups",
    account_metadata,
    Column("user_id", ForeignKey("account_users.user_id"), primary_key=True),
    Column("group_id", ForeignKey("account_groups.group_id"), primary_key=True, index=True),
    comment="an admin's role is for these groups only; without a row here: for the whole account",
    sqlite_with_rowid=False,
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

mails = Table(
    "account_mails",
    account_metadata,
    Column("mail_id", Integer, primary_key=True),
    Column("account", Text, nullable=False),
    Column("user_id", Integer, index=True, comment="whom it is about; None: the account"),
    Column("kind", Text, nullable=False, comment="invitation | password_reset | user_data | refused_address | …"),
    Column("email", Text, nullable=False, comment="to whom"),
    Column("subject", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("attachment_name", Text),
    Column("attachment", Text),
    Column("message_id", Text, comment="the Message-ID header, which begins with the mail's id: a bounce names it"),
    Column("state", Text, nullable=False, comment="queued | sending | sent | refused | unsure"),
    Column("tries", Integer, nullable=False),
    Column("error", Text, comment="what the mail server said"),
    Column("queued_at", UtcDateTime, nullable=False),
    Column("sent_at", UtcDateTime),
    Column("next_try_at", UtcDateTime),
    CheckConstraint("state IN ('queued', 'sending', 'sent', 'refused', 'unsure')", name="state"),
)
Index(
    "ix_account_mails_waiting",
    mails.c.account,
    mails.c.mail_id,
    sqlite_where=text("state IN ('queued', 'sending')"),
    postgresql_where=text("state IN ('queued', 'sending')"),
)

passwords = Table(
    "account_passwords",
    account_metadata,
    Column("email_key", Text, primary_key=True, comment="one password for a person in several accounts"),
    Column("hash", Text, nullable=False, comment="argon2id, in its own notation"),
    Column("set_at", UtcDateTime, nullable=False),
    sqlite_with_rowid=False,
)

login_guards = Table(
    "account_login_guards",
    account_metadata,
    Column("email_key", Text, primary_key=True),
    Column("failures", Integer, nullable=False, comment="wrong passwords since the last good login or block"),
    Column("blocks", Integer, nullable=False, comment="blocks since the last good login: each is longer"),
    Column("blocked_until", UtcDateTime),
    sqlite_with_rowid=False,
)

devices = Table(
    "account_devices",
    account_metadata,
    Column("device_id", Integer, primary_key=True),
    Column("user_id", ForeignKey("account_users.user_id"), nullable=False, index=True),
    Column("identifier", Text, nullable=False, comment="what the app calls its device"),
    Column("name", Text, nullable=False),
    Column("platform", Text, nullable=False),
    Column("app_version", Text, nullable=False),
    Column("session", Text, unique=True, comment="SHA-256 of the session's secret"),
    Column("signed_in_at", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    UniqueConstraint("user_id", "identifier"),
    sqlite_autoincrement=True,  # an id is never given to a second device
)

keys = Table(
    "account_keys",
    account_metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False, comment="what links are signed with"),
    sqlite_with_rowid=False,
)

deleted = Table(
    "account_deleted",
    account_metadata,
    Column("user_id", Integer, primary_key=True, autoincrement=False),
    Column("account", Text, nullable=False),
    Column("email_key", Text, index=True),
    Column("setup", Text, comment="the user's whole set-up as JSON; None once it was erased"),
    Column("deleted_at", UtcDateTime, nullable=False, index=True),
    Column("erased_at", UtcDateTime),
)

activity = Table(
    "account_activity",
    account_metadata,
    Column("activity_id", Integer, primary_key=True),
    Column("account", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False, index=True),
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
