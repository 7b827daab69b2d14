"""Contract: its tables, the wording of problems, and what a message may quote."""

import pytest

from siyu_helpers.data.contract import (
    CHANNEL_COLUMNS,
    EXPORT_HEADERS,
    REQUIRED_TABLE,
    TABLES,
    DataProblems,
    Problem,
    nearest,
    quoted,
)

KINDS = {"time", "day", "month", "money", "number", "count", "share", "flag", "text"}


def test_the_tables_are_those_of_the_design():
    assert list(TABLES) == ["orders", "customers", "spend", "touchpoints", "members", "accounts", "assignments",
                            "messages", "pool_costs"]  # fmt: skip
    required = {name: [column.name for column in table.columns if column.required] for name, table in TABLES.items()}
    assert required[REQUIRED_TABLE] == ["order_id", "customer_id", "ordered_at", "amount"]
    assert required["touchpoints"] == ["visitor_id", "touched_at", "channel"]
    assert required["assignments"] == ["experiment", "customer_id", "assigned_at", "arm", "probability"]


def test_every_column_is_of_a_known_kind_and_explained_in_both_languages():
    for table in TABLES.values():
        assert table.grain_en
        assert table.grain_zh
        for column in table.columns:
            assert column.namespace or column.kind in KINDS
            assert column.meaning_en
            assert any("\u4e00" <= character <= "\u9fff" for character in column.meaning_zh)
            # A reader of an optional column has to know what an empty cell means.
            assert column.required or not column.blank or "blank" in column.meaning_en


def test_keys_channels_and_known_headers_name_columns_that_exist():
    for table in TABLES.values():
        assert all(table.column(name) for name in table.key)
    assert all(TABLES[table].column(name) for table, name in CHANNEL_COLUMNS)
    every = {column.name for table in TABLES.values() for column in table.columns}
    assert set(EXPORT_HEADERS) <= every


def test_the_message_groups_problems_and_counts_the_rest():
    remedy = "Write a number."
    shown = [Problem("orders.csv", line, "amount", "'x' is not a number.", remedy) for line in range(2, 22)]
    shown[-1] = Problem("orders.csv", 21, "amount", "'x' is not a number.", remedy, more=9_980)
    message = str(DataProblems("acme", [*shown, Problem("spend.csv", None, None, "The file is empty.", "Fill it.")]))
    assert message.startswith("10,001 problems in the files of brand acme:")
    assert "  and 9,995 more lines like this\n  -> Write a number." in message
    assert message.endswith("spend.csv\n  The file is empty.\n  -> Fill it.")
    assert message.count(remedy) == 1


def test_lines_in_the_same_words_are_shown_five_times_and_different_ones_twenty_times():
    def message(*wrongs: str) -> str:
        told = [Problem("orders.csv", line, None, wrong, "Fix.") for line, wrong in enumerate(wrongs, start=2)]
        return str(DataProblems("acme", told))

    alike = message(*["The cell is empty."] * 6)
    assert alike.count("The cell is empty.") == 5
    assert "line 6: The cell is empty.\n  and 1 more line like this\n  -> Fix." in alike
    assert "more line" not in message(*["The cell is empty."] * 5)
    different = message(*(f"'{k}' is wrong." for k in range(30)))
    assert different.count("is wrong.") == 20
    assert "and 10 more lines like this" in different
    # What differs is not hidden behind what does not.
    assert "line 11: Other." in message(*["The cell is empty."] * 9, "Other.")


@pytest.mark.parametrize(
    ("value", "kind", "beside"),
    [
        ("13800138000", "text", []),
        ("138-0013-8000", "text", []),
        ("13800138000", "money", []),
        ("someone@example.com", "text", []),
        ("ana", "text", ["ana"]),
        ("ana's order", "text", ["ana"]),
        ("123456", "text", []),
        ("anything", "id:customer", []),
        ("ana-7", "id:order", ["ana-7"]),
        ("13800138000", "id:order", []),
    ],
)
def test_what_may_name_a_person_is_not_quoted(value, kind, beside):
    assert quoted(value, kind, beside) == "the value (not shown)"


def test_other_values_are_quoted_short_and_on_one_line():
    assert quoted("1234567", "money") == "'1234567'"
    assert quoted("202300000000000001", "id:order") == "'202300000000000001'"
    assert quoted("x" * 30) == "'" + "x" * 24 + "...'"
    assert quoted("a\nb\x1b[31m") == "'a?b?[31m'"


def test_nearest_forgives_case_and_spaces_but_not_everything():
    assert nearest("Order ID", ["order_id", "amount"]) == "order_id"
    assert nearest("xyz", ["order_id", "amount"]) is None


def test_lines_of_one_remedy_are_told_in_their_order():
    told = [Problem("orders.csv", line, "amount", f"'{line}' is wrong.", "Fix.") for line in (9, 3)]
    message = str(DataProblems("acme", told))
    assert message.index("line 3") < message.index("line 9")


@pytest.mark.parametrize(("text", "kind"), [("王小明", "money"), ("欧阳·娜娜", "time")])
def test_what_may_be_a_name_in_chinese_is_not_quoted(text, kind):
    assert text not in quoted(text, kind)
    assert text in quoted(text, "text")
