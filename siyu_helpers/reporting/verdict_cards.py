"""The verdict on a brand: the card at the head of its decision brief, and the record that the index over all keeps.

A record is plain data, so that run.json can hold it: what is decided, and the few figures by which brands are compared.
"""

import math
from collections.abc import Mapping
from html import escape
from typing import Any

from siyu_helpers.reporting import words

#: Verdicts from the most to the least encouraging, with the shape that says the same as the colour.
ICONS = {
    "build": '<path d="M6 12.5l4 4 8-9"/>',
    "pilot": '<path d="M12 6v6l4 3"/>',
    "fix_first": '<path d="M12 6v7.5M12 17.2v.3"/>',
    "do_not": '<path d="M7.5 7.5l9 9M16.5 7.5l-9 9"/>',
    "cannot_be_judged": '<path d="M9.2 9.2a2.9 2.9 0 1 1 4 2.9c-.9.5-1.2 1-1.2 2M12 17.2v.3"/>',
}
KEYS = {"verdict", "words", "probability", "value", "payback", "evidence", "currency"}
MAY = {"months", "probability_of"}


def checked(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record as it is kept: only what is known here, numbers as JSON has them.

    Parameters
    ----------
    record : mapping
        verdict: one of `ICONS`, or with blanks, "fix first"; words: its name, {"zh", "en"}; probability: 0 to 1 or
        None; value (money) and payback (months): [value, low, high] or None, ends blank or infinite where they are;
        evidence: one of `words.EVIDENCE`, "" where there is none; currency: ISO code. Optional: months, the horizon
        of the value; probability_of: what is probable, {"zh", "en"}.

    Raises
    ------
    ValueError
        Anything else, with what is wrong.
    """
    if not isinstance(record, Mapping) or not set(record) - MAY == KEYS:
        raise ValueError(f"a verdict needs {', '.join(sorted(KEYS))}, and may have {', '.join(sorted(MAY))}")
    verdict = str(record["verdict"]).replace(" ", "_")
    if verdict not in ICONS:
        raise ValueError(f"verdict={record['verdict']!r}: use one of {', '.join(ICONS)}")
    if not isinstance(record["evidence"], str) or record["evidence"] not in words.EVIDENCE:
        raise ValueError(f"evidence={record['evidence']!r}: use one of {', '.join(map(repr, words.EVIDENCE))}")
    if not isinstance(record["currency"], str):
        raise ValueError(f"currency={record['currency']!r}: use an ISO code such as CNY")
    kept = {"verdict": verdict, "words": _both(record["words"], "words")}
    kept["probability"] = None if record["probability"] is None else _number(record["probability"], "probability")
    if kept["probability"] is not None and not 0 <= kept["probability"] <= 1:
        raise ValueError(f"probability={record['probability']!r}: use a number from 0 to 1, or None")
    kept |= {name: _three(record[name], name) for name in ("value", "payback")}
    kept |= {"evidence": record["evidence"], "currency": record["currency"]}
    kept["months"] = None if record.get("months") is None else _number(record["months"], "months")
    return kept | {"probability_of": _both(record.get("probability_of") or words.PROBABILITY_OF, "probability_of")}


def _both(said: Any, name: str) -> dict[str, str]:
    said = said._asdict() if hasattr(said, "_asdict") else said
    if not isinstance(said, Mapping) or not all(isinstance(said.get(lang), str) for lang in words.LANGUAGES):
        raise ValueError(f'{name}={said!r}: use {{"zh": ..., "en": ...}}')
    return {lang: said[lang] for lang in words.LANGUAGES}


def _three(numbers: Any, name: str) -> list[float | str | None] | None:
    if numbers is None:
        return None
    if not isinstance(numbers, list | tuple) or len(numbers) != 3:
        raise ValueError(f"{name}={numbers!r}: use [value, low, high], or None")
    value, *ends = (_number(number, name, blank=True) for number in numbers)
    if value is None:
        raise ValueError(f"{name}={numbers!r}: the value is blank; use None for all three")
    return [value, *ends]


def _number(number: Any, name: str, blank: bool = False) -> float | str | None:
    """A number as JSON has it: blank is None, infinity "inf"; texts of `run.json` come back as they are."""
    try:
        plain = math.nan if number is None else float(number)
    except (TypeError, ValueError, OverflowError):
        plain = math.nan
        blank = False
    if isinstance(number, bool) or (math.isnan(plain) and not blank) or (math.isinf(plain) and not blank):
        raise ValueError(f"{name}={number!r}: use a number")
    return None if math.isnan(plain) else str(plain) if math.isinf(plain) else plain


def chance(probability: float) -> str:
    """A probability to be read in either language; near its ends as a bound.

    >>> chance(0.934), chance(0.9999), chance(0.0)
    ('93%', '> 99%', '< 1%')
    """
    return "> 99%" if probability > 0.99 else "< 1%" if probability < 0.01 else f"{probability:.0%}"


def card_html(kept: Mapping[str, Any], lang: str, sentence: str, anchor: str = "") -> str:
    """The card in one language: the verdict in a word, with a shape and a colour, its probability, and why.

    kept : as `checked` returns it. sentence : ready HTML. anchor : key of the number that the probability is.
    """
    facts = []
    if kept["probability"] is not None:
        said = f"<strong>{escape(words.value_text(kept['probability'], 'probability', lang))}</strong>"
        said = f'<a class="siyu-number" href="#n-{escape(anchor, quote=True)}">{said}</a>' if anchor else said
        facts.append(f"{escape(kept['probability_of'][lang])}{'：' if lang == 'zh' else ': '}{said}")
    if kept["evidence"]:
        graded = words.PAGE["evidence"][lang] + ("：" if lang == "zh" else ": ")
        facts.append(f"{graded}<strong>{escape(words.EVIDENCE[kept['evidence']][lang])}</strong>")
    told = f'<p class="facts">{"".join(f"<span>{fact}</span> " for fact in facts)}</p>' if facts else ""
    # Its own colours are for JupyterLab; a page's style gives it those of the verdict.
    icon = (
        '<svg viewBox="0 0 24 24" width="40" height="40" fill="none" stroke="currentColor" aria-hidden="true">'
        f'<circle cx="12" cy="12" r="11"/>{ICONS[kept["verdict"]]}</svg>'
    )
    return (
        f'<div class="siyu-verdict {kept["verdict"]}"><p class="word">{icon}'
        f'<span>{escape(kept["words"][lang])}</span></p>{told}<p class="why">{sentence}</p></div>'
    )
