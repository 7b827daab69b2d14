"""Tiny notebooks for the tests of the renderer, and what stands in a folder of pages."""

import json

SETUP = """\
from siyu_helpers.data import brands
from siyu_helpers.reporting.ledger import Ledger
from siyu_helpers.analysis.estimates import Estimate, Words

shop = brands.load(brand, data_root or None)
ledger = Ledger(shop, "01_tiny", lang, level, observed_until)
"""
SAY = """\
meaning = Words("订单数 <b>", "orders seen <b>")
count = Estimate.exact(months, 1, "orders", meaning, "siyu_helpers.analysis.estimates.share")
ledger.say(zh="有 {count}", en="{count} seen", count=count, finding=True)
"""
PARAMETERS = """\
brand = "tiny"
lang = "both"
data_root = ""
observed_until = ""
level = 0.90
seed = 1
months = 6
"""


def write_notebook(folder, *code, stem="01_tiny"):
    """A notebook with a title in both languages, the parameters, the set-up and the cells given."""
    folder.mkdir(exist_ok=True)
    cells = [
        {"cell_type": "markdown", "metadata": {"tags": ["zh"]}, "source": "# 一页", "id": "a"},
        {"cell_type": "markdown", "metadata": {"tags": ["en"]}, "source": "# One page", "id": "b"},
    ]
    for index, source in enumerate((PARAMETERS, SETUP, *code)):
        tags = {"tags": ["parameters"]} if index == 0 else {}
        cell = {"cell_type": "code", "metadata": tags, "source": source, "id": f"c{index}"}
        cells.append(cell | {"outputs": [], "execution_count": None})
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = {"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
    (folder / f"{stem}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")


def contents(folder):
    """Every file of a folder with its bytes."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def pages_in(folder):
    """The pages and their numbers, without indexes and records."""
    return {
        name: data
        for name, data in contents(folder).items()
        if name.endswith((".html", ".numbers.csv")) and "index" not in name
    }
