"""whatif: what another configuration would do to the same people."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
from rich.markup import escape

from connectors.fluix.account import EmbeddedAccount
from connectors.ordering import Ordering
from syncd.bootstrap import App
from syncd.cli.common import out, print_json, progress_line, standard
from syncd.config import Config, load_config
from syncd.errors import Exit
from syncd.render_whatif import contrast_document, show_contrast
from syncd.whatif import Compare
from syncd.whatif import whatif as compare


@click.command()
@click.option(
    "--with",
    "other_file",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="The configuration to compare with.",
)
@click.option("--all", "everything", is_flag=True, help="Show every change, however many.")
@standard
def whatif(app: App, *, as_json: bool, other_file: Path, everything: bool) -> int:
    """Show what another configuration would plan for the same people.

    Works on the records and the account as they were last read: nothing is asked outside, and nothing is kept.
    """
    other = load_config(other_file)
    with progress_line() as progress:
        here = app.sync(progress)
        local = here.target if isinstance(here.target, EmbeddedAccount) else None
        both = Compare(
            here,
            App(other, app.store, app.clock).sync(progress),
            local.dossiers if local else lambda _ids: {},
            local.seats if local else lambda: None,
        )
        now, then, found = compare(both)
    notes = list(_notes(app.config, other, told=local is not None, ordering=isinstance(here.target, Ordering)))
    if as_json:
        print_json(contrast_document(str(other_file), now, then, found, notes))
        return Exit.DONE
    show_contrast(out, now, then, found, other_file.name, everything=everything)
    for note in notes:
        out.print(f"[dim]note[/] {escape(note)}", soft_wrap=not out.is_terminal)
    return Exit.DONE


def _notes(now: Config, then: Config, *, told: bool, ordering: bool) -> Iterator[str]:
    """What this comparison cannot show."""
    if now.sources != then.sources:
        yield "the sources are configured otherwise: records stand as they were last read; a `syncd plan` reads them anew"
    if now.target != then.target:
        yield "the target is configured otherwise: the account stands as it was last read, of the present target"
    if not told:
        yield "the target was not asked: roles, workflows, documents and seats are unknown, so every deletion is held"
    if ordering:
        yield "what waits in work orders is shown as if it had not been ordered yet"
