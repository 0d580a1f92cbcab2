"""The files of a work order on the disk: a folder and a ZIP of the same, each whole or not there.

The names of files and folders hold a number, and nothing personal.
"""

from __future__ import annotations

import io
import os
import shutil
import zipfile
from collections.abc import Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from connectors.errors import RetryableError
from connectors.fluix.portal.book import Order
from connectors.fluix.portal.checklist import as_html, as_markdown
from connectors.fluix.portal.imports import import_files
from connectors.fluix.portal.settings import ImportSettings

if TYPE_CHECKING:
    from collections.abc import Iterator


def files_of(order: Order, settings: ImportSettings) -> dict[str, bytes]:
    """The files of an order, by name. What is done or withdrawn by now is in no import file."""
    imports = import_files([item for item in order.items if item.in_import and item.open], settings)
    return {
        "checklist.html": as_html(order, imports).encode(),
        "checklist.md": as_markdown(order, imports).encode(),
        **imports,
    }


def name_of(order: Order) -> str:
    """The folder's name."""
    return f"workorder-{order.number}"


def write_order(order: Order, settings: ImportSettings, folder: Path) -> Path:
    """Write an order's folder and ZIP; what an interrupted call left of them is replaced.

    Returns:
        The order's folder.

    Raises:
        RetryableError: it cannot be written.
    """
    files = files_of(order, settings)
    place = folder / name_of(order)
    part = folder / f".{place.name}.part"
    with _written(folder):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
            for name, content in files.items():
                _write(part / name, content)
            _write(part / "order.zip", as_zip(place.name, files, order.created_at))
            shutil.rmtree(place, ignore_errors=True)
            (part / "order.zip").replace(folder / f"{place.name}.zip")
            part.rename(place)
            _sync(folder)
        finally:
            with suppress(OSError):
                shutil.rmtree(part, ignore_errors=True)
    return place


def as_zip(folder: str, files: Mapping[str, bytes], made: datetime) -> bytes:
    """The same bytes for the same order, whenever they are asked for."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            info = zipfile.ZipInfo(f"{folder}/{name}", made.timetuple()[:6])
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 3  # Unix, wherever this runs
            info.external_attr = 0o644 << 16
            archive.writestr(info, files[name])
    return content.getvalue()


def _write(file: Path, content: bytes) -> None:
    with file.open("xb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _written(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RetryableError(
            f"the work order cannot be written: {error.strerror or error}",
            where=str(folder),
            cure="check the folder, its rights and the space on the disk; the next run writes it",
        ) from error
