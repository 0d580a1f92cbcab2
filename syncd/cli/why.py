"""why: one person, from the record to the outcome, now or in a past run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.markup import escape

from syncd.bootstrap import asked_of, open_app
from syncd.cli.common import config_option, json_option, number_of, out, print_json
from syncd.config import load_config
from syncd.errors import Exit
from syncd.explaining import why as why_now
from syncd.explaining import why_then
from syncd.render_why import explained_document, show_explained


@click.command()
@click.argument("email")
@click.option("--run", "run_id", metavar="RUN_ID", help="As it was in this run (r12).")
@json_option
@config_option
def why(*, email: str, run_id: str | None, as_json: bool, config_file: Path) -> int:
    """Explain one person: read, scope, map, match, merge, diff, policy, outcome.

    EMAIL is an address that somebody has, should have or had, or a record as SOURCE:ID. Neither source nor target is read.
    """
    config = load_config(config_file)
    asked = asked_of(open_app(config))
    answer = why_now(asked, email) if run_id is None else why_then(asked, email, number_of(run_id, "r"))
    if as_json:
        people = [explained_document(person) for person in answer.people]
        document: dict[str, Any] = {"asked": email, "run_id": run_id, "people": people}
        print_json({**document, "not_kept": list(answer.not_kept)})
        return Exit.DONE
    for place, person in enumerate(answer.people):
        if place:
            out.print()
        show_explained(out, person, config_file.name)
    for sentence in answer.not_kept:
        out.print(f"[dim]not kept[/] {escape(sentence)}", soft_wrap=not out.is_terminal)
    return Exit.DONE
