"""What is not done without a person: leavers, budgets, sizes, approvals; and how long what was done stays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BeforeValidator,
    Field,
    field_validator,
    model_validator,
)

from connectors.email import email_problem
from syncd.config_file import (
    Fault,
    Section,
    faults,
    shorten,
)
from syncd.config_values import (
    Email,
    sample_size,
)

Kind = Literal["create", "update", "email_change", "delete", "remove_member", "admin"]
"""The kinds of change that have a budget of their own."""

_LEAST_DAYS, _MOST_DAYS = 31, 36_500

Percent = Annotated[float, Field(ge=0, le=100)]


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
