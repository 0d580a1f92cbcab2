"""The embedded account passes the suite of every target."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import select

from connectors.fluix.account import EmbeddedAccount, account_metadata
from connectors.fluix.account.tables import mails
from syncd.store.engine import open_engine, reading
from tests.target_contract import TargetContract


class TestEmbeddedAccount(TargetContract):
    def make_target(self, tmp_path, data):
        self.engine = open_engine(f"sqlite:///{tmp_path}/account.db")
        account_metadata.create_all(self.engine)
        account = EmbeddedAccount(self.engine, lambda: datetime(2026, 11, 2, tzinfo=UTC))
        account.load(data)
        return account

    def invitations(self, target):
        with reading(self.engine) as connection:
            return list(
                connection.execute(
                    select(mails.c.email).where(mails.c.kind == "invitation").order_by(mails.c.mail_id)
                ).scalars()
            )
