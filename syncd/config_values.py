"""What a single value of the configuration must be: checks that say in words what is expected. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any

from jinja2 import TemplateSyntaxError
from jinja2.sandbox import SandboxedEnvironment
from pydantic import AfterValidator, BeforeValidator
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from connectors.email import email_problem
from syncd.config_file import Fault, faults, shorten

DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t"}

_POSTGRESQL = "write postgresql+psycopg://USER@HOST/DATABASE"
_SQLITE = "write sqlite:///var/syncd.db (three slashes: relative, four: absolute)"
_JINJA = SandboxedEnvironment()


def matches(pattern: str, meaning: str) -> AfterValidator:
    """A text that must match whole; `meaning` says in words what is expected."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise faults(f'"{shorten(value)}" is not {meaning}')
        return value

    return AfterValidator(check)


def encoding_name(name: str) -> str:
    """An encoding that Python can write text in."""
    try:
        # Asked by use and not by codecs.lookup, which also knows base64 and rot13.
        "a".encode(name)
    except (LookupError, ValueError):
        raise faults(f'"{shorten(name)}" is no text encoding: write utf-8, cp1252 or the like') from None
    return name


def delimiter_character(value: str) -> str:
    """The character that a delimiter's word stands for."""
    character = DELIMITERS.get(value, value)
    if character not in DELIMITERS.values():
        raise faults(f'"{shorten(value)}" is no delimiter: write comma, semicolon or tab')
    return character


def compiles(compile_it: Callable[[str], object], what: str) -> AfterValidator:
    """A Jinja2 text; compiled here only to find its errors."""

    def check(text: str) -> str:
        try:
            compile_it(text)
        except TemplateSyntaxError as error:
            message = f"the {what} has an error ({error.message}): correct it by Jinja2's template documentation"
            raise faults(Fault(message, (), error.lineno)) from None
        except (RecursionError, SyntaxError):
            raise faults(f"the {what} is nested too deep: write it with fewer brackets") from None
        return text

    return AfterValidator(check)


def direct_address(address: str) -> str:
    """The same of PostgreSQL alone."""
    if address.startswith("sqlite"):
        raise faults("is for a `store` on PostgreSQL; SQLite has nothing in between")
    return store_address(address)


def store_address(address: str) -> str:
    """A store that this version can open, without a password in its address."""
    # The address may hold a password: no message repeats it.
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        raise faults(f"is no store address: {_SQLITE}") from None
    found = []
    if url.password is not None or "password" in url.query:
        found.append("a password does not stand in the address: remove it there and give `store_password: {env: NAME}`")
    if url.drivername.startswith("postgres"):
        if url.drivername != "postgresql+psycopg":
            found.append(f"its driver is psycopg: {_POSTGRESQL}")
        if not url.database:
            found.append(f"it names no database: {_POSTGRESQL}")
    elif url.drivername != "sqlite":
        found.append(f"is no store that syncd knows: {_SQLITE}")
    elif url.host:
        found.append(f"the slashes are too few for SQLite: {_SQLITE}")
    elif not url.database or url.database == ":memory:":
        found.append(f"a store in memory forgets links, approvals and the 30-day ledger: {_SQLITE}")
    if found:
        raise faults(*found)
    return address


def one_of_types(*now: str) -> BeforeValidator:
    """Stops at a type that nobody knows, before its other keys are measured by one that is not meant."""

    def check(value: Any) -> Any:
        kind = value.get("type") if isinstance(value, dict) else None
        if isinstance(kind, str) and kind not in now:
            near = next((name for name in now if name == kind.strip().lower()), None)
            hint = f"; did you mean `{near}`?" if near else ""
            choices = " or ".join(f"`{name}`" for name in now)
            raise faults(Fault(f'`type` is the text "{shorten(kind)}": write {choices}{hint}', ("type",)))
        return value

    return BeforeValidator(check)


def _not_empty(value: Any) -> Any:
    # Not `min_length`, which pydantic also calls unmet when every entry has a problem of its own.
    if value in ([], ()):
        raise faults("is an empty list: give it at least one entry, or remove the key")
    return value


def version_number(value: Any) -> Any:
    """The version's number, which must not be a truth value."""
    # For Python `true` equals 1.
    if isinstance(value, bool):
        raise faults("is a truth value: write `version: 1`")
    return value


def sample_size(value: Any) -> Any:
    """How many of many: a number, a percentage as text (`5 %`), or `all`."""
    match value:
        case bool():
            pass
        case int() if value >= 0:
            return value
        case str() if value == "all":
            return value
        case str() if re.fullmatch(r"(100|[0-9]{1,2}(\.[0-9]{1,3})?) ?%", value):
            return value
    raise faults(f'"{shorten(str(value))}" is no sample: write a number, a percentage as "5 %", or all')


def _email(value: str) -> str:
    if reason := email_problem(value):
        raise faults(f'"{shorten(value)}" is no email address ({reason})')
    return value


Name = Annotated[str, matches(r"[a-z][a-z0-9_-]{0,31}", "a name (a-z first, then a-z, 0-9, - and _; 32 at most)")]
Attribute = Annotated[str, matches(r"[a-z][a-z0-9_]*", "an attribute name (a-z first, then a-z, 0-9 and _)")]
Email = Annotated[str, AfterValidator(_email)]
Text = Annotated[str, matches(r"(?s).*\S.*", "usable, because it is empty: give it a text")]
Expression = Annotated[str, compiles(_JINJA.compile_expression, "expression")]
Template = Annotated[str, compiles(_JINJA.compile, "template")]
NOT_EMPTY = BeforeValidator(_not_empty)
