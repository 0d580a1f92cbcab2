"""All tables of the store, whoever's room they belong to: what migrations make, and what is searched when somebody is erased."""

from __future__ import annotations

from typing import Final

from sqlalchemy import MetaData

from connectors.fluix.account.tables import account_metadata
from scim import tables as scim_tables  # noqa: F401 - puts its tables into `scim_metadata`, as the next two do
from scim.access import tables as access_tables  # noqa: F401
from scim.events import tables as event_tables  # noqa: F401
from scim.metadata import scim_metadata
from syncd.store import (  # noqa: F401 - they put their tables into `metadata`
    console_tables,
    daemon_tables,
    mdm_tables,
    node_tables,
    notice_tables,
    order_tables,
    previews,
    whatifs,
)
from syncd.store.tables import metadata

EVERY_TABLE: Final[tuple[MetaData, ...]] = (metadata, account_metadata, scim_metadata)
