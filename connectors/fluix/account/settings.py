"""What an account's owner can set. Values only; `syncd.config_target` reads them from the configuration."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Literal

from connectors.fluix.account.mail.box_settings import BounceSettings


@dataclass(frozen=True, slots=True)
class Smtp:
    """The mail server that takes what the account sends."""

    host: str
    port: int = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str | None = None
    password: Callable[[], str] | None = None
    """Read each time that it is needed, and never kept."""
    timeout: timedelta = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class MailSettings:
    """Who writes, through which server, in which language."""

    smtp: Smtp | None = None
    """None: mails stay in the outbox, where they can be read."""
    sender: str = "Fluix <no-reply@localhost>"
    admins: tuple[str, ...] = ()
    """Who is told of a refused address; empty: every user with a role, and the owner."""
    language: str = "en"
    templates: Path | None = None
    """A folder whose templates stand before ours."""
    bounces: BounceSettings | None = None
    """The mailbox that bounces come into."""


@dataclass(frozen=True, slots=True)
class InvitationSettings:
    """How people come in."""

    link: str = "http://127.0.0.1:8480/invitation"
    """The page that an invitation's link opens; the token is put behind it."""
    expire: timedelta = timedelta(days=14)
    resend_limit: int = 5
    """How often one user can be invited again."""
    resend_pause: timedelta = timedelta(minutes=10)
    """The least time between two invitations of one user."""


@dataclass(frozen=True, slots=True)
class PasswordSettings:
    """The account's password rules."""

    min_length: int = 10
    classes: int = 3
    """How many of: small letters, capital letters, digits, other signs."""
    refuse_common: bool = True
    reset_link: str = "http://127.0.0.1:8480/password"
    reset_expire: timedelta = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class LoginSettings:
    """What stops somebody who guesses."""

    tries: int = 3
    block: timedelta = timedelta(minutes=1)
    """The first block; each further one without a good login between is twice as long."""
    longest_block: timedelta = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set for one account."""

    name: str = "main"
    seats: int | None = None
    """How many users there can be; None: no limit is known."""
    devices: int = 3
    """On how many devices a user can be signed in; one more signs out the first."""
    keep_deleted: timedelta = timedelta(days=30)
    early_access: tuple[str, ...] = ()
    """The groups whose members test pre-release apps."""
    mail: MailSettings = field(default_factory=MailSettings)
    invitations: InvitationSettings = field(default_factory=InvitationSettings)
    passwords: PasswordSettings = field(default_factory=PasswordSettings)
    logins: LoginSettings = field(default_factory=LoginSettings)


DEFAULTS = Settings()
