"""An account with one owner, whose mails are under test."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, Row, delete, insert, select, update

from connectors.fluix.account import account_metadata, applying
from connectors.fluix.account.connection import writing
from connectors.fluix.account.mail.mailing import Mailing
from connectors.fluix.account.settings import MailSettings, Settings, Smtp
from connectors.fluix.account.tables import activity, mails, users
from connectors.model import Outcome, Step, normalise_email
from syncd.store.engine import open_engine


@dataclass
class StandingClock:
    """A clock that moves only when told."""

    now: datetime = datetime(2026, 11, 2, 8, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **delta: float) -> None:
        self.now += timedelta(**delta)


class MailHouse:
    """The account `main` over SQLite, with olga@example.com as its owner."""

    def __init__(self, folder: Path) -> None:
        self.engine: Engine = open_engine(f"sqlite:///{folder}/account.db")
        account_metadata.create_all(self.engine)
        self.clock = StandingClock()
        self.settings = Settings(mail=MailSettings(None, "Fluix <fluix@example.com>"))
        self._numbers = count(1)
        self.add_admin("olga@example.com", owner=True)

    def add_admin(self, email: str, role: str = "", *, owner: bool = False, account: str = "main") -> None:
        row = {
            "account": account,
            "email": email,
            "email_key": email,
            "name": email,
            "name_key": email,
            "state": "active",
        }
        with self.engine.begin() as connection:
            connection.execute(insert(users), {**row, "role": role, "owner": owner, "created_at": self.clock.now})

    def apply(self, *steps: tuple[Any, ...]) -> list[Outcome]:
        made = [Step(f"op-{next(self._numbers)}", verb, fluix_id, values) for verb, fluix_id, values in steps]
        with writing(self.engine, "main") as connection:
            return applying.apply(connection, made, self.clock.now)

    def invite(self, email: str, name: str = "Somebody") -> None:
        """Add a user, who is invited."""
        (outcome,) = self.apply(("create_user", None, {"email": email, "display_name": name, "groups": ()}))
        assert outcome.state == "done", outcome.message

    def change(self, email: str, to: str) -> None:
        (outcome,) = self.apply(("update_user", str(self.user(email).user_id), {"email": to}))
        assert outcome.state == "done", outcome.message

    def delete(self, email: str) -> None:
        with self.engine.begin() as connection:
            connection.execute(delete(users).where(users.c.email == email))

    def set_user(self, whose: str, **values: Any) -> None:
        with self.engine.begin() as connection:
            connection.execute(update(users).where(users.c.email == whose).values(**values))

    def set_mail(self, mail_id: int, **values: Any) -> None:
        with self.engine.begin() as connection:
            connection.execute(update(mails).where(mails.c.mail_id == mail_id).values(**values))

    def mail(self, mail_id: int) -> Row[Any]:
        with self.engine.begin() as connection:
            return connection.execute(select(mails).where(mails.c.mail_id == mail_id)).one()

    def mails(self, kind: str) -> list[Row[Any]]:
        with self.engine.begin() as connection:
            return list(connection.execute(select(mails).where(mails.c.kind == kind).order_by(mails.c.mail_id)))

    def user(self, email: str) -> Row[Any]:
        with self.engine.begin() as connection:
            return connection.execute(select(users).where(users.c.email_key == normalise_email(email))).one()

    def activity(self, kind: str) -> list[str]:
        with self.engine.begin() as connection:
            return list(connection.execute(select(activity.c.text).where(activity.c.kind == kind)).scalars())

    def mailing(self, smtp: Smtp | None) -> Mailing:
        return Mailing(self.engine, self.clock, replace(self.settings, mail=replace(self.settings.mail, smtp=smtp)))

    def through(self, port: int, timeout: timedelta = timedelta(seconds=20)) -> Mailing:
        return self.mailing(Smtp("127.0.0.1", port, "none", timeout=timeout))
