"""Alembic's way in: runs on the connection that `syncd.store.engine.upgrade` hands over."""

from alembic import context

from connectors.fluix.account.tables import account_metadata
from scim.events.tables import access_metadata
from syncd.store import order_tables  # noqa: F401 - puts its tables into `metadata`
from syncd.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=[metadata, account_metadata, access_metadata],
    transaction_per_migration=False,
)
context.run_migrations()
