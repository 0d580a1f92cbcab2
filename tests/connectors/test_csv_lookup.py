"""A few people of a CSV file: found as a read would give them, or nothing is said."""

from __future__ import annotations

import pytest

from connectors import csv_lookup
from connectors.csv_source import CsvSource
from connectors.errors import UnreadableError
from connectors.model import Record

COLUMNS = {"id": "Id", "email": "Email", "display_name": "Name", "groups": "Groups", "manager": "Manager"}
HEADER = "Id,Email,Name,Groups,Manager\n"


def source(folder):
    return CsvSource("people", folder, COLUMNS, groups_separator=";", settle_seconds=0)


def written(folder, text, encoding="utf-8"):
    (folder / "people.csv").write_bytes((HEADER + text).encode(encoding))
    return source(folder)


def ids(found):
    return None if found is None else [record.external_id for record in found]


PEOPLE = "e1,anna@x.example,Anna,Field;Night,\ne2,Bob@X.example,Bob,,anna@x.example\ne3,cleo@x.example,Cleo,Field,e1\n"


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["anna@x.example"], ["e1", "e2"]),
        (["bob@x.example"], ["e2"]),
        (["e3"], ["e3"]),
        (["e2", "cleo@x.example"], ["e2", "e3"]),
        (["nobody@x.example"], []),
        (["Manager"], []),
    ],
)
def test_everybody_in_whose_row_a_text_stands(tmp_path, texts, expected):
    assert ids(written(tmp_path, PEOPLE).find(texts)) == expected


@pytest.mark.parametrize("line_break", ["\n", "\r\n"])
@pytest.mark.parametrize("quoted", [False, True])
def test_they_are_as_a_read_would_give_them(tmp_path, line_break, quoted):
    lines = (HEADER + PEOPLE).splitlines()
    if quoted:
        lines = [",".join(f'"{cell}"' for cell in line.split(",")) for line in lines]
    (tmp_path / "people.csv").write_bytes("".join(line + line_break for line in lines).encode())
    found = source(tmp_path)
    assert list(found.find(["e1", "e2", "e3"])) == [item for item in found.read() if isinstance(item, Record)]


def test_in_every_file_of_a_folder(tmp_path):
    (tmp_path / "a.csv").write_text(HEADER + "e1,anna@x.example,Anna,,\n")
    (tmp_path / "b.csv").write_text(HEADER + "e2,bob@x.example,Bob,,anna@x.example")
    assert ids(source(tmp_path).find(["anna@x.example"])) == ["e1", "e2"]


def test_across_the_borders_at_which_the_file_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(csv_lookup, "_BUFFER", 7)
    assert ids(written(tmp_path, PEOPLE).find(["e2", "cleo@x.example"])) == ["e2", "e3"]


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ("e4,STRASSE@x.example,A,,\n", "straße@x.example".casefold()),
        ("e4,straße@x.example,A,,\n", "strasse@x.example"),
        ("e4,\u212aim@x.example,A,,\n", "kim@x.example"),
        ("e4,u\u0308we@x.example,A,,\n", "\u00fcwe@x.example"),
    ],
)
def test_whatever_is_the_same_address(tmp_path, row, text):
    assert ids(written(tmp_path, PEOPLE + row).find([text])) == ["e4"]


@pytest.mark.parametrize(
    "row",
    [
        'e4,dora@x.example,"Dora\nof two lines",,\n',
        'e4,"dora@x.example","two\ne5,eve@x.example,Eve,,",,\n',
        'e4,dora@x.example,Do"ra,"two\n lines"\n',
        'e4,dora@x.example,"never closed,,\n',
        "e4,dora@x.example,a lone\rline break,,\n",
        "e4,dora@x.example,Dora,,\ne4,dora@x.example,Dora,Night,\n",
        "e4,dora@x.example,too few cells\n",
        "e4,dora at x.example,Dora,,\ne5,eve@x.example,Eve,,e4\n",
        f"e4,dora@x.example,{'D' * 10_001},,\n",
        f"e4,dora@x.example,{'D' * 200_000},,\n",
    ],
)
def test_nothing_is_said_where_that_is_not_certain(tmp_path, row):
    assert written(tmp_path, PEOPLE + row).find(["e4"]) is None


def test_what_stands_in_too_many_rows_tells_nobody_apart(tmp_path, monkeypatch):
    monkeypatch.setattr(csv_lookup, "MOST", 2)
    found = written(tmp_path, PEOPLE)
    assert ids(found.find(["cleo"])) == ["e3"]
    assert found.find(["x.example"]) is None


def test_an_encoding_in_which_bytes_do_not_tell(tmp_path):
    (tmp_path / "people.csv").write_text(HEADER + PEOPLE, encoding="utf-16")
    assert source(tmp_path).find(["e1"]) is None


def test_a_file_that_cannot_be_decoded_gives_nobody(tmp_path):
    found = written(tmp_path, PEOPLE)
    with (tmp_path / "people.csv").open("ab") as file:
        file.write(b"e4,d\xff@x.example,Dora,,\n")
    with pytest.raises(UnreadableError, match="line 5"):
        found.find(["e1"])


def test_a_file_that_changed_meanwhile_says_nothing(tmp_path, monkeypatch):
    found = written(tmp_path, PEOPLE)
    whole = csv_lookup._are_rows

    def are_rows(*how):
        written(tmp_path, PEOPLE + "e4,dora@x.example,Dora,,\n")
        return whole(*how)

    monkeypatch.setattr(csv_lookup, "_are_rows", are_rows)
    assert found.find(["e1"]) is None
