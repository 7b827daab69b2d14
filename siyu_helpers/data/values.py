"""Values: from texts to identifiers, times, amounts and flags, with every text that is none of these reported.

A function here takes a column of texts and gives back a column of values and a list of faults. Blank stays blank. The
good path is a few vectorised passes; a fault is explained only for the rows that have one.
"""

from dataclasses import dataclass

import polars as pl

from siyu_helpers.data.contract import LOOKS_LIKE_PHONE, Column

INVISIBLE = r"\x{feff}\x{200b}-\x{200d}\x{2060}"
PLACEHOLDERS = ("null", "none", "nan", "n/a", "#n/a", "#ref!", "#value!", "undefined", "-", "--", "\\n", "nil")
LOOKS_PERSONAL = (
    rf"@|(?:^|[^0-9])(?:\+?86)?[- ]?{LOOKS_LIKE_PHONE}(?:[^0-9]|$)|(?:^|[^0-9])[0-9]{{17}}[0-9Xx](?:[^0-9]|$)"
)
LARGEST_AMOUNT = 1e9


@dataclass(frozen=True)
class Fault:
    """Rows of one column with the same thing wrong.

    In `wrong`, `{value}` stands for the text of the row and `{earlier}` for the line of the row in `earlier`.
    """

    column: str
    rows: pl.Series
    wrong: str
    remedy: str
    earlier: pl.Series | None = None


def typed(text: pl.Series, column: Column, zone: str, currency: str | None = None) -> tuple[pl.Series, list[Fault]]:
    """Turn a column of texts into the values its kind promises.

    Parameters
    ----------
    text : Series of str
        Stripped texts; null where blank.
    column : Column
        The column of the contract.
    zone : str
        The brand's time zone; a time with an offset, or in milliseconds since 1970, is converted to it.
    currency : str, optional
        The brand's currency; an amount that carries the sign of another one is a fault.

    Returns
    -------
    values : Series
        id and text : str. time : datetime without zone, microseconds. day, month : date. flag : bool.
        money : float, at most 4 decimals. number, share : float. count : int. Null where blank or faulty.
    faults : list of Fault
    """
    if column.namespace:
        return identifier(text, column.name, column.namespace)
    read, faults = _READERS[column.kind](text, column.name, zone)
    return read, faults + (_foreign(text, read, column.name, currency) if column.kind == "money" and currency else [])


def _classified(text: pl.Series, bad: pl.Series, name: str, causes: list[tuple[str, str, str]]) -> list[Fault]:
    """One fault for each cause, (pattern, wrong, remedy), that explains some of the bad rows; the first one wins."""
    rows, faults = bad.fill_null(False).arg_true(), []
    for pattern, wrong, remedy in causes:
        if rows.is_empty():
            break
        hit = text.gather(rows).str.contains(pattern)
        if hit.any():
            faults.append(Fault(name, rows.filter(hit), wrong, remedy))
        rows = rows.filter(~hit)
    return faults


# ---- identifiers ----------------------------------------------------------------------------------------------------

_UNUSUAL = (
    rf"^[='\x22]|[{INVISIBLE}]|[eE]\+|\.0+$|\*|^##|^\$\$|^[-#]"
    r"|^(?i:null|none|nan|nil|n/a|undefined|\\n)$"
)
_ID_CAUSES = [
    (
        r"^[0-9]+(?:\.[0-9]+)?[eE]\+[0-9]+$",
        "the number was turned into scientific notation, so digits are lost.",
        "Export again and open the file as text (in Excel: Data, From Text, column type Text); do not save over it.",
    ),
    (
        r"^[0-9]+\.0+$",
        "the number was saved with decimals, so it will not match the same number elsewhere.",
        "Save the column as text or as whole numbers.",
    ),
    (
        rf"(?i)^(?:{'|'.join(word.replace(chr(92), chr(92) * 2) for word in PLACEHOLDERS)})$",
        "the cell holds a word for a missing value, such as NULL.",
        "Leave the cell empty; for orders without a customer, list the value under unknown_customer in brand.yml.",
    ),
]
_MASKED = (r"\*|^##|^\$\$", "the value is masked or encrypted, so different people may share it.")
_MASKED_REMEDIES = {
    "customer": "Use a key that is one per person: the platform's open buyer id, or the customer number of your order "
    "system (ERP). Orders that have none: list the masked value under unknown_customer.",
    "visitor": "Export a key that is not masked.",
    "account": "Export a key that is not masked.",
}


def identifier(text: pl.Series, name: str, namespace: str) -> tuple[pl.Series, list[Fault]]:
    """Clean identifiers of what spreadsheets put around them, and refuse those they have damaged.

    Example
    -------
    >>> values, faults = identifier(pl.Series(['="0123"', "'77", "1.23E+17"]), "order_id", "order")
    >>> values.to_list(), faults[0].wrong
    (['0123', '77', None], 'the number was turned into scientific notation, so digits are lost.')
    """
    unusual = text.str.contains(_UNUSUAL).fill_null(False)
    faults = _rounded(text, name)
    if not unusual.any():
        return text, faults
    inner = text.str.extract(r"^=?\s*['\x22]?(.*?)['\x22]?$", 1)
    led = text.str.contains(r"^[='\x22]").fill_null(False)
    cleaned = inner.zip_with(led, text).str.replace_all(f"[{INVISIBLE}]", "").str.strip_chars()
    cleaned = cleaned.set(cleaned == "", None)
    causes = _ID_CAUSES + ([(*_MASKED, _MASKED_REMEDIES[namespace])] if namespace in _MASKED_REMEDIES else [])
    found = _classified(cleaned, unusual & cleaned.is_not_null(), name, causes)
    for fault in found:
        cleaned = cleaned.scatter(fault.rows, None)
    return cleaned, faults + found


def _rounded(text: pl.Series, name: str) -> list[Fault]:
    """Excel keeps 15 digits: where all longer numbers end in zeros from the 16th on, different ids have become one."""
    sample = text.head(1000).drop_nulls().unique()
    long = sample.filter(sample.str.contains(r"^['=\x22]*[0-9]{16,}\x22?$"))
    if len(long) < 20 or not long.str.contains(r"^['=\x22]*[0-9]{15}0+\x22?$").all():
        return []
    wrong = "all long numbers end in zeros from the 16th digit on: a spreadsheet has rounded them."
    remedy = "Export again and open the file as text; do not save over it in Excel."
    return [Fault(name, text.str.contains(r"[0-9]{16,}").fill_null(False).arg_true(), wrong, remedy)]


# ---- numbers --------------------------------------------------------------------------------------------------------

_PLAIN = r"^[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)$"
_AFFIXED = (
    r"^(?i:¥|￥|us\$|\$|cny|rmb)?\s*([-+]?(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?)\s*(?i:元|cny|rmb|usd)?$"
)
_PLAIN_REMEDY = "Write a plain number such as 1299.00."
_NUMBER_CAUSES = [
    (r"(?i)^[-+]?(?:nan|inf|infinity)$", "{value} is not a finite number.", _PLAIN_REMEDY),
    (r"^[-+]?[0-9][0-9.]*,[0-9]{1,2}$", "{value} has a comma as its decimal mark.", _PLAIN_REMEDY),
    (r"(?i)^[-+]?[0-9]+(?:\.[0-9]+)?e[-+]?[0-9]+$", "{value} is in scientific notation.", _PLAIN_REMEDY),
    (r"", "{value} is not a number.", _PLAIN_REMEDY),
]


def number(text: pl.Series, name: str, _zone: str = "") -> tuple[pl.Series, list[Fault]]:
    """Read numbers; thousands commas and the signs ¥, ￥, $, 元, CNY, RMB are accepted, nothing else is.

    Example
    -------
    >>> values, faults = number(pl.Series(["¥1,299.50", "12元", "1.299,00"]), "amount")
    >>> values.to_list(), faults[0].wrong
    ([1299.5, 12.0, None], '{value} has a comma as its decimal mark.')
    """
    plain = text.str.contains(_PLAIN)
    if plain.all():
        return text.cast(pl.Float64, strict=False), []
    inner = text.str.extract(_AFFIXED, 1).str.replace_all(",", "", literal=True)
    values = text.zip_with(plain.fill_null(True), inner).cast(pl.Float64, strict=False)
    return values, _classified(text, values.is_null() & text.is_not_null(), name, _NUMBER_CAUSES)


def _money(text: pl.Series, name: str, zone: str) -> tuple[pl.Series, list[Fault]]:
    values, faults = number(text, name, zone)
    values = values.round(4)
    # Also turns -0.0 into 0.0.
    return values.set((values == 0).fill_null(False), 0.0), faults


def _foreign(text: pl.Series, amounts: pl.Series, name: str, currency: str) -> list[Fault]:
    """Amounts with the sign of another currency: dollars in a file of yuan, or yuan in a file of dollars."""
    sign = r"(?i)\$|usd" if currency.upper() in ("CNY", "RMB", "JPY") else r"(?i)¥|￥|元|cny|rmb"
    foreign = text.str.contains(sign) & amounts.is_not_null()
    remedy = f"Convert it to {currency}, or correct currency in brand.yml."
    return _classified(text, foreign, name, [("", f"{{value}} is not in {currency}.", remedy)])


def _count(text: pl.Series, name: str, zone: str) -> tuple[pl.Series, list[Fault]]:
    values, faults = number(text, name, zone)
    broken = ((values != values.floor()) | (values.abs() >= 2**53)).fill_null(False)
    faults += _classified(text, broken, name, [("", "{value} is not a whole number.", "Write a whole number.")])
    return values.set(broken, None).cast(pl.Int64), faults


def _flag(text: pl.Series, name: str, _zone: str) -> tuple[pl.Series, list[Fault]]:
    words = {"1": True, "true": True, "yes": True, "是": True, "0": False, "false": False, "no": False, "否": False}
    lower = text.str.to_lowercase()
    values = lower.replace_strict(words, default=None, return_dtype=pl.Boolean)
    bad = values.is_null() & text.is_not_null()
    return values, _classified(text, bad, name, [("", "{value} is neither yes nor no.", "Write 1 or 0.")])


def _text(text: pl.Series, name: str, _zone: str) -> tuple[pl.Series, list[Fault]]:
    distinct = text.unique().drop_nulls()
    personal = distinct.filter(distinct.str.contains(LOOKS_PERSONAL))
    if personal.is_empty():
        return text, []
    wrong = "The value looks like a phone number, an e-mail address or an identity number."
    remedy = "Map another column to this name: only the id columns of the contract may hold such values."
    bad = text.is_in(personal.implode()).fill_null(False)
    return text.set(bad, None), [Fault(name, bad.arg_true(), wrong, remedy)]


# ---- times ----------------------------------------------------------------------------------------------------------

_LOCAL = r"^[0-9]{4}[-/][0-9]{1,2}[-/][0-9]{1,2}(?:[ T][0-9]{1,2}:[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,9})?)?)?$"
_OFFSET = _LOCAL[:-1] + r"\s*(?:Z|[-+][0-9]{2}:?[0-9]{2})$"
_FORMATS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S%.f")
_TIME_REMEDY = "Write YYYY-MM-DD or YYYY-MM-DD HH:MM:SS."
_TIME_CAUSES = [
    (_LOCAL, "{value} is not in the calendar.", "Correct the date."),
    (
        r"^[0-9]{1,2}[-/.][0-9]{1,2}[-/.][0-9]{2,4}",
        "{value} may be day first or month first.",
        "Write the year first: YYYY-MM-DD.",
    ),
    (r"^[0-9]{5}(?:\.[0-9]+)?$", "{value} is an Excel day number.", "Format the cells as date and save again."),
    (r"^(?:19|20)[0-9]{6}$", "the date is written without marks between year, month and day.", _TIME_REMEDY),
    (r"^[0-9]{10}$", "the value may be a number of seconds.", _TIME_REMEDY),
    ("", "{value} is not a date.", _TIME_REMEDY),
]


def time(text: pl.Series, name: str, zone: str) -> tuple[pl.Series, list[Fault]]:
    """Read times: `-` or `/`, a day or a day with a time, ISO with T, an offset, or 13 digits of milliseconds.

    Example
    -------
    >>> values, faults = time(pl.Series(["2024/1/5 9:05", "2024-01-05T01:05:00Z", "2024-02-30"]), "at", "Asia/Shanghai")
    >>> [str(value) for value in values[:2]], faults[0].wrong
    (['2024-01-05 09:05:00', '2024-01-05 09:05:00'], '{value} is not in the calendar.')
    """
    local = text.str.contains(_LOCAL)
    values = _parsed(text if local.all() else text.set(~local, None), _FORMATS)
    if not local.all():
        elsewhere = text.set(local.fill_null(True), None)
        moments = _moments(elsewhere).dt.convert_time_zone(zone).dt.replace_time_zone(None)
        values = values.zip_with(values.is_not_null(), moments)
    values = values.rename(text.name)
    return values, _classified(text, values.is_null() & text.is_not_null(), name, _TIME_CAUSES)


def _parsed(text: pl.Series, formats: tuple[str, ...], zone: str | None = None) -> pl.Series:
    """Times in the first format that fits; every format is tried only on what the ones before have left."""
    if text.str.contains("/", literal=True).any():
        text = text.str.replace_all("/", "-", literal=True)
    if text.str.contains("T", literal=True).any():
        text = text.str.replace("T", " ", literal=True)
    values = pl.Series(text.name, [None], dtype=pl.Datetime("us", zone)).new_from_index(0, len(text))
    left = text.is_not_null()
    for pattern in formats:
        if not left.any():
            break
        every = left.all()
        part = text if every else text.filter(left)
        read = part.str.to_datetime(pattern, strict=False, time_unit="us", time_zone=zone)
        values = read if every else values.scatter(left.arg_true(), read)
        left = text.is_not_null() & values.is_null()
    return values


def _moments(text: pl.Series) -> pl.Series:
    """Moments in UTC: milliseconds since 1970, or a time with an offset."""
    with_offset = text.set(~text.str.contains(_OFFSET), None)
    with_offset = with_offset.str.replace(r"\s*Z$", "+0000").str.replace(r"\s*([-+])([0-9]{2}):?([0-9]{2})$", "$1$2$3")
    formats = ("%Y-%m-%d %H:%M:%S%z", "%Y-%m-%d %H:%M:%S%.f%z", "%Y-%m-%d %H:%M%z")
    values = _parsed(with_offset, formats, "UTC")
    digits = text.set(~text.str.contains(r"^[0-9]{13}$"), None).cast(pl.Int64, strict=False)
    from_digits = pl.from_epoch(digits, time_unit="ms").dt.cast_time_unit("us").dt.replace_time_zone("UTC")
    return values.zip_with(values.is_not_null(), from_digits)


def _day(text: pl.Series, name: str, zone: str) -> tuple[pl.Series, list[Fault]]:
    values, faults = time(text, name, zone)
    late = (values.dt.time() != pl.Series([0]).cast(pl.Time)[0]).fill_null(False)
    faults += _classified(text, late, name, [("", "{value} has a time of day.", "Write the day alone: YYYY-MM-DD.")])
    return values.set(late, None).cast(pl.Date), faults


def _month(text: pl.Series, name: str, zone: str) -> tuple[pl.Series, list[Fault]]:
    values, faults = _day(text.str.replace(r"^([0-9]{4}[-/][0-9]{1,2})$", "$1-01"), name, zone)
    inside = (values.dt.day() != 1).fill_null(False)
    causes = [("", "{value} is not the first day of a month.", "Write the month as its first day: 2024-03-01.")]
    return values.set(inside, None), faults + _classified(text, inside, name, causes)


_READERS = {
    "money": _money,
    "number": number,
    "share": number,
    "count": _count,
    "flag": _flag,
    "text": _text,
    "time": time,
    "day": _day,
    "month": _month,
}
