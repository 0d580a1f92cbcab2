"""Configuration -> everything that runs: the only place where parts are put together."""

from __future__ import annotations

import getpass
import hashlib
import logging
import os
import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import Engine

from connectors.base import Source, Target
from connectors.errors import RetryableError
from connectors.fluix.webhook import Webhook
from connectors.model import normalise_email
from connectors.registry import source_class, target_class
from syncd import log
from syncd.config import Config, SourceConfig
from syncd.config_ldap import LdapSourceConfig
from syncd.config_safety import MemberLimit, WindowBudget
from syncd.config_scim import ScimSourceConfig, ScimTargetConfig
from syncd.config_scim_push import ScimPushSourceConfig
from syncd.config_target import PortalTargetConfig
from syncd.core.budgets import BudgetKind, Budgets, Limit
from syncd.core.diff import Ground
from syncd.core.explain import Rule, Ways
from syncd.core.leaving import Farewells
from syncd.core.proof import Sampling
from syncd.core.rules import GroupRule, Rules
from syncd.core.safety import Policy
from syncd.core.shrinkage import Shrinkage
from syncd.secrets import Secret, SecretError
from syncd.store import engine, paces, runs
from syncd.store.engine import open_engine, require_current
from syncd.store.orders import OrderBook
from syncd.store.retention import Keep
from syncd.store.sources import SourceMemory
from syncd.sync import Progress, Sync, Telling

if TYPE_CHECKING:
    from connectors.fluix.portal.target import PortalTarget
    from syncd.explaining import Asked

_ldap_log = logging.getLogger("syncd.ldap")
"""Told every search of a directory, as the `ldapsearch` command that does the same."""
_scim_log = logging.getLogger("syncd.scim")
"""Told every request to a SCIM service."""
_LOG_KEY: Final = "log key"


def utc_now() -> datetime:
    """The clock of everything."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class App:
    """A configuration and its open store."""

    config: Config
    store: Engine
    clock: Callable[[], datetime] = utc_now

    @property
    def calling(self) -> str:
        """What a leader and a worker have to agree about: the store's revision, and what decides how a change is applied."""
        config = self.config
        decides = (config.people, config.groups, config.leavers, config.proof, config.approvals)
        said = [part.model_dump_json() for part in decides] + [
            config.target.type,
            config.target.url if isinstance(config.target, ScimTargetConfig) else "",
            *(one.name for one in config.sources),
        ]
        digest = hashlib.blake2b("\n".join(said).encode(), digest_size=6).hexdigest()
        return f"{engine.REVISION}-{digest}"

    def on(self, store: Engine) -> App:
        """The same program, which writes the store so: as the holder of a lock."""
        return replace(self, store=store)

    def target(self) -> Target:
        """The Fluix side."""
        target = self.config.target
        if isinstance(target, PortalTargetConfig):
            return self.portal(target)
        if isinstance(target, ScimTargetConfig):
            return self.scim(target)
        made: Target = target_class(target.type)(self.store, self.clock, target.settings)
        return made

    def portal(self, target: PortalTargetConfig) -> PortalTarget:
        """The portal, with what it keeps in the store, and whom it tells."""
        book = OrderBook(self.store, target.name, actor)
        teller = None
        if hook := target.webhook:
            from connectors.fluix.portal.notice import Notice  # noqa: PLC0415 - whoever has another target needs none of it

            timeout = timedelta(seconds=hook.timeout_seconds)
            teller = Notice(Webhook(lambda: _address(hook.url), book, timeout=timeout, clock=self.clock), hook.fields)
        made: PortalTarget = target_class("portal")(book, self.clock, target.settings, teller)
        return made

    def scim(self, target: ScimTargetConfig) -> Target:
        """An endpoint that speaks SCIM."""
        settings = target.settings
        if rate := target.requests_per_second:
            pace = paces.pace_of(self.store, "target", rate)
            settings = replace(settings, access=replace(settings.access, pace=pace))
        made: Target = target_class("scim")(settings, log=_scim_log.info, clock=self.clock)
        return made

    def budgets(self) -> Budgets:
        """How much may change before a person is asked."""
        return budgets_of(self.config)

    def sync(
        self,
        progress: Progress = lambda _stage, _count: None,
        critical: Callable[[], AbstractContextManager[None]] = nullcontext,
        began: Callable[[int], None] = lambda _run_id: None,
    ) -> Sync:
        """Everything that a run needs."""
        config = self.config
        sources = {source.name: _source(source, self.store, self.clock) for source in config.sources}
        return Sync(
            store=self.store,
            sources=sources,
            target=self.target(),
            rules=rules_of(config),
            rules_digest=_digest(config),
            ground=ground_of(config),
            farewells=farewells_of(config),
            documents_to=config.leavers.documents.to or "",
            policy=_policy(config),
            adopt=config.people.adopt == "matched",
            approval_lasts=timedelta(hours=config.approvals.expire_hours),
            actor=actor(),
            clock=self.clock,
            full_every={source.name: every for source in config.sources if (every := _full_every(source))},
            progress=progress,
            critical=critical,
            began=began,
            keep=Keep(timedelta(days=config.retention.audit_days), timedelta(days=config.retention.history_days)),
            sampling=Sampling(*config.proof.figures),
            calling=self.calling,
            tells={name: source.tell for name, source in sources.items() if isinstance(source, Telling)},
        )


def open_app(config: Config, clock: Callable[[], datetime] = utc_now) -> App:
    """Open the store, and make it ready when it is new.

    Raises:
        StoreError: it cannot be opened, or is of another version.
    """
    store = open_engine(config.store_url, config.store_direct_url)
    require_current(store)
    return App(config, store, clock)


def open_log(app: App) -> None:
    """Write the log from now on, as it is configured; emails are digested with a secret that the store keeps."""
    runs.remember_first(app.store, _LOG_KEY, secrets.token_hex(32))
    log.install(app.config.log, runs.recall(app.store, _LOG_KEY) or "")


def actor() -> str:
    """Who calls, for the audit: the operating system's user name, and who became that user by sudo."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = f"uid {os.getuid()}"
    behind = os.environ.get("SUDO_USER")
    return f"{behind} as {name}" if behind and behind != name else name


def _address(secret: Secret) -> str:
    """The webhook's address. That it cannot be read is no reason to lose an order: it is tried again."""
    try:
        return secret.reveal()
    except SecretError as error:
        raise RetryableError(f"the webhook's address cannot be read: {error.what}") from None


def _full_every(source: SourceConfig) -> timedelta | None:
    """How long a source is asked only for what changed; what is pushed stands in our own store, and misses nothing."""
    if isinstance(source, LdapSourceConfig | ScimSourceConfig):
        return timedelta(hours=source.full_every_hours)
    return timedelta(days=1) if isinstance(source, ScimPushSourceConfig) else None


def _source(source: SourceConfig, store: Engine, clock: Callable[[], datetime]) -> Source:
    made: Source
    if isinstance(source, ScimPushSourceConfig):
        from syncd.pushed import PushedSource  # noqa: PLC0415 - only where somebody pushes

        return PushedSource(source.name, store, clock)
    if isinstance(source, ScimSourceConfig):
        made = source_class(source.type)(source.name, source.settings, log=_scim_log.info, clock=clock)
        return made
    if isinstance(source, LdapSourceConfig):
        memory = SourceMemory(store, source.name)
        made = source_class(source.type)(source.name, source.settings, log=_ldap_log.info, memory=memory, clock=clock)
        return made
    made = source_class(source.type)(
        source.name,
        source.resolved_path,
        source.columns,
        groups_separator=source.groups_separator,
        encoding=source.encoding,
        delimiter=source.delimiter,
        settle_seconds=source.settle_seconds,
        final_line_break=source.final_line_break,
        marker=source.resolved_path.parent / source.marker if source.marker else None,
    )
    return made


def rules_of(config: Config) -> Rules:
    """Scope, mapping and groups."""
    groups = config.groups.map
    return Rules(
        config.people.scope,
        config.people.map,
        None if groups is None else tuple(GroupRule(rule.regex, rule.to) for rule in groups),
    )


def _digest(config: Config) -> str:
    """Tells whether everybody has to be looked at again, because what decides about them changed."""
    said = config.people.model_dump_json() + config.groups.model_dump_json()
    return hashlib.blake2b(said.encode(), digest_size=16).hexdigest()


def ground_of(config: Config) -> Ground:
    """The policy of comparing."""
    drift = config.people.on_drift
    return Ground(
        now=datetime.min.replace(tzinfo=UTC),
        create_groups=config.groups.create,
        on_drift=drift if isinstance(drift, str) else drift.by_attribute,
        grace=timedelta(days=config.leavers.grace_days),
        certified_absences=config.leavers.certified_absences,
        strip_groups=config.leavers.on_leave == "strip_groups",
    )


def farewells_of(config: Config) -> Farewells:
    """The policy for leavers."""
    protected = frozenset(map(normalise_email, config.leavers.protected))
    return Farewells(config.leavers.workflows, config.leavers.documents.mode, protected)


def _policy(config: Config) -> Policy:
    return Policy(
        budgets_of(config),
        Shrinkage(config.shrink.max_percent, config.shrink.group_minimum),
    )


def budgets_of(config: Config) -> Budgets:
    """How much may change before a person is asked."""
    budgets = config.budgets
    return Budgets(
        run=_limits(budgets.run),
        day=_limits(budgets.day),
        week=_limits(budgets.week),
        minimum_population=budgets.minimum_population,
        block=budgets.block,
    )


def _limits(window: WindowBudget) -> dict[BudgetKind, Limit]:
    limits: dict[BudgetKind, Limit] = {}
    for kind, limit in window.limits.items():
        each = limit.per_group if isinstance(limit, MemberLimit) else None
        limits[kind] = Limit(limit.count, limit.percent, Limit(each.count, each.percent) if each else None)
    return limits


def asked_of(app: App) -> Asked:
    """What `why` works with: the store, and the rules with the lines on which they stand."""
    from syncd.explaining import Asked  # noqa: PLC0415 - only where somebody asks

    config = app.config
    ways = Ways(
        rules_of(config),
        lambda key: Rule(key, config.line_of(key)),
        tuple(source.name for source in config.sources),
    )
    return Asked(app.store, ways, ground_of(config), config.people.adopt == "matched", app.clock())
