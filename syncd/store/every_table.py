"""All tables of the store, whoever's room they belong to: what migrations make, and what is searched when somebody is erased."""

from __future__ import annotations

from typing import Final

from sqlalchemy import MetaData

from connectors.fluix.account.tables import account_metadata
from scim.events.tables import access_metadata
from scim.tables import scim_metadata
from syncd.store import order_tables  # noqa: F401 - puts its tables into `metadata`
from syncd.store.tables import metadata

EVERY_TABLE: Final[tuple[MetaData, ...]] = (metadata, account_metadata, scim_metadata, access_metadata)
