"""A small pond with its chart, a ledger without a brand's files, and a page of what was shown, without a kernel."""

from datetime import date
from types import SimpleNamespace

import pandas as pd
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from siyu_helpers.analysis.estimates import Estimate, Refused, Words
from siyu_helpers.reporting import charts
from siyu_helpers.reporting.ledger import Ledger

MEANING = Words("期末池中人数", "people in the pond at the end")
SLIDER = {
    "moved": "leave",
    "values": [0.02, 0.04, 0.06, 0.08, 0.1],
    "label": ("每月流失", "Leave each month"),
    "unit": "share",
}


def pond(inflow, leave, months=12):
    """People in a pond that some join and some leave each month; Refused where more leave than there are."""
    if leave > 1:
        return Refused("leave", leave, 1, "流失不能超过全部。", "No more can leave than are there.")
    people, rows = 0.0, []
    for month in range(months + 1):
        rows.append((month, people))
        people = people * (1 - leave) + inflow
    return pd.DataFrame(rows, columns=["month", "people"])


def pond_chart(ledger, result, said=True):
    """A curve and a sentence, as the view of a concept is."""
    charts.curves(
        ledger, result, x="month", y="people", title_zh="池中人数", title_en="People in the pond",
        x_words=("月", "Month"), y_words=("人数", "People"), n=0, unit="customers", source="model",
    )  # fmt: skip
    if said:
        end = Estimate.exact(round(result["people"].iloc[-1]), 1, "customers", MEANING, charts.curves)
        ledger.say(zh="最后有 {end}。", en="In the end, {end}.", end=end)


def ledger(lang="both", notebook="00_x"):
    """A ledger over a brand of which only the name is known."""
    config = {"currency": "CNY", "name": {"zh": "小满", "en": "Xiaoman"}, "synthetic": True, "history": "complete"}
    days = {"observed_from": date(2024, 1, 1), "observed_until": date(2024, 12, 31)}
    return Ledger(SimpleNamespace(id="tiny", config=config, inputs=[], **days), notebook, lang)


def page(shown, lang, *headings):
    """One language's page of outputs as the fixture `shown` has them, below a title and the headings given."""
    from siyu_helpers.reporting import pages  # nbconvert takes a second, which a kernel of a test need not spend

    cells = [new_markdown_cell("# A page" if lang == "en" else "# 一页")]
    cells += [new_markdown_cell(f"## {text}") for text in headings]
    code = new_code_cell("show(...)")
    code.outputs = [
        new_output("display_data", {"text/html": f'<div lang="{m["lang"]}">{html}</div>'}, metadata={"siyu": m})
        for html, m in shown
    ]
    around = {
        "lang": lang, "stem": "00_x", "brand": "小满" if lang == "zh" else "Xiaoman", "period": "2024",
        "synthetic": False, "source": "a source", "other_language": "", "ranges": "Ranges", "inputs": [],
        "parameters": [("seed", 1, "the seed")], "warnings": [], "command": "siyu", "versions": "Python", "code": "c0",
    }  # fmt: skip
    return pages.page_html(new_notebook(cells=[*cells, code]), around)
