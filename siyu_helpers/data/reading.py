"""Reading: from the bytes of a file to a table of texts, with the line of every row.

Nothing is converted here. A file that is not what its name says (empty, binary, a spreadsheet, in an unknown encoding,
with ragged lines) is refused with the line and the remedy. A good file is read by PyArrow in parallel; only when
something is wrong is it scanned again with Python's csv module, which knows the line on which every record begins.
"""

import codecs
import csv
import dataclasses
from array import array
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from siyu_helpers.data.contract import EXAMPLES_SHOWN, REQUIRED_TABLE, Problem, quoted

CHUNK = 1 << 24
_SAVE_AS = "Save it as 'CSV UTF-8 (comma delimited)' and try again."
_NEITHER = "The file is neither UTF-8 nor GB18030 text from this line on."
# The first bytes of files that are often renamed to .csv.
_SIGNATURES = (
    (b"PK\x03\x04", "The file is an Excel workbook (or a zip archive), not CSV."),
    (b"\xd0\xcf\x11\xe0", "The file is an old Excel workbook, not CSV."),
    (b"\x1f\x8b", "The file is compressed, not CSV."),
    (b"PAR1", "The file is Parquet, not CSV."),
    (b"\xff\xfe", "The file is encoded in UTF-16 ('Unicode text')."),
    (b"\xfe\xff", "The file is encoded in UTF-16 ('Unicode text')."),
    (b"%PDF", "The file is a PDF, not CSV."),
    *((mark, "The file is JSON, not CSV.") for mark in (b"{", b"[{", b"[\n", b"[\r\n")),
)
_INVISIBLE = "\ufeff\u200b\u200c\u200d\u2060"


class Unreadable(Exception):  # noqa: N818 - carries problems, as DataProblems does
    """The file cannot be read as a table at all; `.problems` says why."""

    def __init__(self, *problems: Problem):
        self.problems = list(problems)
        super().__init__("\n".join(map(str, problems)))


@dataclass(frozen=True)
class RawFile:
    """A table file after a first look: encoding, column names, how many lines it has, and what is wrong so far."""

    path: Path
    encoding: str
    header: list[str]
    line_breaks: int = 0
    has_quotes: bool = False
    problems: list[Problem] = field(default_factory=list)

    @property
    def unit(self) -> str:
        """What a place in the file is counted in: a Parquet file has rows but no lines."""
        return "row" if self.encoding == "parquet" else "line"


@dataclass(frozen=True)
class TextTable:
    """A table whose cells are still texts (a blank cell is null).

    names : position of a column in the file -> its name in the frame.
    frame : one row per good record, columns named as the contract names them.
    records : number of good records in the file, those dropped by a rule included.
    kept : position among those records of every row of the frame; None when no row was dropped.
    dropped : number of rows left out, by rule.
    problems : lines that are not records at all.
    """

    raw: RawFile
    names: dict[int, str]
    frame: pl.DataFrame
    records: int
    kept: pl.Series | None = None
    dropped: dict[str, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    @property
    def file(self) -> str:
        """Name of the file inside the brand's folder."""
        return self.raw.path.name

    @property
    def headers(self) -> dict[str, str]:
        """Name of a column in the table -> its header in the file."""
        return {name: self.raw.header[position] for position, name in self.names.items()}

    def lines(self, rows) -> list[int]:
        """The lines (in Parquet: rows, counted from 1) on which the given rows of the frame begin."""
        positions = [int(row) if self.kept is None else self.kept[int(row)] for row in rows]
        if self.raw.unit == "row":
            return [position + 1 for position in positions]
        if self.raw.line_breaks == self.records + 1:
            return [position + 2 for position in positions]
        # Blank lines, ragged lines, or line breaks inside values: only a slow scan knows where a record begins.
        starts, _ = _scan(self.raw)
        return [starts[position] if position < len(starts) else position + 2 for position in positions]


def look(path: Path) -> RawFile:
    """Look at a table file without reading its cells: what is it, and which columns does it name?

    Parameters
    ----------
    path : Path
        A .csv or .parquet file.

    Returns
    -------
    RawFile
        Encoding "utf-8", "gb18030" or "parquet", and the column names, cleaned of spaces and invisible characters;
        `.problems` lists blank and repeated names.

    Raises
    ------
    Unreadable
        The file is empty, binary, a spreadsheet, or in another encoding.
    """
    try:
        if not path.is_file():
            raise Unreadable(_whole(path, "This is not a file.", "Put a table file in its place."))
        raw = _look_parquet(path) if path.suffix == ".parquet" else _look_csv(path)
    except OSError as error:
        wrong = f"The file cannot be opened ({error.strerror})."
        raise Unreadable(_whole(path, wrong, "Check who may read it.")) from None
    raw.problems.extend(_header_problems(raw))
    if raw.unit == "row" and raw.problems:
        # Columns of a Parquet file are found by name alone.
        raise Unreadable(*raw.problems)
    return raw


def cells(raw: RawFile, names: dict[int, str]) -> TextTable:
    """Read the cells of the wanted columns as texts.

    Parameters
    ----------
    raw : RawFile
        From `look`.
    names : dict
        Position of a column in the file -> the name it gets.

    Returns
    -------
    TextTable
        Cells stripped of surrounding spaces; a blank cell is null. Rows that are blank in every column of the file
        (Excel leaves such lines of commas behind) are dropped and counted. `.problems` lists ragged lines.

    Raises
    ------
    Unreadable
        There are no rows, or a quotation mark makes the lines impossible to tell apart.
    """
    frame, problems = _cells_parquet(raw, names) if raw.unit == "row" else _cells_csv(raw, names)
    frame = frame.select(pl.all().str.strip_chars())
    frame = frame.select(pl.when(pl.col(name) != "").then(pl.col(name)) for name in frame.columns)
    records, kept, dropped = frame.height, None, {}
    blank = frame.select(pl.all_horizontal(pl.all().is_null())).to_series()
    if raw.unit == "line" and blank.any() and (empty := _blank_everywhere(raw, blank)).any():
        dropped = {"lines with nothing but commas": int(empty.sum())}
        kept = (~empty).arg_true()
        frame = frame.filter(~empty)
    if frame.height == 0 and not problems:
        remedy = "Put your rows below the first line, or remove the file."
        if raw.path.stem == REQUIRED_TABLE:
            remedy = "Copy your export over it, keeping a header line."
        raise Unreadable(_whole(raw.path, "The file has column names but no rows.", remedy))
    return TextTable(raw, names, frame, records, kept, dropped, problems)


def _whole(path: Path, wrong: str, remedy: str, line: int | None = None, column: str | None = None) -> Problem:
    return Problem(path.name, line, column, wrong, remedy, unit="row" if path.suffix == ".parquet" else "line")


# ---- the first look -------------------------------------------------------------------------------------------------


def _look_csv(path: Path) -> RawFile:
    with path.open("rb") as stream:
        start = stream.read(4096)
    if not start.strip(b"\xef\xbb\xbf \t\r\n") and path.stat().st_size < 4096:
        raise Unreadable(_whole(path, "The file is empty.", "Export it again, or remove the file."))
    for signature, wrong in _SIGNATURES:
        if start.startswith(signature):
            remedy = "Let its name end in .parquet." if signature == b"PAR1" else _SAVE_AS
            raise Unreadable(_whole(path, wrong, remedy))
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        raise Unreadable(_whole(path, "The file is a web page, not CSV.", f"Open it in Excel. {_SAVE_AS}"))
    encoding = _encoding(path)
    header = _csv_header(path, encoding)
    with path.open("rb") as stream:
        breaks, quotes, last = 0, False, b""
        while chunk := stream.read(CHUNK):
            breaks += chunk.count(b"\n")
            quotes = quotes or b'"' in chunk
            last = chunk[-1:]
    # A last line without its line break is a line too.
    return RawFile(path, encoding, header, breaks + (last != b"\n"), quotes)


def _encoding(path: Path) -> str:
    """UTF-8 if every byte agrees, else GB18030 if every byte agrees and the text is Chinese; else it is refused."""
    not_utf8 = _first_undecodable_line(path, "utf-8")
    if not_utf8 is None:
        return "utf-8"
    if _first_undecodable_line(path, "gb18030") is None and _is_chinese(path):
        return "gb18030"
    # The line is that of UTF-8, the encoding that is asked for.
    raise Unreadable(_whole(path, _NEITHER, _SAVE_AS, not_utf8))


def _is_chinese(path: Path) -> bool:
    """Whether a text that decodes as GB18030 was written so: Müller in Latin-1 decodes too, to a rare character.

    At least a quarter of the different characters beyond ASCII have to be among the common ones, those of GB2312.
    """
    characters: set[str] = set()
    with path.open(encoding="gb18030", newline="") as stream:
        while chunk := stream.read(CHUNK):
            characters.update(chunk)
    beyond = "".join(character for character in characters if not character.isascii())
    return 4 * len(beyond.encode("gb2312", "ignore")) >= 2 * len(beyond)


def _first_undecodable_line(path: Path, encoding: str) -> int | None:
    decoder, line = codecs.getincrementaldecoder(encoding)(), 1
    with path.open("rb") as stream:
        while True:
            chunk = stream.read(CHUNK)
            if b"\0" in chunk:
                raise Unreadable(_whole(path, "The file holds binary data.", _SAVE_AS))
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                return line + error.object[: error.start].count(b"\n")
            _refuse_lost_characters(path, text, line, encoding)
            if not chunk:
                return None
            line += text.count("\n")


def _refuse_lost_characters(path: Path, text: str, line: int, encoding: str) -> None:
    if (place := text.find("\ufffd")) >= 0:
        wrong = "Characters were lost when the file was saved (\ufffd stands in their place)."
        raise Unreadable(_whole(path, wrong, "Export it again as UTF-8.", line + text.count("\n", 0, place)))
    # Text of another encoding that happens to decode as GB18030 lands in the private-use area.
    if encoding == "gb18030" and not text.isascii():
        place = next((at for at, character in enumerate(text) if "\ue000" <= character <= "\uf8ff"), None)
        if place is not None:
            raise Unreadable(_whole(path, _NEITHER, _SAVE_AS, line + text.count("\n", 0, place)))


def _csv_header(path: Path, encoding: str) -> list[str]:
    with path.open(encoding=_python_name(encoding), newline="") as stream:
        try:
            header = next((record for record in csv.reader(stream) if record), [])
        except csv.Error:
            header = []
    if len(header) == 1 and any(mark in header[0] for mark in ";\t|，"):
        wrong = "The columns seem to be separated by something other than commas."
        raise Unreadable(_whole(path, wrong, _SAVE_AS, 1))
    return [clean_name(name) for name in header]


def _python_name(encoding: str) -> str:
    return "utf-8-sig" if encoding == "utf-8" else encoding


def clean_name(name: str) -> str:
    """A column name without the spaces, tabs, byte-order marks and quotation marks that exports leave around it.

    Example
    -------
    >>> clean_name("\\ufeff订单编号 "), clean_name('="amount"')
    ('订单编号', 'amount')
    """
    return name.strip().strip(_INVISIBLE).strip().lstrip("='").strip('"').strip()


def _look_parquet(path: Path) -> RawFile:
    try:
        schema = pa.parquet.read_schema(path)
    except pa.ArrowException:
        wrong = "The file is not readable Parquet."
        raise Unreadable(_whole(path, wrong, "Write it again, or save it as CSV.")) from None
    return RawFile(path, "parquet", [clean_name(name) for name in schema.names])


def _header_problems(raw: RawFile) -> list[Problem]:
    problems, seen = [], {}
    line = 1 if raw.unit == "line" else None
    title = sum(map(bool, raw.header)) == 1
    for position, name in enumerate(raw.header, start=1):
        if not name and title:
            continue
        if not name:
            wrong = f"Column {position} has no name."
            problems.append(_whole(raw.path, wrong, "Name the column, or delete it if it is empty.", line))
        elif name in seen:
            wrong = f"Columns {seen[name]} and {position} are both named {quoted(name)}."
            problems.append(_whole(raw.path, wrong, "Rename or delete one of them.", line))
        seen.setdefault(name, position)
    return problems


# ---- the cells ------------------------------------------------------------------------------------------------------


def _cells_csv(raw: RawFile, names: dict[int, str]) -> tuple[pl.DataFrame, list[Problem]]:
    """The wanted columns of the good records, and the problems of the lines that are not records."""
    ragged = []

    def skip(_row) -> str:
        ragged[:] = [True]
        return "skip"

    try:
        table = _arrow(raw, names, skip)
    except pa.ArrowInvalid:
        starts, problems = _scan(raw)
        if not starts and not problems:
            return pl.DataFrame(schema=dict.fromkeys(names.values(), pl.String)), []
        raise Unreadable(*problems or [_unpaired(raw, None)]) from None
    frame = pl.from_arrow(table).rename({f"f{position}": name for position, name in names.items()})[1:]
    # More lines than records: blank lines, or a quotation mark that swallowed lines, of which PyArrow says nothing.
    swallowed = raw.has_quotes and raw.line_breaks != frame.height + 1
    if not ragged and not swallowed:
        return frame, []
    starts, problems = _scan(raw)
    return frame, problems if problems or len(starts) == frame.height else [_unpaired(raw, None)]


def _arrow(raw: RawFile, names: dict[int, str], skip) -> pa.Table:
    columns = [f"f{position}" for position in names]
    return pa.csv.read_csv(
        raw.path,
        pa.csv.ReadOptions(encoding=raw.encoding, autogenerate_column_names=True, block_size=1 << 23),
        pa.csv.ParseOptions(newlines_in_values=raw.has_quotes, invalid_row_handler=skip),
        pa.csv.ConvertOptions(
            include_columns=columns,
            column_types=dict.fromkeys(columns, pa.string()),
            strings_can_be_null=False,
            check_utf8=False,
        ),
    )


def _scan(raw: RawFile) -> tuple[array, list[Problem]]:
    """The line each good record begins on, and the problems of the others: slow, for files with something wrong."""
    starts, problems, more, line, lines = array("Q"), [], 0, 0, []
    with raw.path.open(encoding=_python_name(raw.encoding), newline="") as stream:
        records = csv.reader(_remembered(stream, lines))
        try:
            for record in records:
                line, previous = records.line_num, line
                problem = None
                if len(record) == len(raw.header):
                    starts.append(previous + 1)
                    problem = None if len(lines) == 1 or _well_quoted(lines) else _unpaired(raw, previous + 1)
                elif record:
                    problem = _ragged(raw, previous + 1, len(record), lines)
                if problem and len(problems) < EXAMPLES_SHOWN:
                    problems.append(problem)
                elif problem:
                    more += 1
                lines.clear()
        except csv.Error:
            problems.append(_unpaired(raw, line + 1))
    if more:
        problems[EXAMPLES_SHOWN - 1] = dataclasses.replace(problems[EXAMPLES_SHOWN - 1], more=more)
    return starts[1:], problems


def _remembered(stream, lines: list[str]):
    """The lines of a stream, each put into a list as it goes by."""
    for line in stream:
        lines.append(line)
        yield line


def _well_quoted(lines: list[str]) -> bool:
    """Whether the quotation marks around a value of several lines stand where they should, and are closed."""
    try:
        return len(list(csv.reader(lines, strict=True))) == 1
    except csv.Error:
        return False


def _ragged(raw: RawFile, start: int, values: int, lines: list[str]) -> Problem:
    if sum(line.count('"') for line in lines) % 2:
        return _unpaired(raw, start)
    over = f" (it runs to line {start + len(lines) - 1}, inside quotation marks)" if len(lines) > 1 else ""
    wrong = (
        f"The line has {values} value{'s' if values != 1 else ''} where the header has {len(raw.header)} columns{over}."
    )
    remedy = "Put a value that holds a comma in quotation marks; fill in what is missing."
    return _whole(raw.path, wrong, remedy, start)


def _unpaired(raw: RawFile, line: int | None) -> Problem:
    wrong = "A quotation mark is opened and not closed, or stands inside a value."
    return _whole(raw.path, wrong, 'Write a quotation mark inside a value twice ("") and close every one.', line)


def _blank_everywhere(raw: RawFile, candidates: pl.Series) -> pl.Series:
    """Of the rows that are blank in the wanted columns, those that are blank in every column of the file."""
    every = {position: str(position) for position in range(len(raw.header))}
    frame, _ = _cells_csv(raw, every)
    cells_blank = pl.all_horizontal(pl.all().str.strip_chars() == "")
    return frame.select(cells_blank).to_series() & candidates


def _cells_parquet(raw: RawFile, names: dict[int, str]) -> tuple[pl.DataFrame, list[Problem]]:
    schema = pa.parquet.read_schema(raw.path)
    problems = [
        _whole(raw.path, "The column holds lists, bytes or lengths of time.", "Keep one plain value in each cell.",
               column=quoted(name).strip("'"))
        for position, name in names.items() if not _is_plain(schema.types[position])
    ]  # fmt: skip
    if problems:
        raise Unreadable(*problems)
    try:
        frame = pl.from_arrow(pa.parquet.read_table(raw.path, columns=[schema.names[position] for position in names]))
    except (pa.ArrowException, OSError):
        raise Unreadable(_whole(raw.path, "The file is damaged.", "Write it again, or save it as CSV.")) from None
    frame = frame.select(_as_text(column).alias(name) for column, name in zip(frame, names.values(), strict=True))
    return frame.with_columns(pl.all().fill_null("")), []


def _is_plain(kind: pa.DataType) -> bool:
    """Whether a cell of this type is one text, number, time or truth value."""
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    tests = ("string", "large_string", "string_view", "integer", "floating", "decimal", "boolean", "timestamp", "date",
             "time", "null")  # fmt: skip
    return any(getattr(pa.types, f"is_{test}")(kind) for test in tests)


def _as_text(column: pl.Series) -> pl.Series:
    if isinstance(column.dtype, pl.Datetime):
        # Part of a second is written only where there is one: six zeros would look like an identifier.
        offset = "%:z" if column.dtype.time_zone else ""
        return column.dt.strftime("%Y-%m-%d %H:%M:%S%.f" + offset)
    if column.dtype == pl.Null:
        return pl.Series(column.name, [None] * len(column), dtype=pl.String)
    return column.cast(pl.String)
