"""Small tables of a page: columns named in both languages, numbers with their interval in one cell.

Nothing here computes: a table of the analysis floor comes in, and goes out as text that a strategist can read.
"""

import math
from collections.abc import Mapping
from html import escape
from typing import Any

import pandas as pd

from siyu_helpers.reporting import words
from siyu_helpers.reporting.ledger import Ledger, table_html

FIT_ON_A_PHONE = 3  # columns; a wider table is swiped


def show(
    ledger: Ledger,
    table: pd.DataFrame,
    columns: Mapping[str, tuple[str, str, str]],
    *,
    caption_zh: str,
    caption_en: str,
    names: Mapping[Any, Any] | None = None,
    blank: tuple[str, str] = ("", ""),
    folded: bool = False,
    numbers: Mapping[str, Any] | None = None,
) -> None:
    """Show a table: one row a row, one column for each of `columns`.

    table (any grain)  ->  one HTML table per language

    Parameters
    ----------
    columns : dict
        Column of the table -> (Chinese head, English head, unit). Unit "text": a name, looked up in `names`, else as
        it is; "number": a plain number; "mean" and "points":
        with one and two decimals; or the unit of an Estimate. Where the table has `<column>_low` and
        `<column>_high`, they follow in brackets. Heads of money columns get the currency.
    names : dict, optional
        What stands in a text column -> `Words` or (Chinese, English).
    blank : (Chinese, English)
        What an empty cell says. Empty means not observed, never zero.
    folded : bool
        True shows the caption only, until it is clicked: for long tables that few will read.
    numbers : dict of Estimate, optional
        Those behind the cells that the last table of the page is to list.

    Raises
    ------
    ValueError
        When the table lacks one of the columns.
    """
    made = {lang: texts(table, columns, lang, ledger.currency, names, blank) for lang in ledger.languages}
    records = ledger.keep(numbers or {})
    for lang, columns_made in made.items():
        caption = (caption_zh, caption_en)[words.LANGUAGES.index(lang)]
        hint = words.swipe_hint(lang, "table") if len(columns) > FIT_ON_A_PHONE else ""
        html = table_html(pd.DataFrame(columns_made), lang, caption, captioned=not folded) + hint
        if folded:
            html = f"<details><summary>{escape(caption)}</summary>{html}</details>"
        ledger.emit(lang, "table", html, **({"numbers": records} if records else {}))


def texts(
    table: pd.DataFrame,
    columns: Mapping[str, tuple[str, str, str]],
    lang: str,
    currency: str,
    names: Mapping[Any, Any] | None = None,
    blank: tuple[str, str] = ("", ""),
) -> dict[str, list[str]]:
    """The columns of a table as `show` writes them in one language: head -> texts of the cells.

    A column "claim" of which the table has "claim_zh" and "claim_en" is taken from that of the language.

    Raises
    ------
    ValueError
        When the table lacks one of the columns.
    """
    table = table.rename(columns={f"{name}_{lang}": name for name in columns if name not in table})
    if missing := [name for name in columns if name not in table]:
        raise ValueError(f"the table has no column {missing[0]!r}; it has {', '.join(map(repr, table.columns))}")
    at, made = words.LANGUAGES.index(lang), {}
    for name, (*heads, unit) in columns.items():
        head = heads[at] + (_currency(currency, lang) if unit.startswith("money") else "")
        made[head] = _cells(table, name, unit, lang, names or {}, blank[at])
    return made


def _currency(currency: str, lang: str) -> str:
    name = words.currency_name(currency) if lang == "zh" else currency
    return f"（{name}）" if lang == "zh" else f" ({name})"


def _cells(table: pd.DataFrame, name: str, unit: str, lang: str, names: Mapping[Any, Any], blank: str) -> list[str]:
    if unit == "text":
        return [blank if _is_blank(value) else _name(value, names, lang) for value in table[name]]
    if unit == "probability":
        return [blank if pd.isna(value) else words.value_text(value, unit, lang) for value in table[name]]
    ends = [f"{name}_low", f"{name}_high"]
    if not set(ends) <= set(table.columns):
        return [_number(value, unit, blank) for value in table[name]]
    return [_with_ends(*row, unit, lang, blank) for row in table[[name, *ends]].itertuples(index=False, name=None)]


def _is_blank(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value)) or value is pd.NA


def _name(value: Any, names: Mapping[Any, Any], lang: str) -> str:
    found = value if isinstance(value, tuple) else names.get(value, value)
    return str(found[words.LANGUAGES.index(lang)] if isinstance(found, tuple) else found)


def _number(value: Any, unit: str, blank: str) -> str:
    """A number without its unit, which the head of the column carries; only the percent sign stays.

    >>> _number(0.4567, "share", ""), _number(1234.6, "money", ""), _number(12.5, "money", ""), _number(7, "days", "")
    ('45.7%', '1,235', '12.50', '7')
    """
    if pd.isna(value):
        return blank
    value = float(value)
    if unit in ("share", *words.GROWTH):
        return words.value_text(value, "share" if unit == "share" else "growth", "en")
    if unit.startswith("money"):
        return "0" if value == 0 else f"{value:,.2f}" if abs(value) < 99.995 else f"{value:,.0f}"
    if unit == "days":
        return f"{value:,.0f}"
    if unit in ("mean", "points"):
        text = f"{value:,.{1 if unit == 'mean' else 2}f}"
        return text if float(text.replace(",", "")) else text.lstrip("-")
    return words.value_text(value, "", "en")


def _with_ends(value: Any, low: Any, high: Any, unit: str, lang: str, blank: str) -> str:
    if pd.isna(value) or pd.isna(low):
        return _number(value, unit, blank)
    ends = _number(low, unit, ""), _number(high, unit, "")
    if set(ends) == {_number(value, unit, blank)}:
        return ends[0]
    if pd.isna(high) or math.isinf(high):
        return f"{_number(value, unit, blank)}" + {"zh": f"（{ends[0]} 以上）", "en": f" ({ends[0]} or more)"}[lang]
    return _number(value, unit, blank) + {"zh": "（{} 至 {}）", "en": " ({} to {})"}[lang].format(*ends)


def of_estimates(estimates: Mapping[Any, Any], key: str, name: str) -> pd.DataFrame:
    """Several numbers as a table that `show` takes: one row each, a Refused one blank.

    Example
    -------
    >>> from siyu_helpers.analysis.estimates import Refused, share
    >>> of_estimates({30: share(30, 120), 90: Refused("days", 40, 90, "太短", "too short")}, "days", "back").round(3)
       days  back  back_low  back_high
    0    30  0.25     0.191       0.32
    1    90   NaN       NaN        NaN
    """
    rows = [[getattr(number, end, math.nan) for end in ("value", "low", "high")] for number in estimates.values()]
    table = pd.DataFrame(rows, columns=[name, f"{name}_low", f"{name}_high"], dtype=float)
    return table.assign(**{key: list(estimates)})[[key, *table.columns]]
