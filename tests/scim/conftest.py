"""Stores and tenants for the service provider's tests. A test has a tenant of its own; stores are shared."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Engine

from scim.app import scim_app
from scim.metadata import scim_metadata
from scim.tenant import Tenant
from tests.postgres import postgres
from tests.scim_house import SECRET, Client, open_store

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Engine]]:
    opened: dict[str, Engine] = {}

    def engine_of(name: str) -> Engine:
        if name not in opened:
            url = f"sqlite:///{tmp_path_factory.mktemp('scim')}/scim.db" if name == "sqlite" else postgres().url
            opened[name] = open_store(url)
            scim_metadata.create_all(opened[name])
        return opened[name]

    yield engine_of
    for engine in opened.values():
        engine.dispose()


@pytest.fixture(params=["sqlite"])
def engine(request: pytest.FixtureRequest, engines: Callable[[str], Engine]) -> Engine:
    return engines(request.param)


@pytest.fixture
def tenant() -> Tenant:
    return Tenant(f"acme{next(_numbers)}")


@pytest.fixture
def make_client(engine: Engine, tenant: Tenant) -> Callable[..., Client]:
    def make(of: Tenant = tenant, **how: object) -> Client:
        app = scim_app(engine, {of.name: of}.get, secret=SECRET, **how)
        return Client(app.test_client(), of)

    return make


@pytest.fixture
def client(make_client: Callable[..., Client]) -> Client:
    return make_client()
