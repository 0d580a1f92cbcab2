"""A store whose users sign in, and a clock that tests turn."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from argon2 import PasswordHasher
from sqlalchemy import insert, select

from connectors.fluix.account import account_metadata, passwords
from connectors.fluix.account.connection import reading, writing
from connectors.fluix.account.mail import links, outbox
from connectors.fluix.account.settings import Settings
from connectors.fluix.account.signing_in import Device, SignIn
from connectors.fluix.account.tables import activity, mails, users
from connectors.model import normalise_email, normalise_name
from syncd.store.engine import open_engine

GOOD = "Sturdy-Lamp-47"
OTHER = "Quiet-River-82"
PHONE = Device("phone-1", "Phone", "iOS 19", "8.1")


class Place:
    """One account of a store.

    Args:
        url: the store's.
        settings: the account's.
    """

    def __init__(self, url: str, settings: Settings | None = None) -> None:
        self.engine = open_engine(url)
        account_metadata.create_all(self.engine)
        self.now = datetime(2026, 11, 2, 8, 30, tzinfo=UTC)
        self.settings = settings or Settings()
        self.door = SignIn(self.engine, lambda: self.now, self.settings)

    def beside(self, name: str = "south", **settings) -> Place:
        """Another account of the same store."""
        other = object.__new__(Place)
        other.engine, other.now = self.engine, self.now
        other.settings = replace(self.settings, name=name, **settings)
        other.door = SignIn(self.engine, lambda: self.now, other.settings)
        return other

    def later(self, **delta: float) -> None:
        self.now += timedelta(**delta)

    def writing(self):
        return writing(self.engine, self.settings.name)

    def add(self, email: str, name: str = "Anna Berg", state: str = "invited") -> int:
        """A user, who was not written to."""
        values = {"account": self.settings.name, "email": email, "email_key": normalise_email(email), "name": name}
        values |= {"name_key": normalise_name(name), "state": state, "role": "", "owner": False, "created_at": self.now}
        with self.writing() as connection:
            return connection.execute(insert(users).values(values).returning(users.c.user_id)).scalar_one()

    def invite(self, email: str, user_id: int) -> str:
        """The token of a new invitation's link."""
        with self.writing() as connection:
            mail_id = outbox.queue(connection, kind="invitation", email=email, user_id=user_id, now=self.now)
            says = {"user": user_id, "email": email, "mail": mail_id}
            return links.sign(connection, "invitation", says, self.now)

    def user(self, email: str, password: str = GOOD, name: str = "Anna Berg") -> int:
        """A user who accepted."""
        user_id = self.add(email, name)
        self.door.accept(self.invite(email, user_id), password)
        return user_id

    def row(self, table, *conditions):
        with reading(self.engine, self.settings.name) as connection:
            return connection.execute(select(table).where(*conditions)).first()

    def rows(self, table, *conditions):
        with reading(self.engine, self.settings.name) as connection:
            return connection.execute(select(table).where(*conditions)).all()

    def happened(self, user_id: int | None = None) -> list[tuple[str, str]]:
        """Kind and text of what the activity tells."""
        condition = activity.c.account == self.settings.name
        return [(a.kind, a.text) for a in self.rows(activity, condition) if user_id is None or a.user_id == user_id]

    def reset_tokens(self) -> list[str]:
        """The tokens of all reset mails, as their readers find them."""
        texts = [mail.text for mail in self.rows(mails, mails.c.kind == "password_reset")]
        return [re.search(r"\?token=(\S+)", text)[1] for text in texts]


def quick_hashes(monkeypatch) -> None:
    """Hashes that cost next to nothing, for tests that are not about them."""
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    passwords._nobodys.cache_clear()
