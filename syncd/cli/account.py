"""account load, dump: a rehearsal copy of a real account, in and out; and what the account writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import yaml

from syncd.bootstrap import App
from syncd.by_hand import embedded
from syncd.cli import mail
from syncd.cli.common import by_hand, print_json, say, standard, write_whole
from syncd.errors import Exit, UsageError
from syncd.plain_yaml import PlainYamlError, parse
from syncd.render import counted


class _Dumper(yaml.SafeDumper):
    """Writes what `load` reads: no aliases."""

    def ignore_aliases(self, data: object) -> bool:
        del data
        return True


@click.group()
def account() -> None:
    """Put a rehearsal copy of an account in, or take it out, as YAML; look after its mails."""


for _command in (mail.outbox, mail.deliver, mail.bounces, mail.requeue):
    account.add_command(_command)


@account.command(short_help="Put a copy in. Nobody is invited.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--replace", is_flag=True, help="Make the account exactly the copy: whoever is not in it is removed.")
@standard
def load(app: App, *, as_json: bool, file: Path, replace: bool) -> int:
    """Put a copy in: what it names is brought to what it says, and nothing else is touched. Nobody is invited."""
    data = _read(file)
    target = embedded(app)
    with by_hand(app, "load", str(file), replace=replace) as detail:
        held = target.load(data, replace=replace)
        detail.update(held)
    return say("loaded " + ", ".join(f"{count} {part}" for part, count in held.items()), held, as_json=as_json)


@account.command()
@click.option("--out", "out_file", type=click.Path(path_type=Path), help="Write to a file instead.")
@standard
def dump(app: App, *, as_json: bool, out_file: Path | None) -> int:
    """Take a copy out, as YAML."""
    data = embedded(app).dump()
    if out_file is None and as_json:
        print_json(data)
        return Exit.DONE
    text = yaml.dump(data, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=120)
    if out_file is None:
        click.echo(text, nl=False)
        return Exit.DONE
    write_whole(out_file, lambda stream: stream.write(text))
    document = {**{part: len(entries) for part, entries in data.items()}, "file": str(out_file)}
    return say(f"wrote {counted(len(data['users']), 'user')} to {out_file}", document, as_json=as_json)


def _read(file: Path) -> dict[str, Any]:
    cure = "write it as `syncd account dump` does"
    try:
        data = parse(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(f"the copy cannot be read: {reason}", where=str(file), cure="check its path") from error
    except UnicodeDecodeError as error:
        raise UsageError("the copy is not UTF-8", where=str(file), cure=cure) from error
    except PlainYamlError as error:
        raise UsageError(f"the copy is no YAML as it should be: {error}", where=str(file), cure=cure) from error
    if not isinstance(data, dict):
        what = "the copy is not a mapping with users, groups, workflows and documents"
        raise UsageError(what, where=str(file), cure=cure)
    return data
