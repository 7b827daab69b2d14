"""Brands: what load refuses, what it gives back, and that it writes nothing it should not."""

import concurrent.futures
import datetime
import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from siyu_helpers.analysis.repurchase_cohorts import cohort_grid
from siyu_helpers.data import brands, cache
from siyu_helpers.data.contract import TABLES, DataProblems

HEAD = "order_id,customer_id,ordered_at,amount\n"
GOOD = "A1,ana,2024-01-05,10\n"


def orders(*lines: str, head: str = HEAD) -> dict[str, str]:
    """An orders.csv whose bad line is line 3, after a good one."""
    return {"orders.csv": head + GOOD + "".join(line + "\n" for line in lines)}


def with_column(name: str, *values: str) -> dict[str, str]:
    """An orders.csv with one more column; its values stand on lines 2, 3, ..."""
    lines = [f"A{k},c{k},2024-01-05,10,{value}\n" for k, value in enumerate(values)]
    return {"orders.csv": HEAD.strip() + f",{name}\n" + "".join(lines)}


CHANNELS = {"channels": "{douyin: public, wecom: private}"}
SPEND = "date,channel,spend\n2024-01-01,douyin,100\n"
MEMBERS = "customer_id,joined_at,left_at\nana,2024-02-01,\n"
EXPERIMENT = "experiment,customer_id,assigned_at,arm,probability\nx,ana,2024-01-01,a,0.5\n"

# name: (tables, settings, file, line, column, words of the message, words of the remedy)
BAD = {
    "missing column": ({"orders.csv": "order_id,customer_id,ordered_at\nA1,ana,2024-01-05\n"}, {},
                       "orders.csv", 1, "amount", "is missing", "columns in brand.yml"),
    "misspelt column": ({"orders.csv": "order_id,custmer_id,ordered_at,amount\n" + GOOD}, {},
                        "orders.csv", 1, "customer_id", "is missing", "custmer_id: customer_id"),
    "header of an export": ({"orders.csv": "订单编号,customer_id,ordered_at,amount\n" + GOOD}, {},
                            "orders.csv", 1, "order_id", "is missing", "订单编号: order_id"),
    "no header": ({"orders.csv": GOOD * 2}, {}, "orders.csv", 1, None, "hold data", "first line with the names"),
    "duplicate order": (orders("A2,ben,2024-01-06,1", "A1,cy,2024-01-07,2"), {},
                        "orders.csv", 4, "order_id", "'A1' is also on line 2", "one line an order"),
    "impossible date": (orders("A2,ben,2024-02-30,1"), {}, "orders.csv", 3, "ordered_at", "'2024-02-30'", "Correct"),
    "text date": (orders("A2,ben,soon,1"), {}, "orders.csv", 3, "ordered_at", "'soon' is not a date", "YYYY-MM-DD"),
    "ambiguous date": (orders("A2,ben,03/04/2024,1"), {}, "orders.csv", 3, "ordered_at", "day first", "year first"),
    "excel day number": (orders("A2,ben,45292,1"), {}, "orders.csv", 3, "ordered_at", "Excel day", "as date"),
    "future date": (orders("A2,ben,2031-01-01,1"), {}, "orders.csv", 3, "ordered_at", "after observed", "Correct"),
    "day after the end": (orders("A2,ben,2024-07-01,1"), {}, "orders.csv", 3, "ordered_at", "2024-06-30", "brand.yml"),
    "before the start": (orders("A2,ben,2023-12-31 23:59:59,1"), {},
                         "orders.csv", 3, "ordered_at", "before observed_from", "brand.yml"),
    "before 1990": (orders("A2,ben,1900-01-01,1"), {}, "orders.csv", 3, "ordered_at", "before 1990", "Correct"),
    "blank date": (orders("A2,ben,,1"), {}, "orders.csv", 3, "ordered_at", "empty", "交易关闭"),
    "negative": (orders("A2,ben,2024-01-06,-1"), {}, "orders.csv", 3, "amount", "'-1' is negative", "refunds"),
    "nan": (orders("A2,ben,2024-01-06,nan"), {}, "orders.csv", 3, "amount", "'nan' is not a finite", "number"),
    "infinite": (orders("A2,ben,2024-01-06,-inf"), {}, "orders.csv", 3, "amount", "not a finite", "number"),
    "text amount": (orders("A2,ben,2024-01-06,free"), {}, "orders.csv", 3, "amount", "'free' is not a num", "1299.00"),
    "decimal comma": (orders('A2,ben,2024-01-06,"1.299,00"'), {}, "orders.csv", 3, "amount", "decimal mark", "1299"),
    "huge amount": (orders("A2,ben,2024-01-06,13800138000"), {}, "orders.csv", 3, "amount", "too large", "phone"),
    "blank amount": (orders("A2,ben,2024-01-06,"), {}, "orders.csv", 3, "amount", "empty", "Fill it in"),
    "blank customer": (orders("A2, ,2024-01-06,1"), {}, "orders.csv", 3, "customer_id", "empty", "unknown_customer"),
    "NULL customer": (orders("A2,NULL,2024-01-06,1"), {}, "orders.csv", 3, "customer_id", "missing", "unknown_cust"),
    "masked customer": (orders("A2,b***n,2024-01-06,1"), {}, "orders.csv", 3, "customer_id", "masked", "unknown_cust"),
    "encrypted customer": (orders("A2,##bx9,2024-01-06,1"), {}, "orders.csv", 3, "customer_id", "encrypted", "one per"),
    "excel id": (orders("2.02E+17,ben,2024-01-06,1"), {}, "orders.csv", 3, "order_id", "scientific", "as text"),
    "decimal id": (orders("A2,77.0,2024-01-06,1"), {}, "orders.csv", 3, "customer_id", "decimals", "whole numbers"),
    "unknown channel": (with_column("acquired_through", "douyin", "douyn"), CHANNELS,
                        "orders.csv", 3, "acquired_through", "'douyn' is not among", "Did you mean douyin"),
    "unknown channel of spend": ({"spend.csv": SPEND + "2024-01-02,sms,5\n"}, CHANNELS,
                                 "spend.csv", 3, "channel", "'sms'", "channels in brand.yml"),
    "refund above amount": (with_column("refunded", "10", "11"), {}, "orders.csv", 3, "refunded", "larger", "Correct"),
    "phone in a text column": (with_column("sold_through", "shop", "13800138000"), {},
                               "orders.csv", 3, "sold_through", "looks like a phone", "id columns"),
    "ragged short": (orders("A2,ben,2024-01-06"), {}, "orders.csv", 3, None, "3 values", "quotation marks"),
    "ragged long": (orders("A2,ben,2024-01-06,1,2"), {}, "orders.csv", 3, None, "5 values", "quotation marks"),
    "empty file": ({"orders.csv": ""}, {}, "orders.csv", None, None, "empty", "again"),
    "header only": ({"orders.csv": HEAD}, {}, "orders.csv", None, None, "no rows", "Copy your export"),
    "header only, no line break": ({"orders.csv": HEAD.strip()}, {}, "orders.csv", None, None, "no rows", "Copy your"),
    "nothing but commas": ({"orders.csv": HEAD + ",,,\n,,,\n"}, {}, "orders.csv", None, None, "no rows", "Copy your"),
    "header only, optional table": ({"spend.csv": "date,channel,spend\n"}, {},
                                    "spend.csv", None, None, "no rows", "or remove the file"),
    "masked visitor": ({"touchpoints.csv": "visitor_id,touched_at,channel\n##v,2024-01-05,sms\n"}, {},
                       "touchpoints.csv", 2, "visitor_id", "encrypted", "not masked"),
    "several headers of an export": ({"orders.csv": "订单编号,买家会员名,ordered_at,实付金额\n" + GOOD}, {},
                                     "orders.csv", 1, None, "order_id, customer_id, amount are missing",
                                     "`columns: {订单编号: order_id, 买家会员名: customer_id, 实付金额: amount}`"),
    "blank lines only": ({"orders.csv": "\n \n"}, {}, "orders.csv", None, None, "empty", "again"),
    "binary": ({"orders.csv": b"a\0b\n"}, {}, "orders.csv", None, None, "binary", "CSV UTF-8"),
    "workbook": ({"orders.csv": b"PK\x03\x04xx"}, {}, "orders.csv", None, None, "Excel workbook", "CSV UTF-8"),
    "parquet named csv": ({"orders.csv": b"PAR1xx"}, {}, "orders.csv", None, None, "Parquet", ".parquet"),
    "utf-16": ({"orders.csv": (HEAD + GOOD).encode("utf-16")}, {}, "orders.csv", None, None, "UTF-16", "CSV UTF-8"),
    "utf-16 without mark": ({"orders.csv": (HEAD + GOOD).encode("utf-16-le")}, {},
                            "orders.csv", None, None, "binary", "CSV UTF-8"),
    "latin-1": ({"orders.csv": (HEAD + GOOD + "A2,b\u00e9,2024-01-06,1\n").encode("latin-1")}, {},
                "orders.csv", 3, None, "neither UTF-8 nor GB18030", "CSV UTF-8"),
    "latin-1 that decodes": ({"orders.csv": (HEAD + GOOD + "A2,M\u00fcller,2024-01-06,1\n").encode("latin-1")}, {},
                             "orders.csv", 3, None, "neither UTF-8 nor GB18030", "CSV UTF-8"),
    "json": ({"orders.csv": '[{"order_id": 1}]'}, {}, "orders.csv", None, None, "JSON", "CSV UTF-8"),
    "title above the header": ({"orders.csv": "某品牌订单导出,,,\n" + HEAD + GOOD}, {},
                               "orders.csv", 1, None, "single text", "Delete what stands above"),
    "separator line of Excel": ({"orders.csv": "sep=,\n" + HEAD + GOOD}, {},
                                "orders.csv", 1, None, "single text", "order_id,customer_id,ordered_at,amount"),
    "chinese commas": ({"orders.csv": (HEAD + GOOD).replace(",", "，")}, {},
                       "orders.csv", 1, None, "separated", "comma"),
    "dollars in a file of yuan": (orders("A2,ben,2024-01-06,$5"), {},
                                  "orders.csv", 3, "amount", "'$5' is not in CNY", "currency in brand.yml"),
    "lost characters": (orders("A2,b\ufffd,2024-01-06,1"), {}, "orders.csv", 3, None, "lost", "UTF-8"),
    "semicolons": ({"orders.csv": (HEAD + GOOD).replace(",", ";")}, {}, "orders.csv", 1, None, "separated", "comma"),
    "web page": ({"orders.csv": "<html><table></table></html>"}, {}, "orders.csv", None, None, "web page", "CSV"),
    "repeated header": ({"orders.csv": "order_id,customer_id,ordered_at,amount,amount\nA1,ana,2024-01-05,1,2\n"}, {},
                        "orders.csv", 1, None, "both named 'amount'", "Rename"),
    "blank header": ({"orders.csv": "order_id,customer_id,ordered_at,amount,\nA1,ana,2024-01-05,1,2\n"}, {},
                     "orders.csv", 1, None, "Column 5 has no name", "Name the column"),
    "open quotation mark": (orders('A2,"ben,2024-01-06,1'), {}, "orders.csv", 3, None, "quotation", "close every"),
    "no orders": ({"orders.csv": None}, {}, "orders.csv", None, None, "missing",
                  "CSV UTF-8 with the columns order_id, customer_id, ordered_at, amount"),
    "misnamed orders": ({"orders.csv": None, "order.csv": HEAD + GOOD}, {},
                        "orders.csv", None, None, "missing", "Rename order.csv"),
    "orders as a workbook": ({"orders.csv": None, "orders.xlsx": b"PK", "~$orders.xlsx": b"x"}, {},
                             "orders.csv", None, None, "missing", "Save orders.xlsx as orders.csv"),
    "customers without key": ({"customers.csv": "id,first_order_at\nben,2024-01-01\n"}, {},
                              "customers.csv", 1, "customer_id", "is missing", "columns in brand.yml"),
    "first order in the future": ({"customers.csv": "customer_id,first_order_at\nana,2031-01-01\n"}, {},
                                  "customers.csv", 2, "first_order_at", "after observed", "Correct"),
    "same customer twice": ({"customers.csv": "customer_id,city_tier\nana,1\nben,2\nana,1\n"}, {},
                            "customers.csv", 4, "customer_id", "line 2", "keep one"),
    "first order too late": ({"customers.csv": "customer_id,first_order_at\nben,2023-01-01\nana,2024-02-01\n"}, {},
                             "customers.csv", 3, "first_order_at", "after an order", "Correct"),
    "left before joining": ({"members.csv": MEMBERS + "ben,2024-02-02,2024-02-01\n"}, {},
                            "members.csv", 3, "left_at", "before it begins", "Correct"),
    "probability zero": ({"assignments.csv": EXPERIMENT + "x,ben,2024-01-01,a,0\n"}, {},
                         "assignments.csv", 3, "probability", "'0' is not a probability", "0.5"),
    "probability as percentage": ({"assignments.csv": EXPERIMENT + "x,ben,2024-01-01,a,50\n"}, {},
                                  "assignments.csv", 3, "probability", "'50' is not a probability", "0.5"),
    "arm blank": ({"assignments.csv": EXPERIMENT + "x,ben,2024-01-01,,0.5\n"}, {},
                  "assignments.csv", 3, "arm", "empty", "Fill it in"),
    "assigned twice": ({"assignments.csv": EXPERIMENT + "x,ana,2024-01-02,b,0.5\n"}, {},
                       "assignments.csv", 3, "experiment", "line 2", "keep one"),
    "unknown message kind": ({"messages.csv": "customer_id,sent_at,channel,kind\nana,2024-01-01,sms,promo\n"}, {},
                             "messages.csv", 2, "kind", "'promo' is not one of service, promotion", "promotion"),
    "flag": ({"messages.csv": "customer_id,sent_at,channel,read\nana,2024-01-01,sms,maybe\n"}, {},
             "messages.csv", 2, "read", "'maybe'", "1 or 0"),
    "clicks as text": ({"spend.csv": "date,channel,spend,clicks\n2024-01-01,sms,1,1.5\n"}, {},
                       "spend.csv", 2, "clicks", "whole number", "whole number"),
    "month inside": ({"pool_costs.csv": "month,item,amount\n2024-01-15,staff,1\n"}, {},
                     "pool_costs.csv", 2, "month", "first day", "2024-03-01"),
    "banned before opened": ({"accounts.csv": "account_id,opened_at,banned_at\nw1,2024-02-01,2024-01-01\n"}, {},
                             "accounts.csv", 2, "banned_at", "before it is opened", "Correct"),
    "id is no": (None, {"id": "no"}, "brand.yml", 1, "id", "true or false", "quotation marks"),
    "id is 007": (None, {"id": "007"}, "brand.yml", 1, "id", "a number", "quotation marks"),
    "id differs": (None, {"id": "other"}, "brand.yml", 1, "id", "differs", "equal"),
    "days swapped": (None, {"observed_from": "2024-07-01"}, "brand.yml", 7, "observed_until", "before", "Correct"),
    "time zone": (None, {"timezone": "Asia/Beijing"}, "brand.yml", 5, "timezone", "not a time zone", "Asia/Shanghai"),
    "tag": (None, "id: !!python/object:os.system x\n", "brand.yml", 1, None, "Tags", "Delete the tag"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_with_place_and_remedy(name, make_brand, own_home):
    tables, changes, file, line, column, wrong, remedy = BAD[name]
    root = make_brand(tables, changes)
    with pytest.raises(DataProblems) as caught:
        brands.load("acme", root)
    told = [p for p in caught.value.problems if (p.file, p.line, p.column) == (file, line, column)]
    assert any(wrong in p.wrong and remedy in p.remedy for p in told), str(caught.value)
    # The same places are in the message that people read.
    assert file in str(caught.value)
    assert line is None or f"line {line}:" in str(caught.value)
    assert not own_home.exists()


# Cells of each kind of column that are fine ({k} is the number of the row), and that are not.
KIND_GOOD = {"time": "2024-02-01 10:00", "day": "2024-02-0{k}", "month": "2024-0{k}", "money": "9.5", "number": "3",
             "count": "3", "share": "0.5", "flag": "1", "text": "x"}  # fmt: skip
KIND_BAD = {"time": ["2024-02-30", "2031-01-01", "soon"], "day": ["2024-02-30", "2024-02-01 10:00"],
            "month": ["2024-13", "2024-02-15"], "money": ["-1", "nan", "inf", "abc"], "number": ["-1", "nan", "abc"],
            "count": ["-1", "1.5"], "share": ["0", "1.5", "nan"], "flag": ["maybe"],
            "text": ["13800138000"]}  # fmt: skip


def good_cell(column, k: int) -> str:
    if column.allowed:
        return column.allowed[0]
    return KIND_GOOD.get(column.kind, f"secret{k}").replace("{k}", str(k))


def one_broken_cell():
    """Every column of the contract, with everything that may be wrong in it: (table, column, bad value)."""
    for table in TABLES.values():
        for column in table.columns:
            bad = ["1.2E+17", "NULL"] if column.namespace else KIND_BAD[column.kind]
            bad = ["zzz"] if column.allowed else bad
            yield from ((table, column, value) for value in bad + ([] if column.blank else [""]))


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [pytest.param(*case, id=f"{case[0].name}-{case[1].name}-{case[2]}") for case in one_broken_cell()],
)
def test_each_column_of_the_contract_broken_in_turn_gives_one_problem(table, column, value, make_brand, own_home):
    names = [each.name for each in table.columns]
    lines = [[good_cell(each, k) for each in table.columns] for k in (1, 2, 3)]
    lines[1][names.index(column.name)] = value
    text = "\n".join(",".join(line) for line in [names, *lines])
    with pytest.raises(DataProblems) as caught:
        brands.load("acme", make_brand({f"{table.name}.csv": text}))
    places = [(p.file, p.line, p.column) for p in caught.value.problems]
    assert places == [(f"{table.name}.csv", 3, column.name)], str(caught.value)
    assert "secret" not in str(caught.value)
    assert not own_home.exists()


@pytest.mark.parametrize(
    ("table", "column"),
    [pytest.param(t, c, id=f"{t.name}-{c.name}") for t in TABLES.values() for c in t.columns if c.required],
)
@pytest.mark.parametrize("misspelt", [True, False], ids=["misspelt", "missing"])
def test_each_required_column_missing_in_turn_gives_one_problem(table, column, misspelt, make_brand):
    kept = [each for each in table.columns if misspelt or each is not column]
    names = [each.name + "x" * (each is column) for each in kept]
    lines = [[good_cell(each, k) for each in kept] for k in (1, 2, 3)]
    text = "\n".join(",".join(line) for line in [names, *lines])
    with pytest.raises(DataProblems) as caught:
        brands.load("acme", make_brand({f"{table.name}.csv": text}))
    assert [(p.file, p.line, p.column) for p in caught.value.problems] == [(f"{table.name}.csv", 1, column.name)]
    assert (f"{column.name}x: {column.name}" in str(caught.value)) == misspelt


def test_no_identifier_is_quoted_whichever_column_it_has_slipped_into(make_brand):
    root = make_brand({
        "orders.csv": HEAD + GOOD + "A2,,ana,\nA3,ben,2024-01-06,王小明\n",
        "members.csv": "customer_id,joined_at,left_at,account_id\nben,2024-02-01,wx-77,wx-7\n",
        "accounts.csv": "account_id,opened_at,staff\nwx-77,2024-01-01,boss-li\nwx-7,2024-01-01,boss-wu\n",
        "spend.csv": "date,channel,spend\n2024-01-01,boss-li,1\n",
    }, CHANNELS)  # fmt: skip
    with pytest.raises(DataProblems) as caught:
        brands.load("acme", root)
    told = str(caught.value) + repr(caught.value.problems)
    assert not [word for word in ("ana", "王小明", "wx-77", "boss-li") if word in told]
    assert len(caught.value.problems) == 6


@pytest.mark.parametrize("bad", ["folder", "pipe", "unreadable"])
def test_a_table_that_cannot_be_opened_is_one_problem_among_others(bad, make_brand, monkeypatch, own_home):
    root = make_brand({"orders.csv": HEAD + "A1,ana,2024-02-30,1\n", "spend.csv": None})
    path = root / "acme" / "spend.csv"
    if bad == "folder":
        path.mkdir()
    elif bad == "pipe":
        os.mkfifo(path)
    else:
        path.touch()
        # Permissions do not stop root, who runs tests in containers.
        opened = Path.open

        def guarded(self, *arguments, **options):
            if self == path:
                raise PermissionError(13, "Permission denied", str(path))
            return opened(self, *arguments, **options)

        monkeypatch.setattr(Path, "open", guarded)
    with pytest.raises(DataProblems) as caught:
        brands.load("acme", root)
    assert [(p.file, p.column) for p in caught.value.problems] == [("spend.csv", None), ("orders.csv", "ordered_at")]
    assert not own_home.exists()


def test_a_folder_without_brand_yml_is_told_so(make_brand):
    root = make_brand()
    (root / "acme" / "brand.yml").rename(root / "acme" / "brand.yaml")
    with pytest.raises(brands.UnknownBrandError, match=r"has no brand\.yml"):
        brands.load("acme", root)
    (root / "acme" / "brand.yml").mkdir()
    assert brands.list_brands(root) == []


def test_all_problems_of_all_files_come_in_one_report(make_brand):
    bad_orders = HEAD + "A1,ana,2024-02-30,x\nA1,,2024-01-01,-1\nragged\n"
    root = make_brand({"orders.csv": bad_orders, "spend.csv": "date,chanel\n2024-01-01,sms\n", "members.csv": ""},
                      {"currency": "rmb"})  # fmt: skip
    with pytest.raises(DataProblems) as caught:
        brands.load("acme", root)
    places = {(p.file, p.line, p.column) for p in caught.value.problems}
    assert places == {
        ("brand.yml", 4, "currency"), ("orders.csv", 2, "ordered_at"), ("orders.csv", 2, "amount"),
        ("orders.csv", 3, "order_id"), ("orders.csv", 3, "customer_id"), ("orders.csv", 3, "amount"),
        ("orders.csv", 4, None), ("spend.csv", 1, "channel"), ("spend.csv", 1, "spend"), ("members.csv", None, None),
    }  # fmt: skip


def test_a_header_is_judged_even_when_there_are_no_rows(make_brand):
    with pytest.raises(DataProblems) as caught:
        brands.load("acme", make_brand({"orders.csv": "order_id,custmer_id,ordered_at,amount\n"}))
    assert [problem.column for problem in caught.value.problems] == ["customer_id", None]


def test_a_cell_is_reported_once_however_many_rules_it_breaks(make_brand):
    with pytest.raises(DataProblems) as caught:
        brands.load("acme", make_brand(orders("A2,ben,2024-02-30,")))
    assert [(p.line, p.column) for p in caught.value.problems] == [(3, "ordered_at"), (3, "amount")]


def test_many_bad_lines_are_counted_not_listed(make_brand):
    lines = [f"B{k},ben,2024-01-06,abc" for k in range(12_345)]
    with pytest.raises(DataProblems) as caught:
        brands.load("acme", make_brand(orders(*lines)))
    message = str(caught.value)
    assert "12,345 problems" in message
    assert "and 12,340 more lines like this" in message
    assert message.count("is not a number") == 5
    assert len(caught.value.problems) == 20


@pytest.mark.parametrize(
    "header",
    ["订单编号,买家会员名,订单付款时间 ,买家实际支付金额", "\ufeff\t订单编号,买家会员名,订单付款时间,买家实际支付金额"],
)
@pytest.mark.parametrize("nested", [True, False])
def test_headers_of_an_export_are_mapped(header, nested, make_brand):
    mapping = "{订单编号: order_id, 买家会员名: customer_id, 订单付款时间: ordered_at, 买家实际支付金额: amount}"
    text = header + '\n"=""123456789012345678""",\tana,2024/1/5 9:05,"¥1,299.50"\n\'99,ana,2024/1/6,0元\n'
    root = make_brand({"orders.csv": text.encode("utf-8" if "\ufeff" in text else "gb18030")},
                      {"columns": f"{{orders: {mapping}}}" if nested else mapping})  # fmt: skip
    loaded = brands.load("acme", root)
    table = loaded.table("orders")
    assert table["amount"].tolist() == [1299.5, 0.0]
    assert table["customer_id"].tolist() == [1, 1]
    assert table["ordered_at"].tolist() == [pd.Timestamp("2024-01-05 09:05"), pd.Timestamp("2024-01-06")]


def test_a_problem_in_a_mapped_column_names_both_names(make_brand):
    root = make_brand({"orders.csv": "编号,customer_id,ordered_at,amount\nA1,ana,2024-01-05,1\nA1,ana,2024-01-05,1\n"},
                      {"columns": "{编号: order_id}"})  # fmt: skip
    with pytest.raises(DataProblems, match=r"order_id \(编号\)"):
        brands.load("acme", root)


def test_names_mapped_to_an_amount_by_mistake_are_not_quoted(make_brand):
    root = make_brand({"orders.csv": "order_id,customer_id,ordered_at,收货人姓名\nA1,ana,2024-01-05,王小明\n"},
                      {"columns": "{收货人姓名: amount}"})  # fmt: skip
    with pytest.raises(DataProblems) as caught:
        brands.load("acme", root)
    assert [(problem.line, problem.column) for problem in caught.value.problems] == [(2, "amount (收货人姓名)")]
    assert "王小明" not in str(caught.value)


def test_a_file_that_changes_while_it_is_read_is_refused(make_brand, monkeypatch, own_home):
    root, build = make_brand(), brands.building.build

    def meanwhile(*arguments):
        built = build(*arguments)
        (root / "acme" / "orders.csv").write_text(HEAD + GOOD)
        return built

    monkeypatch.setattr(brands.building, "build", meanwhile)
    with pytest.raises(DataProblems, match="changed while it was read"):
        brands.load("acme", root)
    assert not own_home.exists()


def test_types_and_blanks_of_every_kind(make_brand):
    root = make_brand({
        "orders.csv": HEAD.strip() + ",refunded,referrer_id,store_id\n"
                      "A1,ana,2024-01-05,10,,ben,007\nA2,ben,2024-01-06,5,5,,\n",
        "spend.csv": "date,channel,spend,clicks\n2024-01-01,douyin,100,\n2024-02-01,douyin,1,3\n",
        "messages.csv": "customer_id,sent_at,channel,read\n"
                        "ana,2024-01-01T08:00:00+00:00,sms,是\nben,1704067200000,sms,\n",
        "pool_costs.csv": "month,item,amount\n2024-02,staff,9\n",
    })  # fmt: skip
    loaded = brands.load("acme", root)
    orders_table, spend, messages = (loaded.table(name) for name in ("orders", "spend", "messages"))
    assert orders_table["referrer_id"].dtype == "Int64"
    assert orders_table["referrer_id"].tolist() == [2, pd.NA]
    assert orders_table["store_id"].tolist()[0] == "007"
    assert orders_table["refunded"].isna().tolist() == [True, False]
    assert spend["clicks"].tolist() == [pd.NA, 3]
    assert messages["read"].tolist() == [True, pd.NA]
    # 08:00 in London is 16:00 in Shanghai; 1,704,067,200,000 ms is midnight UTC of 1 January.
    assert messages["sent_at"].tolist() == [pd.Timestamp("2024-01-01 16:00"), pd.Timestamp("2024-01-01 08:00")]
    assert loaded.scan("pool_costs").collect().row(0) == (datetime.date(2024, 2, 1), "staff", 9.0)
    assert loaded.scan("orders").collect_schema()["ordered_at"] == pl.Datetime("us")
    # A customer is the same number in every table.
    assert messages["customer_id"].tolist() == orders_table["customer_id"].tolist() == [1, 2]


def test_the_second_load_comes_from_the_cache_and_is_the_same(make_brand, own_home, monkeypatch):
    root = make_brand()
    first = brands.load("acme", root)

    def never(*_):
        raise AssertionError("the files were read again")

    monkeypatch.setattr(brands.building, "build", never)
    second = brands.load("acme", root)
    assert second.table("orders").equals(first.table("orders"))
    assert (second.inputs, second.account) == (first.inputs, first.account)
    assert [(entry["file"], entry["rows"]) for entry in second.inputs] == [("brand.yml", None), ("orders.csv", 3)]


def test_a_changed_file_is_read_again_and_the_old_entry_goes(make_brand):
    first = brands.load("acme", make_brand())
    second = brands.load("acme", make_brand({"orders.csv": HEAD + GOOD}))
    assert len(second.table("orders")) == 1
    assert not first.cached.exists()


def test_a_lost_mapping_is_written_again(make_brand):
    root = make_brand()
    (brands.load("acme", root).private / "identifiers.parquet").unlink()
    assert (brands.load("acme", root).private / "identifiers.parquet").exists()


def test_files_are_private_and_the_data_folder_is_untouched(make_brand, own_home):
    root = make_brand()
    before = sorted(path.name for path in root.rglob("*"))
    loaded = brands.load("acme", root)
    assert sorted(path.name for path in root.rglob("*")) == before
    assert own_home in loaded.cached.parents
    for path in [*loaded.cached.iterdir(), loaded.private / "identifiers.parquet"]:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(loaded.private.stat().st_mode) == 0o700
    assert stat.S_IMODE(loaded.cached.stat().st_mode) == 0o700


def test_two_roots_never_mix(make_brand, tmp_path):
    first = brands.load("acme", make_brand())
    (tmp_path / "raw").rename(tmp_path / "moved")
    second = brands.load("acme", tmp_path / "moved")
    assert first.cached.parent != second.cached.parent
    assert first.private != second.private


def test_two_processes_at_once_do_not_corrupt(make_brand, own_home):
    lines = "".join(f"B{k},c{k % 500},2024-02-0{1 + k % 9},{k % 90}\n" for k in range(20_000))
    root = make_brand({"orders.csv": HEAD + lines})
    code = (
        f"from siyu_helpers.data import brands; print(brands.load('acme', {str(root)!r}).table('orders').amount.sum())"
    )
    running = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert {process.communicate()[0].strip() for process in running} == {str(float(sum(k % 90 for k in range(20_000))))}
    entries = list(brands.load("acme", root).cached.parent.iterdir())
    assert len(entries) == 1


def test_threads_at_once_do_not_disturb_one_another(make_brand):
    root = make_brand({"orders.csv": HEAD + "".join(f"B{k},c{k % 50},2024-02-01,1\n" for k in range(20_000))})
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        loaded = list(pool.map(lambda _: brands.load("acme", root), range(4)))
    assert {len(brand.table("orders")) for brand in loaded} == {20_000}


@pytest.mark.parametrize(
    "name", ["../cdnow", "a/b", "/etc", "", "Acme", "a b", "x" * 41, ".", "..", "a\n", "中文", None, 7, "market"]
)
def test_a_brand_that_is_a_path_or_no_name_is_refused(name, make_brand, own_home):
    with pytest.raises(brands.UnknownBrandError):
        brands.load(name, make_brand())
    with pytest.raises(brands.UnknownBrandError):
        brands.new(name, make_brand())
    assert not own_home.exists()


def test_an_unknown_brand_names_those_there_are(make_brand):
    with pytest.raises(brands.UnknownBrandError, match=r"Brands there: acme. Did you mean acme\?"):
        brands.load("acne", make_brand())


def test_unknown_customers_are_blank_when_brand_yml_lists_them(make_brand):
    tables = orders("A2,,2024-01-06,1", "A3,***,2024-01-07,1", "A4,ben,2024-01-07,1")
    loaded = brands.load("acme", make_brand(tables, {"unknown_customer": '["", "***"]'}))
    assert loaded.table("orders")["customer_id"].tolist() == [1, pd.NA, pd.NA, 2]
    assert loaded.account["tables"]["orders"]["without_customer"] == 2
    with pytest.raises(DataProblems, match="The cell is empty"):
        brands.load("acme", make_brand(tables, {"unknown_customer": '["***"]'}))
    members = {"members.csv": "customer_id,joined_at\n***,2024-02-01\n"}
    with pytest.raises(DataProblems, match="masked"):
        brands.load("acme", make_brand(tables | members, {"unknown_customer": '["", "***"]'}))


def test_lines_of_nothing_but_commas_are_dropped_and_counted(make_brand):
    loaded = brands.load("acme", make_brand(orders("A2,ben,2024-01-06,1", ",,,", " ,, ,")))
    assert loaded.account["tables"]["orders"]["dropped"] == {"lines with nothing but commas": 2}
    assert len(loaded.table("orders")) == 2
    with pytest.raises(DataProblems) as caught:
        brands.load("acme", make_brand(orders(",,,", "A2,ben,2024-01-06,x")))
    assert [p.line for p in caught.value.problems] == [4]


def test_a_line_blank_but_for_a_column_not_read_is_no_empty_line(make_brand):
    with pytest.raises(DataProblems) as caught:
        brands.load("acme", make_brand({"orders.csv": HEAD.strip() + ",note\nA1,ana,2024-01-05,10,\n,,,,x\n"}))
    assert {p.line for p in caught.value.problems} == {3}


def test_covariates_are_kept_and_personal_ones_become_integers(make_brand):
    people = [
        f"p{k},{20 + k % 9},tag{k % 3},1380013{k:04d},WX_{k}_{k * 7},{'高' if k % 2 else '低'}" for k in range(120)
    ]
    text = "customer_id,age,group,联系方式,alias,价值\n" + "\n".join(people) + "\n"
    loaded = brands.load("acme", make_brand({"customers.csv": text}))
    customers = loaded.table("customers")
    assert customers["age"].tolist()[:2] == [20.0, 21.0]
    assert customers["group"].tolist()[:2] == ["tag0", "tag1"]
    assert customers["联系方式"].tolist()[:3] == customers["alias"].tolist()[:3] == [1, 2, 3]
    assert loaded.account["tables"]["customers"]["as_integers"] == ["联系方式", "alias"]


def test_columns_outside_the_contract_are_left_out_and_named(make_brand):
    loaded = brands.load("acme", make_brand(with_column("refundd", "1")))
    assert "refundd" not in loaded.scan("orders").collect_schema()
    assert loaded.account["tables"]["orders"]["left_out"] == ["refundd"]
    assert any("did you mean refunded" in told for told in loaded.warnings)


def test_parquet_is_read_and_places_are_rows(make_brand, tmp_path):
    root = make_brand()
    (root / "acme" / "orders.csv").unlink()
    frame = pl.DataFrame({
        "order_id": [1, 2], "customer_id": ["ana", "ben"], "amount": [1.5, 2.0],
        "ordered_at": pl.Series([0, 3600]).cast(pl.Datetime("ms", "UTC")).dt.offset_by("55y"),
    })  # fmt: skip
    frame.write_parquet(root / "acme" / "orders.parquet")
    table = brands.load("acme", make_brand_again(root)).table("orders")
    assert table["amount"].tolist() == [1.5, 2.0]
    frame.with_columns(order_id=pl.lit(1)).write_parquet(root / "acme" / "orders.parquet")
    with pytest.raises(DataProblems) as caught:
        brands.load("acme", root)
    assert [(p.unit, p.line, p.column) for p in caught.value.problems] == [("row", 2, "order_id")]
    (root / "acme" / "orders.csv").write_text(HEAD + GOOD)
    with pytest.raises(DataProblems, match=r"Both orders\.csv and orders\.parquet"):
        brands.load("acme", root)


def make_brand_again(root: Path) -> Path:
    """The same brand, observed in 2025, where 55 years after 1970 lies."""
    config = root / "acme" / "brand.yml"
    config.write_text(config.read_text("utf-8").replace("2024-", "2025-"), "utf-8")
    return root


def test_a_large_table_is_refused_by_pandas_and_names_scan(make_brand, monkeypatch):
    loaded = brands.load("acme", make_brand())
    monkeypatch.setattr(brands, "LARGEST_TABLE", 2)
    with pytest.raises(ValueError, match=r"3 rows.*brand\.scan\('orders'\)"):
        loaded.table("orders")
    with pytest.raises(ValueError, match=r"has no table spent; it has: orders\. Did you mean spend"):
        loaded.scan("spent")


def test_a_read_only_data_folder_is_enough(make_brand):
    root = make_brand()
    for path in [*root.rglob("*"), root]:
        path.chmod(path.stat().st_mode & ~0o222)
    try:
        assert brands.load("acme", root).has("orders")
    finally:
        for path in [root, *root.rglob("*")]:
            path.chmod(path.stat().st_mode | 0o200)


def test_new_writes_a_folder_that_explains_itself_and_overwrites_nothing(tmp_path):
    folder = brands.new("fresh", tmp_path)
    assert (folder / "orders.csv").read_text() == HEAD
    with pytest.raises(DataProblems) as caught:
        brands.load("fresh", tmp_path)
    # Everything that is left to be filled in is named, and nothing else.
    assert {p.column for p in caught.value.problems} == {
        "name.zh", "name.en", "industry", "observed_from", "observed_until", "source", None
    }  # fmt: skip
    with pytest.raises(FileExistsError):
        brands.new("fresh", tmp_path)


def test_a_new_folder_once_filled_in_loads(tmp_path, make_brand):
    folder = brands.new("acme", tmp_path / "raw")
    make_brand()
    assert brands.load("acme", tmp_path / "raw").has("orders")
    for table in (folder / "templates").glob("*.csv"):
        assert table.read_text().count("\n") == 1


@pytest.mark.parametrize("customers", [None, "customer_id,city_tier\nana,1\n"], ids=["no table", "no column"])
def test_history_of_a_brand_that_does_not_know_first_orders(customers, make_brand):
    root = make_brand({"customers.csv": customers}, {"history": "truncated", "burn_in_days": 31})
    brand = brands.load("acme", root)
    assert brand.history == {
        "history": "truncated",
        "observed_from": datetime.date(2024, 1, 1),
        "burn_in_days": 31,
        "first_order_at": None,
    }
    # Ana is there in January, so only Ben, who first orders on 10 February, can be told to be new.
    grid = cohort_grid(brand.scan("orders"), brand.observed_until, **brand.history)
    assert grid.groupby("cohort")["customers"].first().to_dict() == {"2024-02": 1}


def test_history_of_a_brand_that_knows_first_orders(make_brand):
    customers = "customer_id,first_order_at,city_tier\nana,2024-01-05,1\nben,2023-05-01,2\n"
    brand = brands.load("acme", make_brand({"customers.csv": customers}, {"history": "truncated"}))
    first = brand.history["first_order_at"]
    assert isinstance(first, pl.LazyFrame)
    assert first.collect().columns == ["customer_id", "first_order_at"]
    # Ben first ordered before the export begins: he is an old customer, though his first order here is of February.
    grid = cohort_grid(brand.scan("orders"), brand.observed_until, **brand.history)
    assert grid.groupby("cohort")["customers"].first().to_dict() == {"2024-01": 1}


def test_a_status_column_that_is_not_read_is_warned_of(make_brand):
    text = HEAD.strip() + ",订单状态,Refund Status,note\nA1,ana,2024-01-05,10,交易关闭,none,x\n"
    root = make_brand({"orders.csv": text, "customers.csv": "customer_id,status\nana,asleep\n"})
    told = "is not read: closed or refunded orders count as orders unless you leave them out of the export."
    # From the files and from the cache alike; a customer's status is a trait, and no value is told.
    for _ in range(2):
        assert brands.load("acme", root).warnings == [
            f"orders.csv has the column 订单状态, which {told}",
            f"orders.csv has the column Refund Status, which {told}",
        ]


TRUTH = {"truth.yml": "# known\nsimulated_by: abc\norders_lost_without: {douyin: {orders: 3}}\n"}


def test_the_truth_of_an_invented_brand_is_read_and_no_other_has_one(make_brand):
    invented = brands.load("acme", make_brand(TRUTH, {"synthetic": "true"}))
    assert invented.truth() == {"simulated_by": "abc", "orders_lost_without": {"douyin": {"orders": 3}}}
    # A real brand has no truth to mark an analysis by, whatever lies in its folder.
    assert brands.load("acme", make_brand(TRUTH)).truth() is None
    assert brands.load("real", make_brand(None, {"synthetic": "true", "id": "real"}, "real")).truth() is None


@pytest.mark.parametrize("text", ["- a list\n", "{not yaml", "!!python/object:os.system {}\n"])
def test_a_truth_that_cannot_be_read_says_what_to_do(text, make_brand):
    brand = brands.load("acme", make_brand({"truth.yml": text}, {"synthetic": "true"}))
    with pytest.raises(ValueError, match="siyu sample"):
        brand.truth()


def test_the_default_root_needs_no_argument():
    assert cache.homes(cache.default_data_root() / "cdnow")[1].name == "cdnow"
    assert os.environ["SIYU_HOME"] in str(brands.load("cdnow").cached)


# ---- random inputs --------------------------------------------------------------------------------------------------

RANDOM = settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
# Distinctive, so that finding one in the cache cannot be chance.
identifier = st.text("ABCDEFGHJKabcdefghjk中文字符", min_size=6, max_size=9).map("Zq9-".__add__)
day = st.dates(datetime.date(2024, 1, 1), datetime.date(2024, 6, 30))
clock = st.times().map(lambda time: time.replace(microsecond=0))
cents = st.integers(0, 10_000_000)
order = st.tuples(
    identifier, day, clock, cents, st.sampled_from(["plain", "a,b", 'say "hi"', "two\nlines", "", "店铺"])
)


def written(rows, separator: str, style: str, blank_lines: bool) -> str:
    """Orders as CSV text: one style of dates, values quoted where they must be."""
    lines = ["order_id,customer_id,ordered_at,amount,sold_through"]
    for k, (customer, on, at, amount, shop) in enumerate(rows):
        date = separator.join([str(on.year), f"{on.month:02d}", f"{on.day:02d}"])
        date = date if style == "day" else f"{date}{'T' if style == 'iso' else ' '}{at.isoformat()}"
        quoted = '"' + shop.replace('"', '""') + '"' if shop else ""
        lines.append(f"ORD-{k},{customer},{date},{amount / 100:.2f},{quoted}")
        if blank_lines and k % 3 == 0:
            lines.append("")
    return "\n".join(lines) + "\n"


def folder_of(directory: str, content: bytes) -> Path:
    """A data root with the brand acme and the given bytes as its orders."""
    folder = Path(directory) / "acme"
    folder.mkdir()
    (folder / "orders.csv").write_bytes(content)
    (folder / "brand.yml").write_text(
        "id: acme\nname: {zh: 某, en: Acme}\nindustry: x\ncurrency: CNY\ntimezone: Asia/Shanghai\n"
        "observed_from: 2024-01-01\nobserved_until: 2024-06-30\nhistory: complete\nsource: invented\n", "utf-8"
    )  # fmt: skip
    return folder.parent


@RANDOM
@given(rows=st.lists(order, min_size=1, max_size=12), separator=st.sampled_from("-/"),
       style=st.sampled_from(["day", "space", "iso"]), encoding=st.sampled_from(["utf-8", "utf-8-sig", "gb18030"]),
       blank_lines=st.booleans())  # fmt: skip
def test_valid_orders_come_back_as_they_were(rows, separator, style, encoding, blank_lines):
    with tempfile.TemporaryDirectory() as directory:
        root = folder_of(directory, written(rows, separator, style, blank_lines).encode(encoding))
        loaded = brands.load("acme", root)
        frame = loaded.scan("orders").collect()
        kept = b"".join(path.read_bytes() for path in loaded.cached.iterdir()) + repr(loaded).encode()
        uncompressed = repr(frame.rows()).encode()
    midnight = datetime.time()
    assert frame["amount"].to_list() == [amount / 100 for *_, amount, _ in rows]
    assert frame["ordered_at"].to_list() == [
        datetime.datetime.combine(on, midnight if style == "day" else at) for _, on, at, _, _ in rows
    ]
    assert frame["sold_through"].to_list() == [shop or None for *_, shop in rows]
    # Numbers by first appearance: the same person, the same number.
    first_seen = list(dict.fromkeys(customer for customer, *_ in rows))
    assert frame["customer_id"].to_list() == [first_seen.index(customer) + 1 for customer, *_ in rows]
    for customer in first_seen:
        assert customer.encode() not in kept + uncompressed
        assert customer not in repr(loaded.account) + repr(loaded.inputs) + repr(loaded.warnings)


CORRUPTIONS = {
    "ordered_at": ["2024-02-30", "never", "2024-07-01", "05/06/2024", ""],
    "amount": ["-3", "nan", "inf", "many", '"1.299,00"', ""],
    "customer_id": ["", "1.5E+17", "a**b"],
    "order_id": ["", "2.02E+17"],
}


@RANDOM
@given(rows=st.lists(order, min_size=1, max_size=12), data=st.data(), blank_lines=st.booleans())
def test_one_corrupted_cell_is_named_by_line_and_column(rows, data, blank_lines):
    column = data.draw(st.sampled_from(sorted(CORRUPTIONS)))
    value, row = data.draw(st.sampled_from(CORRUPTIONS[column])), data.draw(st.integers(0, len(rows) - 1))
    lines = written(rows, "-", "space", blank_lines).split("\n")
    line = next(k for k, text in enumerate(lines) if text.startswith(f"ORD-{row},"))
    cells = lines[line].split(",", 4)
    cells[["order_id", "customer_id", "ordered_at", "amount"].index(column)] = value
    lines[line] = ",".join(cells)
    with tempfile.TemporaryDirectory() as directory:
        root = folder_of(directory, "\n".join(lines).encode())
        with pytest.raises(DataProblems) as caught:
            brands.load("acme", root)
    assert [(p.line, p.column) for p in caught.value.problems] == [(line + 1, column)]
    assert not any(customer in str(caught.value) + repr(caught.value.problems) for customer, *_ in rows)


@RANDOM
@given(content=st.one_of(
    st.binary(max_size=300),
    st.binary(max_size=100).map(lambda tail: (HEAD + GOOD).encode() + tail),
    st.text('",\n\r;=\'\t AB19-:.', max_size=120).map(lambda text: (HEAD + GOOD + text).encode()),
    st.text(max_size=60).map(lambda text: (text + "," + HEAD + GOOD).encode(errors="ignore")),
))  # fmt: skip
def test_random_bytes_meet_nothing_but_data_problems(content):
    with tempfile.TemporaryDirectory() as directory:
        root = folder_of(directory, content)
        try:
            assert brands.load("acme", root).has("orders")
        except DataProblems as problems:
            assert problems.problems and str(problems)  # noqa: PT017, PT018 - either outcome is right
