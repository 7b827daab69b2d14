"""One page's process: what it says when a page cannot be made. How it ends is tested in test_workers."""

import json

import pytest
from tiny_pages import SAY, write_notebook

from siyu_helpers.reporting import page_process
from siyu_helpers.reporting.page_process import Task


class Says:
    """The coordinator's end of the pipe."""

    def __init__(self):
        self.heard = []

    def send_bytes(self, message):
        self.heard.append(json.loads(message))


@pytest.fixture
def made(data_root, tmp_path):
    """Make a page in this very process; returns what it said on the way, and at last."""

    def make(code=SAY, **parameters):
        write_notebook(tmp_path / "notebooks", code)
        notebook = tmp_path / "notebooks/01_tiny.ipynb"
        task = Task("tiny", notebook, ("en",), parameters, str(data_root), {"en": False}, "", tmp_path / "work", None)
        says = Says()
        kind, content = page_process._made(task, False, says)
        return says.heard, kind, content

    return make


def test_a_page_that_is_made(write_brand, made):
    write_brand()
    ((first, facts),), kind, content = made()
    assert (first, facts["customers"], kind) == ("loaded", 60, "made")
    assert content["numbers"][0]["key"] == "count"
    json.dumps(content)


def test_a_brand_that_cannot_be_read(write_brand, made):
    write_brand(orders="order_id,customer_id,ordered_at,amount\nA1,SECRETPERSON,2024-01-05,lots\n")
    heard, kind, content = made()
    assert (heard, kind, content["readable"], content["began"]) == ([], "failed", False, True)
    assert "amount" in content["error"]
    assert content["told"] == "its files could not be read; run: siyu check tiny"


def test_a_last_day_outside_the_export_is_a_wrong_call_and_no_failed_page(write_brand, made):
    write_brand()
    _, kind, content = made(observed_until="2031-01-01")
    assert (kind, content["readable"], content["began"]) == ("failed", True, False)
    assert "covers 2024-01-01 to 2024-12-31" in content["error"]


def test_what_is_written_down_of_an_error_quotes_no_data(write_brand, made):
    write_brand()
    _, kind, content = made('raise KeyError("SECRET" + "PERSON0001")')
    assert (kind, content["readable"], content["began"]) == ("failed", True, True)
    assert "SECRETPERSON0001" in content["error"]
    assert "SECRET" not in content["told"]
    assert "KeyError" in content["told"]
