"""The ledger: every number in a sentence is stated through it, and a page ends by saying where each came from."""

import importlib
import inspect
import math
import re
from collections.abc import Mapping
from datetime import date
from html import escape
from string import Formatter
from typing import Any

import pandas as pd
from IPython.display import display

from siyu_helpers.analysis.estimates import Estimate, Refused, Words
from siyu_helpers.reporting import verdict_cards, words

#: Tables of the market that are the workbook's own account of what others say, and no public facts.
OUR_TABLES = ("claims", "contradictions", "glossary", "metrics", "channel_definitions")
COLUMNS = ["key", "value", "low", "high", "level", "unit", "n", "definition", "function", "module", "line"]


class Ledger:
    """What one notebook states about one brand: its sentences, charts' sources and numbers.

    Parameters
    ----------
    brand : Brand
        As `brands.load` returns it; gives the name, the currency, the period and the source notes.
    notebook : str
        Stem of the notebook, such as "02_repurchase_cohorts".
    lang : "zh", "en" or "both"
        Languages to emit; "both" shows one below the other, as in JupyterLab.
    level : float
        Level of the page's intervals, said once at the top.
    observed_until : str, optional
        Last day the page may use, YYYY-MM-DD. Empty: the last day of the export.

    Raises
    ------
    ValueError
        A language, level or date that the page cannot use.
    """

    def __init__(self, brand: Any, notebook: str, lang: str = "both", level: float = 0.90, observed_until: str = ""):
        if lang not in (*words.LANGUAGES, "both"):
            raise ValueError(f'lang={lang!r}: use "zh", "en" or "both"')
        if not 0 < level < 1:
            raise ValueError(f"level={level!r}: use a share between 0 and 1, such as 0.90")
        self.brand, self.notebook, self.level = brand, notebook, level
        self.languages = words.LANGUAGES if lang == "both" else (lang,)
        self.currency = brand.config["currency"]
        self.observed_until = report_date(observed_until, brand)
        self.records: list[dict[str, Any]] = []

    def say(self, *, zh: str, en: str, finding: bool | int = False, **numbers: Any) -> None:
        """State a sentence in both languages, each number with its interval, and keep the numbers.

        Parameters
        ----------
        zh, en : str
            The sentence, with `{key}` where a number stands; both must use the same keys. Digits are
            refused: a typed number would be wrong for the next brand. `{key:value}` leaves the interval out,
            `{key:amount}` the "per customer" of money, where the sentence says it.
        finding : bool or int
            True puts the sentence into the findings at the top of the page as well; a number from 1 on also says at
            which place, where the order of the page is not that of importance.
        **numbers : Estimate, Refused, str or Words
            An Estimate is formatted and recorded. Text (a cohort's name, a date) is only shown. If any is
            Refused, the sentence is not said: its reason is shown instead.

        Raises
        ------
        ValueError
            Keys that differ between the languages, a typed digit, or a key stated twice with another value.
        TypeError
            A bare number: wrap it in an Estimate, so that its origin is known.
        """
        _check_sentence(zh, en, numbers)
        refused = next((number for number in numbers.values() if isinstance(number, Refused)), None)
        records = [] if refused else [_record(key, n) for key, n in numbers.items() if isinstance(n, Estimate)]
        self._keep(records)
        for lang in self.languages:
            if refused:
                html = f"<em>{words.PAGE['not_stated'][lang]}</em>{escape(_reason(refused, lang))}"
            else:
                html = _Sentence(lang, self.currency).format({"zh": zh, "en": en}[lang], **numbers)
            role = "finding" if finding and not refused else "sentence"
            place = {"place": finding} if role == "finding" and finding is not True else {}
            self.emit(lang, role, f'<p class="siyu-{role}">{html}</p>', numbers=records, **place)

    def verdict(
        self, record: dict[str, Any], /, zh: str, en: str, keep: Mapping[str, Any] | None = None, **numbers: Any
    ) -> None:
        """State the page's verdict on a card: a word, its probability and why, and keep it for the index of all brands.

        Parameters
        ----------
        record : dict
            What is decided, as `verdict_cards.checked` takes it. Where one of the numbers is a probability of the
            same value, the figure on the card leads to it.
        zh, en, **numbers
            Why, and by which rule, as in `say`. If a number is Refused, its reason stands there instead.
        keep : dict of Estimate, optional
            Numbers of the card that the sentence does not repeat, recorded with the others.

        Raises
        ------
        ValueError, TypeError
            A record that is not whole, and what `say` refuses.
        """
        kept = verdict_cards.checked(record)
        _check_sentence(zh, en, numbers)
        refused = next((number for number in numbers.values() if isinstance(number, Refused)), None)
        records = [] if refused else [_record(key, n) for key, n in numbers.items() if isinstance(n, Estimate)]
        self._keep(records)
        records += self.keep(keep or {})
        same = (n["key"] for n in records if n["unit"] == "probability" and n["value"] == kept["probability"])
        anchor = next(same, "")
        for lang in self.languages:
            told = escape(_reason(refused, lang)) if refused else ""
            told = told or _Sentence(lang, self.currency).format({"zh": zh, "en": en}[lang], **numbers)
            card = verdict_cards.card_html(kept, lang, told, anchor)
            self.emit(lang, "verdict", card, numbers=records, decision=kept)

    def define(self, *, zh: str, en: str, term_zh: str, term_en: str, **numbers: Any) -> None:
        """Put a definition into the page's box; `{key}` placeholders as in `say`, shown but not recorded."""
        _check_keys(zh, en, numbers)
        for lang, term, text in (("zh", term_zh, zh), ("en", term_en, en)):
            if lang in self.languages:
                body = _Sentence(lang, self.currency).format(text, **numbers)
                self.emit(lang, "definition", f"<p><strong>{escape(term)}</strong> {body}</p>")

    def say_who_is_new(self) -> None:
        """Say how new customers are told from old ones, where the export begins in the middle of the brand's life."""
        config = self.brand.config
        if config["history"] == "complete":
            return
        start, days = str(self.brand.observed_from), str(config["burn_in_days"])
        self.say(
            zh="这份导出从 {start} 开始，看不到更早的订单。除非另有首购日期，客户须在导出开始后"
            "至少连续 {days} 天没有订单，之后首次下单才算新客；更早的同期群分不清新老客，留空。",
            en="The export begins on {start} and does not show earlier orders. Unless the date of the first order is "
            "given, a customer counts as new only if no order appears in at least the first {days} days of the export; "
            "earlier cohorts stay blank, because new and old customers cannot be told apart in them.",
            start=start,
            days=days,
        )

    def table(self, frame: pd.DataFrame, caption_zh: str, caption_en: str) -> None:
        """Show a small table whose columns are `{"zh": ..., "en": ...}` names and whose cells are ready to read."""
        for lang in self.languages:
            caption = {"zh": caption_zh, "en": caption_en}[lang]
            self.emit(lang, "table", table_html(frame, lang, caption))

    def keep(self, numbers: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Record the Estimates that a table shows, as `say` records those of a sentence; returns their records."""
        records = [_record(key, number) for key, number in numbers.items() if isinstance(number, Estimate)]
        self._keep(records)
        return records

    def where_from(self) -> None:
        """Show the last table of the page: each number, its definition and the function that made it.

        A page that states no number shows nothing here.
        """
        if not self.records:
            return
        for lang in self.languages:
            names = {"zh": ("取值", "区间", "样本量"), "en": ("Value", "Interval", "n")}[lang]
            head = "".join(f'<th scope="col">{name}</th>' for name in names)
            rows = "".join(_where_from_rows(record, lang, self.currency) for record in self.records)
            self.emit(lang, "numbers", f'<table class="siyu-numbers"><thead><tr>{head}</tr></thead>{rows}</table>')

    def source_note(self, table: str, lang: str) -> str:
        """The source line of a chart: file, brand and period; for several tables "spend+orders".

        "market/filings" is the table of that name among the public facts, which belong to no brand.
        """
        if table.startswith("market/"):
            origin = "our_tables" if table.removeprefix("market/") in OUR_TABLES else "public_facts"
            return f"{words.PAGE[origin][lang]}, data/raw/{table}.csv"
        files = {i["file"].split(".")[0]: i["file"] for i in self.brand.inputs}
        file = " + ".join(files.get(name, name) for name in table.split("+"))
        name = words.text_in(self.brand.config["name"], lang)
        to = {"zh": " 至 ", "en": " to "}[lang]
        marker = words.PAGE["synthetic"][lang] + ("；" if lang == "zh" else "; ")
        invented = marker if self.brand.config["synthetic"] else ""
        return f"{invented}{name}, {file}, {self.brand.observed_from}{to}{self.observed_until}"

    def emit(self, lang: str, role: str, html: str, **metadata: Any) -> None:
        """Send one language's output to the notebook, marked so that the exporter can keep one language."""
        text = re.sub(r"<[^>]+>", "", html)
        marked = {"siyu": {"lang": lang, "role": role, **metadata}}
        display({"text/html": f'<div lang="{lang}">{html}</div>', "text/plain": text}, metadata=marked, raw=True)

    def _keep(self, records: list[dict[str, Any]]) -> None:
        known = {record["key"]: record for record in self.records}
        for record in records:
            if record["key"] not in known:
                self.records.append(record)
            elif known[record["key"]] != record:
                raise ValueError(f"the key {record['key']!r} already stands for another number on this page")


def report_date(observed_until: str, brand: Any) -> date:
    """The last day a page may use: the one asked for, or the last day of the brand's export when none is asked.

    Raises
    ------
    ValueError
        Not a date, or a day that the export does not cover.
    """
    if not observed_until:
        return brand.observed_until
    try:
        day = date.fromisoformat(str(observed_until))
    except ValueError:
        raise ValueError(
            f"observed_until={observed_until!r}: not a day of the calendar written as YYYY-MM-DD"
        ) from None
    if not brand.observed_from <= day <= brand.observed_until:
        raise ValueError(
            f"observed_until={day}: the export of {brand.id} covers {brand.observed_from} to {brand.observed_until}"
        )
    return day


def placeholders(text: str) -> set[str]:
    """The `{key}` names of a sentence."""
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def _check_keys(zh: str, en: str, numbers: dict[str, Any]) -> None:
    if not placeholders(zh) == placeholders(en) == set(numbers):
        raise ValueError(
            f"keys differ: zh {sorted(placeholders(zh))}, en {sorted(placeholders(en))}, given {sorted(numbers)}"
        )


def _check_sentence(zh: str, en: str, numbers: dict[str, Any]) -> None:
    _check_keys(zh, en, numbers)
    for text in (zh, en):
        fixed = "".join(literal for literal, _, _, _ in Formatter().parse(text))
        if re.search(r"\d", fixed):
            raise ValueError(f"a typed digit in {text!r}: state it through an Estimate")
    for key, number in numbers.items():
        if not re.fullmatch(r"[a-z][a-z0-9_]*", key):
            raise ValueError(f"the key {key!r} becomes an anchor of the page: use small letters, digits and _")
        if not isinstance(number, Estimate | Refused | Words | str):
            raise TypeError(
                f"{key} is a bare {type(number).__name__}: wrap it in an Estimate, or in str if it is a name"
            )


class _Sentence(Formatter):
    """Formats one language's sentence; everything that comes from data is escaped."""

    def __init__(self, lang: str, currency: str):
        self.lang, self.currency = lang, currency

    def format(self, text: str, /, **numbers: Any) -> str:
        # The fixed text is ours, yet it is escaped too: a "<" in it is a character, not markup.
        parts = []
        for literal, key, spec, _ in self.parse(text):
            if self.lang == "zh" and parts and _ends_in_chinese(parts[-1]):
                literal = literal.lstrip(" ")  # a space parts Chinese from figures only
            parts.append(escape(literal))
            if key is not None:
                parts.append(self._number(key, numbers[key], spec))
        return "".join(parts)

    def _number(self, key: str, number: Any, spec: str | None) -> str:
        if not isinstance(number, Estimate):
            return escape(words.text_in(number, self.lang))
        unit = words.AMOUNTS.get(number.unit, number.unit) if spec == "amount" else number.unit
        value = words.value_text(number.value, unit, self.lang, self.currency)
        link = f'<a class="siyu-number" href="#n-{key}"><strong>{escape(value)}</strong></a>'
        if spec == "value" or math.isnan(number.low):
            return link
        if {words.value_text(end, unit, self.lang, self.currency) for end in (number.low, number.high)} == {value}:
            return link  # "1 month (1 to 1 month)" says nothing more
        return link + escape(words.interval_text(number.low, number.high, unit, self.lang, self.currency))


def _ends_in_chinese(html: str) -> bool:
    """Whether the last visible character is Chinese or full-width.

    >>> _ends_in_chinese("<a><strong>12 美元</strong></a>"), _ends_in_chinese("<strong>12.0%</strong>")
    (True, False)
    """
    text = re.sub(r"<[^>]+>", "", html)
    return bool(text) and text[-1] > "\u2e80"


def _reason(refused: Refused, lang: str) -> str:
    return refused.reason_zh if lang == "zh" else refused.reason_en


def _record(key: str, estimate: Estimate) -> dict[str, Any]:
    definition = estimate.definition
    both = dict(definition._asdict()) if hasattr(definition, "_asdict") else {"zh": definition, "en": definition}
    return {
        "key": key,
        **{end: _json_number(getattr(estimate, end)) for end in ("value", "low", "high")},
        "level": estimate.level,
        "unit": estimate.unit,
        "n": estimate.n,
        "definition": both,
        **_origin(estimate.function),
    }


def _json_number(value: float) -> float | str | None:
    # JSON has neither NaN nor infinity: blank is no interval, "inf" an end that is not reached.
    value = float(value)
    return None if math.isnan(value) else str(value) if math.isinf(value) else value


def _origin(function: str) -> dict[str, Any]:
    """Module and line of the library function that made a number."""
    module_name, _, name = function.rpartition(".")
    found = getattr(importlib.import_module(module_name), name)
    line = inspect.getsourcelines(inspect.unwrap(found))[1]
    return {"function": name, "module": module_name, "line": line}


def _where_from_rows(record: dict[str, Any], lang: str, currency: str) -> str:
    """Three rows a number: what it means, what it is, and where it is made."""
    ends = [math.nan if record[end] is None else float(record[end]) for end in ("low", "high")]
    interval = (
        "" if math.isnan(ends[0]) else words.interval_text(*ends, record["unit"], lang, currency).strip(" ()（）")
    )
    colon = "：" if lang == "zh" else ": "
    cells = [
        words.value_text(float(record["value"]), record["unit"], lang, currency),
        f"{words.level_text(record['level'])}{colon}{interval}" if interval else "",
        f"{record['n']:,}",
    ]
    line = {"zh": f"第 {record['line']} 行", "en": f"line {record['line']}"}[lang]
    made = f"{record['key']} · {record['module']}.{record['function']}, {line}"
    means = escape(record["definition"][lang])
    return (
        f'<tbody id="n-{record["key"]}"><tr><th scope="rowgroup" colspan="3">{means}</th></tr>'
        f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"
        f'<tr><td colspan="3"><code>{escape(made)}</code></td></tr></tbody>'
    )


def _kind_of_text(text: str) -> str:
    """Whether a cell is a "word", never broken, or "words", a sentence that needs room; else neither."""
    width = sum(2 if character > "\u2e80" else 1 for character in text)
    return "word" if 0 < width <= 14 else "words" if width > 44 else ""


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[-+]?[\d,.]+%?", text) is not None


def _kinds(texts: list[str]) -> list[str]:
    """The kind of each cell of a column, so that a column has one edge: that of its numbers, or the left one.

    Numbers stand on the right, and with them short words such as "not reached". Where some have an interval or a
    sentence behind or below them, all stand on the left: on the right, an interval would end there, not the number.

    >>> _kinds(["12", "", "not reached", "7"]), _kinds(["3", "12 (12 to 13)"])
    (['number', '', 'number', 'number'], ['word', 'word'])
    """
    kinds = [_kind_of_text(text) for text in texts]
    numbers = [_is_number(text) for text in texts]
    with_ends = any(re.match(r"[-+]?[\d,.]+%? ?[（(]", text) for text in texts)
    short = all(kind == "word" or number or not text for text, kind, number in zip(texts, kinds, numbers, strict=True))
    if with_ends or not short or 2 * sum(numbers) < sum(map(bool, texts)):
        return kinds
    return ["number" if text else "" for text in texts]


def table_html(frame: pd.DataFrame, lang: str, caption: str, captioned: bool = True) -> str:
    """A small table as HTML: every cell escaped, blanks left blank, scrollable where it is wide.

    captioned : False where the caption already stands above it: it is then only the table's name, read once.
    """
    head = "".join(f'<th scope="col">{escape(words.text_in(name, lang))}</th>' for name in frame.columns)
    columns = []
    for at in range(frame.shape[1]):
        texts = [_cell_text(value, lang) for value in frame.iloc[:, at]]
        kinds = [f' class="{kind}"' if kind else "" for kind in _kinds(texts)]
        columns.append([f"<td{kind}>{escape(text)}</td>" for kind, text in zip(kinds, texts, strict=True)])
    rows = "".join(f"<tr>{''.join(cells)}</tr>" for cells in zip(*columns, strict=True))
    label = escape(caption, quote=True)
    table = f"<table><caption>{escape(caption)}</caption>" if captioned else f'<table aria-label="{label}">'
    return (
        f'<div class="siyu-scroll" role="region" tabindex="0" aria-label="{label}">{table}'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _cell_text(value: Any, lang: str) -> str:
    blank = value is None or (isinstance(value, float) and math.isnan(value))
    return "" if blank else words.text_in(value, lang)
