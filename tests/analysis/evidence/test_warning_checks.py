"""All checks of one brand: whole, without each of its tables, shuffled, and on odd brands."""

import math

import pandas as pd
import pytest
from pool_orders import log

from siyu_helpers.analysis.estimates import Refused
from siyu_helpers.analysis.evidence import warning_checks as checks
from siyu_helpers.analysis.pool.rules import AGREEMENTS
from siyu_helpers.data.simulate import simulate

CHANNELS = {"douyin_feed": "public", "wecom": "private"}
UNTIL = "2025-12-31"


@pytest.fixture(scope="module")
def brand():
    made = simulate("sanli", customers=500, seed=5)
    return {name: made.tables.get(name) for name in ("orders", *checks.TABLES)}


def check(brand, **options):
    return checks.warning_checks(brand["orders"], brand, UNTIL, CHANNELS, gross_margin=0.5, **options)


@pytest.fixture(scope="module")
def found(brand):
    return check(brand)


def flat(found):
    return {name: one for figures in found.figures.values() for name, one in figures.items()}


def test_every_check_is_there_once_and_its_keys_are_its_own(found):
    assert [one.key for one in found.results] == list(checks.CLAIM_IDS)
    assert sum(map(len, found.figures.values())) == len(flat(found))
    assert set(found.tables) == set(checks.CLAIM_IDS)
    counts = checks.check_counts(found.results)
    assert sum(counts[f"warnings_{one.replace(' ', '_')}"].value for one in AGREEMENTS) == len(found.results)


def test_words_fit_the_pages(found):
    for rule in found.results:
        assert not any(sign.isdigit() for text in rule.reading for sign in text)
        told = [one.definition for one in rule.figures.values() if not isinstance(one, Refused)]
        for words in (rule.claim, rule.reading, *told):
            assert "顾客" not in words.zh
            assert not words.zh.endswith("。")
            assert not words.en.endswith(".")
            assert words.en[0] == words.en[0].lower() or words.en.startswith("Kaplan")


def test_rows_in_another_order_change_nothing(brand, found):
    shuffled = {
        name: table.sample(frac=1, random_state=3) if table is not None else None for name, table in brand.items()
    }
    again = check(shuffled)
    assert flat(again) == flat(found)
    for name, table in found.tables.items():
        pd.testing.assert_frame_equal(again.tables[name], table, check_dtype=False)


def test_other_names_of_customers_change_nothing(brand, found):
    def renamed(table):
        if table is None:
            return None
        ids = [name for name in ("customer_id", "referrer_id") if name in table]
        return table.assign(**{name: table[name].map(lambda one: f"c{int(-one)}", na_action="ignore") for name in ids})

    assert flat(check({name: renamed(table) for name, table in brand.items()})) == flat(found)


@pytest.mark.parametrize("missing", [*checks.TABLES, "all"])
def test_without_a_table_the_checks_say_so(brand, missing):
    tables = {name: table for name, table in brand.items() if name == "orders" or missing not in (name, "all")}
    for name, one in flat(check(tables)).items():
        assert isinstance(one, Refused) or math.isfinite(one.value), name


ODD = {
    "no orders": log(),
    "one order": log(("a", "2025-05-05", 10.0)),
    "all amounts zero": log(*((i % 150, f"2025-{1 + i % 12:02d}-05", 0.0) for i in range(400))),
    "nobody is known": log((None, "2025-05-05", 10.0)),
    "all on the last day": log(*((i, "2025-12-31 23:59:59", 10.0) for i in range(150))),
    "texts for ids": log(*((f"c{i % 150}", f"2025-{1 + i % 12:02d}-05", 5.0) for i in range(400))),
}
MEMBERS = {
    "none": None,
    "nobody": pd.DataFrame({"customer_id": [], "joined_at": pd.to_datetime([]), "left_at": pd.to_datetime([])}),
    "one": pd.DataFrame({"customer_id": ["a"], "joined_at": [pd.Timestamp("2025-05-01")], "left_at": [pd.NaT]}),
    "later": pd.DataFrame({"customer_id": [1], "joined_at": [pd.Timestamp("2026-05-01")], "left_at": [pd.NaT]}),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("members", MEMBERS.values(), ids=MEMBERS)
@pytest.mark.parametrize("orders", ODD.values(), ids=ODD)
def test_odd_brands(orders, members):
    found = checks.warning_checks(orders, {"members": members}, UNTIL, gross_margin=0.5)
    for name, one in flat(found).items():
        assert isinstance(one, Refused) or math.isfinite(one.value), name


def test_a_truncated_history(brand, found):
    history = {"history": "truncated", "observed_from": "2023-01-01", "burn_in_days": 365, "first_order_at": None}
    assert flat(check(brand, history=history))["one_time_share"].n < flat(found)["one_time_share"].n
