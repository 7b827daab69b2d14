"""Building: from the files in a brand's folder to checked tables with integers for identifiers.

Every problem of every file is collected before anything is given back; nothing is written here.
"""

from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import pyarrow as pa

from siyu_helpers.data import headers, identifiers, reading, validation, values
from siyu_helpers.data.contract import (
    PERSONAL_NAME,
    REQUIRED_TABLE,
    TABLES,
    Column,
    DataProblems,
    Problem,
    Table,
    nearest,
    quoted,
)

SUFFIXES = (".csv", ".parquet")


@dataclass(frozen=True)
class Built:
    """A brand's tables, the mapping of their identifiers, and an account of how they came about."""

    tables: dict[str, pl.DataFrame]
    values: dict[str, pa.Array] = field(repr=False)
    account: dict = field(repr=False)


@dataclass
class _Loaded:
    """One table on its way: texts, values, and which of its columns hold identifiers of which kind."""

    text: reading.TextTable
    frame: pl.DataFrame
    kinds: dict[str, str]
    account: dict
    problems: list[Problem]
    faults: list[values.Fault]

    @property
    def people(self) -> list[pl.Series]:
        """Its identifiers as the file writes them, order numbers aside."""
        return [self.text.frame[name] for name, kind in self.kinds.items() if kind != "order"]


def table_files(folder: Path) -> tuple[dict[str, Path], list[Problem]]:
    """The files that hold tables of the contract, and what is wrong with their names.

    Returns
    -------
    files : dict
        Table -> its file, in the order of the contract.
    problems : list of Problem
        No file of orders, or a table that is there twice.
    """
    files, problems = {}, []
    for name in TABLES:
        there = [folder / f"{name}{suffix}" for suffix in SUFFIXES if (folder / f"{name}{suffix}").exists()]
        if there:
            files[name] = there[0]
        if len(there) > 1:
            wrong = f"Both {there[0].name} and {there[1].name} are there."
            problems.append(Problem(there[0].name, None, None, wrong, "Keep one of them."))
    if REQUIRED_TABLE not in files:
        problems.append(Problem("orders.csv", None, None, "The table of orders is missing.", _where_orders_are(folder)))
    return files, problems


def _where_orders_are(folder: Path) -> str:
    """What to do when there is no table of orders: perhaps it has a name much like it."""
    near = nearest("orders.csv", [path.name for path in _tabular(folder)])
    if near is None:
        needed = ", ".join(column.name for column in TABLES[REQUIRED_TABLE].columns if column.required)
        return (
            f"Put the orders there as CSV UTF-8 with the columns {needed}; other headers can be mapped under columns "
            "in brand.yml."
        )
    suffix = Path(near).suffix.lower()
    return f"Rename {near} to orders{suffix}." if suffix in SUFFIXES else f"Save {near} as orders.csv (CSV UTF-8)."


def _tabular(folder: Path) -> list[Path]:
    """The files of a folder that look like tables; Excel's lock files (~$orders.xlsx) do not."""
    suffixes = (*SUFFIXES, ".xlsx", ".xls", ".txt", ".tsv")
    return [
        path for path in sorted(folder.iterdir())
        if path.is_file() and path.suffix.lower() in suffixes and not path.name.startswith((".", "~"))
    ]  # fmt: skip


def stray_files(folder: Path) -> list[str]:
    """Files in a brand's folder that look like tables but are not read, each with what was probably meant."""
    told = []
    for path in _tabular(folder):
        if path.stem not in TABLES or path.suffix not in SUFFIXES:
            near = nearest(path.stem, TABLES)
            told.append(f"{path.name} is not read" + (f"; did you mean {near}.csv?" if near else "."))
    return told


def build(brand: str, files: dict[str, Path], config: dict, problems: list[Problem]) -> Built:
    """Read, check and number all tables of a brand.

    Parameters
    ----------
    brand : str
        For the message.
    files : dict
        Table -> file, from `table_files`.
    config : dict
        The brand's settings; those that are None are not checked against.
    problems : list of Problem
        Those found before: in brand.yml, and in the names of files.

    Raises
    ------
    DataProblems
        With all problems of all files.
    """
    loaded: dict[str, _Loaded] = {}
    problems = list(problems)
    for name, path in files.items():
        try:
            loaded[name] = _load(TABLES[name], path, config)
        except reading.Unreadable as unreadable:
            problems += unreadable.problems
    if "orders" in loaded and "customers" in loaded:
        late = validation.first_order_faults(loaded["orders"].frame, loaded["customers"].frame)
        loaded["customers"].faults += late
    people = [series for table in loaded.values() for series in table.people]
    for name, table in loaded.items():
        problems += table.problems + validation.problems(_once(table.faults), table.text, name, people)
    if problems:
        raise DataProblems(brand, problems)
    return _number(loaded)


def _load(table: Table, path: Path, config: dict) -> _Loaded:
    raw = reading.look(path)
    match = headers.match(raw, table, config["columns"])
    problems = raw.problems + match.problems
    if not match.names:
        raise reading.Unreadable(*problems)
    try:
        text = reading.cells(raw, match.names)
    except reading.Unreadable as unreadable:
        raise reading.Unreadable(*problems, *unreadable.problems) from None
    frame, kinds, faults = _values(table, text, match.covariates, config)
    faults += validation.faults(table, frame, config)
    account = {
        "file": path.name,
        "rows": frame.height,
        "encoding": raw.encoding,
        "dropped": text.dropped,
        "left_out": [_shown(name) for name in match.left_out],
        "covariates": match.covariates,
        "as_integers": [name for name in match.covariates if name in kinds],
        "warnings": match.warnings,
    }
    if "customer_id" in frame.columns:
        account["without_customer"] = frame["customer_id"].null_count()
    return _Loaded(text, frame, kinds, account, problems + text.problems, faults)


def _shown(header: str) -> str:
    """A header as the account may keep it: a file without a header line has data where names should be."""
    return quoted(header).strip("'")


def _once(faults: list[values.Fault]) -> list[values.Fault]:
    """Faults without the rows that an earlier fault of the same column has: an unreadable date is not blank too."""
    seen: dict[str, pl.Series] = {}
    kept = []
    for fault in faults:
        rows, earlier = fault.rows.cast(pl.Int64), fault.earlier
        if fault.column in seen:
            new = ~rows.is_in(seen[fault.column].implode())
            rows, earlier = rows.filter(new), None if earlier is None else earlier.filter(new)
        if len(rows):
            kept.append(values.Fault(fault.column, rows, fault.wrong, fault.remedy, earlier))
            seen[fault.column] = pl.concat([seen[fault.column], rows]) if fault.column in seen else rows
    return kept


def _values(table: Table, text: reading.TextTable, covariates: list[str], config: dict):
    """The values of a table, the kinds of its identifiers, and the faults met."""
    columns, kinds, faults = [], {}, []
    for name in text.frame.columns:
        column = None if name in covariates else table.column(name)
        if column is None:
            (series, kind), met = covariate(text.frame[name]), []
        else:
            series, met = values.typed(
                _without_unknown(text.frame[name], table, column, config), column,
                config["timezone"] or "UTC", config["currency"],
            )  # fmt: skip
            kind = column.namespace
        if column is not None and (table.name, name) == ("orders", "customer_id"):
            met = met + _blank_customers(text.frame[name], config)
        if kind:
            kinds[name] = kind
        columns.append(series.alias(name))
        faults += met
    return pl.DataFrame(columns), kinds, faults


def _without_unknown(text: pl.Series, table: Table, column: Column, config: dict) -> pl.Series:
    """Customer keys, where they may be blank, without the values that brand.yml says mean nobody in particular."""
    may_be_blank = column.blank or table.name == "orders"
    if column.namespace != "customer" or not may_be_blank or not config["unknown_customer"]:
        return text
    return text.set(text.is_in([value.strip() for value in config["unknown_customer"]]).fill_null(False), None)


def _blank_customers(text: pl.Series, config: dict) -> list[values.Fault]:
    """Blank customers of orders, when other values mean nobody but a blank cell was not said to."""
    unknown = config["unknown_customer"]
    if not unknown or "" in unknown or not text.null_count():
        return []
    remedy = 'Fill it in; or, if the export has no key for such orders, add "" to unknown_customer in brand.yml.'
    return [values.Fault("customer_id", text.is_null().arg_true(), "The cell is empty.", remedy)]


def covariate(text: pl.Series) -> tuple[pl.Series, str | None]:
    """A column of `customers` that the contract does not know: a number, a text, or something personal.

    Returns
    -------
    values : Series
        float when every value is a plain number, else str.
    kind : str or None
        The kind of identifier it is to be numbered as, when its name or its values look personal: a phone, an e-mail
        address or an identity number, or a text that is different for nearly everybody.

    Example
    -------
    >>> covariate(pl.Series("age", ["31", "45"]))[0].to_list(), covariate(pl.Series("mobile_no", ["1", "2"]))[1]
    ([31.0, 45.0], 'customers.mobile_no')
    """
    filled = text.drop_nulls()
    distinct = filled.unique()
    whole = distinct.str.contains(r"^[0-9]{8,}$").all() and len(distinct) > 0
    numeric = distinct.str.contains(r"^-?[0-9]+(?:\.[0-9]+)?$").all() and not whole
    many = len(distinct) > 50 and len(distinct) > len(text) / 2
    personal = bool(PERSONAL_NAME.search(text.name)) or distinct.str.contains(values.LOOKS_PERSONAL).any()
    if personal or whole or (many and not numeric):
        return text, f"customers.{text.name}"
    return (text.cast(pl.Float64) if numeric else text), None


def _number(loaded: dict[str, _Loaded]) -> Built:
    """Integers for identifiers, in the order of the contract: tables first, then columns."""
    places = [(name, column) for name, table in loaded.items() for column in _numbering_order(name, table)]
    columns = [(loaded[name].kinds[column], loaded[name].frame[column]) for name, column in places]
    numbers, mapping = identifiers.numbered(columns)
    for (name, column), series in zip(places, numbers, strict=True):
        loaded[name].frame = loaded[name].frame.with_columns(series.alias(column))
    tables = {name: table.frame for name, table in loaded.items()}
    account = {"tables": {name: table.account for name, table in loaded.items()}}
    return Built(tables, mapping, account)


def _numbering_order(name: str, table: _Loaded) -> list[str]:
    """Contract columns in the contract's order, then covariates in the file's: swapping columns changes nothing."""
    contract = [column.name for column in TABLES[name].columns if column.name in table.kinds]
    return contract + [column for column in table.kinds if column not in contract]
