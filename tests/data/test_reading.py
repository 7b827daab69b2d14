"""Reading: files as texts, and the line of every row."""

import datetime

import polars as pl
import pyarrow as pa
import pyarrow.parquet
import pytest

from siyu_helpers.data import reading


def write(tmp_path, content: str | bytes, name: str = "orders.csv"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read(tmp_path, content: str | bytes):
    raw = reading.look(write(tmp_path, content))
    return reading.cells(raw, dict(enumerate(raw.header)))


@pytest.mark.parametrize(
    ("content", "encoding"),
    [("a,名\n1,店\n".encode(), "utf-8"), ("a,名\n1,店\n".encode("utf-8-sig"), "utf-8"),
     ("a,名\n1,店\n".encode("gb18030"), "gb18030"), (b"a,b\r\n1,2\r\n", "utf-8"), (b"a,b\n1,2", "utf-8")],
)  # fmt: skip
def test_encodings_and_line_ends(content, encoding, tmp_path):
    text = read(tmp_path, content)
    assert text.raw.encoding == encoding
    assert text.frame.rows()[0][0] == "1"
    assert text.lines([0]) == [2]


def test_an_encoding_is_judged_by_the_whole_file(tmp_path, monkeypatch):
    # The Chinese stands far behind the first look, and across the border of two chunks.
    monkeypatch.setattr(reading, "CHUNK", 7)
    content = ("a,b\n" + "1,2\n" * 3000 + "3,店店店店店店\n").encode("gb18030")
    assert read(tmp_path, content).raw.encoding == "gb18030"
    assert read(tmp_path, content.decode("gb18030").encode()).frame.rows()[-1] == ("3", "店店店店店店")


def test_headers_are_cleaned(tmp_path):
    assert reading.look(write(tmp_path, '\ufeff 编号\t,"=""b""",\u200bc\n1,2,3\n')).header == ["编号", "b", "c"]


def test_lines_are_right_with_blank_lines_and_line_breaks_inside_values(tmp_path):
    text = read(tmp_path, 'a,b\n\n1,"x\ny\nz"\n\n\n2,y\n3,z\n')
    assert text.frame["b"].to_list() == ["x\ny\nz", "y", "z"]
    assert text.lines([0, 1, 2]) == [3, 8, 9]


def test_lines_are_right_after_dropped_and_ragged_lines(tmp_path):
    text = read(tmp_path, "a,b\n1,x\n,\n2\n3,y\n , \n4,z\n")
    assert text.frame["a"].to_list() == ["1", "3", "4"]
    assert text.lines([0, 1, 2]) == [2, 5, 7]
    assert text.dropped == {"lines with nothing but commas": 2}
    assert [(problem.line, problem.column) for problem in text.problems] == [(4, None)]


def test_only_the_first_ragged_lines_are_listed(tmp_path):
    text = read(tmp_path, "a,b\n1,x\n" + "2,y,z\n" * 500)
    assert len(text.problems) == 20
    assert sum(1 + problem.more for problem in text.problems) == 500
    assert text.problems[0].line == 3


def test_old_macintosh_line_ends(tmp_path):
    text = read(tmp_path, b"a,b\r1,x\r2,y\r")
    assert text.frame["a"].to_list() == ["1", "2"]
    assert text.lines([1]) == [3]


@pytest.mark.parametrize(
    "content",
    [
        'a,b\n1,x\n2,"y\n3,z\n4,z\n',
        'a,b\n1,x\n2,"y\n3,z\n4,"z\n5,z\n',
        'a,b\n1,x\n2,"y\n3,"z"\n4,z\n',
        'a,b\n1,x\n2,"y\n' + "3,z\n" * 50_000,
        'a,b\n1,x\n"2,y\n' + "3,z\n" * 5_000_000,
    ],
    ids=["at the end", "closed by another", "closed inside", "long", "longer than a block"],
)
def test_a_quotation_mark_that_swallows_lines_names_its_line(content, tmp_path):
    raw = reading.look(write(tmp_path, content))
    try:
        problems = reading.cells(raw, {0: "a", 1: "b"}).problems
    except reading.Unreadable as unreadable:
        problems = unreadable.problems
    assert [problem.line for problem in problems] == [3]
    assert "quotation mark" in problems[0].wrong


def test_a_quotation_mark_inside_a_value_is_kept(tmp_path):
    assert read(tmp_path, 'a,b\n1,5" pipe\n2,"say ""hi"""\n3,=""\n').frame["b"].to_list() == [
        '5" pipe',
        'say "hi"',
        '=""',
    ]


def test_blank_cells_are_null_and_spaces_are_stripped(tmp_path):
    text = read(tmp_path, 'a,b\n" 1 ",\u3000\n,2\n')
    assert text.frame.rows() == [("1", None), (None, "2")]


@pytest.mark.parametrize(
    "content",
    [b"", b"\n\n", b"\xef\xbb\xbf", b"a\0b", b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"\x1f\x8b\x08", b"%PDF-1",
     "a,b\n1,2\n".encode("utf-16"), "a,b\n1,2\n".encode("utf-32"), b"a,b\n1,\xff\xff\n", b"<html>"],
)  # fmt: skip
def test_what_is_no_csv_is_unreadable(content, tmp_path):
    with pytest.raises(reading.Unreadable):
        reading.look(write(tmp_path, content))


def test_text_of_another_encoding_is_not_taken_for_gb18030(tmp_path):
    # In Big5 these bytes mean something; in GB18030 some of them fall into the private-use area.
    content = "a,b\n1,裏碁銹粧嫺\n".encode("big5hkscs", errors="ignore") + b"2,\xaa\xa1\n"
    with pytest.raises(reading.Unreadable, match="neither UTF-8 nor GB18030"):
        reading.look(write(tmp_path, content))


def test_a_folder_named_like_a_table_is_refused(tmp_path):
    (tmp_path / "orders.csv").mkdir()
    with pytest.raises(reading.Unreadable, match="not a file"):
        reading.look(tmp_path / "orders.csv")


def test_parquet_values_become_the_same_texts(tmp_path):
    path = tmp_path / "orders.parquet"
    days = pl.Series([0, 1]).cast(pl.Date)
    frame = pl.DataFrame({"n": [1, None], "x": [1.5, float("nan")], "t": ["a", ""], "d": days,
                          "z": pl.Series([0, None]).cast(pl.Datetime("us", "Asia/Shanghai"))})  # fmt: skip
    frame.write_parquet(path)
    raw = reading.look(path)
    text = reading.cells(raw, dict(enumerate(raw.header)))
    assert text.frame.row(0) == ("1", "1.5", "a", "1970-01-01", "1970-01-01 08:00:00+08:00")
    assert text.frame.row(1) == (None, "NaN", None, "1970-01-02", None)
    assert text.lines([0, 1]) == [1, 2]


@pytest.mark.parametrize("content", [b"PAR1", b"", b"PAR1" + b"x" * 100 + b"PAR1"])
def test_damaged_parquet_is_unreadable(content, tmp_path):
    with pytest.raises(reading.Unreadable):
        reading.look(write(tmp_path, content, "orders.parquet"))


@pytest.mark.parametrize(
    "cells", [[[1]], [{"a": 1}], [b"\xff"], [datetime.timedelta(1)]], ids=["list", "struct", "bytes", "duration"]
)
def test_a_parquet_column_without_plain_values_is_refused_only_where_it_is_read(cells, tmp_path):
    pl.DataFrame({"a": cells, "b": [1]}).write_parquet(tmp_path / "orders.parquet")
    raw = reading.look(tmp_path / "orders.parquet")
    assert reading.cells(raw, {1: "amount"}).frame["amount"].to_list() == ["1"]
    with pytest.raises(reading.Unreadable) as caught:
        reading.cells(raw, {0: "amount", 1: "cost"})
    assert [(problem.column, problem.file) for problem in caught.value.problems] == [("amount", "orders.parquet")]


def test_parquet_with_a_repeated_name_is_unreadable(tmp_path):
    twice = pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], names=["a", "a"])
    pa.parquet.write_table(twice, tmp_path / "orders.parquet")
    with pytest.raises(reading.Unreadable, match="both named 'a'"):
        reading.look(tmp_path / "orders.parquet")
