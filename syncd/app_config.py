"""Managed app config from the store's people: everything, or what changed since. For the command, and whoever else asks.

Nothing lies half-written: a folder is made beside its place and renamed into it, and only then the store is told.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import orjson
from sqlalchemy import Engine

from mdm.bundle import LeftOut, Order, Report, app_files, write_bundle
from mdm.delta import TABLE, DeltaReport, write_delta
from mdm.errors import MdmError
from mdm.model import MAX_BYTES, Change, Value
from mdm.reading import read
from syncd.config_mdm import MdmConfig
from syncd.errors import UsageError
from syncd.sayings import Said
from syncd.store import mdm_people
from syncd.store.engine import reading, writing

BUNDLE = "fluix-mdm.zip"
DELTA = "fluix-mdm-delta.zip"


@dataclass(frozen=True, slots=True)
class Rendered:
    """What a render came to."""

    file: Path
    sha256: str
    report: Report


def read_file(path: Path) -> bytes:
    """A file that anybody may have made; not more of it than is needed to refuse a larger one.

    Raises:
        MdmError: it cannot be read.
    """
    try:
        with path.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except OSError as error:
        cure = "check its path and its rights"
        raise MdmError(f"the file cannot be read: {error.strerror or error}", where=str(path), cure=cure) from error


def extra_of(config: MdmConfig) -> dict[str, Value]:
    """The further keys, from the admin's own file.

    Raises:
        MdmError: the file cannot be read.
    """
    path = config.extra_path
    return read(read_file(path), str(path)).settings if path else {}


def render(store: Engine, order: Order, folder: Path) -> Rendered:
    """Write everything into a folder: the ZIP, and beside it what is about no person.

    Args:
        store: tells the people; remembers who got a file.
        order: what is to be made.
        folder: new, empty, or one that was rendered into before.

    Raises:
        UsageError: the folder cannot be used, or nobody is known.
        MdmError: a file must not be written.
    """
    if order.literal and not mdm_people.any_account(store):
        raise UsageError(Said("no user of Fluix is known yet"), cure=Said("run `syncd run` first: it reads them"))
    _require_ours(folder)
    with _placed(folder) as part:
        with (part / BUNDLE).open("w+b") as stream:
            report = write_bundle(stream, order, mdm_people.everybody(store) if order.literal else ())
            digest = _sha256(stream)
        for file in app_files(order):
            path = part / file.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file.content)
    if order.literal:
        before = mdm_people.state(store)
        now = mdm_people.State((before.number if before else 0) + 1, order_digest(order))
        with writing(store) as connection:
            mdm_people.keep_render(connection, store, {one.person.id for one in report.left_out}, now)
    return Rendered(folder / BUNDLE, digest, report)


@dataclass(frozen=True, slots=True)
class Delta:
    """What a delta came to."""

    file: Path | None
    """None: nothing changed, and nothing was written."""
    sha256: str
    told: DeltaReport


def delta(store: Engine, order: Order, folder: Path) -> Delta:
    """Write what changed since the last render or delta into a new folder.

    Args:
        store: tells who changed; remembers who got a file.
        order: the same as when everything was rendered.
        folder: new, or empty.

    Raises:
        UsageError: nothing was rendered yet, or the settings changed since, or the folder is not empty.
        MdmError: a file must not be written.
    """
    before = mdm_people.state(store)
    if before is None:
        cure = Said("run `syncd mdm render --literal --out DIR` first: a delta is what changed since")
        raise UsageError(Said("no config with the email written out was rendered yet"), cure=cure)
    if before.order != order_digest(order):
        cure = Said("run `syncd mdm render --literal --out DIR`: everybody needs a new file")
        raise UsageError(Said("the settings of every person's config changed since the last render"), cure=cure)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        cure = Said("name a new one: an older delta may still have to be imported")
        raise UsageError(Said("the folder is not empty"), where=str(folder), cure=cure)
    with reading(store) as connection:
        changes = list(mdm_people.changes(connection))
    done, digest = DeltaReport(), ""
    wanted = [change for change in changes if change.kind]
    if wanted:
        with _placed(folder) as part:
            with (part / DELTA).open("w+b") as stream:
                done = write_delta(stream, order, wanted, str(before.number))
                digest = _sha256(stream)
            with ZipFile(part / DELTA) as bundle:
                (part / TABLE).write_bytes(bundle.read(TABLE))
            if not (done.new or done.changed or done.left):
                raise _Nothing
    written = bool(done.new or done.changed or done.left)
    waiting = {one.person.id for one in done.report.left_out}
    _remember(store, [change for change in changes if change.person.id not in waiting], before, written=written)
    return Delta(folder / DELTA if written else None, digest if written else "", done)


class _Nothing(Exception):  # noqa: N818 - it never leaves this file
    """Only people who are left out changed: there is nothing to place."""


def _remember(store: Engine, done: list[Change], before: mdm_people.State, *, written: bool) -> None:
    now = mdm_people.State(before.number + written, before.order)
    with writing(store) as connection:
        mdm_people.keep_delta(connection, done, now)


def order_digest(order: Order) -> str:
    """Tells whether every person's files have to be made anew."""
    devices = sorted(one.vendor.name for one in order.chosen if one.vendor.per_device)
    extra = orjson.dumps(order.extra, option=orjson.OPT_SORT_KEYS, default=lambda value: value.hex())
    said = "\n".join([order.bundle_id, order.assets_url, *devices, extra.decode()])
    return hashlib.sha256(said.encode()).hexdigest()


def left_out(report: Report) -> Iterator[LeftOut]:
    """Who got no file, by email."""
    yield from sorted(report.left_out, key=lambda one: (one.person.email, one.person.id))


def _require_ours(folder: Path) -> None:
    """A folder may be replaced when everything in it came from a render.

    Raises:
        UsageError: something else is there.
    """
    if not folder.exists():
        return
    if not folder.is_dir():
        raise UsageError("this is a file, not a folder", where=str(folder), cure="name a new folder")
    try:
        with ZipFile(folder / BUNDLE) as bundle:
            ours = {BUNDLE, *bundle.namelist()}
    except (OSError, BadZipFile):
        ours = set()
    there = (path.relative_to(folder) for path in folder.rglob("*") if not path.is_dir() or path.is_symlink())
    foreign = next((name for name in sorted(map(str, there)) if name not in ours), None)
    if foreign is not None:
        cure = "name a new folder, or one that only `syncd mdm render` wrote into"
        raise UsageError(f"the folder holds something that is not ours: {foreign}", where=str(folder), cure=cure)


@contextmanager
def _placed(folder: Path) -> Iterator[Path]:
    """A new folder, which takes the place of `folder` when the block ends well; otherwise nothing of it is left."""
    target = folder.absolute()
    part, old = (target.with_name(f".syncd-mdm-{target.name}.{kind}") for kind in ("part", "old"))
    try:
        for leftover in (part, old):
            shutil.rmtree(leftover, ignore_errors=True)
        part.mkdir(parents=True)
        yield part
        if target.exists():
            target.rename(old)
        part.rename(target)
    except _Nothing:
        pass
    except OSError as error:
        with suppress(OSError):
            if old.exists() and not target.exists():
                old.rename(target)
        cure = "check its rights and the space on the disk"
        raise UsageError(
            f"the folder cannot be written: {error.strerror or error}", where=str(folder), cure=cure
        ) from error
    finally:
        for leftover in (part, old):
            shutil.rmtree(leftover, ignore_errors=True)


def _sha256(stream: object) -> str:
    stream.seek(0)  # type: ignore[attr-defined]
    return hashlib.file_digest(stream, "sha256").hexdigest()  # type: ignore[arg-type]
