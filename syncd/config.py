"""The configuration: every key, what it means, its default, and what follows from it.

The descriptions below are the reference: docs and tests are made from them. May not: open any source, store or target.
Relative paths are relative to the configuration file. Every problem of a file is reported at once (`ConfigError`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    PrivateAttr,
    Tag,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails
from sqlalchemy.engine import URL, make_url

from syncd.config_access import AccessConfig
from syncd.config_csv import CsvSourceConfig
from syncd.config_daemon import AlertsConfig, ScheduleConfig, ServeConfig
from syncd.config_file import (
    ConfigError,
    ConfigProblem,
    Fault,
    Located,
    config_keys,
    faults,
    read_document,
    shorten,
)
from syncd.config_ldap import LdapSourceConfig
from syncd.config_mdm import MdmConfig
from syncd.config_mdm_push import secrets_of
from syncd.config_notify import NotificationConfig
from syncd.config_people import GroupsConfig, PeopleConfig
from syncd.config_safety import (
    ApprovalsConfig,
    BudgetsConfig,
    LeaversConfig,
    ProofConfig,
    RetentionConfig,
    ShrinkConfig,
)
from syncd.config_scim import ScimServiceConfig, ScimSourceConfig, ScimTargetConfig
from syncd.config_scim_push import ScimPushSourceConfig
from syncd.config_target import AccountTargetConfig, PortalTargetConfig, TargetConfig, target_type
from syncd.config_values import (
    NOT_EMPTY,
    direct_address,
    one_of_types,
    store_address,
    version_number,
)
from syncd.config_watching import LogConfig, TracingConfig
from syncd.config_words import explain
from syncd.secrets import Secret, SecretError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Config", "ConfigError", "ConfigProblem", "Secret", "SecretError", "config_keys", "load_config"]


# --- sources ------------------------------------------------------------------------------------------------------


def _tag(source: Any) -> str:
    """By which type a source is measured; one without a type as CSV, so that the type is called missing."""
    kind = source.get("type") if isinstance(source, dict) else getattr(source, "type", None)
    return f"[{kind}]" if kind in {"ldap", "scim", "scim_push"} else "[csv]"


SourceConfig = Annotated[
    Annotated[CsvSourceConfig, Tag("[csv]")]
    | Annotated[LdapSourceConfig, Tag("[ldap]")]
    | Annotated[ScimSourceConfig, Tag("[scim]")]
    | Annotated[ScimPushSourceConfig, Tag("[scim_push]")],
    Discriminator(_tag),
    one_of_types("csv", "ldap", "scim", "scim_push"),
]


# --- the whole ----------------------------------------------------------------------------------------------------


def _repeated(names: Iterable[object], what: str = "source") -> list[Fault]:
    """A fault for each name but the first that another one carries already."""
    counts: Counter[str] = Counter()
    found = []
    for index, name in enumerate(names):
        if isinstance(name, str):
            counts[name] += 1
            if counts[name] > 1:
                message = f'another {what} is named "{shorten(name)}" already: give each {what} its own name'
                found.append(Fault(message, (index, "name")))
    return found


class Config(Located):
    """Everything that an operator can set."""

    version: Annotated[Literal[1], BeforeValidator(version_number)] = Field(
        description="The version of this file's format: write `version: 1`."
    )
    store: Annotated[str, AfterValidator(store_address)] = Field(
        default="sqlite:///var/syncd.db",
        description="Where everything long-lived is kept: links, plans, journal, ledger, the embedded account. A relative "
        "path is relative to the configuration file. Losing the store loses the knowledge of which accounts are ours.",
    )
    store_password: Secret | None = Field(
        default=None,
        description="The store's password, for a store that asks for one (SQLite does not).",
    )
    store_direct: Annotated[str, AfterValidator(direct_address)] | None = Field(
        default=None,
        description="Where `store` goes through PgBouncer: the address of the same database on the PostgreSQL server itself, "
        "with the same password. The run lock and the one of the mails take one connection each there.",
    )
    sources: Annotated[tuple[SourceConfig, ...], Field(strict=False), NOT_EMPTY] = Field(
        description="Where people and groups come from: a list with at least one source.",
    )
    target: TargetConfig = Field(
        default=AccountTargetConfig(),
        description="The Fluix side that is kept equal to the sources.",
    )
    people: PeopleConfig = Field(
        default=PeopleConfig(), description="Who shall have an account, and what stands in it."
    )
    groups: GroupsConfig = Field(default=GroupsConfig(), description="Which groups there shall be.")
    leavers: LeaversConfig = Field(default=LeaversConfig(), description="How a person leaves.")
    budgets: BudgetsConfig = Field(default=BudgetsConfig(), description="How much may change before a person is asked.")
    shrink: ShrinkConfig = Field(default=ShrinkConfig(), description="When a smaller directory is not believed.")
    proof: ProofConfig = Field(
        default=ProofConfig(), description="What is read back of the changes that Fluix acknowledged."
    )
    approvals: ApprovalsConfig = Field(default=ApprovalsConfig(), description="A person's yes to what is held.")
    retention: RetentionConfig = Field(
        default=RetentionConfig(), description="How long what was done stays in the store."
    )
    schedule: ScheduleConfig = Field(
        default=ScheduleConfig(),
        description="When the daemon runs by itself: all sources that have no `schedule` of their own.",
    )
    alerts: AlertsConfig = Field(default=AlertsConfig(), description="What an alarm is raised about.")
    mdm: MdmConfig | None = Field(
        default=None, description="The managed app config that pre-fills each person's email."
    )
    serve: ServeConfig = Field(default=ServeConfig(), description="The daemon's HTTP side.")
    access: AccessConfig = Field(default=AccessConfig(), description="How people come into the console.")
    notifications: Annotated[tuple[NotificationConfig, ...], Field(strict=False)] = Field(
        default=(), description="Who is told of what happened, by mail or otherwise."
    )
    log: LogConfig = Field(default=LogConfig(), description="What is written to standard error.")
    tracing: TracingConfig | None = Field(default=None, description="Where spans of each run are sent.")

    _lines: Mapping[str, int] = PrivateAttr(default_factory=dict)

    def model_post_init(self, context: Any, /) -> None:
        """Remember where each key stands."""
        super().model_post_init(context)
        self._lines = (context or {}).get("lines", {})

    def line_of(self, key: str) -> int | None:
        """The line of the file on which a key stands (`people.scope`, `groups.map[0]`); None where its default holds."""
        return self._lines.get(key)

    @field_validator("sources")
    @classmethod
    def _names_differ(cls, sources: tuple[SourceConfig, ...]) -> tuple[SourceConfig, ...]:
        if found := _repeated(source.name for source in sources):
            raise faults(*found)
        return sources

    @field_validator("notifications")
    @classmethod
    def _receivers_differ(cls, receivers: tuple[NotificationConfig, ...]) -> tuple[NotificationConfig, ...]:
        if found := _repeated((one.name for one in receivers), "receiver"):
            raise faults(*found)
        return receivers

    @model_validator(mode="after")
    def _hooks_name_sources(self) -> Self:
        names = [source.name for source in self.sources]
        found = [
            Fault(
                f"there is no source {hook.source}; there are: {shorten(', '.join(names))}",
                ("serve", "webhooks", number, "source"),
            )
            for number, hook in enumerate(self.serve.webhooks)
            if hook.source not in names
        ]
        if found:
            raise faults(*found)
        return self

    @property
    def store_url(self) -> str:
        """The store's address as SQLAlchemy takes it: SQLite's with an absolute path, PostgreSQL's with its password.

        Raises:
            SecretError: the password cannot be read.
        """
        url = make_url(self.store)
        if url.drivername != "sqlite":
            return self._with_password(url)
        return url.set(database=str(self._base / str(url.database))).render_as_string(hide_password=False)

    @property
    def store_direct_url(self) -> str | None:
        """The server's own address, where the store's goes through PgBouncer.

        Raises:
            SecretError: the password cannot be read.
        """
        direct = self.store_direct if not self.store.startswith("sqlite") else None
        return self._with_password(make_url(direct)) if direct else None

    def _with_password(self, url: URL) -> str:
        password = self.store_password.reveal() if self.store_password else None
        return url.set(password=password).render_as_string(hide_password=False)

    def unused(self) -> list[str]:
        """The keys that were given and that this version does not use, for `check` to say so."""
        kept = {"store_password": self.store_password, "store_direct": self.store_direct}
        return [key for key, value in kept.items() if value and self.store.startswith("sqlite")]

    def secret_problems(self) -> list[str]:
        """Every secret that cannot be read at this moment, as sentences with the key and a cure."""
        secrets = {"store_password": self.store_password}
        secrets["access.oidc.client_secret"] = self.access.oidc.client_secret if self.access.oidc else None
        match self.target:
            case AccountTargetConfig(mail=mail, bounces=bounces):
                secrets["target.mail.password"] = mail.password if mail else None
                secrets["target.bounces.imap.password"] = bounces.imap.password if bounces and bounces.imap else None
            case PortalTargetConfig(webhook=webhook) if webhook:
                secrets["target.webhook.url"] = webhook.url
            case ScimTargetConfig():
                secrets |= _scim_secrets("target", self.target)
            case _:
                pass
        for number, source in enumerate(self.sources):
            if isinstance(source, LdapSourceConfig) and source.bind:
                secrets[f"sources[{number}].bind.password"] = source.bind.password
            elif isinstance(source, ScimSourceConfig):
                secrets |= _scim_secrets(f"sources[{number}]", source)
            elif isinstance(source, ScimPushSourceConfig) and source.events:
                secrets[f"sources[{number}].events.authorization"] = source.events.authorization
        for number, push in enumerate(self.mdm.push if self.mdm else ()):
            secrets |= {f"mdm.push[{number}].{key}": secret for key, secret in secrets_of(push).items()}
        secrets |= {f"notifications[{number}].to": one.to for number, one in enumerate(self.notifications)}
        secrets["serve.metrics.token"] = self.serve.metrics.token
        secrets["tracing.authorization"] = self.tracing.authorization if self.tracing else None
        secrets |= {f"serve.webhooks[{number}].secret": hook.secret for number, hook in enumerate(self.serve.webhooks)}
        return [f"{key}: {problem}" for key, secret in secrets.items() if secret for problem in secret.problems()]


def _scim_secrets(place: str, service: ScimServiceConfig) -> dict[str, Secret | None]:
    given = service.auth.secrets if service.auth else {}
    return {f"{place}.auth.{key}": secret for key, secret in given.items()}


class _WithAccount(Config):
    target: AccountTargetConfig = AccountTargetConfig()


class _WithPortal(Config):
    target: PortalTargetConfig


class _WithScim(Config):
    target: ScimTargetConfig


_KINDS: Mapping[str, type[Config]] = MappingProxyType(
    {"account": _WithAccount, "portal": _WithPortal, "scim": _WithScim}
)


def load_config(path: Path) -> Config:
    """Read and check a configuration file.

    Args:
        path: the YAML file; relative paths in it are relative to its folder.

    Raises:
        ConfigError: with every problem at once, each with its line and its cure.
    """
    document = read_document(path)
    problems = list(document.problems)
    config = None
    try:
        context = {"base": path.absolute().parent, "lines": document.lines()}
        config = Config.model_validate(document.data, context=context)
    except ValidationError as error:
        kind, errors = _of_one_type(error, document.data, path)
        problems += explain(errors, document, kind)
    # Names are compared here once more, because pydantic compares them only when the sources have no other problem.
    match document.data:
        case {"sources": list(sources)}:
            names = [source.get("name") if isinstance(source, dict) else None for source in sources]
            problems += [document.problem(found.message, ("sources", *found.at)) for found in _repeated(names)]
    if config is None or problems:
        ordered = sorted(dict.fromkeys(problems), key=lambda problem: problem.line or 0)
        raise ConfigError(tuple(ordered), path=path) from None
    return config


def _of_one_type(error: ValidationError, data: object, path: Path) -> tuple[type[Config], list[ErrorDetails]]:
    """The same errors, and the keys that are known, where the target can only be of the type that is written there."""
    target = data.get("target", {}) if isinstance(data, dict) else {}
    kind = _KINDS[target_type(target)]
    written = target.get("type") if isinstance(target, dict) else None
    if isinstance(written, str) and target_type(target) != written:
        return Config, error.errors()
    try:
        kind.model_validate(data, context={"base": path.absolute().parent})
    except ValidationError as again:
        return kind, again.errors()
    return Config, error.errors()
