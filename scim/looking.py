"""What an admin looks at: how many were pushed, and who, with what became of them. Reads only."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, func, select

from scim.tables import provisioning, resources


@dataclass(frozen=True, slots=True)
class Pushed:
    """One user as an identity provider pushed him or her, and what became of it."""

    resource_id: str
    user_name: str
    external_id: str | None
    display_name: str | None
    active: bool
    last_modified: str
    state: str | None
    """None: no run has looked at this user yet."""
    reason: str | None
    fluix_id: str | None
    invitation: str | None


def counts(connection: Connection, tenant: str) -> dict[str, int]:
    """How many `User`s and `Group`s a tenant has."""
    query = (
        select(resources.c.kind, func.count())
        .where(resources.c.tenant == tenant, resources.c.deleted_at.is_(None))
        .group_by(resources.c.kind)
    )
    return {"User": 0, "Group": 0, **dict(connection.execute(query).all())}


def pushed(
    connection: Connection, tenant: str, search: str, state: str | None, *, limit: int, skip: int
) -> tuple[list[Pushed], int]:
    """One page of a tenant's users by their names, and how many fit.

    Args:
        connection: to the store.
        tenant: whose.
        search: part of a user name; empty: all.
        state: what became of them; None: whatever.
        limit: so many of them.
        skip: after so many.
    """
    # Only users have a `user_key`, and its index holds all that is asked without a state.
    fits: list[ColumnElement[bool]] = [
        resources.c.tenant == tenant,
        resources.c.deleted_at.is_(None),
        resources.c.user_key.is_not(None),
    ]
    if part := search.strip().lower():
        fits.append(resources.c.user_key.contains(part, autoescape=True))
    if state is not None:
        within = select(provisioning.c.resource_id).where(
            provisioning.c.tenant == tenant, provisioning.c.state == state
        )
        fits.append(resources.c.id.in_(within))
    total = connection.execute(select(func.count()).select_from(resources).where(*fits)).scalar_one()
    numbers = select(resources.c.number).where(*fits).order_by(resources.c.user_key).limit(limit).offset(skip)
    told = (provisioning.c.tenant == resources.c.tenant) & (provisioning.c.resource_id == resources.c.id)
    query = (
        select(
            resources.c.id,
            resources.c.user_key,
            resources.c.external_id,
            resources.c.display_name,
            resources.c.active,
            resources.c.last_modified,
            provisioning.c.state,
            provisioning.c.reason,
            provisioning.c.fluix_id,
            provisioning.c.invitation,
        )
        .join_from(resources, provisioning, told, isouter=True)
        .where(resources.c.number.in_(list(connection.execute(numbers).scalars())))
        .order_by(resources.c.user_key)
    )
    found = [Pushed(**{name: row[at] for at, name in enumerate(Pushed.__slots__)}) for row in connection.execute(query)]
    return found, total


def states(connection: Connection, tenant: str) -> dict[str, int]:
    """What became of a tenant's users: state -> how many."""
    query = (
        select(provisioning.c.state, func.count()).where(provisioning.c.tenant == tenant).group_by(provisioning.c.state)
    )
    return dict(connection.execute(query.order_by(provisioning.c.state)).all())
