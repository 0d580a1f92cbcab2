"""What the tests of the embedded account share."""

import pytest

from connectors.fluix.account import account_metadata
from syncd.store.engine import open_engine


@pytest.fixture
def engine(tmp_path):
    """A store with the account's tables, and nothing in them."""
    engine = open_engine(f"sqlite:///{tmp_path}/account.db")
    account_metadata.create_all(engine)
    return engine
