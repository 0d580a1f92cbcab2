"""The configuration's `target` section: the Fluix side, and what can be set for it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self, TypeGuard

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from connectors.fluix.account.mail.box_settings import BounceSettings, Imap
from connectors.fluix.account.settings import (
    InvitationSettings,
    LoginSettings,
    MailSettings,
    PasswordSettings,
    Settings,
    Smtp,
)
from syncd.config_file import Fault, Located, Section, faults, shorten
from syncd.config_portal import PortalTargetConfig, WebhookConfig
from syncd.config_scim import ScimTargetConfig
from syncd.config_values import Email, Name, Text, matches
from syncd.secrets import Secret

__all__ = [
    "AccountTargetConfig",
    "PortalTargetConfig",
    "ScimTargetConfig",
    "TargetConfig",
    "WebhookConfig",
    "target_type",
]

Language = Literal["de", "en", "es", "fr", "nl"]
Link = Annotated[str, matches(r"https?://[^\s?#]+", "the address of a page (https://HOST/PATH)")]


class MailConfig(Section):
    """The mail server through which the account writes."""

    host: Text = Field(description="The mail server's name.")
    port: int = Field(default=587, ge=1, le=65535, description="The mail server's port.")
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls",
        description="How the way to the server is encrypted: `starttls` (port 587), `tls` (port 465), or `none`, for a server on "
        "this machine.",
    )
    user: Text | None = Field(default=None, description="The name to log in with; without it nobody logs in.")
    password: Secret | None = Field(default=None, description="The password that goes with `user`.")
    timeout_seconds: float = Field(
        default=30, gt=0, le=600, description="How long an answer of the server is waited for."
    )

    @property
    def smtp(self) -> Smtp:
        """As the account takes it."""
        return Smtp(
            self.host,
            self.port,
            self.security,
            self.user,
            self.password.reveal if self.password else None,
            timedelta(seconds=self.timeout_seconds),
        )


class ImapConfig(Section):
    """A folder on an IMAP server."""

    host: Text = Field(description="The IMAP server's name.")
    port: int = Field(default=993, ge=1, le=65535, description="The IMAP server's port.")
    security: Literal["tls", "starttls", "none"] = Field(
        default="tls",
        description="How the way to the server is encrypted: `tls` (port 993), `starttls` (port 143), or `none`, for a server on "
        "this machine.",
    )
    user: Text = Field(description="The name to log in with.")
    password: Secret = Field(description="The password that goes with `user`.")
    folder: Text = Field(
        default="INBOX", description="The folder that bounces come into. Messages are marked as seen, never deleted."
    )
    timeout_seconds: float = Field(
        default=30, gt=0, le=600, description="How long an answer of the server is waited for."
    )

    @property
    def imap(self) -> Imap:
        """As the account takes it."""
        seconds = timedelta(seconds=self.timeout_seconds)
        return Imap(self.host, self.user, self.password.reveal, self.port, self.security, self.folder, seconds)


class BouncesConfig(Located):
    """The mailbox of `sender`, where mails that did not arrive come back. One of `path` and `imap`."""

    path: Text | None = Field(default=None, description="An mbox file, which is only read, or a Maildir.")
    imap: ImapConfig | None = Field(default=None, description="A folder on an IMAP server.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.path is None) == (self.imap is None):
            raise faults("bounces need one of `path` and `imap`: name the mailbox's file, or its server")
        return self

    @property
    def settings(self) -> BounceSettings:
        """As the account takes it."""
        return BounceSettings(self._base / self.path if self.path else None, self.imap.imap if self.imap else None)


class InvitationsConfig(Section):
    """How people come in."""

    link: Link = Field(
        default="http://127.0.0.1:8480/invitation",
        description="The page that an invitation's link opens; a signed token is put behind it.",
    )
    expire_days: float = Field(default=14, gt=0, le=365, description="Days after which an invitation's link is void.")
    resend_limit: int = Field(default=5, ge=0, description="How often one user can be invited again.")
    resend_pause_minutes: float = Field(
        default=10, ge=0, description="The least time between two invitations of one user."
    )


class PasswordsConfig(Section):
    """The account's password rules."""

    min_length: int = Field(default=10, ge=1, le=128, description="The fewest characters of a password.")
    classes: int = Field(
        default=3,
        ge=1,
        le=4,
        description="How many of these a password must have: small letters, capital letters, digits, other signs.",
    )
    refuse_common: bool = Field(
        default=True, description="Whether the passwords that everybody tries first are refused."
    )
    reset_link: Link = Field(
        default="http://127.0.0.1:8480/password",
        description="The page that the link in a password reset's mail opens; a signed token is put behind it.",
    )
    reset_expire_minutes: float = Field(
        default=60, gt=0, le=10080, description="Minutes after which a reset's link is void."
    )


class LoginsConfig(Section):
    """What stops somebody who guesses passwords."""

    tries: int = Field(default=3, ge=1, le=100, description="After so many wrong passwords nobody gets in for a while.")
    block_minutes: float = Field(
        default=1, gt=0, description="How long that is; each time without a good login between, it is twice as long."
    )
    longest_block_minutes: float = Field(default=60, gt=0, description="The longest that it ever is.")


class AccountTargetConfig(Located):
    """The embedded Fluix account: every rule of the Users guide, in our own store."""

    type: Literal["account"] = Field(
        default="account",
        description="How Fluix is reached. `account` is the embedded account, kept in our own store.",
    )
    name: Name = Field(default="main", description="The account's name: a store can hold several.")
    seats: Annotated[int, Field(ge=0)] | None = Field(
        default=None,
        description="How many users there can be. What is over them waits, and says so. Without it there is no limit.",
    )
    devices: int = Field(
        default=3, ge=1, description="On how many devices one user can be signed in; one more signs out the first."
    )
    early_access: Annotated[tuple[Text, ...], Field(strict=False)] = Field(
        default=(), description="The groups whose members test pre-release apps, for `syncd users early-access`."
    )
    sender: Text = Field(default="Fluix <no-reply@localhost>", description="Who writes the account's mails.")
    admins: Annotated[tuple[Email, ...], Field(strict=False)] = Field(
        default=(),
        description="Who is told when an address is not accepted. Without it: everybody with a role, and the owner.",
    )
    language: Language = Field(default="en", description="The language of the account's mails: de, en, es, fr or nl.")
    templates: Text | None = Field(
        default=None,
        description="A folder whose templates (`invitation.de.txt`) stand in for ours.",
    )
    mail: MailConfig | None = Field(
        default=None,
        description="The mail server. Without it mails stay in the outbox, where `syncd account outbox` shows them.",
    )
    bounces: BouncesConfig | None = Field(
        default=None, description="The mailbox that bounces come into, for `syncd account bounces`."
    )
    invitations: InvitationsConfig = Field(default=InvitationsConfig(), description="How people come in.")
    passwords: PasswordsConfig = Field(default=PasswordsConfig(), description="The account's password rules.")
    logins: LoginsConfig = Field(default=LoginsConfig(), description="What stops somebody who guesses passwords.")

    @property
    def settings(self) -> Settings:
        """As the account takes it."""
        return Settings(
            name=self.name,
            seats=self.seats,
            devices=self.devices,
            early_access=self.early_access,
            mail=MailSettings(
                self.mail.smtp if self.mail else None,
                self.sender,
                self.admins,
                self.language,
                self._base / self.templates if self.templates else None,
                self.bounces.settings if self.bounces else None,
            ),
            invitations=InvitationSettings(
                self.invitations.link,
                timedelta(days=self.invitations.expire_days),
                self.invitations.resend_limit,
                timedelta(minutes=self.invitations.resend_pause_minutes),
            ),
            passwords=PasswordSettings(
                self.passwords.min_length,
                self.passwords.classes,
                self.passwords.refuse_common,
                self.passwords.reset_link,
                timedelta(minutes=self.passwords.reset_expire_minutes),
            ),
            logins=LoginSettings(
                self.logins.tries,
                timedelta(minutes=self.logins.block_minutes),
                timedelta(minutes=self.logins.longest_block_minutes),
            ),
        )


_TYPES: Mapping[str, type[Section]] = MappingProxyType(
    {"account": AccountTargetConfig, "portal": PortalTargetConfig, "scim": ScimTargetConfig}
)


def target_type(value: Any) -> str:
    """The type of a target section; the embedded account where it does not say."""
    kind = value.get("type", "account") if isinstance(value, dict) else getattr(value, "type", "account")
    return kind if kind in _TYPES else "account"


def _known_type(value: Any) -> Any:
    kind = value.get("type") if isinstance(value, dict) else None
    if isinstance(kind, str) and kind not in _TYPES:
        known = " or ".join(f"`{name}`" for name in _TYPES)
        raise faults(Fault(f'`type` is the text "{shorten(kind)}": write {known}', ("type",)))
    return value


TargetConfig = Annotated[
    Annotated[AccountTargetConfig, Tag("account")]
    | Annotated[PortalTargetConfig, Tag("portal")]
    | Annotated[ScimTargetConfig, Tag("scim")],
    Discriminator(target_type),
    BeforeValidator(_known_type),
]


def has_mail_server(target: TargetConfig) -> TypeGuard[AccountTargetConfig]:
    """Whether the account's mails are sent; else they stay in the outbox, or are somebody else's."""
    return isinstance(target, AccountTargetConfig) and target.mail is not None
