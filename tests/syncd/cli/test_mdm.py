"""syncd mdm render, delta, lint, merge, as an operator calls them."""

from __future__ import annotations

import csv
import io
import json
import os
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from mdm.model import EMAIL_KEY
from mdm.reading import read
from syncd import app_config
from tests.house import Call, House, Person, staff

APP = "com.example.app"


@pytest.fixture
def rendered(house: House, call: Call) -> House:
    """Five people in Fluix, each with a file."""
    house.configure(mdm={"bundle_id": APP, "vendors": ["intune", "nanomdm"], "literal": True})
    house.hire(staff(5))
    assert call("run").code == 0
    assert call("mdm", "render", "--out", "first").code == 0
    return house


def names(file: Path) -> list[str]:
    with zipfile.ZipFile(file) as bundle:
        return bundle.namelist()


def emails(file: Path) -> dict[str, str]:
    """File -> the email in it."""
    with zipfile.ZipFile(file) as bundle:
        people = [name for name in bundle.namelist() if name.startswith("people/")]
        return {name: read(bundle.read(name)).settings[EMAIL_KEY] for name in people}


def test_variables_need_no_user_and_no_run(house: House, call: Call) -> None:
    house.configure(mdm={"bundle_id": APP, "vendors": ["jamf_pro", "meraki"], "tokens": {"meraki": "$OWNEREMAIL"}})
    ran = call("mdm", "render", "--out", "out")
    assert ran.code == 0
    assert "! UNVERIFIED token" in ran.out
    out = house.folder / "out"
    assert read((out / "vendors/jamf_pro/fragment.xml").read_bytes()).settings == {EMAIL_KEY: "$EMAIL"}
    assert "UNVERIFIED" in (out / "vendors/meraki/INSTRUCTIONS.txt").read_text()
    assert "people.csv" not in names(out / "fluix-mdm.zip")
    assert call("mdm", "delta", "--out", "delta").code == 2


def test_the_same_people_give_the_same_bytes(rendered: House, call: Call) -> None:
    first = (rendered.folder / "first/fluix-mdm.zip").read_bytes()
    ran = call("mdm", "render", "--out", "second", "--json")
    assert (rendered.folder / "second/fluix-mdm.zip").read_bytes() == first
    assert ran.json["people"] == 5
    assert ran.json["vendors"][0]["token"] == "{{mail}}"
    assert ran.json["vendors"][1]["token"] is None
    assert ran.json["left_out"] == []


def test_a_delta_is_what_the_run_changed(rendered: House, call: Call) -> None:
    first, _second, *others = staff(5)
    rendered.configure(shrink={"max_percent": 100}, budgets={"run": {"delete": {"percent": 100}}})
    rendered.hire([replace(first, email="married@example.com"), *others, Person("E009")])
    assert call("run").code == 0
    ran = call("mdm", "delta", "--out", "delta", "--json")
    assert ran.code == 0
    assert ran.json["new"] == ["e009@example.com"]
    assert ran.json["changed"] == [{"before": "e001@example.com", "after": "married@example.com"}]
    assert ran.json["left"] == ["e002@example.com"]
    file = rendered.folder / "delta/fluix-mdm-delta.zip"
    assert sorted(emails(file).values()) == ["e009@example.com", "married@example.com"]
    assert "commands/settings/married@example.com.plist" in names(file)
    table = (rendered.folder / "delta/delta.csv").read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(table)))
    assert {row["Change"]: row["Email Before"] for row in rows} == {
        "new": "",
        "changed": "e001@example.com",
        "left": "e002@example.com",
    }
    again = call("mdm", "delta", "--out", "again")
    assert (again.code, again.out) == (0, "nothing changed, and nothing was written\n")
    assert not (rendered.folder / "again").exists()


def test_what_changed_back_is_no_change_and_leaving_twice_is_another_command(rendered: House, call: Call) -> None:
    rendered.configure(shrink={"max_percent": 100}, budgets={"run": {"delete": {"percent": 100}}})
    removals = []
    for number in range(2):
        rendered.hire(staff(4))
        assert call("run").code == 0
        assert call("mdm", "delta", "--out", f"left{number}").code == 0
        with zipfile.ZipFile(rendered.folder / f"left{number}/fluix-mdm-delta.zip") as bundle:
            removals.append(bundle.read("commands/removal.plist"))
        rendered.hire(staff(5))
        assert call("run").code == 0
        assert call("mdm", "delta", "--out", f"back{number}", "--json").json["new"] == ["e005@example.com"]
    assert removals[0] != removals[1]
    # A name that changes concerns no config.
    rendered.hire([replace(person, name="New Name") for person in staff(5)])
    assert call("run").code == 0
    assert call("mdm", "delta", "--out", "name", "--json").json["file"] is None


def test_whoever_is_refused_is_named_and_looked_at_again(rendered: House, call: Call) -> None:
    rendered.hire([*staff(5), Person("X", email="$PASSWORD$@x.example"), Person("Y", email="<y>@x.example")])
    call("run")
    ran = call("mdm", "delta", "--out", "delta", "--json")
    assert ran.code == 5
    assert [one["user"] for one in ran.json["left_out"]] == ["$PASSWORD$@x.example"]
    assert ran.json["file"] is None
    assert not (rendered.folder / "delta").exists()
    ran = call("mdm", "render", "--out", "all")
    assert ran.code == 5
    assert 'an MDM would take "$PASSWORD$" in it for a variable' in ran.err
    assert len(emails(rendered.folder / "all/fluix-mdm.zip")) == 5
    rendered.hire([*staff(5), Person("X", email="good@x.example")])
    assert call("run").code == 0
    assert call("mdm", "delta", "--out", "delta", "--json").json["new"] == ["good@x.example"]


def test_settings_that_changed_need_everything_anew(rendered: House, call: Call) -> None:
    (rendered.folder / "more.plist").write_text("<dict><key>server</key><string>x</string></dict>")
    rendered.configure(mdm={"bundle_id": APP, "vendors": ["intune"], "literal": True, "extra": "more.plist"})
    ran = call("mdm", "delta", "--out", "delta")
    assert ran.code == 2
    assert "the settings of every person's config changed" in ran.err
    assert call("mdm", "render", "--out", "first").code == 0
    with zipfile.ZipFile(rendered.folder / "first/fluix-mdm.zip") as bundle:
        found = read(bundle.read("people/e001@example.com.plist")).settings
    assert found == {EMAIL_KEY: "e001@example.com", "server": "x"}
    assert call("mdm", "delta", "--out", "delta").code == 0


def test_a_folder_with_anything_else_in_it_is_left_alone(rendered: House, call: Call) -> None:
    out = rendered.folder / "first"
    (out / "vendors/notes.txt").write_text("mine")
    ran = call("mdm", "render", "--out", "first")
    assert (ran.code, "vendors/notes.txt" in ran.err) == (2, True)
    assert (out / "vendors/notes.txt").read_text() == "mine"
    (out / "vendors/notes.txt").unlink()
    assert call("mdm", "render", "--out", "first").code == 0
    for name in ("file", "first"):
        (rendered.folder / "file").write_text("x")
        assert call("mdm", "delta" if name == "first" else "render", "--out", name).code == 2


@pytest.mark.parametrize("what", ["rename", "write_bytes"])
def test_nothing_half_written_is_left_behind(
    rendered: House, call: Call, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    before = (rendered.folder / "first/fluix-mdm.zip").read_bytes()
    real = getattr(Path, what)

    def full(self: Path, *args: object) -> object:
        if ".part" in str(self):
            raise OSError(28, "No space left on device")
        return real(self, *args)

    monkeypatch.setattr(Path, what, full)
    ran = call("mdm", "render", "--out", "first")
    assert (ran.code, "No space left on device" in ran.err) == (2, True)
    assert call("mdm", "render", "--out", "new").code == 2
    assert (rendered.folder / "first/fluix-mdm.zip").read_bytes() == before
    assert [name for name in os.listdir(rendered.folder) if "mdm" in name or name == "new"] == []  # noqa: PTH208 - hidden ones, too


def test_a_file_that_reads_differently_leaves_nothing(
    rendered: House, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mdm.plist.same", lambda *_: False)
    ran = call("mdm", "render", "--out", "new")
    assert (ran.code, "does not read back" in ran.err) == (1, True)
    assert not (rendered.folder / "new").exists()


def test_a_killed_delta_comes_again_with_the_same_commands(
    rendered: House, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    rendered.hire(staff(6))
    assert call("run").code == 0
    with monkeypatch.context() as patched:
        patched.setattr(app_config, "_remember", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        assert call("mdm", "delta", "--out", "killed").code == 130
    assert call("mdm", "delta", "--out", "again").code == 0
    killed, again = (rendered.folder / name / "fluix-mdm-delta.zip" for name in ("killed", "again"))
    assert killed.read_bytes() == again.read_bytes()


def test_nothing_is_written_without_mdm_or_users(house: House, call: Call) -> None:
    ran = call("mdm", "render", "--out", "out")
    assert (ran.code, "the configuration has no `mdm`" in ran.err) == (2, True)
    house.configure(mdm={"bundle_id": APP, "vendors": ["intune"]})
    ran = call("mdm", "render", "--out", "out", "--literal")
    assert (ran.code, "run `syncd run` first" in ran.err) == (2, True)
    assert not (house.folder / "out").exists()


def test_one_product_only(house: House, call: Call) -> None:
    house.configure(mdm={"bundle_id": APP, "vendors": ["intune", "jamf_pro"]})
    assert call("mdm", "render", "--out", "out", "--vendor", "fleet").code == 0
    assert os.listdir(house.folder / "out/vendors") == ["fleet"]  # noqa: PTH208 - the names alone
    ran = call("mdm", "render", "--out", "out", "--vendor", "kandji")
    assert (ran.code, "is not verified" in ran.err) == (1, True)


def test_check_names_what_is_wrong_or_not_verified(house: House, call: Call) -> None:
    house.hire(staff(1))
    house.configure(mdm={"bundle_id": APP, "vendors": ["jamf_school"], "extra": "missing.plist"})
    ran = call("check", "--json")
    assert any("missing.plist" in one for one in ran.json["problems"])
    house.configure(mdm={"bundle_id": APP, "vendors": ["jamf_school"]})
    ran = call("check", "--json")
    assert ran.json["notes"] == ["mdm: Jamf School: UNVERIFIED form: whichever of the files its page takes"]


def test_lint_and_merge_need_no_configuration(tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNCD_CONFIG", str(tmp_path / "none.yaml"))
    file = tmp_path / "app.xml"
    file.write_text("<dict>\n<key>server</key><string>[bold]x</string>\n</dict>")
    ran = call("mdm", "lint", str(file), "--vendor", "jamf_pro", "--json")
    assert ran.code == 1
    assert [(one["check"], one["level"]) for one in ran.json["findings"]] == [("key_missing", "error")]
    ran = call("mdm", "merge", str(file), "--out", "new.xml", "--vendor", "jamf_pro")
    assert ran.code == 0
    assert "+ com.fluix.mdm.userEmail: $EMAIL" in ran.out
    assert "= server: [bold]x" in ran.out
    ran = call("mdm", "lint", "new.xml", "--vendor", "jamf_pro")
    assert (ran.code, ran.out) == (0, "nothing is wrong in new.xml\n")
    ran = call("mdm", "lint", "new.xml", "--vendor", "intune")
    assert (ran.code, "new.xml:5" in ran.out) == (1, True)
    assert call("mdm", "merge", str(file), "--out", "x").code == 2  # for which product?
    assert call("mdm", "lint", "nothing.xml").code == 1
    assert call("mdm", "lint", str(file), "--vendor", "nope").code == 1


def test_merge_uses_the_operators_token_and_writes_nothing_on_a_mistake(house: House, call: Call) -> None:
    house.configure(mdm={"bundle_id": APP, "vendors": ["mosyle"], "tokens": {"mosyle": "%Mine%"}})
    file = house.folder / "app.xml"
    file.write_text("<dict><key>com.fluix.mdm.userEmail</key><string>$EMAIL</string></dict>")
    ran = call("mdm", "merge", "app.xml", "--out", "new.xml", "--json")
    assert ran.json["differences"] == [{"key": EMAIL_KEY, "what": "changed", "before": "$EMAIL", "after": "%Mine%"}]
    assert ran.json["vendor"]["unverified"]
    file.write_bytes(b"bplist00" + bytes(275))
    ran = call("mdm", "merge", "app.xml", "--out", "other.xml")
    assert (ran.code, "binary property list" in ran.err) == (1, True)
    assert not (house.folder / "other.xml").exists()


@pytest.mark.parametrize(
    ("settings", "where", "message"),
    [
        ({"bundle_id": "com.example app"}, "mdm.bundle_id", "it contains a space"),
        ({"vendors": ["jamf"]}, "mdm.vendors[0]", "is no MDM product"),
        ({"vendors": ["mosyle"]}, "mdm.vendors[0]", "is not verified"),
        ({"vendors": ["nanomdm"]}, "mdm.vendors[0]", "replaces no variables"),
        ({"vendors": ["kmfddm"], "literal": True}, "mdm.vendors[0]", "needs a web server"),
        ({"tokens": {"intune": "anna@x.example"}}, "mdm.tokens.intune", "is no token"),
        ({"tokens": {"fleet": "$X"}}, "mdm.tokens.fleet", "`vendors` does not name"),
    ],
)
def test_the_configuration_is_checked_with_the_place(
    house: House, call: Call, settings: dict[str, object], where: str, message: str
) -> None:
    house.configure(mdm={"bundle_id": APP, "vendors": ["intune"], **settings})
    ran = call("check")
    assert ran.code == 2
    assert where in ran.err
    assert message in ran.err


def test_the_audit_says_what_was_rendered(rendered: House, call: Call) -> None:
    call("audit", "export", "--out", "audit.jsonl")
    rows = [json.loads(line) for line in io.StringIO((rendered.folder / "audit.jsonl").read_text())]
    assert [row["detail"]["people"] for row in rows if row["action"] == "mdm render"] == [5]
