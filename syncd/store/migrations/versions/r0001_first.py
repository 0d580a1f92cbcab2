"""The first store: the engine's tables, and the embedded account's."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make all tables."""
    op.create_table(
        "accounts",
        sa.Column("fluix_id", sa.String(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=16), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("attributes", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("fluix_id"),
        comment="the target's users as they were last read",
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_accounts_address"), "accounts", ["address"], unique=False)
    op.create_table(
        "alerts",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column(
            "kind", sa.String(), nullable=False, comment="missed_run | hung_run | no_success | failed_run | quarantine"
        ),
        sa.Column(
            "subject", sa.String(), nullable=False, comment="what it is about: a source, a run; empty: the daemon"
        ),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("raised_at", sa.String(length=32), nullable=False),
        sa.Column("ended_at", sa.String(length=32), nullable=True),
        sa.Column("told_at", sa.String(length=32), nullable=True, comment="when it was sent to somebody"),
        sa.PrimaryKeyConstraint("id"),
        comment="what somebody has to be told; one of a kind and subject is open at a time",
        sqlite_autoincrement=True,
    )
    op.create_index(
        "alerts_open",
        "alerts",
        ["kind", "subject"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "approvals",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("plan_id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("keys", sa.Text(), nullable=False),
        sa.Column("approver", sa.String(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("approved_at", sa.String(length=32), nullable=False),
        sa.Column("expires_at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_approvals_digest"), "approvals", ["digest"], unique=False)
    op.create_table(
        "audit",
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=True, comment="None once it was erased"),
        sa.Column("detail", sa.Text(), nullable=True, comment="None once it was erased"),
        sa.Column(
            "salt",
            sa.LargeBinary(length=16),
            nullable=True,
            comment="random, so that nobody can guess what was erased from its seal",
        ),
        sa.Column("seal", sa.LargeBinary(length=32), nullable=True, comment="of salt, subject and detail"),
        sa.Column(
            "hash",
            sa.LargeBinary(length=32),
            nullable=False,
            comment="of this row's seal and the rest, and the hash before",
        ),
        sa.PrimaryKeyConstraint("place"),
    )
    op.create_index("audit_subject", "audit", ["subject", "place"], unique=False)
    op.create_table(
        "console_attempts",
        sa.Column("who", sa.String(), nullable=False, comment="`user NAME` or `address IP`"),
        sa.Column("failures", sa.Integer(), nullable=False, comment="in a row"),
        sa.Column("last_at", sa.String(length=32), nullable=False),
        sa.Column("until", sa.String(length=32), nullable=False, comment="no attempt is looked at before"),
        sa.PrimaryKeyConstraint("who"),
        comment="attempts to log in that failed, or are under way",
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_console_attempts_last_at"), "console_attempts", ["last_at"], unique=False)
    op.create_table(
        "console_codes",
        sa.Column(
            "hash", sa.String(length=64), nullable=False, comment="SHA-256 of the person's number and a recovery code"
        ),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("hash"),
        comment="recovery codes that were not used yet",
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_console_codes_user_id"), "console_codes", ["user_id"], unique=False)
    op.create_table(
        "console_links",
        sa.Column("hash", sa.String(length=64), nullable=False, comment="SHA-256 of the link's key"),
        sa.Column(
            "user_id", sa.Integer(), nullable=True, comment="who sets a password with it; None: it makes an admin"
        ),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", sa.String(length=32), nullable=False),
        sa.Column("expires_at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("hash"),
        comment="links that let somebody in once; a used one is gone",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "console_sessions",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False, comment="SHA-256 of what the cookie holds"),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("began_at", sa.String(length=32), nullable=False),
        sa.Column("seen_at", sa.String(length=32), nullable=False, comment="to the minute"),
        sa.Column("address", sa.String(), nullable=False, comment="from where it began"),
        sa.Column("agent", sa.String(), nullable=False, comment="the browser, as it calls itself"),
        sa.Column(
            "id_token",
            sa.Text(),
            nullable=True,
            comment="what the identity provider said; it is told whom to log out by it",
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("hash"),
        comment="who is logged in; an ended one is gone",
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_console_sessions_user_id"), "console_sessions", ["user_id"], unique=False)
    op.create_table(
        "console_tokens",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False, comment="SHA-256"),
        sa.Column("prefix", sa.String(), nullable=False, comment="how it begins, to tell it by"),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", sa.String(length=32), nullable=False),
        sa.Column("expires_at", sa.String(length=32), nullable=True),
        sa.Column("revoked_at", sa.String(length=32), nullable=True),
        sa.Column("used_at", sa.String(length=32), nullable=True, comment="to the minute"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("hash"),
        comment="with what programs call the API",
        sqlite_autoincrement=True,
    )
    op.create_table(
        "console_users",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("name", sa.String(), nullable=False, comment="as the person writes it"),
        sa.Column("name_key", sa.String(), nullable=False, comment="as it is compared"),
        sa.Column("role", sa.String(), nullable=False, comment="viewer | operator | approver | admin"),
        sa.Column(
            "issuer",
            sa.String(),
            nullable=True,
            comment="of the identity provider that vouches; None: a password of our own",
        ),
        sa.Column("subject", sa.String(), nullable=True, comment="the person's id there"),
        sa.Column(
            "password",
            sa.Text(),
            nullable=True,
            comment="argon2id, in its own notation; None: none yet, or an identity provider's person",
        ),
        sa.Column("totp", sa.String(), nullable=True, comment="the shared secret, base32; None: no second factor"),
        sa.Column("totp_wanted", sa.String(), nullable=True, comment="a secret that waits for its first code"),
        sa.Column(
            "totp_step",
            sa.Integer(),
            nullable=True,
            comment="of the last code that was taken: neither it nor an earlier one is taken again",
        ),
        sa.Column("language", sa.String(), nullable=True),
        sa.Column("made_at", sa.String(length=32), nullable=False),
        sa.Column("login_at", sa.String(length=32), nullable=True, comment="the last one"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name_key"),
        comment="people who may use the console",
        sqlite_autoincrement=True,
    )
    op.create_index("console_users_subject", "console_users", ["issuer", "subject"], unique=True)
    op.create_table(
        "firings",
        sa.Column(
            "name", sa.String(), nullable=False, comment="a source with a schedule of its own; empty: all others"
        ),
        sa.Column("planned", sa.String(length=32), nullable=False, comment="when it was due"),
        sa.Column("state", sa.String(), nullable=False, comment="begun | done"),
        sa.Column("run_id", sa.Integer(), nullable=True, comment="the run that it came to"),
        sa.PrimaryKeyConstraint("name", "planned"),
        comment="what was due, so that it happens once whoever leads",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "group_links",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False, comment="what the group is called in Fluix"),
        sa.PrimaryKeyConstraint("source", "external_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "hook_calls",
        sa.Column("signature", sa.LargeBinary(length=32), nullable=False, comment="of a webhook call that was taken"),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("signature"),
        comment="so that nobody can send the same call again",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "journal",
        sa.Column("operation_id", sa.String(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("plan_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False, comment="of the step inside its change"),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column(
            "state", sa.String(), nullable=False, comment="intended | done | unproven | failed | stale | ordered"
        ),
        sa.Column("fluix_id", sa.String(), nullable=True),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("intended_at", sa.String(length=32), nullable=False),
        sa.Column("ended_at", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("operation_id"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "journal_ended_badly",
        "journal",
        ["run_id"],
        unique=False,
        sqlite_where=sa.text("state = 'failed' OR state = 'stale' OR state = 'unproven'"),
        postgresql_where=sa.text("state = 'failed' OR state = 'stale' OR state = 'unproven'"),
    )
    op.create_index("journal_fluix_id", "journal", ["fluix_id"], unique=False)
    op.create_index(
        "journal_open",
        "journal",
        ["plan_id"],
        unique=False,
        sqlite_where=sa.text("state = 'intended' OR state = 'unproven'"),
        postgresql_where=sa.text("state = 'intended' OR state = 'unproven'"),
    )
    op.create_index("journal_plan", "journal", ["plan_id", "key"], unique=False)
    op.create_table(
        "leases",
        sa.Column("name", sa.String(), nullable=False, comment="what is held: `run`"),
        sa.Column("holder", sa.String(), nullable=False, comment="HOST:PID"),
        sa.Column("run_id", sa.Integer(), nullable=True),
        sa.Column("began_at", sa.String(length=32), nullable=False),
        sa.Column("beat_at", sa.String(length=32), nullable=False, comment="the holder's last sign of life"),
        sa.PrimaryKeyConstraint("name"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "ledger",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("operation_id", sa.String(), nullable=False, comment="of the step that deletes"),
        sa.Column("state", sa.String(), nullable=False, comment="intended | begun | deleted | erased"),
        sa.Column("fluix_id", sa.String(), nullable=False, comment="of the deleted user"),
        sa.Column(
            "address", sa.String(), nullable=True, comment="the email as it is compared; None once it was erased"
        ),
        sa.Column("setup", sa.Text(), nullable=True, comment="the user's set-up; None once it was erased"),
        sa.Column("deleted_at", sa.String(length=32), nullable=False),
        sa.Column("plan_id", sa.Integer(), nullable=True, comment="None: deleted by hand"),
        sa.Column("run_id", sa.Integer(), nullable=True),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("approvers", sa.Text(), nullable=False),
        sa.Column("returned_at", sa.String(length=32), nullable=True),
        sa.Column(
            "returned_as", sa.String(), nullable=True, comment="the email of the new user; None once it was erased"
        ),
        sa.Column("returned_id", sa.String(), nullable=True, comment="the new user's Fluix id"),
        sa.Column(
            "ticket",
            sa.String(),
            nullable=True,
            comment="to Fluix support: open | written | done; None while nobody returned",
        ),
        sa.Column("erased_at", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("operation_id"),
        comment="deleted users: what Fluix support can recover for 30 days",
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_ledger_address"), "ledger", ["address"], unique=False)
    op.create_index(op.f("ix_ledger_fluix_id"), "ledger", ["fluix_id"], unique=False)
    op.create_index("ledger_due", "ledger", ["state", "deleted_at"], unique=False)
    op.create_table(
        "ledger_records",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=False),
        sa.Column("ledger_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("source", "external_id", "ledger_id"),
        comment="which records the deleted users were made from",
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_ledger_records_ledger_id"), "ledger_records", ["ledger_id"], unique=False)
    op.create_table(
        "links",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=False),
        sa.Column("fluix_id", sa.String(), nullable=False),
        sa.Column(
            "given",
            sa.Text(),
            nullable=False,
            comment="email, display_name and groups as we last set or confirmed them",
        ),
        sa.Column("leaving_since", sa.String(length=32), nullable=True),
        sa.Column("leaving_reads", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("source", "external_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("links_fluix_id", "links", ["fluix_id"], unique=False)
    op.create_table(
        "mdm_deliveries",
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("place", sa.String(), nullable=False, comment="a bundle identifier, or a device's enrollment id"),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.Column("digest", sa.String(), nullable=False, comment="of the config that was sent last; empty: none was"),
        sa.Column(
            "round", sa.Integer(), nullable=False, comment="makes one try's commands different from the next one's"
        ),
        sa.Column("command", sa.String(), nullable=False),
        sa.Column("question", sa.String(), nullable=False),
        sa.Column("older", sa.Text(), nullable=False, comment="UUIDs of earlier commands with a config"),
        sa.Column("applied", sa.Boolean(), nullable=False),
        sa.Column("held", sa.Text(), nullable=True, comment="what the device told, as a property list"),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("target", "place"),
        comment="what MDM products were given",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "mdm_people",
        sa.Column("fluix_id", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=True, comment="as last written out for an MDM; None: nothing was"),
        sa.Column("dirty", sa.Boolean(), nullable=False, comment="the account changed since"),
        sa.PrimaryKeyConstraint("fluix_id"),
        comment="who has a managed app config with the email written out, for the delta",
        sqlite_with_rowid=False,
    )
    op.create_index(
        "mdm_people_dirty",
        "mdm_people",
        ["dirty"],
        unique=False,
        sqlite_where=sa.text("dirty = 1"),
        postgresql_where=sa.text("dirty"),
    )
    op.create_table(
        "memberships",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("group_id", sa.String(), nullable=False, comment="external id of the group record"),
        sa.Column("person_id", sa.String(), nullable=False, comment="external id of the person record"),
        sa.PrimaryKeyConstraint("source", "group_id", "person_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("memberships_person", "memberships", ["source", "person_id"], unique=False)
    op.create_table(
        "meta",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "nodes",
        sa.Column("holder", sa.String(), nullable=False, comment="HOST:PID"),
        sa.Column("role", sa.String(), nullable=False, comment="leader | worker"),
        sa.Column(
            "calling",
            sa.String(),
            nullable=False,
            comment="the store's revision and a digest of the configuration that it goes by",
        ),
        sa.Column(
            "worker_id",
            sa.Integer(),
            nullable=True,
            comment="of a worker: Procrastinate's number, under which its heartbeat stands",
        ),
        sa.Column("began_at", sa.String(length=32), nullable=False),
        sa.Column("beat_at", sa.String(length=32), nullable=False, comment="of the leader: its last sign of life"),
        sa.PrimaryKeyConstraint("holder"),
        comment="who leads, and which workers there are",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "notification_outbox",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column(
            "target", sa.String(), nullable=False, comment="the receiver's name in the configuration; never its address"
        ),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False, comment="what it is about: told once while it lasts"),
        sa.Column(
            "facts",
            sa.Text(),
            nullable=False,
            comment="what a template is given; personal data only where that is configured",
        ),
        sa.Column("state", sa.String(), nullable=False, comment="waiting | sending | sent | failed | over"),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("queued_at", sa.String(length=32), nullable=False),
        sa.Column(
            "next_at",
            sa.String(length=32),
            nullable=False,
            comment="when it is due; while it is being sent, until when that may take",
        ),
        sa.Column("sent_at", sa.String(length=32), nullable=True),
        sa.Column(
            "message", sa.String(), nullable=True, comment="which message it went out with: several can go in one"
        ),
        sa.Column("error", sa.Text(), nullable=True, comment="what the last try said"),
        sa.Column(
            "ended_at",
            sa.String(length=32),
            nullable=True,
            comment="when what it is about was well again: from then on it would be told anew",
        ),
        sa.PrimaryKeyConstraint("id"),
        comment="messages to people",
        sqlite_autoincrement=True,
    )
    op.create_index("notification_outbox_due", "notification_outbox", ["state", "next_at"], unique=False)
    op.create_index(
        "notification_outbox_once",
        "notification_outbox",
        ["target", "key"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "paces",
        sa.Column("name", sa.String(), nullable=False, comment="whose requests"),
        sa.Column(
            "free_at",
            sa.Float(),
            nullable=False,
            comment="seconds since 1970, by the database's clock: the next one is free then",
        ),
        sa.PrimaryKeyConstraint("name"),
        comment="one rate for all who ask the target",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "parcels",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("plan_id", sa.Integer(), nullable=False),
        sa.Column("term", sa.Integer(), nullable=False, comment="the run's number in `terms`"),
        sa.Column("attempt", sa.Integer(), nullable=False, comment="the parcel's own number in `terms`"),
        sa.Column("keys", sa.Text(), nullable=False, comment="the changes, in their order"),
        sa.Column(
            "fresh", sa.Boolean(), nullable=False, comment="whether the plan was made just now, under the same lock"
        ),
        sa.Column("actor", sa.String(), nullable=False, comment="who runs, for the audit"),
        sa.Column("job_id", sa.Integer(), nullable=True, comment="Procrastinate's number of the job that carries it"),
        sa.Column("state", sa.String(), nullable=False, comment="waiting | done | failed"),
        sa.Column(
            "result", sa.Text(), nullable=True, comment="done: how many were read back; failed: what, where, cure"
        ),
        sa.PrimaryKeyConstraint("id"),
        comment="changes of the run under way, as workers are given them",
        sqlite_autoincrement=True,
    )
    op.create_index("parcels_run", "parcels", ["run_id"], unique=False)
    op.create_table(
        "passages",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column(
            "digest",
            sa.LargeBinary(length=16),
            nullable=False,
            comment="of a stretch of the source's last certified read",
        ),
        sa.Column("records", sa.Integer(), nullable=False, comment="how many stand in it"),
        sa.Column("ids", sa.LargeBinary(), nullable=False, comment="their external ids, as a JSON list"),
        sa.Column("versions", sa.LargeBinary(), nullable=False, comment="their digests, one after the other"),
        sa.PrimaryKeyConstraint("source", "digest"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "plan_changes",
        sa.Column("plan_id", sa.Integer(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False, comment="of the primary record; empty: it is made from none"),
        sa.Column("decision", sa.String(), nullable=False),
        sa.Column("change", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("plan_id", "place"),
        sqlite_with_rowid=False,
    )
    op.create_index("plan_changes_key", "plan_changes", ["plan_id", "key"], unique=True)
    op.create_index(
        "plan_changes_shown", "plan_changes", ["plan_id", "place", "decision", "kind", "source", "key"], unique=False
    )
    op.create_table(
        "plans",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("decision", sa.String(), nullable=False),
        sa.Column("findings", sa.Text(), nullable=False),
        sa.Column("sources", sa.Text(), nullable=False),
        sa.Column("adoptions", sa.Text(), nullable=False),
        sa.Column("accepts", sa.Text(), nullable=False, comment="sizes that are accepted once this plan is applied"),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "portal_exports",
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("file", sa.String(), nullable=False),
        sa.Column(
            "dated_at",
            sa.String(length=32),
            nullable=False,
            comment="when it was made, by its name or its modification time",
        ),
        sa.Column("read_at", sa.String(length=32), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=16), nullable=False),
        sa.Column("users", sa.Integer(), nullable=False),
        sa.Column("final_break", sa.Boolean(), nullable=False, comment="whether its last line was ended"),
        sa.Column("states_told", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("account"),
        comment="the export that was read last",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "portal_users",
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("fluix_id", sa.String(), nullable=False, comment="the address under which the user was first met"),
        sa.Column("address", sa.String(), nullable=False, comment="the email now, as it is compared"),
        sa.Column("attributes", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account", "fluix_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("portal_users_address", "portal_users", ["account", "address"], unique=True)
    op.create_table(
        "previews",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(), nullable=False, comment="of the file, as its owner called it"),
        sa.Column("content", sa.LargeBinary(), nullable=False, comment="the file, deflated"),
        sa.PrimaryKeyConstraint("id"),
        comment="files that were shown to somebody before they are imported; gone after an hour",
    )
    op.create_table(
        "quarantines",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False, comment="reads in a row that failed"),
        sa.Column("since", sa.String(length=32), nullable=False, comment="when the first of them did"),
        sa.Column("until", sa.String(length=32), nullable=True, comment="when it is tried again; None: with every run"),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("source"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "records",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False, comment="person | group"),
        sa.Column("external_id", sa.String(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=16), nullable=False, comment="of the attributes as last read"),
        sa.Column("attributes", sa.Text(), nullable=False),
        sa.Column("address", sa.String(), nullable=True, comment="the email as it is compared, after the mapping"),
        sa.Column("gone_since", sa.String(length=32), nullable=True, comment="when a certified read first missed it"),
        sa.Column("dirty", sa.Boolean(), nullable=False, comment="whether the next plan has to look at it"),
        sa.PrimaryKeyConstraint("source", "kind", "external_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("records_address", "records", ["address"], unique=False)
    op.create_index(
        "records_dirty",
        "records",
        ["source", "external_id"],
        unique=False,
        sqlite_where=sa.text("dirty = 1"),
        postgresql_where=sa.text("dirty"),
    )
    op.create_table(
        "run_progress",
        sa.Column("run_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("stage", sa.String(), nullable=False, comment="what is under way: `read people`, `applied`, …"),
        sa.Column("count", sa.Integer(), nullable=False, comment="how much of this stage is done"),
        sa.Column("total", sa.Integer(), nullable=True, comment="of how much; None: nobody knows"),
        sa.Column("at", sa.String(length=32), nullable=False, comment="when it moved last"),
        sa.PrimaryKeyConstraint("run_id"),
        comment="how far the run is that is under way",
    )
    op.create_table(
        "runs",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("command", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("started_at", sa.String(length=32), nullable=False),
        sa.Column("ended_at", sa.String(length=32), nullable=True),
        sa.Column("state", sa.String(), nullable=False, comment="running | done | failed | interrupted"),
        sa.Column("plan_id", sa.Integer(), nullable=True),
        sa.Column("decision", sa.String(), nullable=True),
        sa.Column("reads", sa.Text(), nullable=True, comment="what each source said, and what its problems pin"),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "size_history",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column(
            "group_name",
            sa.String(),
            nullable=False,
            comment="the source's name of the group; empty: the source itself",
        ),
        sa.Column(
            "day", sa.String(length=10), nullable=False, comment="a day on which a certified read showed another size"
        ),
        sa.Column("at", sa.String(length=32), nullable=False, comment="of the last such read of the day"),
        sa.Column("size", sa.Integer(), nullable=False, comment="at that read"),
        sa.Column("highest", sa.Integer(), nullable=False, comment="of the day"),
        sa.PrimaryKeyConstraint("source", "group_name", "day"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "sizes",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("group_name", sa.String(), nullable=False, comment="the source's name of the group"),
        sa.Column("now", sa.Integer(), nullable=False),
        sa.Column(
            "accepted",
            sa.Integer(),
            nullable=True,
            comment="at the last certified read whose absences were let through",
        ),
        sa.Column("kept", sa.Integer(), nullable=True, comment="as the history of certified reads has it"),
        sa.PrimaryKeyConstraint("source", "group_name"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "tallies",
        sa.Column("hour", sa.String(length=32), nullable=False, comment="in which the changes were done"),
        sa.Column("kind", sa.String(), nullable=False, comment="as the budgets name it"),
        sa.Column(
            "group_name", sa.String(), nullable=False, comment="as compared, for removals; empty: whatever the group"
        ),
        sa.Column("changes", sa.Integer(), nullable=False),
        sa.Column("users", sa.Integer(), nullable=False),
        sa.Column(
            "ahead_since", sa.String(length=32), nullable=True, comment="when this hour was first found to lie ahead"
        ),
        sa.PrimaryKeyConstraint("hour", "kind", "group_name"),
        comment="how much was done, for the budgets: outlives the journal",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "terms",
        sa.Column("name", sa.String(), nullable=False, comment="what is held: `run`, `lead`, `parcel 12`"),
        sa.Column(
            "number",
            sa.Integer(),
            nullable=False,
            comment="of whoever took it last: others write no more under this name",
        ),
        sa.PrimaryKeyConstraint("name"),
        comment="fencing: each holder has a number, and every write of its run looks whether it is still the last one",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "webhook_calls",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "whatifs",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("fragment", sa.Text(), nullable=False, comment="the other rules, as YAML"),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("asked_at", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(), nullable=False, comment="waiting | running | done | failed"),
        sa.Column("taken", sa.Integer(), nullable=False, comment="how often somebody began it"),
        sa.Column("answer", sa.Text(), nullable=True, comment="of one that is done: what differs"),
        sa.Column("message", sa.Text(), nullable=False, comment="of one that failed: why"),
        sa.PrimaryKeyConstraint("id"),
        comment="what other rules would do, asked for in the console; gone after a day",
        sqlite_autoincrement=True,
    )
    op.create_table(
        "wishes",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(), nullable=False, comment="run | plan | apply | user_run"),
        sa.Column("plan_id", sa.Integer(), nullable=True, comment="of `apply`"),
        sa.Column("sources", sa.Text(), nullable=False, comment="a list of names; empty: all"),
        sa.Column("email", sa.String(), nullable=True, comment="of `user_run`"),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("asked_at", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(), nullable=False, comment="waiting | running | done | failed | refused"),
        sa.Column("taken", sa.Integer(), nullable=False, comment="how often somebody began it"),
        sa.Column("run_id", sa.Integer(), nullable=True, comment="the run that did it"),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        comment="what the console, the API or a webhook asks the daemon to do",
        sqlite_autoincrement=True,
    )
    op.create_index(
        "wishes_open",
        "wishes",
        ["state", "id"],
        unique=False,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "work_items",
        sa.Column("operation_id", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("order_number", sa.Integer(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False, comment="its number inside the order, from 1"),
        sa.Column("asked_by", sa.String(), nullable=False, comment="the operation in the journal"),
        sa.Column("wish", sa.String(), nullable=False, comment="what makes two wishes the same"),
        sa.Column("verb", sa.String(), nullable=False),
        sa.Column("fluix_id", sa.String(), nullable=True),
        sa.Column("content", sa.Text(), nullable=False, comment="the step's values, and why it is wanted"),
        sa.Column("in_import", sa.Boolean(), nullable=False),
        sa.Column("ordered_at", sa.String(length=32), nullable=False),
        sa.Column("closed_at", sa.String(length=32), nullable=True),
        sa.Column(
            "closed_by", sa.String(), nullable=False, comment="the export's file, or who said so; empty while it waits"
        ),
        sa.Column("confirmed_at", sa.String(length=32), nullable=True),
        sa.Column("confirmed_by", sa.String(), nullable=False),
        sa.Column("withdrawn_at", sa.String(length=32), nullable=True),
        sa.Column("withdrawn_why", sa.Text(), nullable=False),
        sa.Column("told_in", sa.Integer(), nullable=True, comment="the order in which its withdrawal was told"),
        sa.PrimaryKeyConstraint("operation_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("work_items_order", "work_items", ["order_number", "place"], unique=False)
    op.create_index(
        "work_items_waiting",
        "work_items",
        ["account", "wish"],
        unique=False,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_table(
        "work_orders",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.Column(
            "ready_at",
            sa.String(length=32),
            nullable=True,
            comment="when its files were there; none while it is collected",
        ),
        sa.Column("notice", sa.String(), nullable=False, comment="none | due | sending | sent | refused"),
        sa.Column("notice_at", sa.String(length=32), nullable=True),
        sa.Column("notice_text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "account_activity",
        sa.Column("activity_id", sa.Integer(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("activity_id", name=op.f("pk_account_activity")),
    )
    op.create_index(op.f("ix_account_activity_at"), "account_activity", ["at"], unique=False)
    op.create_index(op.f("ix_account_activity_user_id"), "account_activity", ["user_id"], unique=False)
    op.create_table(
        "account_deleted",
        sa.Column("user_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("email_key", sa.Text(), nullable=True),
        sa.Column(
            "setup", sa.Text(), nullable=True, comment="the user's whole set-up as JSON; None once it was erased"
        ),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_account_deleted")),
    )
    op.create_index(op.f("ix_account_deleted_deleted_at"), "account_deleted", ["deleted_at"], unique=False)
    op.create_index(op.f("ix_account_deleted_email_key"), "account_deleted", ["email_key"], unique=False)
    op.create_table(
        "account_groups",
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("group_id", name=op.f("pk_account_groups")),
        sa.UniqueConstraint("account", "name_key", name=op.f("uq_account_groups_account")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "account_keys",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False, comment="what links are signed with"),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_account_keys")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "account_login_guards",
        sa.Column("email_key", sa.Text(), nullable=False),
        sa.Column(
            "failures", sa.Integer(), nullable=False, comment="wrong passwords since the last good login or block"
        ),
        sa.Column("blocks", sa.Integer(), nullable=False, comment="blocks since the last good login: each is longer"),
        sa.Column("blocked_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("email_key", name=op.f("pk_account_login_guards")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "account_mails",
        sa.Column("mail_id", sa.Integer(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True, comment="whom it is about; None: the account"),
        sa.Column(
            "kind", sa.Text(), nullable=False, comment="invitation | password_reset | user_data | refused_address | …"
        ),
        sa.Column("email", sa.Text(), nullable=False, comment="to whom"),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("attachment_name", sa.Text(), nullable=True),
        sa.Column("attachment", sa.Text(), nullable=True),
        sa.Column(
            "message_id",
            sa.Text(),
            nullable=True,
            comment="the Message-ID header, which begins with the mail's id: a bounce names it",
        ),
        sa.Column("state", sa.Text(), nullable=False, comment="queued | sending | sent | refused | unsure"),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True, comment="what the mail server said"),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('queued', 'sending', 'sent', 'refused', 'unsure')", name=op.f("ck_account_mails_state")
        ),
        sa.PrimaryKeyConstraint("mail_id", name=op.f("pk_account_mails")),
    )
    op.create_index(op.f("ix_account_mails_user_id"), "account_mails", ["user_id"], unique=False)
    op.create_index(
        "ix_account_mails_waiting",
        "account_mails",
        ["account", "mail_id"],
        unique=False,
        sqlite_where=sa.text("state IN ('queued', 'sending')"),
        postgresql_where=sa.text("state IN ('queued', 'sending')"),
    )
    op.create_table(
        "account_operations",
        sa.Column("operation_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("operation_id", name=op.f("pk_account_operations")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "account_passwords",
        sa.Column("email_key", sa.Text(), nullable=False, comment="one password for a person in several accounts"),
        sa.Column("hash", sa.Text(), nullable=False, comment="argon2id, in its own notation"),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("email_key", name=op.f("pk_account_passwords")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "account_users",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False, comment="the account's name: a store can hold several"),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("email_key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False, comment="an admin role's name; empty: none"),
        sa.Column("owner", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_login_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "refused", sa.Text(), nullable=True, comment="why the mail server did not accept the address, as it said"
        ),
        sa.CheckConstraint("state IN ('invited', 'active')", name=op.f("ck_account_users_state")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_account_users")),
        sa.UniqueConstraint("email_key", "account", name=op.f("uq_account_users_email_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_account_users_admins",
        "account_users",
        ["account", "user_id"],
        unique=False,
        sqlite_where=sa.text("(role <> '' OR owner)"),
        postgresql_where=sa.text("(role <> '' OR owner)"),
    )
    op.create_index(
        "ix_account_users_list",
        "account_users",
        ["email_key", "name_key", "account", "state", "role", "last_login_at"],
        unique=False,
    )
    op.create_index(
        "ix_account_users_logins",
        "account_users",
        [sa.literal_column("last_login_at DESC"), "email_key", "account", "state", "role", "name_key"],
        unique=False,
    )
    op.create_index(
        "ix_account_users_names",
        "account_users",
        ["name_key", "email_key", "account", "state", "role", "last_login_at"],
        unique=False,
    )
    op.create_index(
        "ix_account_users_refused",
        "account_users",
        ["email_key", "account"],
        unique=False,
        sqlite_where=sa.text("refused IS NOT NULL"),
        postgresql_where=sa.text("refused IS NOT NULL"),
    )
    op.create_index(
        "uq_account_users_owner",
        "account_users",
        ["account"],
        unique=True,
        sqlite_where=sa.text("owner"),
        postgresql_where=sa.text("owner"),
    )
    op.create_table(
        "account_workflows",
        sa.Column("workflow_id", sa.Integer(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("workflow_id", name=op.f("pk_account_workflows")),
        sa.UniqueConstraint("account", "name_key", name=op.f("uq_account_workflows_account")),
    )
    op.create_table(
        "account_devices",
        sa.Column("device_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("identifier", sa.Text(), nullable=False, comment="what the app calls its device"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("app_version", sa.Text(), nullable=False),
        sa.Column("session", sa.Text(), nullable=True, comment="SHA-256 of the session's secret"),
        sa.Column("signed_in_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["account_users.user_id"], name=op.f("fk_account_devices_user_id")),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_account_devices")),
        sa.UniqueConstraint("session", name=op.f("uq_account_devices_session")),
        sa.UniqueConstraint("user_id", "identifier", name=op.f("uq_account_devices_user_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_account_devices_user_id"), "account_devices", ["user_id"], unique=False)
    op.create_table(
        "account_documents",
        sa.Column("document_id", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.CheckConstraint("state IN ('draft', 'assigned')", name=op.f("ck_account_documents_state")),
        sa.ForeignKeyConstraint(["user_id"], ["account_users.user_id"], name=op.f("fk_account_documents_user_id")),
        sa.PrimaryKeyConstraint("document_id", name=op.f("pk_account_documents")),
    )
    op.create_index(op.f("ix_account_documents_user_id"), "account_documents", ["user_id"], unique=False)
    op.create_table(
        "account_memberships",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"], ["account_groups.group_id"], name=op.f("fk_account_memberships_group_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["account_users.user_id"], name=op.f("fk_account_memberships_user_id")),
        sa.PrimaryKeyConstraint("user_id", "group_id", name=op.f("pk_account_memberships")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_account_memberships_group_id"), "account_memberships", ["group_id"], unique=False)
    op.create_table(
        "account_role_groups",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"], ["account_groups.group_id"], name=op.f("fk_account_role_groups_group_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["account_users.user_id"], name=op.f("fk_account_role_groups_user_id")),
        sa.PrimaryKeyConstraint("user_id", "group_id", name=op.f("pk_account_role_groups")),
        comment="an admin's role is for these groups only; without a row here: for the whole account",
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_account_role_groups_group_id"), "account_role_groups", ["group_id"], unique=False)
    op.create_table(
        "account_workflow_groups",
        sa.Column("workflow_id", sa.Integer(), nullable=False),
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"], ["account_groups.group_id"], name=op.f("fk_account_workflow_groups_group_id")
        ),
        sa.ForeignKeyConstraint(
            ["workflow_id"], ["account_workflows.workflow_id"], name=op.f("fk_account_workflow_groups_workflow_id")
        ),
        sa.PrimaryKeyConstraint("workflow_id", "group_id", name=op.f("pk_account_workflow_groups")),
        comment="a group gives its members these workflows",
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_account_workflow_groups_group_id"), "account_workflow_groups", ["group_id"], unique=False)
    op.create_table(
        "account_workflow_steps",
        sa.Column("step_id", sa.Integer(), nullable=False),
        sa.Column("workflow_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workflow_id"], ["account_workflows.workflow_id"], name=op.f("fk_account_workflow_steps_workflow_id")
        ),
        sa.PrimaryKeyConstraint("step_id", name=op.f("pk_account_workflow_steps")),
        sa.UniqueConstraint("workflow_id", "position", name=op.f("uq_account_workflow_steps_workflow_id")),
    )
    op.create_table(
        "account_step_groups",
        sa.Column("step_id", sa.Integer(), nullable=False),
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"], ["account_groups.group_id"], name=op.f("fk_account_step_groups_group_id")
        ),
        sa.ForeignKeyConstraint(
            ["step_id"], ["account_workflow_steps.step_id"], name=op.f("fk_account_step_groups_step_id")
        ),
        sa.PrimaryKeyConstraint("step_id", "group_id", name=op.f("pk_account_step_groups")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_account_step_groups_group_id"), "account_step_groups", ["group_id"], unique=False)
    op.create_table(
        "account_step_users",
        sa.Column("step_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["step_id"], ["account_workflow_steps.step_id"], name=op.f("fk_account_step_users_step_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["account_users.user_id"], name=op.f("fk_account_step_users_user_id")),
        sa.PrimaryKeyConstraint("step_id", "user_id", name=op.f("pk_account_step_users")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_account_step_users_user_id"), "account_step_users", ["user_id"], unique=False)
    op.create_table(
        "scim_calls",
        sa.Column("call_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=True, comment="of the token; None: nobody was let in"),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("query", sa.Text(), nullable=True),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("milliseconds", sa.Float(), nullable=False),
        sa.Column("raw", sa.Text(), nullable=True, comment="the body as it came, cut as configured"),
        sa.Column(
            "normalised", sa.Text(), nullable=True, comment="query and body as they were read; None: as they came"
        ),
        sa.Column("notes", sa.Text(), nullable=True, comment="what was normalised, or why nobody was let in"),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_scim_calls")),
    )
    op.create_index("ix_scim_calls_tenant_at", "scim_calls", ["tenant", "at"], unique=False)
    op.create_table(
        "scim_credentials",
        sa.Column("credential_id", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False, comment="SHA-256 of the token or the client's secret, in hex"),
        sa.Column(
            "prefix", sa.Text(), nullable=False, comment="how it begins, or the client's id: for people to tell it by"
        ),
        sa.Column("client_id", sa.Text(), nullable=True, comment="of a client: what it calls itself"),
        sa.Column("client", sa.Integer(), nullable=True, comment="of an access token: whose"),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True, comment="written at most once a minute"),
        sa.CheckConstraint("kind IN ('token', 'client', 'access')", name=op.f("ck_scim_credentials_kind")),
        sa.CheckConstraint("scope IN ('read', 'write', 'events')", name=op.f("ck_scim_credentials_scope")),
        sa.ForeignKeyConstraint(
            ["client"], ["scim_credentials.credential_id"], name=op.f("fk_scim_credentials_client")
        ),
        sa.PrimaryKeyConstraint("credential_id", name=op.f("pk_scim_credentials")),
        sa.UniqueConstraint("client_id", name=op.f("uq_scim_credentials_client_id")),
        sa.UniqueConstraint("hash", name=op.f("uq_scim_credentials_hash")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_scim_credentials_client"), "scim_credentials", ["client"], unique=False)
    op.create_index(op.f("ix_scim_credentials_tenant"), "scim_credentials", ["tenant"], unique=False)
    op.create_table(
        "scim_event_keys",
        sa.Column("kid", sa.Text(), nullable=False),
        sa.Column(
            "private", sa.Text(), nullable=False, comment="the key as a JWK; whoever can read the store can sign"
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("kid", name=op.f("pk_scim_event_keys")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "scim_events",
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("jti", sa.Text(), nullable=False),
        sa.Column("claims", sa.Text(), nullable=False, comment="what is signed when it is delivered, as JSON"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("error", sa.Text(), nullable=True, comment="what the receiver said last"),
        sa.Column(
            "failed_at", sa.DateTime(timezone=True), nullable=True, comment="when it was given up; None: it waits"
        ),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_scim_events")),
        sa.UniqueConstraint("jti", name=op.f("uq_scim_events_jti")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_scim_events_waiting",
        "scim_events",
        ["tenant", "event_id"],
        unique=False,
        sqlite_where=sa.text("failed_at IS NULL"),
        postgresql_where=sa.text("failed_at IS NULL"),
    )
    op.create_table(
        "scim_members",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("group_id", sa.Text().with_variant(sa.TEXT(collation="C"), "postgresql"), nullable=False),
        sa.Column("member_id", sa.Text().with_variant(sa.TEXT(collation="C"), "postgresql"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False, comment="of the member: User or Group"),
        sa.Column("display", sa.Text(), nullable=True, comment="as the client said it"),
        sa.Column("display_key", sa.Text().with_variant(sa.TEXT(collation="C"), "postgresql"), nullable=True),
        sa.Column(
            "added",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
            comment="the tenant's counter",
        ),
        sa.PrimaryKeyConstraint("tenant", "group_id", "member_id", name=op.f("pk_scim_members")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_scim_members_member_id", "scim_members", ["tenant", "member_id", "group_id"], unique=False)
    op.create_table(
        "scim_provisioning",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("resource_id", sa.Text().with_variant(sa.TEXT(collation="C"), "postgresql"), nullable=False),
        sa.Column("state", sa.Text().with_variant(sa.TEXT(collation="C"), "postgresql"), nullable=False),
        sa.Column("reason", sa.Text().with_variant(sa.TEXT(collation="C"), "postgresql"), nullable=True),
        sa.Column("fluix_id", sa.Text().with_variant(sa.TEXT(collation="C"), "postgresql"), nullable=True),
        sa.Column("invitation", sa.Text().with_variant(sa.TEXT(collation="C"), "postgresql"), nullable=True),
        sa.Column("at", sa.String(length=27), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "resource_id", name=op.f("pk_scim_provisioning")),
    )
    op.create_table(
        "scim_resources",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False, comment="User or Group"),
        sa.Column("id", sa.Text().with_variant(sa.TEXT(collation="C"), "postgresql"), nullable=False),
        sa.Column(
            "user_key",
            sa.Text().with_variant(sa.TEXT(collation="C"), "postgresql"),
            nullable=True,
            comment="userName as compared; groups have none",
        ),
        sa.Column("external_id", sa.Text().with_variant(sa.TEXT(collation="C"), "postgresql"), nullable=True),
        sa.Column("display_name", sa.Text(), nullable=True),
        sa.Column("display_key", sa.Text().with_variant(sa.TEXT(collation="C"), "postgresql"), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=True),
        sa.Column("created", sa.String(length=27), nullable=False),
        sa.Column("last_modified", sa.String(length=27), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column(
            "changed",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
            comment="the tenant's counter at the last change",
        ),
        sa.Column(
            "deleted_at", sa.String(length=27), nullable=True, comment="set: no SCIM client sees it, the engine does"
        ),
        sa.Column(
            "document", sa.Text(), nullable=False, comment="as published, but what stands in other columns and tables"
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_scim_resources")),
    )
    op.create_index("ix_scim_resources_changed", "scim_resources", ["tenant", "changed", "number"], unique=False)
    op.create_index(
        "ix_scim_resources_display_key",
        "scim_resources",
        ["tenant", "display_key"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "ix_scim_resources_external_id",
        "scim_resources",
        ["tenant", "external_id"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "ix_scim_resources_kind",
        "scim_resources",
        ["tenant", "kind", "number", "deleted_at"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "ix_scim_resources_returning",
        "scim_resources",
        ["tenant", "user_key"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index("uq_scim_resources_id", "scim_resources", ["tenant", "id"], unique=True)
    op.create_index(
        "uq_scim_resources_user_key",
        "scim_resources",
        ["tenant", "user_key"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "scim_tenants",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "changes",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
            comment="raised first by each writing transaction: puts them in order",
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_scim_tenants")),
    )
    op.create_table(
        "scim_buckets",
        sa.Column("credential_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column(
            "full_at", sa.Float(), nullable=False, comment="seconds since 1970: when the bucket will be full again"
        ),
        sa.ForeignKeyConstraint(
            ["credential_id"], ["scim_credentials.credential_id"], name=op.f("fk_scim_buckets_credential_id")
        ),
        sa.PrimaryKeyConstraint("credential_id", name=op.f("pk_scim_buckets")),
    )
    op.create_table(
        "scim_values",
        sa.Column("resource", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("path", sa.Text(), nullable=False, comment="lower case; an extension's with its schema"),
        sa.Column("ordinal", sa.Integer(), nullable=False, comment="the entry of a multi-valued attribute"),
        sa.Column("sorts", sa.Boolean(), nullable=False, comment="of the entry by which the resource is sorted"),
        sa.Column(
            "text",
            sa.Text().with_variant(sa.TEXT(collation="C"), "postgresql"),
            nullable=False,
            comment="as compared; of a complex attribute: empty when no part has a value",
        ),
        sa.Column("number", sa.Float(), nullable=True),
        sa.Column(
            "digest",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=True,
            comment="of tenant, path and text: what `eq` looks up, however long the text",
        ),
        sa.ForeignKeyConstraint(["resource"], ["scim_resources.number"], name=op.f("fk_scim_values_resource")),
        sa.PrimaryKeyConstraint("resource", "path", "ordinal", name=op.f("pk_scim_values")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_scim_values_digest",
        "scim_values",
        ["digest"],
        unique=False,
        sqlite_where=sa.text("digest IS NOT NULL"),
        postgresql_where=sa.text("digest IS NOT NULL"),
    )
    # ### end Alembic commands ###
