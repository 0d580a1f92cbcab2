"""scim2-server's own contract for storages, whole, on both databases."""

from __future__ import annotations

import pytest
from scim2_models import ScimProvider
from scim2_server.testing import ScimStorageContract
from sqlalchemy import Engine

from scim.connections import Store
from scim.provider import build_provider
from scim.storage import SqlStorage
from scim.tenant import Tenant
from tests.scim_house import BOTH


@pytest.mark.parametrize("engine", BOTH, indirect=True)
class TestStorage(ScimStorageContract):
    @pytest.fixture
    def provider(self) -> ScimProvider:
        return build_provider()

    @pytest.fixture
    def storage(self, provider: ScimProvider, engine: Engine, tenant: Tenant) -> SqlStorage:
        return SqlStorage(Store.of(engine), tenant, provider)
