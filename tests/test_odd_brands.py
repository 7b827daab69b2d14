"""Every notebook on brands that are small, empty-handed or odd: it says so in a sentence, it never crashes.

The cells run in this process, with a stand-in for the notebook's display, so that a brand costs a second and not six.
"""

import json
import re

import pytest
from conftest import HOSTILE, PROJECT

from siyu_helpers.reporting.parameters import parameters_of

NOTEBOOKS = sorted((PROJECT / "notebooks").glob("[0-9]*.ipynb"))
HEAD = "order_id,customer_id,ordered_at,amount\n"


def rows(*orders):
    return HEAD + "".join(f"{number},{','.join(order)}\n" for number, order in enumerate(orders, 1))


ODD = {
    "one order": rows(("a", "2024-05-05", "10")),
    "ten customers who never return": rows(*((f"c{i}", f"2024-0{1 + i % 9}-10", "10") for i in range(10))),
    "one customer a hundred times": rows(
        *(("a", f"2024-{1 + i % 12:02d}-{1 + i // 12:02d}", "10") for i in range(100))
    ),
    "all on one day": rows(*((f"c{i % 40}", "2024-03-03 10:00:00", "10") for i in range(120))),
    "all amounts zero": rows(*((f"c{i % 60}", f"2024-{1 + i % 12:02d}-05", "0") for i in range(300))),
    "all on the last day": rows(*((f"c{i}", "2024-12-31 23:59:59", "10") for i in range(150))),
    "everybody returns next day": rows(
        *((f"c{i}", f"2024-01-{1 + day:02d}", "10") for i in range(200) for day in (0, 1))
    ),
}


def run(path, shown, **given):
    """Execute a notebook's code cells here; returns every output as (html, metadata)."""
    names = {name: parameter.default for name, parameter in parameters_of(path).items()} | given
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code" and "parameters" not in cell["metadata"].get("tags", []):
            exec(compile("".join(cell["source"]), str(path), "exec"), names)
    return shown


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
@pytest.mark.parametrize("orders", ODD.values(), ids=ODD)
def test_an_odd_brand_gets_a_page(path, orders, write_brand, data_root, shown):
    write_brand(orders=orders)
    sent = run(path, shown, brand="tiny", data_root=str(data_root))
    text = " ".join(re.sub(r"<img[^>]*>|<[^>]+>", " ", html) for html, _ in sent)
    assert not re.search(r"\b(nan|None|inf|NaT)\b", text), re.findall(r".{40}\b(?:nan|None|inf|NaT)\b.{20}", text)
    assert {metadata["lang"] for _, metadata in sent} == {"zh", "en"}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
@pytest.mark.parametrize("until", ["2024-01-01", "2024-06-15", "2024-12-31"])
def test_an_earlier_report_date_gets_a_page(path, until, write_brand, data_root, shown):
    write_brand()
    run(path, shown, brand="tiny", data_root=str(data_root), observed_until=until)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_truncated_history_gets_a_page(path, write_brand, data_root, shown):
    folder = write_brand()
    config = (folder / "brand.yml").read_text(encoding="utf-8")
    (folder / "brand.yml").write_text(config.replace("history: complete", "history: truncated"), encoding="utf-8")
    sent = run(path, shown, brand="tiny", data_root=str(data_root))
    assert any("does not show earlier orders" in html for html, meta in sent if meta["lang"] == "en")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_names_from_a_brand_never_become_markup(path, write_brand, data_root, shown):
    write_brand(name=HOSTILE, source=HOSTILE)
    for html, _ in run(path, shown, brand="tiny", data_root=str(data_root)):
        assert "<script" not in html
        assert "SECRETPERSON" not in html
