"""Whatever is written reads back equal in every reader that none of ours had a hand in, or was refused."""

from __future__ import annotations

import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from mdm import commands
from mdm.errors import MdmError
from mdm.model import EMAIL_KEY, AppConfig
from mdm.plist import fragment, full_plist, per_person
from mdm.specfile import specfile
from mdm.values import email_problem
from tests.mdm import readers

SETTINGS = {
    EMAIL_KEY: 'zoë.o\'brien+"x"@bücher.example',
    "text": '<&> ]]> "quoted" 日本語 🙂 é\n\ttwo lines',
    "empty": "",
    "number": -(2**31),
    "zero": 0,
    "real": 0.1,
    "tiny": 5e-324,
    "yes": True,
    "no": False,
    "data": bytes(range(256)),
    "moment": datetime(2026, 11, 24, 8, 0, 1),  # noqa: DTZ001 - property lists know UTC only
    "list": [1, "two", [3.5], {}],
    "dict": {"inner": {"deep": [True]}},
    "nothing in it": [],
}


def written(folder: Path, name: str, content: bytes) -> Path:
    file = folder / name
    file.write_bytes(content)
    return file


@pytest.mark.parametrize("name", readers.READERS)
def test_every_type_reads_back_equal(name: str, tmp_path: Path) -> None:
    file = written(tmp_path, "all.plist", full_plist(AppConfig("com.example.app", SETTINGS).settings))
    assert readers.READERS[name]([file]) == [readers.plain(SETTINGS)]


@pytest.mark.parametrize(
    "name", ["plistutil", "dd-plist"]
)  # JavaScript's numbers end at 53 bits, bplist-parser's at 32
def test_large_numbers_read_back_equal(name: str, tmp_path: Path) -> None:
    large = {"least": -(2**63), "most": 2**63 - 1}
    file = written(tmp_path, "large.plist", full_plist(AppConfig("com.example.app", large).settings))
    assert readers.READERS[name]([file]) == [readers.plain(large)]


@pytest.mark.parametrize("name", ["plistutil", "bplist-parser", "npm plist"])  # dd-plist refuses fragments
def test_a_fragment_reads_back_equal(name: str, tmp_path: Path) -> None:
    content = fragment(SETTINGS)
    if name == "npm plist":  # it asks for <plist> around it
        content = b"<plist>" + content + b"</plist>"
    file = written(tmp_path, "fragment.xml", content)
    assert readers.READERS[name]([file]) == [readers.plain(SETTINGS)]


@pytest.mark.parametrize("name", readers.READERS)
def test_commands_read_back_equal(name: str, tmp_path: Path) -> None:
    config = AppConfig("com.example.app", {EMAIL_KEY: "anna@example.com", "a": 1})
    made = [commands.install_application(config), commands.settings(config), commands.removal("com.example.app")]
    files = [written(tmp_path, f"{place}.plist", content) for place, content in enumerate(made)]
    install, settings_, removal = readers.READERS[name](files)
    wanted = readers.plain(dict(config.settings))
    assert install["Command"] == {
        "RequestType": "InstallApplication",
        "Identifier": "com.example.app",
        "Configuration": wanted,
    }
    item = {"Item": "ApplicationConfiguration", "Identifier": "com.example.app"}
    assert settings_["Command"]["Settings"] == [{**item, "Configuration": wanted}]
    assert removal["Command"]["Settings"] == [item]
    assert len({one["CommandUUID"] for one in (install, settings_, removal)}) == 3


def test_xmllint_finds_property_lists_valid(tmp_path: Path) -> None:
    options = readers.dtd()
    files = [
        written(tmp_path, "all.plist", full_plist(SETTINGS)),
        written(tmp_path, "removal.plist", commands.removal("com.example.app")),
    ]
    assert readers.xmllint(files, *options) == ""
    broken = written(tmp_path, "broken.plist", full_plist(SETTINGS).replace(b"<true/>", b"<yes/>"))
    assert "yes" in readers.xmllint([broken], *options)


def test_the_specfile_keeps_our_schema_with_hyphens_and_without(tmp_path: Path) -> None:
    schema = str(readers.HERE / "specfile.xsd")
    files = [
        written(tmp_path, f"{place}.xml", specfile(one))
        for place, one in enumerate(("com.example.app", "com.ex-ample.a1"))
    ]
    assert readers.xmllint(files, "--schema", schema) == ""
    broken = written(tmp_path, "broken.xml", specfile("com.example.app").replace(b"emailAddress", b"emailAdress"))
    assert "emailAdress" in readers.xmllint([broken], "--schema", schema)


TEXTS = st.text(max_size=40) | st.sampled_from(
    [
        "a\r\nb",
        "\ufffe",
        "\u202eevil",
        "a\u200bb",
        "e\u0301",
        " edge",
        "{{mail}}",
        "%x%",
        "]]>",
        "&amp;",
        "<a/>",
        "\x85",
        "\ud800",
    ]
)
VALUES = st.recursive(
    TEXTS
    | st.booleans()
    | st.integers(-(2**31), 2**31 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.binary(max_size=40)
    | st.datetimes(datetime(1970, 1, 2), datetime(2100, 1, 1)).map(lambda at: at.replace(microsecond=0)),  # noqa: DTZ001
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=8, phases=[Phase.explicit, Phase.reuse, Phase.generate])  # shrinking starts too many processes
@given(
    st.lists(VALUES, min_size=30, max_size=60), st.lists(st.text(max_size=30).map("{}@x.example".format), max_size=60)
)
def test_whatever_is_written_reads_back_equal_in_all_of_them(values: list[Any], emails: list[str]) -> None:
    taken: dict[str, Any] = {}
    for place, value in enumerate(values):
        try:
            AppConfig("com.example.app", {"one": value})
        except MdmError:
            continue
        taken[f"value {place}"] = value
    write = per_person(AppConfig("com.example.app", {"a": 1}))
    good = [email for email in emails if not email_problem(email)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = [written(folder, "all.plist", full_plist(AppConfig("com.example.app", taken).settings))]
        files += [written(folder, f"{place}.plist", write(email)) for place, email in enumerate(good)]
        wanted = [readers.plain(taken), *({EMAIL_KEY: email, "a": {"number": 1.0}} for email in good)]
        for reader in readers.READERS.values():
            assert reader(files) == wanted
        assert readers.xmllint(files, *readers.dtd()) == ""
