"""Whom the account is for, and in which groups: the configuration's `people` and `groups`."""

from __future__ import annotations

import re
import string
import warnings
from typing import Annotated, Any, Literal, Self

from pydantic import (
    Discriminator,
    Field,
    Tag,
    field_validator,
    model_validator,
)

from syncd.config_file import (
    Fault,
    Section,
    faults,
    shorten,
)
from syncd.config_values import (
    NOT_EMPTY,
    Attribute,
    Expression,
    Template,
    Text,
)

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
    def _compiles(cls, pattern: str) -> str:
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
