"""MDM: what is configured, the files to import, what changed since the last time, a look at an admin's own file, deliveries."""

from __future__ import annotations

import tempfile
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from flask_babel import gettext as _
from pydantic import Field

from mdm.model import MAX_BYTES
from syncd.config_mdm import MdmConfig
from syncd.errors import UsageError
from syncd.store import mdm_pages, mdm_people
from syncd.store.engine import reading
from syncd.web.by_hand import changing
from syncd.web.desk import Desk, Document, Download, Form, Paged, Paging, Query
from syncd.web.errors import NotFoundError, RefusedError
from syncd.web.frame import Room
from syncd.web.roles import Role

if TYPE_CHECKING:  # what writes and reads the files is loaded by the pages that need it
    from mdm.bundle import Order
    from mdm.vendors import Chosen

room = Room()

_ZIP = "application/zip"
_SHOWN = 50


class VendorLine(Document):
    """One product."""

    name: str
    title: str
    token: str
    """What stands for the email; empty: each device gets its own file."""
    unverified: list[str]
    files: list[str]
    instructions: str


class PendingLine(Document):
    """Somebody whose config is to be imported anew."""

    kind: str
    """`new`, `changed` or `left`."""
    email: str
    before: str | None


class PastLine(Document):
    """One render or delta."""

    at: datetime
    actor: str
    action: str
    people: int | None


class MdmPage(Document):
    """What is configured, and what changed since the last time."""

    bundle_id: str | None
    """None: the configuration has no `mdm`."""
    literal: bool
    vendors: list[VendorLine]
    rendered: int | None
    """The number of the last render or delta with the email written out; None: there was none."""
    current: bool
    """Whether the settings are those of the last render; otherwise everybody needs a new file."""
    pending: dict[str, int]
    pending_people: list[PendingLine]
    """The first of them."""
    past: list[PastLine]
    known_vendors: dict[str, str]
    """Name -> title, of every product that a file can be looked at for."""


class Render(Form):
    """What is to be written."""

    literal: Annotated[bool, Field(description="Also a file for each person, with the email written out.")] = False


class Lint(Form):
    """A file to look at."""

    file: Annotated[bytes, Field(min_length=1, max_length=MAX_BYTES + 1, description="A property list or a fragment.")]
    vendor: Annotated[str | None, Field(description="The product that it is for.")] = None


class FindingLine(Document):
    """One thing that is wrong, or worth knowing."""

    check: str
    level: str
    where: str
    key: str
    message: str
    to_do: str


class FileFindings(Document):
    """What was found in a file."""

    vendor: str | None
    findings: list[FindingLine]


class DeliveryLine(Document):
    """What became of one place: an app, or a device."""

    target: str
    place: str
    state: str
    at: datetime
    note: str


class Deliveries(Paged):
    """What became of pushed configs, the newest first."""

    deliveries: list[DeliveryLine]


@room.page("/mdm", "mdm.html")
def show_mdm(desk: Desk, asked: Query) -> MdmPage:
    """What is configured, what is to be imported where, and what changed since the last time."""
    from mdm.bundle import app_files  # noqa: PLC0415
    from mdm.vendors import VENDORS  # noqa: PLC0415
    from syncd.app_config import order_digest  # noqa: PLC0415

    del asked
    known = {name: vendor.title for name, vendor in VENDORS.items()}
    config = desk.app.config.mdm
    if config is None:
        return MdmPage(
            bundle_id=None,
            literal=False,
            vendors=[],
            rendered=None,
            current=False,
            pending={},
            pending_people=[],
            past=[],
            known_vendors=known,
        )
    order = _order(config, literal=True)
    files = {file.name: file.content for file in app_files(order)}
    state = mdm_people.state(desk.store)
    pending = _pending(desk) if state else []
    return MdmPage(
        bundle_id=config.bundle_id,
        literal=config.literal,
        vendors=[_vendor(one, files) for one in order.chosen],
        rendered=state.number if state else None,
        current=state is not None and state.order == order_digest(order),
        pending={kind: sum(one.kind == kind for one in pending) for kind in ("new", "changed", "left")},
        pending_people=pending[:_SHOWN],
        past=[
            PastLine(at=one.at, actor=one.actor, action=one.action, people=_people(one.detail))
            for one in mdm_pages.renders(desk.store, 5)
        ],
        known_vendors=known,
    )


def _people(detail: dict[str, int]) -> int | None:
    if "people" in detail:
        return detail["people"]
    return sum(detail[name] for name in ("new", "changed", "left")) if "new" in detail else None


def _pending(desk: Desk) -> list[PendingLine]:
    with reading(desk.store) as connection:
        found = [one for one in mdm_people.changes(connection) if one.kind]
    return [PendingLine(kind=one.kind or "", email=one.person.email, before=one.before) for one in found]


def _vendor(one: Chosen, files: dict[str, bytes]) -> VendorLine:
    folder = f"vendors/{one.vendor.name}/"
    return VendorLine(
        name=one.vendor.name,
        title=one.vendor.title,
        token=one.token,
        unverified=list(one.marks),
        files=[name for name in files if name.startswith(folder) and not name.endswith("INSTRUCTIONS.txt")],
        instructions=files[f"{folder}INSTRUCTIONS.txt"].decode(),
    )


@room.page("/mdm/files/<path:name>", "")
def mdm_file(desk: Desk, asked: Query, name: str) -> Download:
    """One file of a product, about no person."""
    from mdm.bundle import app_files  # noqa: PLC0415

    del asked
    order = _order(_config(desk), literal=True)
    found = next((file for file in app_files(order) if file.name == name), None)
    if found is None:
        raise NotFoundError(_("there is no file %(name)s", name=name))
    return Download(
        name=name.replace("/", "-").removeprefix("vendors-"),
        media_type="application/octet-stream",
        content=found.content,
    )


@room.deed("/mdm/render", Role.OPERATOR)
def render_mdm(desk: Desk, form: Render) -> Download:
    """Everything in one ZIP: what each product imports, with instructions."""
    from syncd import app_config  # noqa: PLC0415

    order = _order(_config(desk), literal=form.literal)
    with (
        tempfile.TemporaryDirectory(prefix="syncd-mdm-") as folder,
        changing(desk, "mdm render", "download", literal=order.literal) as detail,
    ):
        done = app_config.render(desk.store, order, Path(folder, "out"))
        detail.update(files=done.report.files, people=done.report.people, left_out=len(done.report.left_out))
        return Download(name=app_config.BUNDLE, media_type=_ZIP, content=done.file.read_bytes())


@room.deed("/mdm/delta", Role.OPERATOR)
def delta_mdm(desk: Desk, form: Form) -> Download:
    """Only what changed since the last render or delta, as a ZIP: who is new, whose email changed, who left."""
    from syncd import app_config  # noqa: PLC0415

    del form
    order = _order(_config(desk), literal=True)
    with (
        tempfile.TemporaryDirectory(prefix="syncd-mdm-") as folder,
        changing(desk, "mdm delta", "download") as detail,
    ):
        done = app_config.delta(desk.store, order, Path(folder, "out"))
        if done.file is None:
            raise RefusedError(_("nothing changed since the last time"), cure=_("nothing is to be imported"))
        told = done.told
        detail.update(new=len(told.new), changed=len(told.changed), left=len(told.left))
        return Download(name=app_config.DELTA, media_type=_ZIP, content=done.file.read_bytes())


@room.question("/mdm/lint", "mdm_lint.html", Role.VIEWER)
def lint_mdm(desk: Desk, form: Lint) -> FileFindings:
    """Everything that is wrong in an admin's own file, or will not work. Changes nothing, and keeps nothing."""
    from mdm.lint import lint  # noqa: PLC0415
    from mdm.vendors import vendor_named  # noqa: PLC0415

    vendor = vendor_named(form.vendor) if form.vendor else None
    tokens = desk.app.config.mdm.tokens if desk.app.config.mdm else {}
    found = lint(form.file, "file", vendor, tokens.get(form.vendor or "", ""))
    lines = [
        FindingLine(check=one.check, level=one.level, where=one.where, key=one.key, message=one.message, to_do=one.cure)
        for one in found
    ]
    return FileFindings(vendor=vendor.title if vendor else None, findings=lines)


@room.page("/mdm/deliveries", "mdm_deliveries.html")
def list_deliveries(desk: Desk, asked: Paging) -> Deliveries:
    """What became of configs that were pushed to MDM products, the newest first."""
    rows, total = mdm_pages.deliveries(desk.store, asked.size, asked.offset)
    lines = [DeliveryLine(**row) for row in rows]
    return Deliveries(total=total, page=asked.page, size=asked.size, deliveries=lines)


def _config(desk: Desk) -> MdmConfig:
    if desk.app.config.mdm is None:
        cure = _("add `mdm: {bundle_id: …, vendors: […]}`; see config.example.yaml")
        raise UsageError(_("the configuration has no `mdm`"), cure=cure)
    return desk.app.config.mdm


def _order(config: MdmConfig, *, literal: bool) -> Order:
    from syncd.app_config import extra_of  # noqa: PLC0415

    return config.order(extra_of(config), literal=literal)
