"""Headers: the columns of a file matched with the contract."""

from pathlib import Path

import yaml

from siyu_helpers.data import headers
from siyu_helpers.data.contract import TABLES
from siyu_helpers.data.reading import RawFile

ORDERS = TABLES["orders"]


def match(header: str, columns: dict | None = None, table: str = "orders"):
    return headers.match(RawFile(Path(f"{table}.csv"), "utf-8", header.split(",")), TABLES[table], columns or {})


def suggested(found) -> dict:
    """What brand.yml would hold with the line between the backticks of the first remedy."""
    return yaml.safe_load(found.problems[0].remedy.split("`")[1])


def test_order_and_extra_columns_do_not_matter():
    found = match("amount,note,customer_id,ordered_at,order_id")
    assert found.names == {0: "amount", 2: "customer_id", 3: "ordered_at", 4: "order_id"}
    assert found.left_out == ["note"]
    assert found.problems == []


def test_entries_for_one_table_win_over_entries_for_all():
    columns = {"实付": "spend", "orders": {"实付": "amount"}}
    assert headers.renames(columns, ORDERS) == {"实付": "amount"}
    assert headers.renames(columns, TABLES["spend"]) == {"实付": "spend"}


def test_a_mapped_header_wins_over_a_name_that_happens_to_be_ours():
    found = match("order_id,customer_id,ordered_at,amount,net", {"orders": {"amount": "list_amount", "net": "amount"}})
    assert found.names[3] == "list_amount"
    assert found.names[4] == "amount"
    assert found.problems == []


def test_two_headers_for_one_column_are_refused():
    found = match("order_id,customer_id,ordered_at,amount,实付", {"实付": "amount"})
    assert [(problem.line, problem.column) for problem in found.problems] == [(1, "amount")]


def test_a_mapped_header_that_is_not_there_is_told():
    found = match("order_id,customer_id,ordered_at,实付款", {"orders": {"实付": "amount", "退款": "refunded"}})
    assert [problem.column for problem in found.problems] == ["amount"]
    assert "实付" in found.problems[0].wrong
    assert len(found.warnings) == 1
    assert "refunded" in found.warnings[0]


def test_a_first_line_of_data_is_not_quoted():
    found = match("202400001,someone,2024-01-01,9.5")
    assert "hold data" in found.problems[0].wrong
    assert not any("someone" in str(problem) for problem in found.problems)


def test_customers_keep_other_columns_as_covariates():
    found = match("customer_id,age,citytier", table="customers")
    assert found.names == {0: "customer_id", 1: "age", 2: "citytier"}
    assert found.covariates == ["age", "citytier"]
    assert "city_tier" in found.warnings[0]


def test_spaces_around_a_mapped_header_do_not_matter():
    assert match("order_id,customer_id,ordered_at,实付", {" 实付 ": "amount"}).problems == []


def test_a_suggested_line_for_brand_yml_is_yaml():
    found = match("order_id,customer_id,ordered_at,amount: ¥")
    assert suggested(found) == {"columns": {"amount: ¥": "amount"}}


def test_several_missing_columns_are_told_once_with_one_line_that_has_all_of_them():
    found = match("订单编号,买家会员名,订单付款时间,买家实际支付金额,note")
    assert [problem.column for problem in found.problems] == [None]
    assert suggested(found) == {"columns": {
        "订单编号": "order_id", "买家会员名": "customer_id", "订单付款时间": "ordered_at", "买家实际支付金额": "amount"
    }}  # fmt: skip


def test_the_suggested_line_keeps_the_entries_that_are_there():
    found = match("订单编号,买家会员名,时间,实付款", {"orders": {"时间": "ordered_at"}})
    assert suggested(found) == {"columns": {
        "orders": {"时间": "ordered_at"}, "订单编号": "order_id", "买家会员名": "customer_id", "实付款": "amount"
    }}  # fmt: skip
    assert "in place of its columns" in found.problems[0].remedy


def test_one_header_is_not_suggested_for_two_columns():
    found = headers.Match(left_out=["amoun"])
    assert headers._probably_meant(["amount", "list_amount"], found) == {"amount": "amoun"}
    assert found.left_out == ["amoun"]


def test_columns_without_a_likely_header_are_told_apart_from_the_others():
    found = match("订单编号,买家会员名,x,y")
    assert [problem.column for problem in found.problems] == [None, "ordered_at", "amount"]
    assert "their header: amount" in found.problems[2].remedy
