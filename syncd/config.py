"""The configuration: every key, what it means, its default, and what follows from it.

The descriptions below are the reference: docs and tests are made from them. May not: open any source, store or target.
Relative paths are relative to the configuration file. Every problem of a file is reported at once (`ConfigError`).
"""

from __future__ import annotations

import re
import string
import warnings
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Literal

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
from sqlalchemy.engine import make_url

from connectors.email import email_problem
from syncd.config_daemon import ScheduleConfig, ServeConfig
from syncd.config_file import (
    ConfigError,
    ConfigProblem,
    Fault,
    Located,
    Section,
    config_keys,
    faults,
    read_document,
    shorten,
)
from syncd.config_ldap import LdapSourceConfig
from syncd.config_mdm import MdmConfig
from syncd.config_scim import ScimServiceConfig, ScimSourceConfig, ScimTargetConfig
from syncd.config_scim_push import ScimPushSourceConfig
from syncd.config_target import AccountTargetConfig, PortalTargetConfig, TargetConfig, target_type
from syncd.config_values import (
    NOT_EMPTY,
    Attribute,
    Email,
    Expression,
    Name,
    Template,
    Text,
    delimiter_character,
    encoding_name,
    matches,
    one_of_types,
    sample_size,
    store_address,
    version_number,
)
from syncd.config_words import explain
from syncd.secrets import Secret, SecretError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Self

__all__ = ["Config", "ConfigError", "ConfigProblem", "Secret", "SecretError", "config_keys", "load_config"]

Kind = Literal["create", "update", "email_change", "delete", "remove_member", "admin"]
"""The kinds of change that have a budget of their own."""

_LEAST_DAYS, _MOST_DAYS = 31, 36_500

Percent = Annotated[float, Field(ge=0, le=100)]


# --- sources ------------------------------------------------------------------------------------------------------


class CsvSourceConfig(Located):
    """A CSV file, or a folder whose CSV files are read as one."""

    name: Name = Field(
        description="The source's name. It is part of every record's key: renaming it is a migration, since every link to "
        "an account hangs on it.",
    )
    type: Literal["csv"] = Field(
        description="What kind of source it is: `csv`, `ldap`, `scim` or `scim_push`.",
    )
    path: Text = Field(
        description="The CSV file, relative to the configuration file; or a folder, of which every .csv, .tsv and .txt file "
        "is read.",
    )
    columns: dict[Attribute, Text] | None = Field(
        default=None,
        description="Which header holds which attribute (`attribute: Header`); `email` must be among them. `id` should be, "
        "because without an immutable id a new email looks like one person leaving and another joining. Without "
        "`columns` the headers must be those of a Fluix import (`User Name, Email, Group Name`, or `Full Name, Email, "
        "Groups`).",
    )
    groups_separator: Annotated[str, matches(r"(?s).{1,3}", "a separator (1 to 3 characters)")] | None = Field(
        default=None,
        description="What stands between two groups in one cell, 1 to 3 characters. Without it a cell is one group.",
    )
    encoding: Annotated[str, AfterValidator(encoding_name)] | None = Field(
        default=None,
        description="The file's text encoding, by Python's names (utf-8, cp1252, big5). Without it the file must be UTF-8, or "
        "UTF-16 with a byte-order mark; anything else is refused rather than guessed.",
    )
    delimiter: Annotated[str, AfterValidator(delimiter_character)] | None = Field(
        default=None,
        description="What stands between two cells: comma, semicolon, tab, or the character itself. Without it the header "
        "line tells.",
    )
    final_line_break: bool = Field(
        default=False,
        description=(
            "Whether your export is known to end its last line with a line break. If true, a file that does not was cut, "
            "and nobody counts as gone."
        ),
    )
    settle_seconds: float = Field(
        default=1.0,
        ge=0,
        le=3600,
        description="How many seconds the file must have been left alone before it is read; a file that is still being "
        "written would look like people leaving. 0 does not wait.",
    )
    marker: Text | None = Field(
        default=None,
        description="Name of a file that the exporting program writes last, beside the CSV file (or in the folder). When given, "
        "nothing is read until it is there and newer than the data: the surest sign that the export is whole.",
    )

    @field_validator("columns")
    @classmethod
    def _email_is_mapped(cls, columns: dict[str, str] | None) -> dict[str, str] | None:
        if columns is not None and "email" not in columns:
            raise faults("`email` is missing among the columns: add `email: HEADER`, the header of the addresses")
        return columns

    @property
    def resolved_path(self) -> Path:
        """The file or folder, absolute when the configuration was read from a file."""
        return self._base / self.path


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


# --- people and groups --------------------------------------------------------------------------------------------


OnDrift = Literal["repair", "report"]


class DriftConfig(Section):
    """What happens to a change by hand, by attribute; an attribute that is not named is repaired."""

    email: OnDrift = Field(default="repair", description="An email that was changed in Fluix.")
    display_name: OnDrift = Field(default="repair", description="A name that was changed in Fluix.")
    groups: OnDrift = Field(default="repair", description="A user who was taken out of a group that we gave.")

    @property
    def by_attribute(self) -> dict[Literal["email", "display_name", "groups"], OnDrift]:
        """Attribute -> what happens."""
        return {"email": self.email, "display_name": self.display_name, "groups": self.groups}


def _worded(value: Any) -> str:
    return "[by attribute]" if isinstance(value, dict | DriftConfig) else "[word]"


class PeopleConfig(Section):
    """Who shall have an account, and what stands in it."""

    scope: Expression | None = Field(
        default=None,
        description="A Jinja2 expression over the record (`active and 'Contractors' not in groups`): who it is true for "
        "shall have an account. Without it: everybody who is active. An inactive person is out in any case, and whoever "
        "was in and falls out is a leaver.",
    )
    map: dict[Attribute, Template] = Field(
        default={},
        description='Jinja2 templates for attributes (`display_name: "{{ given_name }} {{ family_name }}"`). What is not '
        "named is taken as the source gives it.",
    )
    adopt: Literal["matched", "never"] = Field(
        default="matched",
        description="What happens to an account that is there already with a person's email. `matched`: it becomes ours and "
        "is updated, and deleted when its person leaves. `never`: it is reported and left alone.",
    )
    on_drift: Annotated[
        Annotated[OnDrift, Tag("[word]")] | Annotated[DriftConfig, Tag("[by attribute]")], Discriminator(_worded)
    ] = Field(
        default="repair",
        description="What happens to a change that somebody made in Fluix by hand. `repair`: it is set back to what the "
        "directory says. `report`: it is only named. One word for all, or by attribute.",
    )


class GroupRule(Section):
    """One line of `groups.map`. The first line that matches a group's whole name decides."""

    pattern: str = Field(
        alias="from",
        description="A regular expression for the directory's whole group name; give parts a name with `(?P<name>...)`.",
    )
    to: Text = Field(description="The group's name in Fluix; `{name}` stands for the part of that name.")

    @property
    def regex(self) -> re.Pattern[str]:
        """`from`, compiled."""
        return re.compile(self.pattern)

    @field_validator("pattern")
    @classmethod
    def compiles(cls, pattern: str) -> str:
        try:
            with warnings.catch_warnings():
                # Python warns where a bracket may one day mean something else: better asked than read wrongly.
                warnings.simplefilter("error")
                re.compile(pattern)
        except (re.error, Warning, RecursionError, OverflowError) as error:
            cure = "put \\ before a bracket or sign that means itself"
            raise faults(f"is no regular expression ({error}): {cure}") from None
        return pattern

    @model_validator(mode="after")
    def _names_exist(self) -> Self:
        named = self.regex.groupindex
        known = f"`from` names {', '.join(named)}" if named else "`from` names no part; write (?P<name>...) there"
        found = []
        try:
            for _, part, form, conversion in string.Formatter().parse(self.to):
                if part is not None and part not in named:
                    found.append(Fault(f"`{{{shorten(part)}}}` is no named part of `from`: {known}", ("to",)))
                elif form or conversion:
                    found.append(Fault(f"write `{{{part}}}` alone, without `!` and `:`", ("to",)))
        except ValueError:
            found = [Fault("has a brace without its partner: write {name}, and {{ or }} for a brace itself", ("to",))]
        if found:
            raise faults(*found)
        return self


class GroupsConfig(Section):
    """Which groups there shall be, and what they are called."""

    create: bool = Field(
        default=True,
        description="Whether a group that Fluix does not have is created. When false, memberships in it are reported and "
        "left out.",
    )
    map: Annotated[tuple[GroupRule, ...], Field(strict=False), NOT_EMPTY] | None = Field(
        default=None,
        description="Lines of `{from: regular expression, to: name}`. What no line names is left out. Without `map` every "
        "group is taken as it is.",
    )


# --- leavers ------------------------------------------------------------------------------------------------------


class DocumentsPolicy(Section):
    """What becomes of a leaver's drafts and assigned documents. Written `hold`, `discard` or `{reassign: WHO}`."""

    written_as = {"mode": None, "to": "reassign"}  # noqa: RUF012 - declared a ClassVar in Section

    mode: Literal["hold", "discard", "reassign"] = "hold"
    to: str | None = Field(
        default=None,
        description="Who gets a leaver's documents: `manager`, `group_owner`, or one email address.",
    )


def _documents(value: Any) -> Any:
    match value:
        case DocumentsPolicy():
            return value
        case "hold" | "discard":
            return DocumentsPolicy(mode=value)
        case {"reassign": str(to), **rest} if not rest:
            if to not in {"manager", "group_owner"} and email_problem(to):
                message = f'"{shorten(to)}" is nobody: write manager, group_owner or an email address'
                raise faults(Fault(message, ("reassign",)))
            return DocumentsPolicy(mode="reassign", to=to)
    raise faults("write hold, discard, or {reassign: WHO}, where WHO is manager, group_owner or an email address")


class LeaversConfig(Section):
    """How a person leaves. Every key here errs on the side of keeping the account."""

    grace_days: float = Field(
        default=7,
        ge=0,
        le=3650,
        description="Days between the first read without a person and the deletion. Meanwhile a return costs nothing. "
        "0 switches the waiting off.",
    )
    certified_absences: int = Field(
        default=2,
        ge=1,
        le=1000,
        description="How many certified reads in a row must be without a person before the deletion. 1 believes the first.",
    )
    on_leave: Literal["keep", "strip_groups"] = Field(
        default="keep",
        description="What happens to a leaver while waiting: `keep` leaves the account as it is, `strip_groups` takes it out "
        "of its groups.",
    )
    workflows: Literal["hold", "remove_first"] = Field(
        default="hold",
        description="A leaver who takes part in a workflow: `hold` waits for a person's approval, `remove_first` takes the "
        "leaver out of the workflow. Where a step would be left without anyone, both refuse.",
    )
    documents: Annotated[DocumentsPolicy, BeforeValidator(_documents)] = Field(
        default=DocumentsPolicy(),
        description="A leaver's drafts and assigned documents: `hold` waits for a person's approval, `discard` lets them go "
        "with the account, `{reassign: WHO}` hands them over first.",
    )
    protected: Annotated[tuple[Email, ...], Field(strict=False)] = Field(
        default=(),
        description="Emails of accounts that are never deleted, whatever the directory says.",
    )


# --- limits -------------------------------------------------------------------------------------------------------


class Limit(Section):
    """How many changes of a kind pass without an approval: a count, a percentage, or both (over either is held)."""

    count: int | None = Field(
        default=None, ge=0, description="At most so many changes. With 0 every one waits for an approval."
    )
    percent: Percent | None = Field(
        default=None,
        description="At most so many percent of the managed accounts (0 to 100). Not applied below `minimum_population`.",
    )

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self._limits():
            raise faults("an empty limit limits nothing: give `count`, `percent` or both, or `null` to switch it off")
        return self

    def _limits(self) -> bool:
        return self.count is not None or self.percent is not None


class MemberLimit(Limit):
    """How many removals from groups pass without an approval: over all groups, and for each group by itself."""

    per_group: Limit | None = Field(
        default=None,
        description="The limit for each group by itself: `count`, `percent` of its members, or both. Percentages are not "
        "applied to groups of fewer than `minimum_population` members.",
    )

    def _limits(self) -> bool:
        return super()._limits() or self.per_group is not None


def _kind(meaning: str, default: Limit | None = None) -> Any:
    return Field(default=default, description=f"The limit for {meaning}; `null` switches it off.")


class WindowBudget(Section):
    """The limits of one window of time. A kind that is given replaces the default of that kind only."""

    create: Limit | None = _kind("new accounts")
    update: Limit | None = _kind("changed names")
    email_change: Limit | None = _kind("changed emails, with which people log in")
    delete: Limit | None = _kind("deleted accounts")
    remove_member: MemberLimit | None = _kind("people taken out of groups")
    admin: Limit | None = _kind(
        "changes of any kind to users with a role or the owner, as far as the target tells who they are"
    )

    @property
    def limits(self) -> Mapping[Kind, Limit]:
        """The limits that are switched on, by kind."""
        every: dict[Kind, Limit | None] = {
            "create": self.create,
            "update": self.update,
            "email_change": self.email_change,
            "delete": self.delete,
            "remove_member": self.remove_member,
            "admin": self.admin,
        }
        return {kind: limit for kind, limit in every.items() if limit is not None}


class RunBudget(WindowBudget):
    """The limits of one run."""

    email_change: Limit | None = _kind("changed emails, with which people log in", Limit(count=25))
    delete: Limit | None = _kind("deleted accounts", Limit(count=25, percent=5))
    remove_member: MemberLimit | None = _kind("people taken out of groups", MemberLimit(percent=20))
    admin: Limit | None = _kind(
        "changes of any kind to users with a role or the owner, as far as the target tells who they are",
        Limit(count=10),
    )


class DayBudget(WindowBudget):
    """The limits of 24 hours."""

    delete: Limit | None = _kind("deleted accounts", Limit(count=50))


class WeekBudget(WindowBudget):
    """The limits of 7 days."""

    delete: Limit | None = _kind("deleted accounts", Limit(count=100))


class BudgetsConfig(Section):
    """How much may change before a person is asked."""

    run: RunBudget = Field(
        default=RunBudget(), description="The limits of one run. What is over them waits for an approval."
    )
    day: DayBudget = Field(
        default=DayBudget(),
        description="The limits of 24 hours, for the slow leak that no single run shows. What was done before counts, whoever "
        "approved it, together with what the plan would add.",
    )
    week: WeekBudget = Field(
        default=WeekBudget(),
        description="The limits of 7 days, counted in the same way.",
    )
    minimum_population: int = Field(
        default=20,
        ge=0,
        description="Below so many managed accounts percentages are not applied, because one person would be many percent. "
        "Counts always are.",
    )
    block: Literal["deletes", "kind", "all"] = Field(
        default="deletes",
        description="What a limit that is exceeded holds back: `kind` the changes of its own kind, `deletes` these and every "
        "deletion, `all` the whole run.",
    )


class ShrinkConfig(Section):
    """When a directory that became smaller is not believed."""

    max_percent: Percent = Field(
        default=30,
        description="A source or a group that lost more than so many percent (0 to 100) since its last certified read, or "
        "since its highest in the last 7 days, holds its absences: nobody is deleted or taken out because of it until a person "
        "approves.",
    )
    group_minimum: int = Field(
        default=10,
        ge=0,
        description="A group that had fewer members than this at its last certified read is not watched.",
    )


class ProofConfig(Section):
    """What is read back of the changes that Fluix acknowledged."""

    sample: Annotated[int | str, BeforeValidator(sample_size)] = Field(
        default=20,
        description="How many of every 500 changes of one kind are read back: a number, a percentage (`5 %`) or `all`. When "
        "one of them is not so, all of them are. Deletions are always all read back.",
    )

    @property
    def figures(self) -> tuple[int | None, float | None]:
        """As a count or as a percentage; neither: all."""
        if isinstance(self.sample, int):
            return self.sample, None
        return None, None if self.sample == "all" else float(self.sample.removesuffix("%"))


class ApprovalsConfig(Section):
    """A person's yes to what is held."""

    expire_hours: float = Field(
        default=72,
        gt=0,
        le=8760,
        description="Hours after which an approval that was not used is void.",
    )
    four_eyes: bool = Field(
        default=False,
        description="Whether who asked for a plan (`plan` or `run`) may not approve it. What was planned by schedule anybody "
        "may approve.",
    )


class RetentionConfig(Section):
    """How long what was done stays in the store."""

    audit_days: int = Field(
        default=0,
        description="Days after which rows of the audit are taken off its beginning; 0 keeps them for ever. Not less than 31 "
        "days, and what a deletion that can be recovered or an open work order needs stays longer.",
    )
    history_days: int = Field(
        default=0,
        description="Days after which plans, with their journal and approvals, and runs go; 0 keeps them for ever. Not less than "
        "audit_days, for from them it is known what people were called before, when their data is erased.",
    )

    @model_validator(mode="after")
    def _audit_goes_first(self) -> Self:
        if self.history_days and not 0 < self.audit_days <= self.history_days:
            message = f"is {self.history_days}: plans stay at least as long as the audit, so give audit_days, and not less here"
            raise faults(Fault(message, ("history_days",)))
        return self

    @field_validator("audit_days", "history_days")
    @classmethod
    def _long_enough(cls, days: int) -> int:
        if days != 0 and not _LEAST_DAYS <= days <= _MOST_DAYS:
            raise faults(f"is {days}: write 0 (for ever), or {_LEAST_DAYS} to {_MOST_DAYS} days")
        return days


# --- the whole ----------------------------------------------------------------------------------------------------


def _repeated(names: Iterable[object]) -> list[Fault]:
    """A fault for each name but the first that another source carries already."""
    counts: Counter[str] = Counter()
    found = []
    for index, name in enumerate(names):
        if isinstance(name, str):
            counts[name] += 1
            if counts[name] > 1:
                message = f'another source is named "{shorten(name)}" already: give each source its own name'
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
    schedule: ScheduleConfig = Field(default=ScheduleConfig(), description="When the daemon runs by itself.")
    mdm: MdmConfig | None = Field(
        default=None, description="The managed app config that pre-fills each person's email."
    )
    serve: ServeConfig = Field(default=ServeConfig(), description="The daemon's HTTP side.")

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

    @property
    def store_url(self) -> str:
        """The store's address with an absolute path, as SQLAlchemy takes it."""
        url = make_url(self.store)
        return url.set(database=str(self._base / str(url.database))).render_as_string(hide_password=False)

    def unused(self) -> list[str]:
        """The keys that were given and that this version does not use, for `check` to say so."""
        return ["store_password"] if self.store_password else []

    def secret_problems(self) -> list[str]:
        """Every secret that cannot be read at this moment, as sentences with the key and a cure."""
        secrets = {"store_password": self.store_password}
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
