"""What the tests of the connectors share."""

import pytest

from connectors.fluix.account import account_metadata
from syncd.store.engine import open_engine
from tests.slapd import Slapd


@pytest.fixture
def engine(tmp_path):
    """A store with the account's tables, and nothing in them."""
    engine = open_engine(f"sqlite:///{tmp_path}/account.db")
    account_metadata.create_all(engine)
    return engine


@pytest.fixture
def slapd(tmp_path):
    """A server to be filled and started."""
    server = Slapd(tmp_path / "slapd")
    yield server
    server.stop()
