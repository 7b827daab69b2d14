"""Making: one page in a temporary folder, here without a process of its own."""

import hashlib

import pytest
from tiny_pages import SAY, contents, write_notebook

from siyu_helpers.reporting import making
from siyu_helpers.reporting.page_process import Task


@pytest.fixture
def task(write_brand, data_root, tmp_path):
    write_brand()
    write_notebook(tmp_path / "notebooks", SAY, "import time\ntime.sleep(0.2)")

    def of(**given):
        notebook, folder = tmp_path / "notebooks/01_tiny.ipynb", tmp_path / "work"
        usual = {"languages": ("zh", "en"), "parameters": {}, "linked": {"zh": True, "en": False}}
        return Task(
            **{"brand": "tiny", "notebook": notebook, "data_root": str(data_root), "code": "c0de" * 16,
               "folder": folder, "cell_timeout": None, **usual, **given}
        )  # fmt: skip

    return of


def test_a_page_is_written_with_its_hashes_and_numbers(task, tmp_path):
    made = making.make(task(), making.load(task()))
    written = contents(tmp_path / "work")
    assert set(written) == {f"{lang}/01_tiny{end}" for lang in ("zh", "en") for end in (".html", ".numbers.csv")}
    for lang, files in made["files"].items():
        for name, sha in files.items():
            assert hashlib.sha256(written[f"{lang}/{name}"]).hexdigest() == sha
    assert [number["key"] for number in made["numbers"]] == ["count"]
    assert made["cell_seconds"] >= 0.2
    assert made["until"] == "2024-12-31"
    assert b'hreflang="en"' in written["zh/01_tiny.html"]
    assert b"hreflang" not in written["en/01_tiny.html"], "a link only to what is there"


def test_an_export_that_fails_says_so(task, monkeypatch):
    def fail(nb, around):
        raise OSError(28, "No space left on device", "/somewhere")

    monkeypatch.setattr(making.pages, "page_html", fail)
    with pytest.raises(OSError, match="No space"):
        making.make(task(), making.load(task()))


def test_facts_of_a_brand(task, write_brand):
    """Distinct known customers with an order in the period; a blank customer is nobody."""
    bought = [("ana", "2024-01-01"), ("ana", "2024-12-31 23:59:59"), ("ben", "2024-02-01"), ("?", "2024-02-02")]
    lines = [f"{number},{who},{day},5" for number, (who, day) in enumerate(bought)]
    folder = write_brand("other", orders="\n".join(["order_id,customer_id,ordered_at,amount", *lines]))
    with (folder / "brand.yml").open("a") as config:
        config.write('unknown_customer: ["?"]\n')
    facts = making.facts(making.load(task(brand="other")))
    assert facts["customers"] == 2
    assert (facts["observed_from"], facts["observed_until"], facts["currency"]) == ("2024-01-01", "2024-12-31", "CNY")
    assert not {"amount", "source", "folder"} & set(facts)


def test_the_command_on_a_page_makes_it_again(task, data_root):
    said = making.around(task(parameters={"months": 7}, languages=("en",)), making.load(task()), "en")["command"]
    assert said == f".venv/bin/siyu render tiny --notebook 01 --lang en --data {data_root} -p months=7"


def test_public_facts_are_inputs_of_a_page_that_reads_them(task, tmp_path):
    write_notebook(tmp_path / "notebooks", "from siyu_helpers.data import brands, market")
    files = [entry["file"] for entry in making.around(task(), making.load(task()), "en")["inputs"]]
    assert "market/filings.csv" in files
    write_notebook(tmp_path / "notebooks", "from siyu_helpers.data import brands")
    files = [entry["file"] for entry in making.around(task(), making.load(task()), "en")["inputs"]]
    assert "market/filings.csv" not in files
