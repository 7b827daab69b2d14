"""A long table that can be filtered on the page: by words, and by the values of chosen columns.

Every row is on the page; a small script hides those that were not asked for. Where no script runs, all rows show; on
paper, those that are shown.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import pandas as pd

from siyu_helpers.reporting import tables, words
from siyu_helpers.reporting.ledger import Ledger
from siyu_helpers.reporting.sections import LINK, Section

#: Width of the widest cell, in Latin letters: up to so many it is not broken; above so many it is given room.
WORD, SENTENCE = 14, 44
#: Between the values of a cell that holds several; `filter.js` has the same.
PARTED = re.compile("、|, ")
#: Of more columns than these, sentences stand in a line of their own below the row.
MANY = 6


def show_filterable(
    ledger: Ledger,
    table: pd.DataFrame,
    columns: Mapping[str, tuple[str, str, str]],
    *,
    choose: Sequence[str],
    several: Sequence[str] = (),
    caption_zh: str,
    caption_en: str,
    names: Mapping[Any, Any] | None = None,
    blank: tuple[str, str] = ("", ""),
    numbers: Mapping[str, Any] | None = None,
) -> None:
    """Show a long table with a text box and drop-down lists that filter its rows.

    table (any grain)  ->  one HTML table per language, a row a row

    Where there are more than six columns, those with sentences stand below their row, over its whole width, except
    the first column and those to choose by.

    Parameters
    ----------
    columns : dict
        Column of the table -> (Chinese head, English head, unit), as `tables.show` takes it: a column "claim" may be
        "claim_zh" and "claim_en" in the table. Besides, unit "link": each cell is a `sections.Section` or a list of
        them, or empty. The first column names the row.
    choose : sequence of str
        Columns, of those shown, that get a drop-down list of their values, with how many rows have each; values that
        `names` names come in its order, others as they come.
    several : sequence of str
        Of these columns, those whose cells hold several values ("、" or ", " between them): each is a choice of its
        own, and a row shows whenever the value is among its own.
    names : dict, optional
        As for `tables.show`; or column -> such a dict, where the same key means something else in another column.
    blank, numbers
        As for `tables.show`.

    Raises
    ------
    ValueError
        When the table lacks a column, a column to choose by is not shown, or a link leads elsewhere than to a page of
        the same brand.
    """
    if hidden := [name for name in choose if name not in columns]:
        raise ValueError(f"rows cannot be chosen by {hidden[0]!r}, which is not shown: add it to the columns")
    records = ledger.keep(numbers or {})
    for lang in ledger.languages:
        at = words.LANGUAGES.index(lang)
        made = _columns(table, columns, lang, ledger.currency, names, blank)
        below = [name for name in list(made)[1:] if made[name][1] == "words" and name not in choose]
        below = below if len(made) > MANY else []
        beside = [name for name in made if name not in below]
        lists = [
            _choice(beside.index(name), made[name], _names_of(name, names), at, name in several) for name in choose
        ]
        rows = _rows([made[name] for name in beside], [made[name] for name in below], len(table))
        heads = [made[name][0] for name in beside]
        html = _html(heads, rows, lists, (caption_zh, caption_en)[at], lang)
        ledger.emit(lang, "filter", html, **({"numbers": records} if records else {}))


def _columns(
    table: pd.DataFrame, columns: Mapping, lang: str, currency: str, names: Mapping | None, blank: tuple[str, str]
) -> dict[str, tuple[str, str, list[str], list[str]]]:
    """Of each column its head, its class, the plain texts of its cells, and their HTML."""
    made = {}
    for name, told in columns.items():
        if told[2] == "link":
            if name not in table:
                raise ValueError(f"the table has no column {name!r}; it has {', '.join(map(repr, table.columns))}")
            cells = [_links(value, lang) for value in table[name]]
            made[name] = (told[words.LANGUAGES.index(lang)], "link", [""] * len(cells), cells)
            continue
        ((head, texts),) = tables.texts(table, {name: told}, lang, currency, _names_of(name, names), blank).items()
        kind = _kind(texts) if told[2] == "text" else "number"
        made[name] = (head, kind, texts, [_said(text, lang) for text in texts])
    return made


def _names_of(column: str, names: Mapping[Any, Any] | None) -> Mapping[Any, Any]:
    """What stands in one column -> its names."""
    if names and all(isinstance(given, Mapping) for given in names.values()):
        return names.get(column, {})
    return names or {}


def _said(text: str, lang: str) -> str:
    """A text of a cell; a Chinese term on an English page says so, for those who hear the page."""
    chinese = lang == "en" and any("\u4e00" <= character <= "\u9fff" for character in text)
    return f'<span lang="zh-CN">{escape(text)}</span>' if chinese else escape(text)


def _kind(texts: list[str]) -> str:
    """Whether a column holds a "word" a cell, never broken, or "words", sentences that need room; else neither."""
    widest = max((sum(2 if character > "\u2e80" else 1 for character in text) for text in texts), default=0)
    return "word" if widest <= WORD else "words" if widest > SENTENCE else ""


def _links(value: Any, lang: str) -> str:
    found = [value] if isinstance(value, Section) else value if isinstance(value, list | tuple) else []
    for section in found:
        if not section.href or not LINK.fullmatch(section.href):
            raise ValueError(
                f"a link to {section.href!r}: link to a page of the brand, such as 04_pool_effect.html#s-3"
            )
    return "".join(f'<a href="{section.href}">{escape(getattr(section, lang))}</a>' for section in found)


def _choice(
    column: int, made: tuple[str, str, list[str], list[str]], names: Mapping[Any, Any], at: int, several: bool = False
) -> str:
    """A drop-down list of a column's values; the script compares them with the texts of the cells."""
    head, _, texts, _ = made
    there = Counter(part for text in texts if text for part in (PARTED.split(text) if several else [text]))
    said = [str(both[at]) for both in names.values() if isinstance(both, tuple)]
    order = [text for text in dict.fromkeys(said) if text in there]
    order += [text for text in there if text not in order]
    options = "".join(
        f'<option value="{escape(text, quote=True)}">{escape(text)} ({there[text]})</option>' for text in order
    )
    lang, mark = words.LANGUAGES[at], " data-several" if several else ""
    return (
        f"<label><span>{escape(head)}</span> "
        f'<select data-column="{column}"{mark} autocomplete="off"><option value="">{words.PAGE["any"][lang]}</option>'
        f"{options}</select></label>"
    )


def _rows(beside: list[tuple], below: list[tuple], count: int) -> list[str]:
    """Each row as a group of its own: its cells, and the sentences below them."""
    rows = []
    for row in range(count):
        cells = "".join(_cell(at, head, kind, html[row]) for at, (head, kind, _, html) in enumerate(beside))
        told = "".join(
            f"<p><b>{escape(head)}</b> <span>{html[row]}</span></p>" for head, _, _, html in below if html[row]
        )
        more = f'<tr class="more"><td colspan="{len(beside)}">{told}</td></tr>' if told else ""
        rows.append(f"<tbody><tr>{cells}</tr>{more}</tbody>")
    return rows


def _cell(at: int, head: str, kind: str, html: str) -> str:
    """A cell with its column's head, which a phone shows; the first names the row. An empty one is not shown there."""
    label = f'<span class="label" aria-hidden="true">{escape(head)}</span>'
    tag, scope = ("th", ' scope="row"') if at == 0 else ("td", "")
    mark = f' class="{kind}"' if kind else ""
    return f"<{tag}{scope}{mark}>{label}<span>{html}</span></{tag}>" if html else f"<{tag}{scope}{mark}></{tag}>"


def _html(heads: list[str], rows: list[str], lists: list[str], caption: str, lang: str) -> str:
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in heads)
    said = {key: words.PAGE[key][lang] for key in ("search", "show_all", "rows_shown")}
    label = escape(caption, quote=True)
    shown = said["rows_shown"].replace("{n}", str(len(rows))).replace("{N}", str(len(rows)))
    return (
        f'<div class="siyu-filter"><div class="asked" role="search" aria-label="{label}" hidden>'
        f'<label><span>{said["search"]}</span> <input type="search" autocomplete="off"></label>{"".join(lists)}'
        f'<button type="button">{said["show_all"]}</button></div>'
        f'<p class="shown" role="status" data-says="{said["rows_shown"]}">{shown}</p>'
        f"<table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead>{''.join(rows)}</table></div>"
    )
