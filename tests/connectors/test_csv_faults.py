"""Files that are cut, hostile, wrongly encoded, still being written, or not there: nothing is certified, everything is named."""

from __future__ import annotations

import os
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connectors import csv_rows, csv_source
from connectors.csv_source import CsvSource
from connectors.csv_survey import Survey
from connectors.email import email_problem
from connectors.errors import ConnectorError, PermanentError, RetryableError, UnreadableError
from connectors.model import Certificate, Record
from connectors.text import shown
from tests.contracts import read_all

COLUMNS = {"id": "Id", "email": "Email", "display_name": "Name", "groups": "Groups", "active": "Active"}
HEADER = "Id,Email,Name,Groups,Active,Note\n"
GOOD = "1,anna@example.com,Anna,Field,yes,\n"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "people.csv"


def source(path, content, columns=COLUMNS, **options):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return CsvSource("people", path, columns, **{"settle_seconds": 0, "final_line_break": True} | options)


def ids(records):
    return [record.external_id for record in records]


class TestBadRows:
    @pytest.mark.parametrize(
        ("line", "message", "who"),
        [
            ("2,anna@,A,,,", 'line 3, column Email: "anna@" is no email address (nothing after the @)', ("2", "anna@")),
            ("2,,A,,,", 'line 3, column Email: "" is no email address (it is empty)', ("2", None)),
            (",b@x,A,,,", "line 3, column Id: the cell is empty, and a person needs an id", (None, "b@x")),
            ("2,b@x,A,,perhaps,", 'line 3, column Active: "perhaps" is neither active nor inactive', ("2", "b@x")),
            ("2,b@x,A,", "line 3: the row has 4 cells, and the header has 6", ("2", "b@x")),
            ("2", "line 3: the row has 1 cells, and the header has 6", ("2", None)),
            ("2,b@x,A,,,,more", "line 3: the row has 7 cells, and the header only 6", ("2", "b@x")),
            ("2,b@x,A\0b,,,", 'line 3, column Name: "A\\u0000b" contains a NUL (U+0000)', ("2", "b@x")),
            ("2,b@x,A\x07b,,,", "a control character (U+0007)", ("2", "b@x")),
            ("2,b@x,\u202egnp.exe,,,", 'column Name: "\\u202egnp.exe" contains RIGHT-TO-LEFT OVERRIDE (U+202E)', ("2", "b@x")),
            ("2,b@x,A,Fi\u2066eld,,", 'column Groups: "Fi\\u2066eld" contains LEFT-TO-RIGHT ISOLATE (U+2066)', ("2", "b@x")),
            ("2,b@x,An\u200bna,,,", "ZERO WIDTH SPACE (U+200B)", ("2", "b@x")),
            ("2,b@x,An\ufeffna,,,", "ZERO WIDTH NO-BREAK SPACE (U+FEFF)", ("2", "b@x")),
            ("2,b\u200c@x,A,,,", 'column Email: "b\\u200c@x" contains ZERO WIDTH NON-JOINER (U+200C)', ("2", "b\u200c@x")),
            ("2\u200d,b@x,A,,,", 'column Id: "2\\u200d" contains ZERO WIDTH JOINER (U+200D)', ("2\u200d", "b@x")),
            ('2,b@x,"A\nb",,,', 'line 3, column Name: "A\\u000ab" contains a line break (U+000A)', ("2", "b@x")),
            ('2,b@x,"Anna "Ann" Berg",,,', "line 3: the row cannot be parsed", ("2", "b@x")),
        ],
    )  # fmt: skip
    def test_a_bad_row_is_named_and_the_others_are_read(self, path, line, message, who):
        records, certificate = read_all(source(path, HEADER + GOOD + line + "\n3,c@x,C,,,\n"))
        assert ids(records) == ["1", "3"]
        [problem] = certificate.problems
        assert problem.message.startswith("people.csv line 3")
        assert message in problem.message
        assert (problem.line, problem.external_id, problem.email) == (3, *who)
        assert problem.column is None or problem.column in HEADER
        assert not certificate.certified

    @pytest.mark.parametrize(
        "name",
        ["مريم الزهراء", "שָׁלוֹם", "مریم علی\u200cزاده", "क\u094d\u200dष", "e\u0301", "张伟", "Jean\u00a0Luc", "❤️ 👩\u200d🚒", '=HYPERLINK("http://x")', "a\u3000b"],
    )  # fmt: skip
    def test_names_of_all_scripts_and_formulas_pass(self, path, name):
        cell = '"' + name.replace('"', '""') + '"'
        records, certificate = read_all(source(path, HEADER + f"1,a@x,{cell},{cell},,\n"))
        assert (records[0].attributes["display_name"], records[0].attributes["groups"]) == (name, (name,))
        assert certificate.certified

    def test_what_is_hidden_in_a_column_that_is_not_mapped_is_none_of_our_business(self, path):
        records, certificate = read_all(source(path, HEADER + '1,a@x,A,,,"a\n\u202eb"\n2,b@x,B,,,\n3,c@,C,,,\n'))
        assert ids(records) == ["1", "2"]
        assert certificate.problems[0].line == 5

    def test_empty_lines_and_empty_cells_at_the_end_are_nothing(self, path):
        records, certificate = read_all(source(path, "\n" + HEADER + "\n" + GOOD + ",,,,,\n  \n2,b@x,,,,,,\n\n"))
        assert ids(records) == ["1", "2"]
        assert certificate.certified

    @pytest.mark.parametrize(
        "cell",
        [
            "x" * 10_001,
            "x" * 10_000_000,
            '"' + "x,y;" * 2_500_000 + '"',
            '"' + 'a""' * 50_000 + '"',
            '"' + "x\n" * 6_000 + '"',
        ],
    )
    @pytest.mark.parametrize("column", ["Name", "Note"])
    def test_a_huge_cell_is_one_bad_row(self, path, cell, column):
        line = ["2", "b@x", "B", "", "", ""]
        line[HEADER.strip().split(",").index(column)] = cell
        made = source(path, HEADER + GOOD + ",".join(line) + "\n3,c@x,C,,,\n")
        tracemalloc.start()
        try:
            records, certificate = read_all(made)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert ids(records) == ["1", "3"]
        [problem] = certificate.problems
        assert problem.message == f"people.csv line 3, column {column}: a cell has more than 10,000 characters"
        assert (problem.external_id, problem.email) == ("2", "b@x")
        assert peak < 80_000_000

    def test_a_cell_of_10_000_characters_is_read(self, path):
        records, certificate = read_all(source(path, HEADER + f"1,a@x,{'x' * 10_000},,,{'y' * 9_000}\n"))
        assert len(records[0].attributes["display_name"]) == 10_000
        assert certificate.certified

    def test_after_a_line_without_end_nothing_is_read(self, path, monkeypatch):
        monkeypatch.setattr(csv_rows, "_MAX_LINE", 20_000)
        records, certificate = read_all(source(path, HEADER + GOOD + "2,b@x," + "B," * 20_000 + "\n3,c@x,C,,,\n"))
        assert ids(records) == ["1"]
        assert "nothing after it was read" in certificate.problems[0].message

    def test_a_quote_that_is_never_closed_is_named_with_its_line(self, path):
        records, certificate = read_all(source(path, HEADER + GOOD + '2,b@x,"B\nb",,,"said\nand was cut\n3,c@x,C,,,\n'))
        assert ids(records) == ["1"]
        [problem] = certificate.problems
        assert problem.line == 4
        assert "is never closed" in problem.message
        assert problem.external_id == "2"

    @pytest.mark.parametrize("rest", ['3,c@x,"C",,,\n', "3,c@x,C,,,\n" * 20_000])
    def test_where_it_is_not_certain_that_a_new_row_begins_reading_ends(self, path, rest):
        records, certificate = read_all(source(path, HEADER + GOOD + '2,b@x,"B,,,\n' + rest + GOOD.replace("1", "4")))
        assert ids(records) == ["1"]
        assert [problem.line for problem in certificate.problems] == [3]
        assert not certificate.certified

    def test_a_folder_names_the_file(self, tmp_path):
        (tmp_path / "a.csv").write_text(HEADER + GOOD)
        (tmp_path / "b.csv").write_text(HEADER + "2,b@,B,,,\n")
        _, certificate = read_all(CsvSource("people", tmp_path, COLUMNS, settle_seconds=0))
        assert [p.message[:24] for p in certificate.problems] == ["b.csv line 2, column Ema"]


@pytest.mark.parametrize(
    "good",
    [
        "a@corp.local",
        "o'neil+x@example.com",
        "jürgen@müller.example",
        "a@localhost",
        "a..b@docomo.example",
        f"{'a' * 64}@{'b' * 185}.com",
        "a@b_c.d.e.f.g.h",
    ],
)
def test_good_email(good):
    assert email_problem(good) is None


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("", "empty"), ("anna", "no @"), ("anna@", "nothing after"), ("@x", "nothing before"), ("a@b@c", "more than one"),
        ("a b@x", "white space"), ("a\u00a0b@x", "white space"), ("a\u3164@x", "HANGUL FILLER"), ("a\u200d@x", "JOINER"),
        ("a@x.", "ends with a dot"), ("a@.x", "begins with a dot"), ("a@x..y", "two dots"), ("a@x;b", "contains ;"),
        (f"{'a' * 65}@x", "65 characters before"), (f"{'a' * 64}@{'b' * 186}.com", "255 characters"), ("<a@x>", "contains <"),
        ("a\u202e@x", "U+202E"), ("a\0@x", "NUL"), ("a\n@x", "line break"),
    ],
)  # fmt: skip
def test_bad_email(bad, reason):
    assert reason in email_problem(bad)


def test_a_value_is_shown_short_and_harmless():
    assert shown("a\x1b[2J\u202e") == '"a\\u001b[2J\\u202e"'
    assert len(shown("x" * 500)) == 62


class TestFormat:
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252", "utf-16-be"])
    def test_the_encoding_is_recognised_or_declared(self, path, encoding):
        declared = {} if encoding in {"utf-8", "utf-8-sig", "utf-16"} else {"encoding": encoding}
        records, _ = read_all(source(path, (HEADER + "1,a@x,Zoë,,,\n").encode(encoding), **declared))
        assert records[0].attributes["display_name"] == "Zoë"

    def test_what_is_not_utf_8_is_never_guessed(self, path):
        content = (HEADER + GOOD * 5_000).encode() + b"2,b@x,Andr\xe9,,,\n"
        stream = source(path, content).read()
        with pytest.raises(UnreadableError) as caught:
            next(stream)  # nobody is handed over of such a file
        assert f"byte {content.index(0xE9)} (line 5002)" in caught.value.what
        assert "encoding: cp1252" in caught.value.cure

    @pytest.mark.parametrize(
        ("content", "options", "what"),
        [
            (b"", {}, "is empty"),
            (b" \n\r\n\t", {}, "is empty"),
            (b"\xef\xbb\xbf", {}, "is empty"),
            (b"PK\x03\x04" + bytes(50), {}, "Excel workbook"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", {}, "Excel workbook"),
            (bytes(range(256)), {}, "binary"),
            ((HEADER + GOOD).encode("utf-16-le"), {}, "binary"),
            ((HEADER + GOOD).encode("utf-32"), {}, "UTF-32"),
            ((HEADER + GOOD).encode("utf-16")[:-1], {}, "is not UTF-16: it ends inside a character (line 2)"),
            ((HEADER + GOOD).encode("utf-8-sig"), {"encoding": "cp1252"}, "byte-order mark of UTF-8, not cp1252"),
            (HEADER.encode() + b"1,a@x,\x81,,,\n", {"encoding": "cp1252"}, "is not CP1252: byte 39 (line 2)"),
            (HEADER.encode() + b"1,a@x,\xe9,,,\n", {"encoding": "ascii"}, "is not ASCII"),
            ("Id,Name\n1,A\n", {}, 'no column "Email", "Groups", "Active"; the headers found are "Id", "Name"'),
            (HEADER.replace("Note", "email") + GOOD, {}, 'several columns "Email"'),
            (HEADER + GOOD, {"delimiter": ";"}, 'the headers found are "Id,Email,Name,Groups,Active,Note"'),
            (HEADER + GOOD, {"columns": None}, "neither `User Name, Email, Group Name` nor"),
            ("User Name,Email,Groups\nA,a@x,G\n", {"columns": None}, '"Group Name"'),
            ("User Name,Full Name,Email\nA,A,a@x\n", {"columns": None}, "neither"),
        ],
    )
    def test_what_cannot_be_read_says_so(self, path, content, options, what):
        made = source(path, content, **options)
        with pytest.raises(UnreadableError) as caught:
            list(made.read())
        assert what in caught.value.what
        assert caught.value.where == str(path)
        assert caught.value.cure
        assert what in next(iter(made.check()))

    @pytest.mark.parametrize(
        "options",
        [{"encoding": e} for e in ("klingon", "hex", "", "a\0b", "undefined")]
        + [{"delimiter": d} for d in ("", "||", '"', "\n")]
        + [{"columns": {"id": "Id"}}],
    )
    def test_what_is_declared_must_be_possible(self, path, options):
        with pytest.raises(PermanentError) as caught:
            list(source(path, HEADER + GOOD, **options).read())
        assert caught.value.cure

    def test_a_header_alone_is_never_the_truth(self, path):
        for content in (HEADER, HEADER + "\n,,,,,\n"):
            records, certificate = read_all(source(path, content))
            assert records == []
            assert certificate.reasons == (
                "people.csv has a header and no rows: an empty directory is never taken for the truth",
            )

    def test_one_empty_file_of_a_folder_is_enough(self, tmp_path):
        (tmp_path / "a.csv").write_text(HEADER + GOOD)
        (tmp_path / "b.csv").write_text(HEADER)
        records, certificate = read_all(CsvSource("people", tmp_path, COLUMNS, settle_seconds=0))
        assert ids(records) == ["1"]
        assert certificate.reasons[0].startswith("b.csv has a header and no rows")

    def test_a_last_line_without_ending_may_be_cut(self, path):
        _, certificate = read_all(source(path, HEADER + GOOD.rstrip()))
        assert "does not end with a line ending" in certificate.reasons[0]
        assert read_all(source(path, HEADER + GOOD.rstrip(), final_line_break=False))[1].certified
        made = source(path, HEADER + GOOD.rstrip(), marker=Path("done"))
        (path.parent / "done").touch()
        assert read_all(made)[1].certified
        assert read_all(CsvSource("people", path, COLUMNS, settle_seconds=0))[1].certified


class TestArrival:
    def test_what_is_not_there(self, path, tmp_path):
        (tmp_path / "empty").mkdir()
        os.mkfifo(tmp_path / "pipe")
        for where in (path, path / "deeper", tmp_path / "empty", tmp_path / "pipe", Path("a\0b")):
            with pytest.raises(UnreadableError) as caught:
                next(CsvSource("people", where, COLUMNS, settle_seconds=0).read())
            assert caught.value.cure
            assert caught.value.where

    @pytest.mark.parametrize(
        ("error", "kind"), [(PermissionError(13, "no"), UnreadableError), (OSError(5, "I/O error"), RetryableError)]
    )
    def test_what_the_system_refuses(self, path, monkeypatch, error, kind):
        made = source(path, HEADER + GOOD)

        def refuse(*_args, **_options):
            raise error

        monkeypatch.setattr(Path, "open", refuse)
        with pytest.raises(kind):
            next(made.read())

    def test_an_old_file_is_read_at_once(self, path):
        naps = []
        made = source(
            path, HEADER + GOOD, settle_seconds=3, sleep=naps.append, clock=lambda: path.stat().st_mtime + 3.01
        )
        assert read_all(made)[1].certified
        assert naps == []

    def test_a_fresh_file_must_be_the_same_for_a_while(self, path):
        naps = []

        def nap(seconds):
            naps.append(seconds)
            if len(naps) == 2:
                with path.open("a") as file:
                    file.write("2,b@x,B,,,\n")

        made = source(path, HEADER + GOOD, settle_seconds=2, sleep=nap, clock=lambda: path.stat().st_mtime)
        records, certificate = read_all(made)
        assert ids(records) == ["1", "2"]
        assert certificate.certified
        assert sum(naps) == 3  # half of a second until it grew, a quarter of the time again each, and two whole seconds

    def test_a_file_that_never_rests_is_given_up(self, path):
        naps = []

        def nap(seconds):
            naps.append(seconds)
            path.write_text(HEADER + GOOD * len(naps))

        made = source(path, HEADER + GOOD, settle_seconds=2, sleep=nap, clock=lambda: 0.0)
        with pytest.raises(RetryableError, match="still being written"):
            next(made.read())
        assert sum(naps) == 20

    @pytest.mark.parametrize("change", ["grows", "is replaced", "is touched", "vanishes"])
    def test_a_change_while_it_is_read_takes_the_certificate_away(self, path, change):
        stream = source(path, HEADER + GOOD + "2,b@x,B,,,\n").read()
        assert isinstance(next(stream), Record)
        before = path.stat()
        if change == "grows":
            with path.open("a") as file:
                file.write("\n")
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        elif change == "is replaced":
            path.rename(path.with_suffix(".old"))
            path.write_bytes(path.with_suffix(".old").read_bytes())
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        elif change == "is touched":
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
        else:
            path.unlink()
        *_, certificate = stream
        assert isinstance(certificate, Certificate)
        assert "people.csv" in certificate.reasons[0]
        assert not certificate.certified

    def test_a_file_that_comes_into_the_folder_takes_the_certificate_away(self, tmp_path):
        (tmp_path / "a.csv").write_text(HEADER + GOOD)
        stream = CsvSource("people", tmp_path, COLUMNS, settle_seconds=0).read()
        next(stream)
        (tmp_path / "b.csv").write_text(HEADER + GOOD)
        *_, certificate = stream
        assert certificate.reasons == ("b.csv changed while it was read",)

    def test_a_change_before_the_first_person_is_not_read_on(self, path, monkeypatch):
        made = source(path, HEADER + GOOD)

        def grow(*args):
            found = Survey(*args)
            path.write_text(HEADER + GOOD + GOOD)
            return found

        monkeypatch.setattr(csv_source, "Survey", grow)
        with pytest.raises(RetryableError, match="changed while it was read"):
            next(made.read())

    @pytest.mark.parametrize("folder", [True, False])
    def test_the_marker_is_waited_for(self, tmp_path, folder):
        file, marker = tmp_path / "people.csv", tmp_path / "done.csv"
        file.write_text(HEADER + GOOD)
        made = CsvSource("people", tmp_path if folder else file, COLUMNS, settle_seconds=0, marker=Path("done.csv"))
        with pytest.raises(RetryableError, match=r"waits for its marker done\.csv"):
            next(made.read())
        marker.touch()
        os.utime(marker, ns=(0, file.stat().st_mtime_ns - 1))
        with pytest.raises(RetryableError, match=r"older than people\.csv"):
            next(made.read())
        os.utime(marker, ns=(0, file.stat().st_mtime_ns))
        assert read_all(made)[1].certified


WHOLE = (
    HEADER
    + GOOD
    + '2,b@x.example,"Ber""g, B",Field,no,"\nfirst ""and\n"\n3,c@x.example,Zoë,Office,true,"last, and least"\n'
).encode()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_a_cut_file_is_never_certified_unless_its_rows_are_whole(path, encoding, ending):
    """A cut at the border of two rows cannot be seen from the content: the marker, and the shrink check, are for that."""
    text = WHOLE.decode().replace('"\nfirst ""and\n"', "").replace("\n", ending)
    whole = text.encode(encoding)
    lines = text.splitlines(keepends=True)
    borders = {len("".join(lines[:n]).encode(encoding)) for n in range(2, len(lines) + 1)}
    if ending == "\r\n":
        borders |= {border - len("\n".encode(encoding.replace("16", "16-le"))) for border in borders}
    certified = set()
    for cut in range(len(whole) + 1):
        try:
            *_, certificate = source(path, whole[:cut]).read()
        except ConnectorError:
            continue
        if certificate.certified:
            certified.add(cut)
    assert certified == borders


@given(cut=st.integers(0, len(WHOLE)))
@example(WHOLE.index(b"first"))
@example(WHOLE.index(b'"\n3'))
def test_a_cut_inside_quotes_is_seen(tmp_path_factory, cut):
    made = source(tmp_path_factory.mktemp("cut") / "people.csv", WHOLE[:cut])
    try:
        *_, certificate = made.read()
    except ConnectorError:
        return
    borders = [WHOLE.index(b"\n2,") + 1, WHOLE.index(b"\n3,") + 1, len(WHOLE)]
    assert certificate.certified == (cut in borders)


@given(
    start=st.sampled_from([b"", HEADER.encode(), (HEADER + GOOD).encode(), b"\xff\xfe", b"\xef\xbb\xbf"]),
    rest=st.one_of(st.binary(max_size=200), st.text(st.sampled_from('a@.,;"\r\n\t\0 '), max_size=80).map(str.encode)),
    encoding=st.sampled_from(
        [None, None, "cp1252", "utf-7", "utf-16", "utf-32", "shift_jis", "idna", "punycode", "unicode_escape"]
    ),
)
@example(b"", b'"' * 3, None)
def test_whatever_the_bytes_only_connector_errors_come_out(tmp_path_factory, start, rest, encoding):
    made = source(tmp_path_factory.mktemp("bytes") / "people.csv", start + rest, encoding=encoding)
    try:
        items = list(made.read())
    except ConnectorError:
        return
    assert isinstance(items[-1], Certificate)
    assert len(set(ids(items[:-1]))) == len(items) - 1
