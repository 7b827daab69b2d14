"""Numbers on the charts: in labels and tables with their unit, on axes as short as they can be."""

import math
from collections.abc import Callable
from typing import Any

from siyu_helpers.reporting import words

#: Units that an axis shows in percent.
PERCENT = ("share", "probability")


def number_text(value: Any, unit: str, lang: str, currency: str = "CNY") -> str:
    """A number with its unit as it stands in a label, a table or alt text; a blank stays blank.

    unit : "share", "number", or the unit code of an Estimate; of "money per customer" the title says the "per".

    >>> number_text(0.4567, "share", "zh"), number_text(12.5, "money per customer", "zh", "USD")
    ('45.7%', '12.50 美元')
    >>> number_text(float("nan"), "share", "en"), number_text(3, "number", "en")
    ('', '3')
    """
    if value is None or math.isnan(value):
        return ""
    code = "money" if unit.startswith("money") else "" if unit == "number" else unit
    code = "growth" if unit in words.GROWTH else code  # the title says that it is a year's
    return words.value_text(float(value), code, lang, currency)


def signed_text(value: float, unit: str, lang: str, currency: str = "CNY") -> str:
    """A change, with its sign.

    >>> signed_text(12, "money", "en"), signed_text(-0.5, "share", "en")
    ('+CNY 12.00', '-50.0%')
    """
    text = number_text(value, unit, lang, currency)
    return f"+{text}" if value > 0 else text


def compact(value: float, lang: str) -> str:
    """A large number for an axis: in 万 and 亿, or in thousands and millions.

    >>> compact(350000, "zh"), compact(350000, "en"), compact(1200, "en")
    ('35万', '350k', '1,200')
    """
    steps = {"zh": ((1e8, "亿"), (1e4, "万")), "en": ((1e9, "bn"), (1e6, "M"), (1e4, "k"))}[lang]
    for size, name in steps:
        if abs(value) >= size:
            return f"{value / (1e3 if name == 'k' else size):,.10g}{name}"
    return f"{value:,.10g}"


def axis_text(unit: str, lang: str, span: float) -> Callable[[float, Any], str]:
    """What stands at the ticks of an axis that spans so much."""
    if unit in PERCENT or unit in words.GROWTH:
        decimals = 0 if span >= 0.05 else 1 if span >= 0.005 else 2
        return lambda value, _: f"{value:.{decimals}%}"
    return lambda value, _: compact(round(value, 10), lang)


def unit_words(unit: str, what: tuple[str, str], currency: str) -> tuple[str, str]:
    """The unit line of a chart: what is measured and, for money, in which currency.

    >>> unit_words("money", ("销售额", "Revenue"), "CNY")
    ('销售额（元）', 'Revenue (CNY)')
    """
    if not unit.startswith("money"):
        return tuple(what)
    return f"{what[0]}（{words.currency_name(currency)}）", f"{what[1]} ({currency})"
