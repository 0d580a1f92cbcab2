"""A company whose console has its real doors."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher

from connectors.fluix.account import passwords
from tests.access_house import Place, place_of
from tests.house import House


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashing is slow on purpose, and not what these tests are about; one of them undoes this."""
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    monkeypatch.setattr(passwords, "_nobodys", passwords._nobodys.__wrapped__)


@pytest.fixture
def place(house: House) -> Place:
    return place_of(house)
