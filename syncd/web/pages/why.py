"""Why: one person, from the record to the outcome, as `syncd why` tells it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from syncd.bootstrap import asked_of
from syncd.errors import UsageError
from syncd.explaining import why as why_now
from syncd.explaining import why_then
from syncd.render_why import explained_document, text_of
from syncd.web.desk import Desk, Document, Query
from syncd.web.frame import Room
from syncd.web.words import told

room = Room()


class WhyAsked(Query):
    """Who."""

    email: Annotated[str, Field(max_length=300, description="An address, now or before; or SOURCE:ID.")] = ""
    run: Annotated[int | None, Field(ge=1, description="As it was in this run.")] = None


class WhyRule(Document):
    """A key of the configuration that decided."""

    key: str
    line: int | None
    """None: its default holds."""


class WhyFact(Document):
    """One thing that is known."""

    says: str
    values: dict[str, Any]
    rules: list[WhyRule]

    @property
    def texts(self) -> dict[str, str]:
        """The values for people."""
        return {name: text_of(value) for name, value in self.values.items()}


class WhyStep(Document):
    """One step of a run."""

    step: str
    facts: list[WhyFact]


class WhyPerson(Document):
    """One person."""

    who: str
    says: str
    steps: list[WhyStep]


class Why(Document):
    """Everybody whom the name leads to."""

    people: list[WhyPerson]
    not_kept: list[str]
    nobody: str
    """Why nobody was found; empty: somebody was, or nobody was asked about."""
    cure: str


@room.page("/why", "why.html")
def why(desk: Desk, asked: WhyAsked) -> Why:
    """Explain one person: read, scope, map, match, merge, diff, policy, outcome."""
    if not asked.email:
        return Why(people=[], not_kept=[], nobody="", cure="")
    ground = asked_of(desk.app)
    try:
        answer = why_then(ground, asked.email, asked.run) if asked.run else why_now(ground, asked.email)
    except UsageError as error:
        return Why(people=[], not_kept=[], nobody=told(error.what), cure=told(error.cure))
    people = [WhyPerson.model_validate(explained_document(person)) for person in answer.people]
    return Why(people=people, not_kept=list(answer.not_kept), nobody="", cure="")
