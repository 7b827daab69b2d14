"""Records: what run.json keeps is understood again, and whatever else lies there does no harm."""

import json

import pytest

from siyu_helpers.reporting import records
from siyu_helpers.reporting.records import RunRecord

PAGE = {"made": "2026-01-01T10:00:00+00:00", "until": "2025-12-31", "parameters": {}, "parts": {"data": "1"},
        "linked": True, "files": {"zh/a.html": "x"}, "older": []}  # fmt: skip
BRAND = {"id": "a", "name": "b", "synthetic": False, "currency": "", "customers": 1, "observed_from": "",
         "observed_until": ""}  # fmt: skip
ENTRY = {"status": "rendered", "pages": {"zh": PAGE}}


def test_what_is_written_is_read_again(tmp_path):
    kept = records.read(tmp_path)
    assert kept["notebooks"] == {}
    done = RunRecord("tiny", "01_x", ["zh"], status="rendered", seconds=2.0, cell_seconds=1.5, warnings=["SECRET"])
    records.note(kept, done)
    records.entry_of(kept, "01_x")["pages"]["zh"] = PAGE
    (tmp_path / records.FILE).write_text(records.text_of(kept), encoding="utf-8")
    assert records.read(tmp_path) == kept
    assert kept["notebooks"]["01_x"]["warnings"] == 1
    assert "SECRET" not in records.text_of(kept)


def test_a_failure_keeps_what_is_known_of_the_page_before(tmp_path):
    kept = records.read(tmp_path)
    records.note(kept, RunRecord("tiny", "01_x", ["zh"], status="rendered", seconds=2.0))
    records.entry_of(kept, "01_x")["pages"]["zh"] = PAGE
    failed = RunRecord("tiny", "01_x", ["zh"], status="failed", error="SECRET", told="cell 3: KeyError", seconds=9.0)
    records.note(kept, failed)
    entry = kept["notebooks"]["01_x"]
    assert (entry["status"], entry["error"], entry["seconds"]) == ("failed", "cell 3: KeyError", 2.0)
    assert entry["pages"] == {"zh": PAGE}


@pytest.mark.parametrize("damage", [
    "", "{", "{}", "[]", "null", '{"brand": 1, "notebooks": {}}', '{"brand": {"name": "x"}, "notebooks": {"a": 1}}',
    json.dumps({"brand": {"id": "a", "name": "b", "synthetic": False}, "notebooks": {}}),
    *(json.dumps({"brand": BRAND | damage, "checked": "", "notebooks": {"01_x": ENTRY}})
      for damage in ({"name": {}}, {"name": {"zh": 1, "en": "x"}}, {"customers": "many"})),
    json.dumps({"brand": BRAND, "checked": "",
                "notebooks": {"01_x": {"status": "", "pages": {"zh": PAGE | {"older": [[]]}}}}}),
])  # fmt: skip
def test_a_damaged_record_is_no_record(tmp_path, damage):
    (tmp_path / records.FILE).write_text(damage)
    assert records.read(tmp_path)["notebooks"] == {}
    assert records.read(tmp_path)["brand"]["id"] == tmp_path.name


@pytest.mark.parametrize("key", list(PAGE))
def test_a_page_record_that_lacks_something_is_no_record(tmp_path, key):
    kept = records.read(tmp_path)
    records.note(kept, RunRecord("tiny", "01_x", ["zh"], status="rendered"))
    records.entry_of(kept, "01_x")["pages"]["zh"] = {name: value for name, value in PAGE.items() if name != key}
    (tmp_path / records.FILE).write_text(records.text_of(kept), encoding="utf-8")
    assert records.read(tmp_path)["notebooks"] == {}


def test_an_error_in_a_line_says_what_to_do():
    said = records.in_a_line(OSError(28, "No space left on device", "/place/a"))
    assert said == "/place/a: No space left on device. Check that the folder can be written and the disk is not full."
    assert records.in_a_line(ValueError("one\n  two")) == "one two"
    assert records.in_a_line(KeyboardInterrupt()) == "KeyboardInterrupt"
