"""What checks say of a plan, in German: as the core says it, so that a sentence that is changed there is noticed here."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from syncd.core.budgets import Budgets, Ground, Limit, Past, Tally, exceeded
from syncd.core.change import Change, Finding
from syncd.core.diff import adoption
from syncd.core.plan import Plan
from syncd.core.shrinkage import Shrinkage, Size, shrinkages
from syncd.web.findings import FINDINGS, finding, forms
from tests.messages import kept
from tests.web_house import Console

GERMAN = {"Accept-Language": "de"}
CORE = Path(__file__).parents[2] / "syncd"
COMPOSED = {
    "budget",
    "shrink",
    "seats",
    "waiting",
    "adoption",
    "returning",
    "last_days",
    "drift",
    "quarantine",
    "documents",
}
"""Checks whose sentences are put together from parts; they are told below as they come."""
PLAN = Plan.of(
    [
        *(Change("delete_user", f"e{number}@example.com", fluix_id=f"u{number}") for number in range(3)),
        Change("remove_member", "e9@example.com", "Sales", fluix_id="u9"),
    ],
    (),
)


def budgets() -> Iterator[Finding]:
    limits = {"delete": Limit(count=2, percent=5.0), "remove_member": Limit(per_group=Limit(count=0, percent=1.0))}
    past = {("delete", ""): Tally(14, 14)}
    yield from exceeded(PLAN, Budgets(run=limits, day=limits, week=limits), Ground(Past(past, past), 50, {"sales": 40}))  # type: ignore[arg-type]


def shrunken() -> Iterator[Finding]:
    sizes = [
        Size("people", None, 10, 100),
        Size("people", "Sales", 0, 412, "Sales"),
        Size("hr", None, 60, 70, highest=100),
    ]
    yield from shrinkages(PLAN, sizes, Shrinkage())


def others() -> Iterator[Finding]:
    yield adoption(["a@example.com"], 1)
    yield adoption(["a@example.com", "b@example.com"], 7)
    yield adoption(["a@example.com", "b@example.com"], None)


SAID = {
    "seats": (
        "3 people wait for a seat: 10 of 10 are taken",
        "3 Menschen warten auf einen Platz: 10 von 10 sind vergeben",
    ),
    "waiting": (
        (
            "a@example.com left (people/E1 is gone from its source); the account waits until 2026-11-30 08:00 UTC and for 2 more "
            "certified reads"
        ),
        (
            "a@example.com ist gegangen (people/E1 steht nicht mehr in der Quelle); das Konto wartet bis 2026-11-30 08:00 UTC und "
            "auf 2 weitere Male vollständiges Lesen"
        ),
    ),
    "documents": (
        (
            "a@example.com has 2 drafts and 0 assigned documents, and nobody is known to take them (she has no manager): approving "
            "gives them up"
        ),
        (
            "a@example.com hat 2 Entwürfe und 0 zugewiesene Dokumente, und niemand ist bekannt, der sie übernimmt (she has no "
            "manager): Mit der Genehmigung werden sie aufgegeben"
        ),
    ),
    "last_days": (
        (
            "2 deleted users can be recovered by Fluix support for 1 more day at most: a@example.com (until 2026-12-01), "
            "b@example.com (until 2026-12-01). See `syncd restore list`"
        ),
        (
            "2 gelöschte Benutzer kann der Support von Fluix noch höchstens 1 Tag wiederherstellen: a@example.com (until 2026-12-01), "
            "b@example.com (until 2026-12-01). Siehe `syncd restore list`"
        ),
    ),
    "custom": ("100% new, and no form fits", "100% new, and no form fits"),
}


@pytest.mark.parametrize("check", SAID)
def test_a_sentence_is_told_in_german(console: Console, check: str) -> None:
    english, german = SAID[check]
    console.somebody.language = None
    with console.web.test_request_context("/console/plans/1", headers=GERMAN):
        assert finding(check, english) == german
    with console.web.test_request_context("/console/plans/1", headers={"Accept-Language": "en"}):
        assert finding(check, english) == english


def test_what_is_put_together_is_known_whatever_its_parts(console: Console) -> None:
    console.somebody.language = None
    said = [*budgets(), *shrunken(), *others()]
    assert len(said) == 10
    with console.web.test_request_context("/console/plans/1", headers=GERMAN):
        told = [finding(one.check, one.message) for one in said]
    english = re.compile(r"\b(the|of|is over|shrank|already|deletions?|removals?|accounts|members)\b")
    assert [one for one in told if english.search(re.sub(r"\([^)]*\)", "", one))] == []
    assert "14 Löschungen in den letzten 24 Stunden und 3 in diesem Plan" in "\n".join(told)


def test_forms_are_what_the_core_says() -> None:
    """Every literal part of a form stands in some sentence of the core; those that are composed are tried above."""
    said = "\0".join(_texts([*(CORE / "core").glob("*.py"), CORE / "outstanding.py"]))
    parts = {
        part
        for check, one in FINDINGS.items()
        if check not in COMPOSED
        for form in one.forms
        for part in re.split(r"%\(\w+\)s", form)
    }
    assert [part for part in sorted(parts) if part.strip() not in said] == []


def _texts(files: list[Path]) -> Iterator[str]:
    """Strings as the program has them: pieces in several lines are one, and what is filled in is left out."""
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                yield "\0".join(part.value for part in node.values if isinstance(part, ast.Constant))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def test_every_form_is_translated_otherwise_than_it_is() -> None:
    german = {one.id: one.string for one in kept("de")}
    assert [form for form in forms() if german[str(form)] == str(form) and form != "%(changes)s: %(over)s"] == []
