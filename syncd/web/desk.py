"""What a page or a deed of the console works with: the program, and who asks. Nothing of HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Engine

from syncd.bootstrap import App
from syncd.store import wishes
from syncd.store.audit import Event, append
from syncd.store.engine import writing
from syncd.web.roles import Who

ROWS = 50
"""Rows of a page, unless another number is asked for."""
MOST_ROWS = 200
"""More are never shown at once: a page stays below 200 KB."""


@dataclass(frozen=True, slots=True)
class Desk:
    """One request's."""

    app: App
    who: Who

    @property
    def store(self) -> Engine:
        """Where everything is."""
        return self.app.store

    @property
    def now(self) -> datetime:
        """The present moment."""
        return self.app.clock()

    def wish(self, kind: wishes.Kind, **what: object) -> int:
        """Ask the daemon for a run, a plan, … (fields of `wishes.Wish`). Returns the wish's number."""
        return wishes.ask(self.store, wishes.Wish(kind, self.who.name, self.now, **what))  # type: ignore[arg-type]

    def note(self, action: str, subject: str, **detail: object) -> None:
        """Write a line into the audit, with the name of who asks."""
        with writing(self.store) as connection:
            append(connection, [Event(self.who.name, action, subject, detail)], self.now)


class Document(BaseModel):
    """What a page shows: the same for the template and, as JSON, for programs. Its keys are an interface."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class Query(BaseModel):
    """What an address says behind its question mark."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True, str_strip_whitespace=True)


class Form(BaseModel):
    """What a form sends, or a program as JSON. A file is a field of `bytes`; in JSON it is base64."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, defer_build=True, str_strip_whitespace=True, val_json_bytes="base64"
    )


class Paging(Query):
    """A page of many rows."""

    page: Annotated[int, Field(ge=1, le=100_000, description="Which page, from 1.")] = 1
    size: Annotated[int, Field(ge=1, le=MOST_ROWS, description="Rows of a page.")] = ROWS

    @property
    def offset(self) -> int:
        """Rows before this page."""
        return (self.page - 1) * self.size


class Paged(Document):
    """Where a page stands among all rows."""

    total: int
    """Rows in all."""
    page: int
    size: int

    @property
    def pages(self) -> int:
        """How many pages there are; at least one."""
        return max(1, -(-self.total // self.size))


class Done(Document):
    """What a deed came to."""

    message: str
    """For a person, in a sentence."""
    go: str
    """The console's page that shows it."""


SHOWN = "shown.html"
"""The template of what is shown once."""


class Shown(Document):
    """Something secret that a deed made, which is shown this once."""

    message: str
    go: str
    """Where one goes on."""
    kind: Literal["link", "token", "codes"]
    secrets: tuple[str, ...]
    """What to hand out or write down. A link is a path of this server."""


class Download(Document):
    """A file; the answer of a page that is no page."""

    name: str
    media_type: str
    content: bytes
