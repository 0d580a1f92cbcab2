"""The account as its users' apps see it: accepting, signing in, devices, and what is done there.

Nothing here asks who calls: whoever serves it to others checks that. A password is hashed outside of every transaction,
so that nobody waits for it; what was true before is asked again in the transaction that follows.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Engine, delete, select, update

from connectors.email import email_problem
from connectors.errors import PermanentError, RefusedError
from connectors.fluix.account import by_link, devices, logins, passwords
from connectors.fluix.account.by_link import Person
from connectors.fluix.account.connection import reading, writing
from connectors.fluix.account.devices import Device, Session
from connectors.fluix.account.mail.texts import Texts
from connectors.fluix.account.outcomes import record
from connectors.fluix.account.settings import DEFAULTS, Settings
from connectors.fluix.account.tables import activity, documents, users
from connectors.model import normalise_email

__all__ = ["Device", "Person", "Session", "SignIn"]

_LONGEST_TITLE = 300


class SignIn:
    """Accepting, signing in and using one account.

    Args:
        engine: of the store that holds the account's tables.
        clock: tells the time (aware, UTC) of what happens.
        settings: what the account's owner can set, and its name.
    """

    def __init__(self, engine: Engine, clock: Callable[[], datetime], settings: Settings = DEFAULTS) -> None:
        self._engine = engine
        self._clock = clock
        self._settings = settings
        self._texts = Texts(settings.mail)

    def _reading(self) -> AbstractContextManager[Connection]:
        return reading(self._engine, self._settings.name)

    def _writing(self) -> AbstractContextManager[Connection]:
        return writing(self._engine, self._settings.name)

    def invitation(self, token: str) -> Person:
        """Who is invited by a link, and whether the person has a password already.

        Raises:
            RefusedError: the link does not hold: forged, expired, used, superseded; or the user is gone or has another email.
        """
        with self._reading() as connection:
            return by_link.invited(connection, token, self._settings, self._clock())

    def accept(self, token: str, password: str | None) -> str:
        """Accept an invitation.

        Args:
            token: of the link.
            password: the new one. Whoever has one in another account of the store keeps that, and need not give it.

        Returns:
            The user's email.

        Raises:
            RefusedError: the link does not hold (see `invitation`), the password breaks rules, all of which are named, or
                it is not the one that the person has.
        """
        person = self.invitation(token)
        new_hash = None
        if not person.has_password:
            if not password:
                raise RefusedError("a password is needed", where=person.email, cure="choose one")
            passwords.check(password, self._settings.passwords, person.email, person.name)
            new_hash = passwords.hashed(password)
        elif password is not None:
            self._look_at(person.email, password)
        with self._writing() as connection:
            now = self._clock()
            self._require_same(by_link.invited(connection, token, self._settings, now), person)
            by_link.accept(connection, person, new_hash, now)
        return person.email

    def ask_reset(self, email: str) -> None:
        """Send a user the mail for a new password; at most one a minute goes to an address.

        Says nothing of whether there is such a user, whether a mail goes out, or why not.
        """
        if email_problem(email.strip()) is None:
            self._send_reset(email)

    def send_reset(self, email: str) -> None:
        """The same for an admin, who is told.

        Raises:
            PermanentError: there is no such user.
            RefusedError: the user has not accepted the invitation, or a mail went out less than a minute ago.
        """
        if why_not := self._send_reset(email):
            raise why_not

    def _send_reset(self, email: str) -> PermanentError | None:
        with self._writing() as connection:
            settings = self._settings.passwords
            return by_link.send_reset(connection, email.strip(), settings, self._texts, self._clock())

    def reset(self, token: str, password: str) -> str:
        """Set a new password with a reset's link, in every account; every device is signed out.

        Returns:
            The user's email.

        Raises:
            RefusedError: the link does not hold, or the password breaks rules, all of which are named.
        """
        with self._reading() as connection:
            person = by_link.resetting(connection, token, self._settings, self._clock())
        passwords.check(password, self._settings.passwords, person.email, person.name)
        new_hash = passwords.hashed(password)
        with self._writing() as connection:
            now = self._clock()
            self._require_same(by_link.resetting(connection, token, self._settings, now), person)
            by_link.reset(connection, person, new_hash, now)
        return person.email

    def sign_in(self, email: str, password: str, device: Device) -> Session:
        """Sign a user in on a device; when there are more devices than allowed, the first ones are signed out.

        Raises:
            RefusedError: the email or the password is wrong (it is not said which), the email is blocked (until when is
                said), the invitation is not accepted, or the device's description is no plain text.
        """
        device = devices.checked(device)
        email = email.strip()
        stored = self._look_at(email, password)
        fresh = passwords.renewed(stored, password)
        key = normalise_email(email)
        with self._writing() as connection:
            now = self._clock()
            user, row = by_link.user(connection, email), passwords.held(connection, key)
            if user is None or row is None or row.hash != stored:
                raise RefusedError("the password was changed at this moment", where=email, cure="sign in again")
            if user.state != "active":
                cure = "open the link in the invitation's mail, or ask an admin for another one"
                raise RefusedError(f"{user.email} has not accepted the invitation", where=email, cure=cure)
            if fresh:
                passwords.renew(connection, key, stored, fresh)
            connection.execute(update(users).where(users.c.user_id == user.user_id).values(last_login_at=now))
            session, gone = devices.register(connection, user.user_id, device, self._settings.devices, now)
            happened = [("signed out", f"{one.name}: {device.name} was one more than allowed") for one in gone]
            happened.append(("signed in", device.name))
            record(connection, [(user.user_id, kind, text) for kind, text in happened], now)
        return session

    def _look_at(self, email: str, password: str) -> str:
        """Count an attempt, look at its password, and take the count back. Returns the hash that it fits.

        Raises:
            RefusedError: blocked, or wrong.
        """
        if email_problem(email):  # nobody has it, and it is not worth a row
            raise logins.wrong(email, logins.Attempt())
        key = normalise_email(email)
        with self._writing() as connection:
            now = self._clock()
            tried = logins.attempt(connection, key, self._settings.logins, now)
            user, row = by_link.user(connection, email), passwords.held(connection, key)
        if tried.refused_until:
            raise logins.blocked(email, tried.refused_until)
        stored = row.hash if user and row else None
        if not passwords.matches(stored, password) or stored is None:
            if tried.blocks_until:
                self._tell_block(user.user_id if user else None, tried.blocks_until, now)
            raise logins.wrong(email, tried)
        with self._writing() as connection:
            logins.succeeded(connection, key)
        assert isinstance(stored, str)
        return stored

    def _tell_block(self, user_id: int | None, until: datetime, now: datetime) -> None:
        """Put a block into the user's activity. For nobody's address it is taken out again, so that both take as long."""
        with self._writing() as connection:
            record(connection, [(user_id, "blocked", f"until {logins.moment(until)}, after wrong passwords")], now)
            if user_id is None:
                nobodys = (activity.c.at == now, activity.c.user_id.is_(None), activity.c.kind == "blocked")
                connection.execute(delete(activity).where(*nobodys))

    @staticmethod
    def _require_same(now: Person, before: Person) -> None:
        if now != before:
            raise RefusedError("somebody changed the user at this moment", where=before.email, cure="try again")

    def session(self, secret: str) -> Session:
        """The session of this secret; that its device was seen is noted at most once a minute.

        Raises:
            RefusedError: the device is not signed in (any more).
        """
        now = self._clock()
        with self._reading() as connection:
            row = devices.of_secret(connection, secret)
        if row.seen_at <= now - devices.SEEN_EVERY:
            with self._writing() as connection:
                devices.seen(connection, row.device_id, now)
        return Session(secret, row.user_id, row.device_id)

    def devices(self, email: str) -> list[dict[str, Any]]:
        """A user's connected devices, the first one first.

        Raises:
            PermanentError: there is no such user.
        """
        with self._reading() as connection:
            rows = devices.connected(connection, self._find(connection, email))
        names = ("device_id", "identifier", "name", "platform", "app_version")
        moments = ("signed_in_at", "seen_at")
        return [
            {name: getattr(row, name) for name in names} | {at: getattr(row, at).isoformat() for at in moments}
            for row in rows
        ]

    def sign_out(self, email: str, device: int | str) -> str:
        """Log one device of a user out, as an admin does. Returns its name.

        Args:
            email: the user's.
            device: its id, or its identifier.

        Raises:
            PermanentError: there is no such user, or the user has no such device.
        """
        with self._writing() as connection:
            user_id = self._find(connection, email)
            row = devices.named(connection, user_id, device, email)
            devices.remove(connection, [row])
            record(connection, [(user_id, "signed out", f"{row.name}: by an admin")], self._clock())
        name: str = row.name
        return name

    @staticmethod
    def _find(connection: Connection, email: str) -> int:
        row = by_link.user(connection, email)
        if row is None:
            raise PermanentError(f"there is no user {email}", where=email, cure="see `syncd users list`")
        user_id: int = row.user_id
        return user_id

    def submit_document(self, session: Session, title: str) -> None:
        """Submit a document; a draft or assigned one of this title is not open any more, a draft before an assigned one.

        Raises:
            RefusedError: the device is not signed in (any more), or the title is no plain text.
        """
        self._use(session, "submitted", title)

    def edit_document(self, session: Session, title: str) -> None:
        """Note that a document was edited.

        Raises:
            RefusedError: the device is not signed in (any more), or the title is no plain text.
        """
        self._use(session, "edited", title)

    def _use(self, session: Session, kind: Literal["submitted", "edited"], title: str) -> None:
        title = devices.plain(title, "the title", _LONGEST_TITLE)
        if not title:
            raise RefusedError("the document has no title", cure="give one")
        with self._writing() as connection:
            now = self._clock()
            user_id = devices.of_secret(connection, session.secret).user_id
            if kind == "submitted":
                theirs = (documents.c.user_id == user_id, documents.c.title == title)
                first = select(documents.c.document_id).where(*theirs)
                first = first.order_by(documents.c.state.desc(), documents.c.document_id).limit(1)
                connection.execute(delete(documents).where(documents.c.document_id.in_(first)))
            record(connection, [(user_id, kind, title)], now)

    def forget_strangers(self) -> int:
        """Erase the counts of wrong logins with addresses that nobody has, a day after the last one. Returns how many."""
        with self._writing() as connection:
            return logins.forget_strangers(connection, self._clock())
