"""Boxes of words: a section that first needs some terms says there what they mean, how they are computed and where."""

from html import escape
from typing import Any

import pandas as pd

from siyu_helpers.reporting import sections, words
from siyu_helpers.reporting.ledger import Ledger

#: Terms of one box: more are a list, which nobody reads.
MOST = 6
NEEDED = ("key", "term_zh", "term_en", "definition_zh", "definition_en", "formula_zh", "formula_en")
#: What an amount of money is for, in a Chinese unit: "元/人".
PER = {
    "per customer": "人",
    "per member": "人",
    "per order": "单",
    "per purchase": "次",
    "per message": "条",
    "per account": "个账号",
    "per month": "月",
    "a month": "月",
    "a year": "年",
}
#: Units whose number says what they are, so that `words.value_text` writes none behind it.
UNITS = {
    "share": ("百分比", "percent"),
    "probability": ("百分比", "percent"),
    "growth": ("百分比", "percent"),
    "growth a year": ("每年百分之几", "percent a year"),
    "elasticity": ("百分之几（因素每变百分之一）", "per cent per per cent"),
    "correlation": ("负一到一", "from minus one to one"),
    "RMB per buyer": ("元/人", "RMB per buyer"),
}


def words_box(ledger: Ledger, rows: pd.DataFrame) -> None:
    """Show the terms that the next sentences need: what each means, its formula, its unit, where it is computed.

    rows of the glossary (one a term)  ->  one box per language

    Parameters
    ----------
    rows : DataFrame
        One to six rows of `data/raw/market/glossary.csv`, in the order in which they are read: term, definition and
        formula in both languages, and if they are there unit_zh and unit_en, or unit (as of an Estimate), page and
        section (a heading, in either language). Only key, term and definition must be filled; a page that is no page
        of a brand (a lesson) is not linked.

    Raises
    ------
    ValueError
        No rows or more than six, a column that is missing, a term twice, or a page or heading that does not exist.
    """
    if missing := [name for name in NEEDED if name not in rows]:
        raise ValueError(f"the rows have no column {missing[0]!r}: take them from glossary.csv")
    if not 1 <= len(rows) <= MOST:
        raise ValueError(f"a box of words has 1 to {MOST} terms, not {len(rows)}: cut the list, or part the section")
    if (twice := rows["key"][rows["key"].duplicated()]).size:
        raise ValueError(f"the term {twice.iloc[0]!r} is there twice")
    told = rows.astype(object).fillna("").to_dict("records")
    for lang in ledger.languages:
        terms = "".join(_term(row, lang, ledger) for row in told)
        name = words.PAGE["words_here"][lang]
        html = f'<div class="siyu-words" role="group" aria-label="{name}"><p>{name}</p><dl>{terms}</dl></div>'
        ledger.emit(lang, "words", html)


def _term(row: dict[str, Any], lang: str, ledger: Ledger) -> str:
    unit = row[f"unit_{lang}"] if f"unit_{lang}" in row else unit_name(row.get("unit", ""), lang, ledger.currency)
    other = row["term_en"] if lang == "zh" else ""
    name = f"<b>{escape(row[f'term_{lang}'])}</b>"
    name += f' <span lang="en">{escape(other)}</span>' if other else ""
    brackets = "（{}）" if lang == "zh" else " ({})"
    name += f'<span class="unit">{escape(brackets.format(unit))}</span>' if unit else ""
    colon = "：" if lang == "zh" else ": "
    html = f"<dt>{name}</dt><dd>{escape(row[f'definition_{lang}'])}"
    if row[f"formula_{lang}"]:
        html += f'<span class="formula">{words.PAGE["formula"][lang]}{colon}{escape(row[f"formula_{lang}"])}</span>'
    if row.get("page") and "/" not in row["page"]:
        place = sections.link(row["page"], row.get("section", ""))
        href = place.href.removeprefix(f"{ledger.notebook}.html") or "#findings"
        html += (
            f'<span class="where">{words.PAGE["computed_on"][lang]}{colon}'
            f'<a href="{href}">{escape(getattr(place, lang))}</a></span>'
        )
    return html + "</dd>"


def unit_name(unit: str, lang: str, currency: str = "CNY") -> str:
    """What a unit is called, without a number; one that is not known here stands as it is given.

    >>> unit_name("customers", "zh"), unit_name("share", "en"), unit_name("money per customer", "zh", "USD")
    ('位客户', 'percent', '美元/人')
    """
    if unit in words.COUNTED:
        return (words.COUNTED[unit][0] if lang == "zh" else words.COUNTED[unit][2] or unit).strip()
    if unit in UNITS:
        return UNITS[unit][words.LANGUAGES.index(lang)]
    if unit.startswith("money"):
        if lang == "zh":
            name, of = words.currency_name(currency), unit.removeprefix("money").strip()
            return f"{name}/{PER.get(of, of)}" if of else name
        return f"{currency}{unit.removeprefix('money')}"
    return unit
