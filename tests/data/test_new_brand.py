"""New brand: its files speak of every column, and of nothing that does not exist."""

import re

import pytest

from siyu_helpers.data import brand_config, new_brand
from siyu_helpers.data.contract import TABLES


def test_every_table_and_column_is_there(tmp_path):
    written = new_brand.write(tmp_path / "acme")
    assert {path.name for path in written} == {"brand.yml", "README.txt", *(f"{name}.csv" for name in TABLES)}
    for name, table in TABLES.items():
        path = tmp_path / "acme" / ("" if name == "orders" else "templates") / f"{name}.csv"
        header = path.read_text().strip().split(",")
        assert set(header) >= {column.name for column in table.columns if column.required}
        assert all(table.column(column) for column in header)
    text = (tmp_path / "acme" / "templates" / "README.txt").read_text("utf-8")
    assert all(column.name in text for table in TABLES.values() for column in table.columns)


def test_what_is_to_be_filled_in_is_known_and_every_key_is_explained(tmp_path):
    new_brand.write(tmp_path / "acme")
    text = (tmp_path / "acme" / "brand.yml").read_text("utf-8")
    assert set(re.findall(r"^[^#\n]*?(<[^>]+>)", text, re.MULTILINE)) <= set(brand_config.UNFILLED)
    for key in [*brand_config.REQUIRED, *brand_config.DEFAULTS]:
        assert re.search(rf"^(# )?{key}:", text, re.MULTILINE), key


def test_the_optional_settings_are_right_once_their_mark_is_taken_away(tmp_path):
    new_brand.write(tmp_path / "acme")
    path = tmp_path / "acme" / "brand.yml"
    lines = [re.sub(r"^# ((?:  )?\S+:)", r"\1", line) for line in path.read_text("utf-8").splitlines()]
    path.write_text("\n".join(lines), "utf-8")
    reading = brand_config.read(path, "acme")
    assert {problem.column for problem in reading.problems} == {
        "name.zh", "name.en", "industry", "observed_from", "observed_until", "source"
    }  # fmt: skip
    assert reading.config["channels"]["wecom"] == "private"
    assert reading.config["unknown_customer"] == ["", "***"]
    assert [sorted(test) for test in reading.config["lift_tests"]] == [sorted(brand_config.LIFT_TEST)]


def test_nothing_is_overwritten(tmp_path):
    (tmp_path / "acme").mkdir()
    with pytest.raises(FileExistsError):
        new_brand.write(tmp_path / "acme")
    assert list((tmp_path / "acme").iterdir()) == []


def test_every_note_is_in_chinese_and_english(tmp_path):
    new_brand.write(tmp_path / "acme")
    text = (tmp_path / "acme" / "brand.yml").read_text("utf-8")
    for block in re.split(r"\n(?!#)", text):
        # A commented setting is not a note.
        notes = "".join(re.findall(r"(?:^|\s)# (?!\s*[^\s：]+:(?:\s|$))(.*)", block))
        assert bool(re.search("[\u4e00-\u9fff]", notes)) == bool(re.search("[a-z]{3} [a-z]", notes)), block
    every = text + (tmp_path / "acme" / "templates" / "README.txt").read_text("utf-8")
    assert "顾客" not in every
    assert "入池" not in every
