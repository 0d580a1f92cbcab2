"""account load, dump: a rehearsal copy of a real account, in and out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import yaml

from syncd.bootstrap import App
from syncd.cli.common import by_hand, embedded, out, print_json, standard, write_whole
from syncd.errors import Exit, UsageError

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Safe in either form; the C one reads a large account in a tenth of the time."""


@click.group()
def account() -> None:
    """Put a rehearsal copy of an account in, or take it out, as YAML."""


@account.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--replace", is_flag=True, help="Make the account exactly the copy: whoever is not in it is removed.")
@standard
def load(app: App, *, as_json: bool, file: Path, replace: bool) -> int:
    """Put a copy in: what it names is brought to what it says, and nothing else is touched. Nobody is invited."""
    data = _read(file)
    target = embedded(app)
    with by_hand(app, "load", str(file), {"replace": replace}):
        held = target.load(data, replace=replace)
    if as_json:
        print_json(held)
    else:
        out.print("loaded " + ", ".join(f"{count} {part}" for part, count in held.items()))
    return Exit.DONE


@account.command()
@click.option("--out", "out_file", type=click.Path(path_type=Path), help="Write to a file instead.")
@standard
def dump(app: App, *, as_json: bool, out_file: Path | None) -> int:
    """Take a copy out, as YAML."""
    data = embedded(app).dump()
    if as_json:
        print_json(data)
        return Exit.DONE
    text = yaml.safe_dump(data, allow_unicode=True, sort_keys=False, width=120)
    if out_file:
        write_whole(out_file, lambda stream: stream.write(text))
    else:
        click.echo(text, nl=False)
    return Exit.DONE


def _read(file: Path) -> dict[str, Any]:
    try:
        data = yaml.load(file.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506 - a safe one
    except OSError as error:
        raise UsageError(
            f"the copy cannot be read: {error.strerror}", where=str(file), cure="check its path"
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        cure = "write it as `syncd account dump` does"
        raise UsageError(f"the copy is no YAML: {error}", where=str(file), cure=cure) from error
    if not isinstance(data, dict):
        raise UsageError("the copy is not a mapping with users, groups, workflows and documents", where=str(file))
    return data
