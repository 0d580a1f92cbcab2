"""Alembic's way in: runs on the connection that `syncd.store.engine.upgrade` hands over."""

from alembic import context

from syncd.store.every_table import EVERY_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=[*EVERY_TABLE],
    transaction_per_migration=False,
)
context.run_migrations()
