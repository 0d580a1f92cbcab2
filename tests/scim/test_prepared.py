"""Statements handed to the driver as they are: the same rows, and the same errors, as SQLAlchemy gives."""

from __future__ import annotations

import pytest
from sqlalchemy import bindparam, insert, select
from sqlalchemy.exc import DBAPIError, IntegrityError

from scim.prepared import Prepared
from scim.tables import resources, tenants
from tests.scim_house import BOTH


@pytest.mark.parametrize("engine", BOTH, indirect=True)
def test_rows_are_those_of_sqlalchemy(client, engine) -> None:
    client.user("ann", active=False)
    client.user("bob", active=True)
    said = select(resources.c.id, resources.c.active, resources.c.display_name, resources.c.created).where(
        resources.c.tenant == bindparam("tenant"), resources.c.kind == "User"
    )
    with engine.connect() as connection:
        expected = connection.execute(said, {"tenant": client.tenant.name}).all()
        found = Prepared(said).all(connection, {"tenant": client.tenant.name})
        assert [tuple(row) for row in found] == [tuple(row) for row in expected]
        assert {row.active for row in found} == {True, False}
        assert Prepared(said).first(connection, {"tenant": "nobody"}) is None


@pytest.mark.parametrize("engine", BOTH, indirect=True)
def test_errors_are_those_of_sqlalchemy(engine) -> None:
    add = Prepared(insert(tenants), ["name", "changes"])
    row = {"name": "twice", "changes": 0}
    with pytest.raises(IntegrityError), engine.begin() as connection:
        add.many(connection, [row, row])
    gone = Prepared(select(tenants).where(tenants.c.name == bindparam("name")))
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE TEMPORARY TABLE scim_tenants (other TEXT)")
        with pytest.raises(DBAPIError):
            gone.all(connection, {"name": "twice"})
