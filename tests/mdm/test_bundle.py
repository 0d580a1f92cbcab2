"""One ZIP: golden files byte for byte, the same bytes each time, everybody named who got no file."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import subprocess
import zipfile
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdm import commands
from mdm.archive import Archive, File
from mdm.bundle import Order, Report, app_files, file_stem, people_files, write_bundle
from mdm.delta import write_delta
from mdm.errors import MdmError
from mdm.model import EMAIL_KEY, AppConfig, Change, Person
from mdm.reading import read
from mdm.tables import escaped, keys_table, unescaped
from mdm.vendors import VENDORS, choose

GOLDEN = Path(__file__).parent / "golden"
TOKENS = {name: "%Given%" for name, vendor in VENDORS.items() if not vendor.offered and not vendor.per_device}
EVERY = tuple(choose(name, TOKENS) for name in VENDORS)
URL = "https://mdm.example.com/fluix"
PEOPLE = (Person("1", "anna@example.com"), Person("2", "Zoë.O'Brien+x@bücher.example"))


def order(**more) -> Order:
    return Order("com.example.app", EVERY, more.pop("extra", {}), literal=True, assets_url=URL, **more)


def bundle(wanted: Order, people=PEOPLE) -> tuple[dict[str, bytes], Report]:
    stream = io.BytesIO()
    report = write_bundle(stream, wanted, people)
    with zipfile.ZipFile(stream) as found:
        return {name: found.read(name) for name in found.namelist()}, report


def golden(folder: str, files: dict[str, bytes]) -> None:
    root = GOLDEN / folder
    if os.environ.get("UPDATE_GOLDEN"):
        for name, content in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(content)
    there = {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}
    assert sorted(there) == sorted(files)
    for name, content in files.items():
        assert content == there[name], name


def test_every_file_is_byte_for_byte_as_it_was() -> None:
    files, report = bundle(order())
    golden("all", files)
    assert (report.files, report.people, report.left_out) == (len(files), 2, [])


def test_further_keys_of_every_type() -> None:
    extra = {"list": [1, "a"], "dict": {"b": True}, "real": 1.5, "=cmd": "+1", "n": -1}
    chosen = tuple(choose(name) for name in ("intune", "jamf_pro", "fleet", "jamf_school", "ivanti_epmm"))
    files = {file.name: file.content for file in app_files(Order("com.example.app", chosen, extra))}
    golden("extra", files)
    assert "vendors/jamf_school/keys.csv" not in files  # a list cannot be typed in as one value
    encoded = json.loads(files["vendors/intune/graph.json"])
    assert encoded.keys() & {"settings", "encodedSettingXml"} == {"encodedSettingXml"}


def test_a_delta_is_byte_for_byte_as_it_was() -> None:
    changes = [
        Change(Person("1", "anna@example.com"), None),
        Change(Person("2", "new@example.com"), "old@example.com"),
        Change(Person("3", "same@example.com"), "same@example.com"),
        Change(Person("4", ""), "gone@example.com", left=True),
        Change(Person("5", ""), None, left=True),
    ]
    stream = io.BytesIO()
    told = write_delta(stream, Order("com.example.app", (choose("nanomdm"),), {"a": 1}, literal=True), changes, "7")
    with zipfile.ZipFile(stream) as found:
        golden("delta", {name: found.read(name) for name in found.namelist()})
    assert [one.id for one in told.new] == ["1"]
    assert [(one.before, one.person.email) for one in told.changed] == [("old@example.com", "new@example.com")]
    assert [one.before for one in told.left] == ["gone@example.com"]


def test_the_same_input_gives_the_same_zip(tmp_path: Path) -> None:
    made = []
    for _ in range(2):
        stream = io.BytesIO()
        write_bundle(stream, order(), iter(PEOPLE))
        made.append(stream.getvalue())
    if os.environ.get("UPDATE_GOLDEN"):
        (GOLDEN / "all.zip.sha256").write_text(hashlib.sha256(made[0]).hexdigest() + "\n")
    assert made[0] == made[1]
    assert hashlib.sha256(made[0]).hexdigest() == (GOLDEN / "all.zip.sha256").read_text().strip()
    # What unzip and sha256sum say of it.
    (tmp_path / "b.zip").write_bytes(made[0])
    with zipfile.ZipFile(tmp_path / "b.zip") as found:
        found.extractall(tmp_path / "out")
        assert all(entry.compress_type == zipfile.ZIP_STORED for entry in found.infolist())
    command = ["sha256sum", "--strict", "-c", "MANIFEST.sha256"]
    assert subprocess.run(command, cwd=tmp_path / "out", capture_output=True, check=False).returncode == 0
    listed = {line.split("  ", 1)[1] for line in (tmp_path / "out/MANIFEST.sha256").read_text().splitlines()}
    assert listed == set(found.namelist()) - {"MANIFEST.sha256"}


def test_a_different_email_changes_only_its_own_files() -> None:
    one, _ = bundle(order())
    other, _ = bundle(order(), (PEOPLE[0], Person("2", "other@example.com")))
    same = {name for name in one.keys() & other.keys() if one[name] == other[name]}
    assert {name for name in one if "anna" in name} <= same
    assert one.keys() - same >= {"people.csv", "MANIFEST.sha256"}


def test_whoever_gets_no_file_is_named_with_the_reason() -> None:
    people = [
        Person("0", ""),
        Person("1", ""),
        Person("2", "$PASSWORD$@x.example"),
        Person("3", "anna@example.com"),
        Person("4", "twin@example.com"),
        Person("5", "Twin@Example.com"),
        Person("6", "<x>@example.com"),
        Person("7", "shared@example.com", ("9",)),
        Person("8", "x" * 290 + "@x.example"),
    ]
    files, report = bundle(order(), people)
    assert [one.person.id for one in report.left_out] == ["0", "1", "2", "4", "5", "6", "7", "8"]
    reasons = {one.person.id: one.reason for one in report.left_out}
    assert reasons["0"] == "has no email"
    assert "$PASSWORD$" in reasons["2"]
    assert reasons["4"] == 'the email "twin@example.com" is also that of 5'
    assert reasons["5"] == 'the email "Twin@Example.com" is also that of 4'
    assert reasons["7"] == 'the email "shared@example.com" is also that of 9'
    assert "300 characters, 254 at most" in reasons["8"]
    assert [name for name in files if name.startswith("people/")] == ["people/anna@example.com.plist"]


def test_people_out_of_order_are_no_way_to_write_a_file_twice() -> None:
    people = [Person("1", "a@x.example"), Person("2", "b@x.example"), Person("3", "a@x.example")]
    with pytest.raises(MdmError, match="two files of one name"):
        bundle(order(), people)


def test_the_table_of_people_is_safe_in_a_spreadsheet() -> None:
    files, _ = bundle(order(), [Person("1", "=1+1@x.example"), Person("2", "a,b'@x.example".replace(",", "!"))])
    rows = list(csv.reader(io.StringIO(files["people.csv"].decode("utf-8-sig"), newline="")))
    assert rows[1][1] == "'=1+1@x.example"
    assert all(not cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)
    for _, email, name, digest in rows[1:]:
        content = files[name]
        assert read(content).settings == {EMAIL_KEY: unescaped(email)}
        assert hashlib.sha256(content).hexdigest() == digest


@given(st.lists(st.text(max_size=12) | st.sampled_from(["=1", "'=1", "''@", "\t1", "-1", "a,b", 'a"b'])))
def test_every_cell_comes_back_as_it_was(cells: list[str]) -> None:
    for cell in cells:
        assert unescaped(escaped(cell)) == cell
        assert escaped(cell)[:1] not in ("=", "+", "-", "@", "\t", "\r")


def test_a_table_of_keys_reads_back() -> None:
    content = keys_table({"a": True, "b": 1, "c": 1.5, "d": "=x", "e": 'say "hi", there'})
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    assert rows[1:] == [
        ["a", "true", "boolean"],
        ["b", "1", "integer"],
        ["c", "1.5", "real"],
        ["d", "'=x", "string"],
        ["e", 'say "hi", there', "string"],
    ]


NAMES = st.emails() | st.text(max_size=80).map("{}@x.example".format)


@given(st.lists(NAMES, max_size=20))
def test_file_names_are_safe_and_differ(emails: list[str]) -> None:
    stems = {email: file_stem(email) for email in emails}
    assert len({stem.lower() for stem in stems.values()}) == len(stems)
    for stem in stems.values():
        assert stem.isascii()
        assert not set(stem) & set('/\\:*?"<>|\0 \n')
        assert len(stem) < 120
        assert stem.partition(".")[0].lower() not in {"con", "nul", "aux", "prn", ""}


def test_a_name_that_looks_like_anothers_digest_is_no_collision() -> None:
    other = file_stem("Anna@example.com")
    assert other != "anna@example.com"
    assert file_stem(other) != other


@pytest.mark.parametrize(
    ("extra", "what"),
    [
        ({EMAIL_KEY: "a@x.example"}, "stands among the further keys"),
        ({"a": "{{mail}}"}, "must not be written"),
        ({"a": {"b": "$PASSWORD"}}, "must not be written"),
        ({"a": "b\u200bc"}, "must not be written"),
        ({"a": datetime(2026, 1, 1)}, "Microsoft Intune takes no date"),  # noqa: DTZ001
    ],
)
def test_further_keys_are_checked_before_anything_is_written(extra, what: str) -> None:
    with pytest.raises(MdmError, match=what):
        Order("com.example.app", (choose("intune"),), extra)


def test_command_uuids_are_stable_and_tell_what_the_command_says() -> None:
    anna = AppConfig("com.example.app", {EMAIL_KEY: "anna@example.com"})
    berta = AppConfig("com.example.app", {EMAIL_KEY: "berta@example.com"})

    def uuid(content: bytes) -> str:
        return read(content).settings["CommandUUID"]

    assert uuid(commands.settings(anna)) == uuid(commands.settings(anna)) == "7BC919C9-9AC8-59EF-BA4E-9D2CFB4220A4"
    assert (
        len(
            {
                uuid(made)
                for made in (commands.settings(anna), commands.settings(berta), commands.install_application(anna))
            }
        )
        == 3
    )
    # Who left, came back and left again gets another command, which a server takes once more.
    assert uuid(commands.removal("com.example.app", "1")) != uuid(commands.removal("com.example.app", "2"))


def test_declarations_name_the_file_as_the_web_server_gives_it() -> None:
    files, _ = bundle(order())
    content = files["people/anna@example.com.plist"]
    folder = "declarations/anna@example.com"
    asset, configuration, activation = (
        json.loads(files[f"{folder}/{name}.json"]) for name in ("asset", "configuration", "activation")
    )
    reference = asset["Payload"]["Reference"]
    assert reference["DataURL"] == f"{URL}/anna%40example.com.plist"
    assert (reference["Size"], reference["Hash-SHA-256"]) == (len(content), hashlib.sha256(content).hexdigest())
    assert configuration["Payload"]["AppConfig"]["LegacyAppConfigAssetReference"] == asset["Identifier"]
    assert activation["Payload"]["StandardConfigurations"] == [configuration["Identifier"]]


def test_a_reader_that_disagrees_stops_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mdm.plist.read", lambda _: read(b"<dict/>"))
    with pytest.raises(MdmError, match="does not read back"):
        list(app_files(Order("com.example.app", (choose("intune"),))))
    monkeypatch.undo()
    monkeypatch.setattr("mdm.plist.escape", lambda email: f"{email}.evil")
    with pytest.raises(MdmError, match="does not read back"):
        list(people_files(Order("com.example.app", (), literal=True), PEOPLE, Report()))
    monkeypatch.undo()
    monkeypatch.setattr("plistlib.loads", lambda *_, **__: {})
    with pytest.raises(MdmError, match="two parsers read it differently"):
        list(app_files(Order("com.example.app", (choose("intune"),))))


def test_an_archive_that_fails_has_no_manifest() -> None:
    stream = io.BytesIO()

    def twice() -> None:
        with Archive(stream) as archive:
            archive.add(File("a", b"1"))
            archive.add(File("a", b"2"))

    with pytest.raises(MdmError):
        twice()
    with zipfile.ZipFile(stream) as found:
        assert found.namelist() == ["a"]
