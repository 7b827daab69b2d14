"""Sliders: one input of a small model is moved, and its chart follows.

On a page a slider switches between pictures that are there already, one for each of the values given; it needs no
kernel and no network, and where no script runs, or on paper, the picture of the default stands there alone. In
JupyterLab a widget takes its place, which asks the model again for any value in between.
"""

import math
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

from siyu_helpers.analysis.estimates import Refused
from siyu_helpers.reporting import words
from siyu_helpers.reporting.charts import alike
from siyu_helpers.reporting.ledger import Ledger

#: Environment variable by which a cell knows that its outputs are for a page: nobody is there to move a widget.
RENDERING = "SIYU_RENDERING"
#: Pictures of one slider: fewer show no movement, more make the page heavy.
FEWEST, MOST = 3, 15
#: What a view may show of each value.
KEPT = ("chart", "sentence", "table")
#: Steps of the widget between the first value and the last, at least, where they are not whole numbers.
STEPS = 40


def slide(
    ledger: Ledger,
    model: Callable[..., Any],
    fixed: Mapping[str, Any],
    *,
    moved: str,
    values: Sequence[float],
    label: tuple[str, str],
    unit: str,
    chart: Callable[..., None],
    default: float | None = None,
    same_axes: bool = True,
    **drawn: Any,
) -> None:
    """Show a chart of a model with a slider that moves one of its inputs.

    For each value v: chart(ledger, model(**fixed, moved=v), **drawn)  ->  one output per language

    Parameters
    ----------
    model : callable
        A function of the analysis floor. Where it returns `Refused`, the reason stands in place of the chart.
    fixed : dict
        The model's other inputs, by name; one of the name `moved` is overwritten.
    moved : str
        Name of the input that the slider moves.
    values : sequence of numbers
        The values that have a picture on the page, from 3 to 15 of them, in ascending order; 9 to 11 look smooth. In
        JupyterLab the slider also stops in between: at whole numbers where all of these are whole.
    label : (Chinese, English)
        What is moved, such as ("每月捕捞", "Caught a month").
    unit : str
        Unit of the values, as of an Estimate; "" where they have none.
    chart : callable
        A view, called as chart(ledger, result, **drawn), that shows charts and, if it likes, sentences and tables
        through the ledger it is given. It is called once for each value, so it must not depend on calls before.
    default : number, optional
        The value of `values` that is shown first, and alone without a script and on paper; by default the middle one.
        Of the sentences, only this value's numbers enter the page's last table.
    same_axes : bool
        True draws every picture with axes that hold all of them: what moves is then the curve, not the scale.

    Raises
    ------
    ValueError
        Values that are too few, too many or not in ascending order, or a default that is not one of them.

    Notes
    -----
    Who is there to move it? A cell cannot see its front end. `siyu render` says by an environment variable that it
    makes a page (`SIYU_RENDERING`), and outside of a kernel there is nobody either: both get all pictures and no
    widget. Any other kernel (JupyterLab, VS Code, but also nbval and plain papermill) gets one output that carries
    the widget and, for a front end without widgets, the picture of the default; a widget that nobody looks at does
    no harm. A saved widget never reaches a page.
    """
    values = _checked(values)
    at = values.index(_default(values, default))
    frames = _frames(ledger, model, fixed, moved, values, chart, drawn) if same_axes else []

    def draw(value: float, languages: Sequence[str], records: list[dict[str, Any]]) -> dict[str, list[tuple[str, str]]]:
        aside = _Aside(ledger, languages, records)
        with alike.within(frames):
            _show(aside, model, fixed, moved, value, chart, drawn)
        return aside.kept

    if _somebody_may_move_it():
        _show_widgets(ledger, draw, label, unit, values, at)
        return
    before = len(ledger.records)
    shown = draw(values[at], ledger.languages, ledger.records)
    kept = {values[at]: shown}
    kept |= {value: draw(value, ledger.languages, []) for value in values if value != values[at]}
    for lang in ledger.languages:
        states = [kept[value][lang] for value in values]
        said = [words.value_text(value, unit, lang, ledger.currency) for value in values]
        html = _slider_html(label[words.LANGUAGES.index(lang)], lang, said, states, at)
        ledger.emit(lang, "slider", html, numbers=ledger.records[before:])


class _Aside(Ledger):
    """A ledger that keeps what it is to show, one value's, instead of showing it."""

    def __init__(self, ledger: Ledger, languages: Sequence[str], records: list[dict[str, Any]]):
        vars(self).update(vars(ledger))
        self.languages, self.records, self.first = tuple(languages), records, records is ledger.records
        self.kept: dict[str, list[tuple[str, str]]] = {lang: [] for lang in languages}

    def emit(self, lang: str, role: str, html: str, **metadata: Any) -> None:
        if role not in KEPT:
            raise ValueError(f"the view of a slider shows a {role}: state it outside, where it does not move")
        if not self.first:  # the last table of the page lists the default's numbers only: no other leads there
            html = re.sub(r'<a class="siyu-number" href="#n-\w+">(.*?)</a>', r"\1", html)
        self.kept[lang].append((role, html))


def _show(ledger: Ledger, model: Any, fixed: Mapping, moved: str, value: float, chart: Any, drawn: Mapping) -> None:
    result = model(**{**fixed, moved: value})
    if isinstance(result, Refused):
        ledger.say(zh="{result}", en="{result}", result=result)
    else:
        chart(ledger, result, **drawn)


def _frames(ledger: Ledger, model: Any, fixed: Mapping, moved: str, values: list, chart: Any, drawn: Mapping) -> list:
    """Axes that hold the pictures of all values; the language makes no difference to them."""
    found = []
    for value in values:
        with alike.measuring() as measured:
            _show(_Aside(ledger, ledger.languages[:1], []), model, fixed, moved, value, chart, drawn)
        found.append(measured)
    return alike.common([measured for measured in found if measured])


def _checked(values: Sequence[float]) -> list[float]:
    values = list(values)
    if not FEWEST <= len(values) <= MOST:
        raise ValueError(f"a slider needs {FEWEST} to {MOST} values, not {len(values)}: each of them is a picture")
    if any(not math.isfinite(value) for value in values) or values != sorted(set(values)):
        raise ValueError(f"the values of a slider must be finite numbers in ascending order, not {values}")
    return values


def _default(values: list[float], default: float | None) -> float:
    if default is None:
        return values[len(values) // 2]
    if default not in values:
        raise ValueError(f"the slider's default {default} is none of its values: {values}")
    return default


def _parts(state: list[tuple[str, str]]) -> tuple[str, str]:
    """What one value shows above the slider, and the tables behind its charts, which stand below it."""
    above, below = [], []
    for role, html in state:
        seen, fold, behind = html.partition("<details>") if role == "chart" else (html, "", "")
        above.append(seen)
        below.append(fold + behind)
    return "".join(above), "".join(below)


def _slider_html(label: str, lang: str, said: list[str], states: list, at: int) -> str:
    """All pictures, one of them to be seen, with the slider between them and the tables behind them."""
    above, below = (
        "".join(f"<div{'' if i == at else ' hidden'}>{part}</div>" for i, part in enumerate(parts))
        for parts in zip(*map(_parts, states), strict=True)
    )
    texts = "".join(f'<data value="{i}" hidden>{escape(text)}</data>' for i, text in enumerate(said))
    colon = "：" if lang == "zh" else ": "
    name, now = (escape(text, quote=True) for text in (label, said[at]))
    return (
        f'<div class="siyu-slider" role="group" aria-label="{name}"><div class="states">{above}</div>'
        f'<div class="control"><label><span class="said">{name}{colon}<b>{now}</b></span>'
        f'<input type="range" min="0" max="{len(said) - 1}" step="1" value="{at}" autocomplete="off" hidden '
        f'aria-label="{name}" aria-valuetext="{now}"></label>'
        f'<p class="ends" aria-hidden="true" hidden><span>{escape(said[0])}</span><span>{escape(said[-1])}</span></p>'
        f'{texts}</div><div class="states">{below}</div></div>'
    )


def _somebody_may_move_it() -> bool:
    """Whether this is a kernel that does not make a page."""
    if os.environ.get(RENDERING) or "ipykernel" not in sys.modules:
        return False
    from IPython import get_ipython

    return hasattr(get_ipython(), "kernel")


def _show_widgets(ledger: Ledger, draw: Any, label: tuple[str, str], unit: str, values: list, at: int) -> None:
    """A slider and a picture for each language; moving one moves the other."""
    import ipywidgets
    from IPython.display import display
    from traitlets import link

    sliders: list[Any] = []
    for lang in ledger.languages:
        first = _joined(draw(values[at], [lang], ledger.records)[lang], lang)
        picture, slider = ipywidgets.HTML(first), _widget(ipywidgets, values, at)
        said = ipywidgets.Label(_said(label, unit, values[at], lang, ledger.currency))

        def redraw(change: dict, lang: str = lang, picture: Any = picture, said: Any = said) -> None:
            picture.value = _redrawn(draw, change["new"], lang)
            said.value = _said(label, unit, change["new"], lang, ledger.currency)

        slider.observe(redraw, names="value")
        for other in sliders[:1]:
            link((other, "value"), (slider, "value"))
        sliders.append(slider)
        box = ipywidgets.VBox([picture, ipywidgets.HBox([slider, said])])
        view = box._repr_mimebundle_()
        marked = {"siyu": {"lang": lang, "role": "widget"}}
        display({**view, "text/html": first, "text/plain": said.value}, metadata=marked, raw=True)


def _said(label: tuple[str, str], unit: str, value: float, lang: str, currency: str) -> str:
    colon = "：" if lang == "zh" else ": "
    return label[words.LANGUAGES.index(lang)] + colon + words.value_text(value, unit, lang, currency)


def _widget(ipywidgets: Any, values: list, at: int) -> Any:
    # It draws when it is let go: drawing takes longer than moving.
    how = {"continuous_update": False, "readout": False, "layout": {"width": "24rem"}}
    if all(float(value).is_integer() for value in values):
        return ipywidgets.IntSlider(min=int(values[0]), max=int(values[-1]), value=int(values[at]), **how)
    ends = {"min": values[0], "max": values[-1], "value": values[at]}
    return ipywidgets.FloatSlider(step=_round_step(values[-1] - values[0]), **ends, **how)


def _round_step(span: float) -> float:
    """A step of one digit, 1, 2 or 5, that parts a span into at least `STEPS`.

    >>> _round_step(0.1), _round_step(90), _round_step(7.5)
    (0.002, 2.0, 0.1)
    """
    size = 10.0 ** math.floor(math.log10(span / STEPS))
    return round(max(step * size for step in (1, 2, 5) if step * size <= span / STEPS * (1 + 1e-9)), 12)


def _redrawn(draw: Any, value: float, lang: str) -> str:
    try:
        return _joined(draw(value, [lang], [])[lang], lang)
    except ValueError as error:  # what the model does not take; an exception would be lost in the kernel's log
        return f"<p><em>{escape(str(error))}</em></p>"


def _joined(state: list[tuple[str, str]], lang: str) -> str:
    return f'<div lang="{lang}">{"".join(html for _, html in state)}</div>'
