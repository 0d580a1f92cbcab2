"""whatif: what another configuration would do to the same people."""

from __future__ import annotations

from pathlib import Path

import click
from rich.markup import escape

from syncd.bootstrap import App
from syncd.cli.common import out, print_json, progress_line, standard
from syncd.config import load_config
from syncd.errors import Exit
from syncd.outlooks import compare
from syncd.render_whatif import contrast_document, show_contrast


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
        now, then, found, notes = compare(app, other, progress)
    if as_json:
        print_json(contrast_document(str(other_file), now, then, found, notes))
        return Exit.DONE
    show_contrast(out, now, then, found, other_file.name, everything=everything)
    for note in notes:
        out.print(f"[dim]note[/] {escape(note)}", soft_wrap=not out.is_terminal)
    return Exit.DONE
