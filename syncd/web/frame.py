"""Pages and deeds, each written once and served twice: to people as HTML, to programs as JSON under /api/v1.

A page is a function `(desk, asked: Query, **of_the_path) -> Document`; its document is what the template shows, and what the API
answers. A deed is `(desk, form: Form, **of_the_path) -> Document`; a question is the same, but changes nothing: what is asked
is too long for an address. All three are answered in one way, by what they return: a `Download` is a file, a `Done` sends the
browser to `Done.go`, and any other document is shown by the entry's template. A program gets the document.
May not: know Flask. `console` and `api` serve what is written down here, `openapi` describes it.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeVar, get_type_hints

from syncd.web.desk import Document, Done, Download, Form, Query
from syncd.web.roles import Role

Kind = Literal["page", "deed", "question"]
METHODS: Final[dict[Kind, str]] = {"page": "GET", "deed": "POST", "question": "POST"}
Function = TypeVar("Function", bound=Callable[..., Document])
LARGEST: Final = 2**31 - 1
"""The largest number that something has."""
_PART = re.compile(r"<(?:(?P<type>int|path):)?(?P<name>[a-z_]+)>")


@dataclass(frozen=True, slots=True)
class Entry:
    """One page, deed or question."""

    kind: Kind
    path: str
    """As Flask writes it: `/plans/<int:plan_id>`."""
    role: Role
    function: Callable[..., Document]
    asked: type[Query | Form]
    answer: type[Document]
    template: str = ""

    @property
    def rule(self) -> str:
        """The path as Flask matches it: a number that no table can hold names nothing."""
        return self.path.replace("<int:", f"<int(max={LARGEST}):")

    @property
    def name(self) -> str:
        """Unique, for the endpoint and as OpenAPI's `operationId`."""
        return self.function.__name__

    @property
    def room(self) -> str:
        """The file that it stands in, for OpenAPI's tags and the navigation: `plans`."""
        return self.function.__module__.rpartition(".")[2]

    @property
    def summary(self) -> str:
        """The first line of its docstring."""
        return (inspect.getdoc(self.function) or "").partition("\n")[0]

    @property
    def method(self) -> str:
        """Of HTTP."""
        return METHODS[self.kind]

    def parts(self) -> list[tuple[str, str]]:
        """(name, type) of what the path holds; the type is `int`, `path` or `string`."""
        return [(found["name"], found["type"] or "string") for found in _PART.finditer(self.path)]


@dataclass(slots=True)
class Room:
    """The pages and deeds of one file."""

    entries: list[Entry] = field(default_factory=list)

    def page(self, path: str, template: str, role: Role = Role.VIEWER) -> Callable[[Function], Function]:
        """Write down a page: GET."""
        return self._written("page", path, role, template)

    def deed(self, path: str, role: Role, template: str = "") -> Callable[[Function], Function]:
        """Write down a deed: POST. A template shows what is answered where that is neither `Done` nor a file."""
        return self._written("deed", path, role, template)

    def question(self, path: str, template: str, role: Role) -> Callable[[Function], Function]:
        """Write down a question: POST, answered with a page."""
        return self._written("question", path, role, template)

    def _written(self, kind: Kind, path: str, role: Role, template: str) -> Callable[[Function], Function]:
        def write(function: Function) -> Function:
            self.entries.append(_entry(kind, path, role, function, template))
            return function

        return write


def _entry(kind: Kind, path: str, role: Role, function: Callable[..., Any], template: str) -> Entry:
    said = get_type_hints(function)
    base: type[Query | Form] = Query if kind == "page" else Form
    asked = next((one for one in said.values() if isinstance(one, type) and issubclass(one, base)), base)
    if not inspect.getdoc(function):
        raise TypeError(f"{function.__qualname__} has no docstring: the API's document needs one")
    answer = said["return"]
    if not template and not issubclass(answer, Done | Download):
        raise TypeError(f"{function.__qualname__} answers with a {answer.__name__}, and no template shows it")
    return Entry(kind, path, role, function, asked, answer, template)
