"""What the service provider stores: SQLAlchemy Core tables, portable between SQLite and PostgreSQL. No statements here.

Moments are text of a fixed width in UTC, so that they sort and compare as they are. Texts that are compared have the order of
their code points on both databases.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import TEXT

from scim.metadata import scim_metadata

_BIG = BigInteger().with_variant(Integer(), "sqlite")
_WORDS = Text().with_variant(TEXT(collation="C"), "postgresql")
_MOMENT = String(27)


def _live(condition: str = "deleted_at IS NULL") -> dict[str, Any]:
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


tenants = Table(
    "scim_tenants",
    scim_metadata,
    Column("name", Text, primary_key=True),
    Column("changes", _BIG, nullable=False, comment="raised first by each writing transaction: puts them in order"),
)

resources = Table(
    "scim_resources",
    scim_metadata,
    Column("number", _BIG, primary_key=True, autoincrement=True),
    Column("tenant", Text, nullable=False),
    Column("kind", Text, nullable=False, comment="User or Group"),
    Column("id", _WORDS, nullable=False),
    Column("user_key", _WORDS, comment="userName as compared; groups have none"),
    Column("external_id", _WORDS),
    Column("display_name", Text),
    Column("display_key", _WORDS),
    Column("active", Boolean),
    Column("created", _MOMENT, nullable=False),
    Column("last_modified", _MOMENT, nullable=False),
    Column("version", Integer, nullable=False),
    Column("changed", _BIG, nullable=False, comment="the tenant's counter at the last change"),
    Column("deleted_at", _MOMENT, comment="set: no SCIM client sees it, the engine does"),
    Column("document", Text, nullable=False, comment="as published, but what stands in other columns and tables"),
)
Index("uq_scim_resources_id", resources.c.tenant, resources.c.id, unique=True)
Index("uq_scim_resources_user_key", resources.c.tenant, resources.c.user_key, unique=True, **_live())
Index("ix_scim_resources_returning", resources.c.tenant, resources.c.user_key, **_live("deleted_at IS NOT NULL"))
# With the condition's own column: else SQLite, to count who is there, looks each of them up.
_there = resources.c.tenant, resources.c.kind, resources.c.number, resources.c.deleted_at
Index("ix_scim_resources_kind", *_there, **_live())
Index("ix_scim_resources_external_id", resources.c.tenant, resources.c.external_id, **_live())
Index("ix_scim_resources_display_key", resources.c.tenant, resources.c.display_key, **_live())
Index("ix_scim_resources_changed", resources.c.tenant, resources.c.changed, resources.c.number)

values = Table(
    "scim_values",
    scim_metadata,
    Column("resource", _BIG, ForeignKey("scim_resources.number"), primary_key=True),
    Column("path", Text, primary_key=True, comment="lower case; an extension's with its schema"),
    Column("ordinal", Integer, primary_key=True, comment="the entry of a multi-valued attribute"),
    Column("sorts", Boolean, nullable=False, comment="of the entry by which the resource is sorted"),
    Column(
        "text", _WORDS, nullable=False, comment="as compared; of a complex attribute: empty when no part has a value"
    ),
    Column("number", Float),
    Column("digest", _BIG, comment="of tenant, path and text: what `eq` looks up, however long the text"),
    sqlite_with_rowid=False,
)
Index("ix_scim_values_digest", values.c.digest, **_live("digest IS NOT NULL"))

members = Table(
    "scim_members",
    scim_metadata,
    Column("tenant", Text, primary_key=True),
    Column("group_id", _WORDS, primary_key=True),
    Column("member_id", _WORDS, primary_key=True),
    Column("kind", Text, nullable=False, comment="of the member: User or Group"),
    Column("display", Text, comment="as the client said it"),
    Column("display_key", _WORDS),
    Column("added", _BIG, nullable=False, comment="the tenant's counter"),
    sqlite_with_rowid=False,
)
Index("ix_scim_members_member_id", members.c.tenant, members.c.member_id, members.c.group_id)

provisioning = Table(
    "scim_provisioning",
    scim_metadata,
    Column("tenant", Text, primary_key=True),
    Column("resource_id", _WORDS, primary_key=True),
    Column("state", _WORDS, nullable=False),
    Column("reason", _WORDS),
    Column("fluix_id", _WORDS),
    Column("invitation", _WORDS),
    Column("at", _MOMENT, nullable=False),
)
