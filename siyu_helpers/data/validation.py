"""Validation: do the values of a table keep the contract, each by itself and taken together?

Column checks are pandera schemas built from the contract; what needs two columns or two rows is written in Polars.
"""

import datetime

import polars as pl

from siyu_helpers.data.contract import (
    CHANNEL_COLUMNS,
    EXAMPLES_SHOWN,
    PERSONAL_NAME,
    TABLES,
    Column,
    Problem,
    Table,
    nearest,
    quoted,
)
from siyu_helpers.data.reading import TextTable
from siyu_helpers.data.values import LARGEST_AMOUNT, Fault

EARLIEST = datetime.datetime(1990, 1, 1)  # noqa: DTZ001 - times are in the brand's own zone, without saying so

# What pandera reports -> what is wrong, and what to do. {until} and {start} come from brand.yml.
_SAYINGS = {
    "not_nullable": ("The cell is empty.", "Fill it in, or remove the line."),
    "negative": ("{value} is negative.", "Write what was paid as a number from 0 up; give refunds their own column."),
    "too_large": ("The amount is too large to be money.", "Check that the column is not an order or phone number."),
    "share": ("{value} is not a probability above 0 and at most 1.", "Write 50% as 0.5."),
    "too_early": ("{value} is before 1990.", "Correct the date."),
    "too_late": ("{value} is after observed_until {until}.", "Correct the date, or observed_until in brand.yml."),
    "too_soon": ("{value} is before observed_from {start}.", "Correct the date, or observed_from in brand.yml."),
}

# Blank cells that common exports are full of: nobody should be told to invent what belongs there.
_BLANK_REMEDIES = {
    ("orders", "customer_id"): 'If the export has no key for such orders, write `unknown_customer: [""]` in brand.yml.',
    ("orders", "ordered_at"): (
        "If these orders were never paid (交易关闭), export paid orders only: unpaid ones are not orders here. "
        "Otherwise fill it in."
    ),
}


def faults(table: Table, frame: pl.DataFrame, config: dict) -> list[Fault]:
    """Everything in one table's values that breaks the contract.

    Parameters
    ----------
    table : Table
        The contract of the table.
    frame : DataFrame
        Its values, as `values.typed` reads them; identifiers may still be texts.
    config : dict
        The brand's settings; a setting that is None is not checked against.

    Returns
    -------
    list of Fault
        Blank cells, numbers and times out of range, unknown channels, lines that repeat a key, and pairs of columns
        that contradict each other.
    """
    found = _columns(table, frame, config)
    return found + _repeated(table, frame) + _contradictions(table.name, frame, found)


def _schema(table: Table, names: list[str], config: dict):
    # pandera takes most of a second to import, and a brand that comes from the cache never needs it.
    import pandera.polars as pa

    columns = {}
    for column in filter(None, map(table.column, names)):
        checks = [pa.Check.isin(list(known), error="unknown") for known in [_known(table, column, config)] if known]
        if column.kind in ("money", "number", "count"):
            checks.append(pa.Check.ge(0, error="negative"))
        if column.kind == "money":
            checks.append(pa.Check.lt(LARGEST_AMOUNT, error="too_large"))
        if column.kind == "share":
            checks.append(pa.Check.in_range(0, 1, include_min=False, error="share"))
        if column.kind in ("time", "day", "month"):
            checks += _time_checks(pa.Check, table, column, config)
        anonymous = table.name == "orders" and column.name == "customer_id" and config["unknown_customer"]
        columns[column.name] = pa.Column(checks=checks, nullable=column.blank or bool(anonymous))
    return pa.DataFrameSchema(columns)


def _time_checks(check, table: Table, column: Column, config: dict) -> list:
    def limit(day: datetime.date) -> datetime.date:
        return day if column.kind != "time" else datetime.datetime.combine(day, datetime.time())

    checks = [check.ge(limit(EARLIEST.date()), error="too_early")]
    if config["observed_until"]:
        checks.append(check.lt(limit(config["observed_until"] + datetime.timedelta(days=1)), error="too_late"))
    if config["observed_from"] and (table.name, column.name) == ("orders", "ordered_at"):
        checks.append(check.ge(limit(config["observed_from"]), error="too_soon"))
    return checks


def _known(table: Table, column: Column, config: dict) -> tuple[str, ...]:
    """The only values a column may hold; empty when any value will do."""
    if (table.name, column.name) in CHANNEL_COLUMNS and config["channels"]:
        return tuple(config["channels"])
    return column.allowed


def _columns(table: Table, frame: pl.DataFrame, config: dict) -> list[Fault]:
    import pandera.errors

    try:
        _schema(table, frame.columns, config).validate(frame, lazy=True)
        return []
    except pandera.errors.SchemaErrors as errors:
        # The exception holds raw values: it goes no further than this line.
        cases = errors.failure_cases.select("column", "check", "index")
    found = []
    for (name, check), part in cases.group_by("column", "check", maintain_order=True):
        rows = part["index"].cast(pl.Int64).sort()
        if check == "unknown":
            found += _unknown(table, table.column(name), frame[name], rows, config)
        else:
            wrong, remedy = _SAYINGS[check]
            start, until = config["observed_from"], config["observed_until"]
            wrong = wrong.replace("{until}", str(until)).replace("{start}", str(start))
            if check == "not_nullable":
                remedy = _BLANK_REMEDIES.get((table.name, name), remedy)
            found.append(Fault(name, rows, wrong, remedy))
    return found


def _unknown(table: Table, column: Column, values: pl.Series, rows: pl.Series, config: dict) -> list[Fault]:
    """One fault for each unknown name, because each may be a different slip of the pen."""
    known = _known(table, column, config)
    channel = (table.name, column.name) in CHANNEL_COLUMNS
    wrong = (
        "{value} is not among the channels of brand.yml." if channel else f"{{value}} is not one of {', '.join(known)}."
    )
    found, rest = [], rows
    for value in values.gather(rows).unique(maintain_order=True).head(EXAMPLES_SHOWN):
        same = values.gather(rest) == value
        near = nearest(value, known)
        remedy = (
            f"Did you mean {near}?" if near else "Add it to channels in brand.yml." if channel else "Use these words."
        )
        found.append(Fault(column.name, rest.filter(same), wrong, remedy))
        rest = rest.filter(~same)
    return found + ([Fault(column.name, rest, wrong, "Add them to channels in brand.yml.")] if len(rest) else [])


def _repeated(table: Table, frame: pl.DataFrame) -> list[Fault]:
    """Lines whose key occurs on an earlier line; a missing or blank part of the key is another fault's affair."""
    key = [name for name in table.key if name in frame.columns]
    needed = [name for name in table.key if table.column(name).required]
    if not key or not set(needed) <= set(key):
        return []
    whole = frame.select(pl.all_horizontal(pl.col(needed).is_not_null())).to_series()
    keys = frame.select(key)
    duplicated = keys.is_duplicated() & whole
    if not duplicated.any():
        return []
    repeated = keys.with_row_index("row").filter(duplicated).with_columns(first=pl.col("row").min().over(key))
    repeated = repeated.filter(pl.col("row") > pl.col("first"))
    if table.name == "orders":
        wrong = "{value} is also on {earlier}."
        remedy = "Keep one line an order; if the file has one line an item, add the items of an order up first."
    else:
        wrong = f"The same {' and '.join(key)} as on {{earlier}}."
        remedy = f"A line is {table.grain_en}: keep one."
    return [Fault(key[0], repeated["row"], wrong, remedy, repeated["first"])]


# (table, the column that is earlier or smaller, the other one, the column to name, what is wrong)
_ORDERED = (
    ("members", "joined_at", "left_at", "left_at", "The stay ends (left_at) before it begins (joined_at)."),
    ("accounts", "opened_at", "banned_at", "banned_at",
     "The account is banned (banned_at) before it is opened (opened_at)."),
    ("orders", "refunded", "amount", "refunded", "The refund is larger than the amount paid."),
)  # fmt: skip


def _contradictions(table: str, frame: pl.DataFrame, faulty: list[Fault]) -> list[Fault]:
    """Rows in which two columns contradict each other though each is fine by itself."""
    found = []
    for name, small, large, named, wrong in _ORDERED:
        if name == table and {small, large} <= set(frame.columns):
            rows = (frame[small] > frame[large]).fill_null(False).arg_true().cast(pl.Int64)
            for fault in faulty:
                if fault.column in (small, large):
                    rows = rows.filter(~rows.is_in(fault.rows.cast(pl.Int64).implode()))
            if len(rows):
                found.append(Fault(named, rows, wrong, "Correct one of them."))
    return found


def first_order_faults(orders: pl.DataFrame, customers: pl.DataFrame) -> list[Fault]:
    """Customers whose stated first order is after an order of theirs in the file.

    orders (customer_id, ordered_at), customers (customer_id, first_order_at)  ->  faults in customers
    """
    both_there = {"customer_id", "ordered_at"} <= set(orders.columns)
    if not both_there or not {"customer_id", "first_order_at"} <= set(customers.columns):
        return []
    earliest = orders.lazy().group_by("customer_id").agg(pl.col("ordered_at").dt.date().min().alias("earliest"))
    both = (
        customers.lazy().select("customer_id", "first_order_at").with_row_index("row").join(earliest, on="customer_id")
    )
    late = both.filter(pl.col("first_order_at").dt.date() > pl.col("earliest")).sort("row").collect()
    wrong = "The first order is stated to be after an order of this customer in orders."
    return [Fault("first_order_at", late["row"], wrong, "Correct it, or leave it empty.")] if late.height else []


def problems(found: list[Fault], text: TextTable, table: str, people: list[pl.Series]) -> list[Problem]:
    """Faults as problems with line numbers, a few examples of each; the other rows are counted.

    Values are quoted from the file's own text, never beside an identifier of the same line.

    Parameters
    ----------
    found : list of Fault
    text : TextTable
        The table as the file has it.
    table : str
        Its name.
    people : list of Series of str
        Identifiers of people and accounts in all tables: no message quotes one, whichever column it has slipped into.
    """
    shown = {row for fault in found for row in fault.rows.head(EXAMPLES_SHOWN)}
    shown |= {row for fault in found if fault.earlier is not None for row in fault.earlier.head(EXAMPLES_SHOWN)}
    ordered = sorted(shown)
    line_of = dict(zip(ordered, text.lines(ordered), strict=True))
    id_columns = [c.name for c in TABLES[table].columns if c.namespace and c.name in text.frame.columns]
    slipped = _occurring(text, {fault.column for fault in found}, ordered, people)
    told = []
    for fault in found:
        kind = _kind(text, table, fault.column)
        more = len(fault.rows) - EXAMPLES_SHOWN
        for place, row in enumerate(fault.rows.head(EXAMPLES_SHOWN)):
            value = text.frame[fault.column][row] or ""
            hidden = [text.frame[name][row] for name in id_columns if name != fault.column]
            hidden += [value] if value in slipped else []
            earlier = f"{text.raw.unit} {line_of[fault.earlier[place]]}" if fault.earlier is not None else ""
            wrong = fault.wrong.replace("{earlier}", earlier).replace("{value}", quoted(value, kind, hidden))
            last = place == EXAMPLES_SHOWN - 1 and more > 0
            told.append(
                Problem(
                    text.file, line_of[row], _as_written(text, fault.column), _capital(wrong), fault.remedy,
                    more if last else 0, text.raw.unit,
                )
            )  # fmt: skip
    return told


def _kind(text: TextTable, table: str, name: str) -> str:
    """Kind of a column for quoting: names read as amounts by a slip in `columns:` are not quoted as wrong amounts."""
    column = TABLES[table].column(name)
    kind = column.kind if column else "text"
    personal = kind != "id:order" and PERSONAL_NAME.search(text.headers.get(name, ""))
    return "id:personal" if personal else kind


def _occurring(text: TextTable, columns: set[str], rows: list[int], people: list[pl.Series]) -> set[str]:
    """The values of some cells that are identifiers of people elsewhere."""
    cells = pl.concat([text.frame[name].gather(rows) for name in sorted(columns)] or [pl.Series([], dtype=pl.String)])
    return {value for series in people for value in series.filter(series.is_in(cells.implode())).unique()}


def _as_written(text: TextTable, name: str) -> str:
    """Our name of a column, and in brackets the header of the file where it differs."""
    head = text.headers.get(name, name)
    return name if head == name else f"{name} ({head})"


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
