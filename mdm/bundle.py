"""Everything in one ZIP, byte for byte the same for the same input, and with flat memory however many people there are.

Every file is read back before it goes in. Two modes: variable (a folder for each product, with its own variable), and literal
as well (a file for each person).
"""

from __future__ import annotations

import hashlib
import itertools
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from mdm import commands, forms
from mdm.archive import MANIFEST, Archive, File, row, spool
from mdm.declarative import declarations, require_folder_url
from mdm.errors import MdmError
from mdm.model import EMAIL_KEY, AppConfig, Person, Value, value_problem, walk
from mdm.plist import fragment, full_plist, per_person
from mdm.specfile import specfile
from mdm.steps import FILES, INTERFACES, page
from mdm.tables import PEOPLE_HEADER, keys_table
from mdm.types import require_types
from mdm.values import email_problem, shown
from mdm.vendors import Chosen, Form, Types

README: Final = "README.txt"
PEOPLE: Final = "people.csv"
_PLAIN_STEM = re.compile(r"(?!.*-[0-9a-f]{16}$)[a-z0-9][a-z0-9._+@-]{0,99}").fullmatch
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)").match


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be made.

    Raises:
        MdmError: something in it must not be written, or a product does not take it.
    """

    bundle_id: str
    chosen: tuple[Chosen, ...]
    extra: Mapping[str, Value] = field(default_factory=dict, hash=False)
    """More keys, from the admin's own file: the same for everybody, without variables."""
    literal: bool = False
    assets_url: str = ""
    """The folder of a web server from which devices fetch configs, for declarations."""

    def __post_init__(self) -> None:
        AppConfig(self.bundle_id, self.extra)
        if EMAIL_KEY in self.extra:
            raise MdmError(
                f"{EMAIL_KEY} stands among the further keys", where="extra", cure="remove it: it is written here"
            )
        for path, value in walk(self.extra):
            if problem := value_problem(value, tokens=False):
                cure = (
                    "they are the same for every product: write a variable into one product's file by `syncd mdm merge`"
                )
                raise MdmError(
                    f"the value {shown(str(value))} must not be written: {problem}", where=f"extra, {path}", cure=cure
                )
        for one in self.chosen:
            require_types(one.vendor, self.extra)
            if one.vendor.per_device and not self.literal:
                cure = "render with each person's email written out (`literal: true`), or leave it out of `vendors`"
                raise MdmError(
                    f"{one.vendor.title} replaces no variables", where=f"vendors, {one.vendor.name}", cure=cure
                )
            if one.vendor.form is Form.DECLARATIONS and not self.assets_url:
                cure = "give `assets_url`: the https address of the folder where devices fetch their files"
                raise MdmError(
                    f"{one.vendor.title} needs a web server for the configs",
                    where=f"vendors, {one.vendor.name}",
                    cure=cure,
                )
        if self.assets_url:
            require_folder_url(self.assets_url)

    def config(self, email: str) -> AppConfig:
        """The config with this text, or this variable, for the email."""
        return AppConfig(self.bundle_id, {**self.extra, EMAIL_KEY: email})

    def sends(self, form: Form) -> bool:
        """Whether a product of this form was chosen."""
        return any(one.vendor.form is form for one in self.chosen)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Somebody who got no file, and why."""

    person: Person
    reason: str


@dataclass(slots=True)
class Report:
    """What one bundle came to."""

    files: int = 0
    people: int = 0
    """Who got a file."""
    left_out: list[LeftOut] = field(default_factory=list)


def app_files(order: Order) -> Iterator[File]:
    """The files that are about no person: one folder for each product, the specfile, the plain commands.

    Raises:
        MdmError: one of them did not read back.
    """
    yield File(README, _readme(order).encode())
    yield File("specfile.xml", specfile(order.bundle_id))
    for one in order.chosen:
        made = dict(_vendor_files(one, order))
        folder = f"vendors/{one.vendor.name}"
        yield from (File(f"{folder}/{name}", content) for name, content in made.items())
        yield File(f"{folder}/INSTRUCTIONS.txt", page(one, tuple(made)).encode())
    yield File("commands/read-back.plist", commands.read_back(order.bundle_id))
    yield File("commands/removal.plist", commands.removal(order.bundle_id))


def _vendor_files(one: Chosen, order: Order) -> Iterator[tuple[str, bytes]]:
    vendor = one.vendor
    if vendor.per_device:
        return
    config = order.config(one.token)
    flat = all(isinstance(value, str | int | float) for value in config.settings.values())
    writers: dict[str, Callable[[], bytes]] = {
        "fragment.xml": lambda: fragment(config.settings),
        "config.plist": lambda: full_plist(config.settings),
        "keys.csv": lambda: keys_table(config.settings),
        "graph.json": lambda: forms.intune_graph(config),
        "classic.xml": lambda: forms.jamf_classic(config),
        "managed_configs.txt": lambda: forms.simplemdm_forms(config.settings),
        "app_store_app.json": lambda: forms.fleet_json(config),
    }
    for name in (*FILES[vendor.form], *(INTERFACES[vendor.name][:1] if vendor.name in INTERFACES else ())):
        if name != "keys.csv" or flat or vendor.types is Types.FLAT:
            yield name, writers[name]()


def file_stem(email: str) -> str:
    """The name of a person's files: the email itself where every file system can hold it, otherwise a part of it and a digest."""
    if _PLAIN_STEM(email) and not email.endswith(".") and not _RESERVED(email):
        return email
    slug = re.sub(r"[^a-z0-9._@-]+", "-", email.lower())[:60].strip(".-")
    return f"{slug}-{hashlib.sha256(email.encode()).hexdigest()[:16]}"


def people_files(
    order: Order, people: Iterable[Person], report: Report, occasion: str = ""
) -> Iterator[tuple[Person, list[File]]]:
    """Each person's files; who gets none is named in the report.

    Args:
        order: what is to be made.
        people: those with the same email (upper and lower case alike) one after the other.
        report: is written on.
        occasion: makes the commands different from the same ones at another time.

    Raises:
        MdmError: a file did not read back, or people are not in order.
    """
    write = per_person(order.config(""))
    sends, declares = order.sends(Form.COMMANDS), order.sends(Form.DECLARATIONS)
    for person in _distinct(people, report):
        if problem := email_problem(person.email):
            report.left_out.append(
                LeftOut(
                    person, f"the email {shown(person.email)} is refused: {problem}" if person.email else "has no email"
                )
            )
            continue
        stem = file_stem(person.email)
        content = write(person.email)
        made = [File(f"people/{stem}.plist", content)]
        if sends:
            config = order.config(person.email)
            made.append(File(f"commands/settings/{stem}.plist", commands.settings(config, occasion)))
            made.append(File(f"commands/install/{stem}.plist", commands.install_application(config, occasion)))
        if declares:
            three = declarations(order.bundle_id, content, order.assets_url, f"{stem}.plist")
            made += [
                File(f"declarations/{stem}/asset.json", three.asset),
                File(f"declarations/{stem}/configuration.json", three.configuration),
                File(f"declarations/{stem}/activation.json", three.activation),
            ]
        report.people += 1
        yield person, made


def _distinct(people: Iterable[Person], report: Report) -> Iterator[Person]:
    """Everybody whose email nobody else has."""
    for _, group in itertools.groupby(people, _folded):
        first, *rest = group
        if not rest and not first.shared_with:
            yield first
        elif not first.email:
            yield from (first, *rest)
        else:
            report.left_out += [_shared(person, [first, *rest]) for person in (first, *rest)]


def _shared(person: Person, several: list[Person]) -> LeftOut:
    others = [other.id for other in several if other is not person] or person.shared_with
    return LeftOut(person, f"the email {shown(person.email)} is also that of {', '.join(others)}")


def _folded(person: Person) -> str:
    email = person.email
    return email.lower() if email.isascii() else unicodedata.normalize("NFC", email).casefold()


def write_bundle(stream: BinaryIO, order: Order, people: Iterable[Person] = ()) -> Report:
    """Write the whole ZIP.

    Args:
        stream: where to; it can be seeked.
        order: what is to be made.
        people: who gets a file, when emails are written out; see `people_files`.

    Raises:
        MdmError: see `app_files` and `people_files`; then what was written is worth nothing.
    """
    report = Report()
    with Archive(stream) as bundle, spool() as table:
        for file in app_files(order):
            bundle.add(file)
        if order.literal:
            table.write(row(PEOPLE_HEADER, mark=True))
            for person, made in people_files(order, people, report):
                digests = [bundle.add(file) for file in made]
                table.write(row(("", person.email, made[0].name, digests[0])))
            bundle.add_stream(PEOPLE, table)
    report.files = bundle.files
    return report


def _readme(order: Order) -> str:
    said = [
        "Managed app config for Fluix: it shows each person's email on the login page.",
        f"App: {order.bundle_id}",
        "",
        "vendors/PRODUCT/INSTRUCTIONS.txt   what to click, and which of the files beside it to use",
        "specfile.xml                       for products that read AppConfig specfiles",
        "commands/read-back.plist           asks a device which config it has",
        "commands/removal.plist             takes the whole config away, other keys too",
    ]
    if order.literal:
        said += [
            "people/                            a property list for each person, with the email written out",
            "people.csv                         whose file is which; the first column is yours to fill in",
        ]
    if order.sends(Form.COMMANDS):
        said.append(
            "commands/settings, install         the same as commands: for an app that is there, and that is not"
        )
    if order.sends(Form.DECLARATIONS):
        said.append("declarations/                      EXPERIMENTAL: the same as declarations")
    said += [f"{MANIFEST}                    sha256sum -c {MANIFEST} checks that every file is whole", "", "Products"]
    for one in order.chosen:
        said.append(f"  {one.vendor.title}: {one.token or 'no variable'}")
        said += [f"    ! {mark}" for mark in one.marks]
    return "\n".join(said) + "\n"
