"""What the operator's expressions make of one record: in scope or not, mapped attributes, mapped groups.

Scope is a Jinja2 expression, a mapping a Jinja2 template, both in Jinja2's sandbox: they see the record's attributes and
nothing else, and an attribute that is not there is an error and never just empty.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from jinja2 import StrictUndefined, TemplateError
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from connectors.email import email_problem
from connectors.model import Value, normalise_email, normalise_name

OUT_OF_SCOPE = "is out of scope"

_UNWORKABLE = (
    TemplateError,
    SecurityError,
    TypeError,
    ValueError,
    ArithmeticError,
    LookupError,
    AttributeError,
    RecursionError,
)
"""What an operator's expression can raise on a record that it was not written for."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What one record asks Fluix to hold."""

    email: str
    display_name: str
    groups: tuple[str, ...]
    """Fluix's group names, sorted, each once by `normalise_name`."""

    @property
    def address(self) -> str:
        """The email as it is compared."""
        return normalise_email(self.email)


@dataclass(frozen=True, slots=True)
class Shaped:
    """What the rules made of one record: exactly one of `wanted`, `out` and `problem` says what to do."""

    email: str | None
    """The address as it is compared, as far as it could be made out, whatever else is wrong."""
    wanted: Wanted | None = None
    out: str = ""
    """Why the record gives no account: `is not active`, `is out of scope`."""
    problem: str = ""
    """Why nobody can say: the record is unknown, and what exists for it stays as it is."""


@dataclass(frozen=True, slots=True)
class GroupRule:
    """A line of `groups.map`: a pattern that the whole name must match, and the name that it becomes."""

    pattern: re.Pattern[str]
    to: str

    def __call__(self, name: str) -> str | None:
        """Fluix's name for this group, or None when this line does not name it."""
        found = self.pattern.fullmatch(name)
        return None if found is None else self.to.format_map(found.groupdict(default=""))


@dataclass(slots=True)
class Rules:
    """The operator's rules, compiled once.

    Args:
        scope: expression over a record's attributes; None takes everybody who is active.
        mapping: attribute -> template.
        groups: the lines of `groups.map`, first match wins; None takes every group as it is.

    Raises:
        jinja2.TemplateSyntaxError: an expression is not one. The configuration refuses it before.
    """

    scope: str | None = None
    mapping: Mapping[str, str] = field(default_factory=dict)
    groups: tuple[GroupRule, ...] | None = None
    _in_scope: Callable[..., Any] | None = field(init=False, default=None)
    _templates: dict[str, Callable[..., str]] = field(init=False, default_factory=dict)
    _names: dict[str, str | None] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
        if self.scope is not None:
            self._in_scope = environment.compile_expression(self.scope, undefined_to_none=False)
        self._templates = {name: environment.from_string(text).render for name, text in self.mapping.items()}

    def shape(self, attributes: Mapping[str, Value], groups: Iterable[str] = ()) -> Shaped:
        """What Fluix should hold for a record.

        Args:
            attributes: the record's, as its source gave them.
            groups: further groups of the source, known through group records.
        """
        seen = seen_by_rules(attributes, groups)
        named = _texts(seen["groups"])
        email = str(seen.get("email", ""))
        try:
            mapped = {name: render(seen).strip() for name, render in self._templates.items()}
            email = mapped.get("email", email)
            if not isinstance(seen["active"], bool):
                return Shaped(
                    normalise_email(email) or None, problem=f"active is neither true nor false: {seen['active']}"
                )
            if not seen["active"]:
                return Shaped(normalise_email(email) or None, out="is not active")
            if self._in_scope is not None and not bool(self._in_scope(seen)):
                return Shaped(normalise_email(email) or None, out=OUT_OF_SCOPE)
        except _UNWORKABLE as error:
            problem = f"people.scope or people.map cannot be worked out: {error}"
            return Shaped(normalise_email(email) or None, problem=problem)
        if wrong := email_problem(email):
            return Shaped(normalise_email(email) or None, problem=f'"{email}" is no email address ({wrong})')
        name = mapped.get("display_name") or str(seen.get("display_name") or seen.get("user_name") or email)
        wanted = Wanted(email, name, self.group_names(named))
        return Shaped(wanted.address, wanted)

    def rule_of(self, name: str) -> int | None:
        """The place of the line of `groups.map` that names a group of a source; None when none does, or there are none."""
        return next((place for place, rule in enumerate(self.groups or ()) if rule(name) is not None), None)

    @property
    def reads_email(self) -> bool:
        """Whether a record's address is its email as the source gives it, and not worked out."""
        return "email" not in self.mapping

    def address(self, attributes: Mapping[str, Value]) -> str | None:
        """The email of `shape`, as it is compared; without a mapping there is no need to work out the rest."""
        if self._templates:
            return self.shape(attributes).email
        return normalise_email(str(attributes.get("email", ""))) or None

    def group_names(self, names: Iterable[str]) -> tuple[str, ...]:
        """Fluix's names for these groups of a source: sorted, each once, without those that no line names."""
        mapped = {normalise_name(name): name for name in map(self.group_name, names) if name}
        return tuple(sorted(mapped.values()))

    def group_name(self, name: str) -> str | None:
        """Fluix's name for one group of a source, or None when it is left out."""
        if name not in self._names:
            self._names[name] = self._map_group(name)
        return self._names[name]

    def _map_group(self, name: str) -> str | None:
        if self.groups is None:
            return name if name.strip() else None
        return next((new.strip() for rule in self.groups if (new := rule(name)) is not None), "") or None


def seen_by_rules(attributes: Mapping[str, Value], groups: Iterable[str] = ()) -> dict[str, Value]:
    """A record's attributes as scope and mapping see them, with further groups of its source."""
    return {"active": True, **attributes, "groups": (*_texts(attributes.get("groups")), *groups)}


def _texts(value: Value | None) -> tuple[str, ...]:
    """Several texts, however they are kept: one alone, a tuple, or the list that JSON makes of it."""
    if value is None or isinstance(value, bool):
        return ()
    return (value,) * bool(value) if isinstance(value, str) else tuple(value)
