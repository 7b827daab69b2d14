"""Tables and words of page 05: every key has a name in both languages, cells are those of the analysis."""

import re
from datetime import date
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from siyu_helpers.analysis import industry_fit as fit
from siyu_helpers.analysis.estimates import Estimate, Refused, Words
from siyu_helpers.data import market
from siyu_helpers.reporting import fit_views as views

REFUSED = Refused("costs", 0, 1, "没有费用。", "No costs are known.")
WIDE = fit.PoolInputs(10, 1, (0.0, 0.1, 0.2), 100, 0.5, staff_cost=300, messages_per_month=4.0,
                      origins={"margin": fit.Origin("industry table", Words("行业", "the trade"))})  # fmt: skip


def number(value=0.2, low=0.1, high=0.3, unit="share"):
    return Estimate(value, low, high, 0.9, 100, unit, Words("手算", "by hand"), "by.hand")


@pytest.mark.parametrize(
    ("called", "keys"),
    [
        (views.ORIGINS, fit.ORIGINS),
        (views.LABELS, fit.FIELDS),
        (views.UNITS, fit.FIELDS),
        (views.AGREES, ("agrees", "disagrees", "cannot be told")),
    ],
)
def test_every_key_is_named(called, keys):
    assert set(called) == set(keys)


@pytest.mark.parametrize("called", [
    views.ORIGINS, views.LABELS, views.PARTS, views.AGREES, views.TAP, views.FIT, views.ARTICLE, views.DOMAINS,
    views.CORNERS,
])  # fmt: skip
def test_names_are_chinese_and_english(called):
    for key, (zh, en) in called.items():
        if zh or en:
            assert re.search(r"[\u4e00-\u9fff]", zh), key
            assert not re.search(r"[\u4e00-\u9fff]", en), key
            assert "_" not in en


def test_every_part_of_the_value_is_named():
    rich = WIDE.replaced(
        moved_share=0.1, commission_saved=0.05, referrals_per_month=0.01, referral_value=50, recruiting_cost=2,
        incentive_cost=1, message_cost=0.05, service_cost=0.5, setup_cost=100, discount_rate=0.1, share_affected=0.9,
    )  # fmt: skip
    parts = fit.value_parts(fit.pool_value(rich, 12, 50))["step"].tolist()
    assert set(parts) <= set(views.PARTS)
    assert len(parts) >= 9


def test_inputs_are_listed_with_their_origin():
    rows = views.input_rows(WIDE, "CNY", 0.9)
    assert len(rows) == len(fit.FIELDS)
    rows = rows.set_index(pd.Index(fit.FIELDS))
    assert rows.loc["uplift", "value"][1].count("%") >= 2, "a range is shown"
    assert rows.loc["staff_cost", "value"][1].startswith("CNY 300")
    assert "the trade" in rows.loc["margin", "origin"][1]
    assert "行业" in rows.loc["margin", "origin"][0]
    given = views.input_rows(WIDE.replaced(uplift=0.05), "CNY", 0.9).set_index(pd.Index(fit.FIELDS))
    assert "given" in given.loc["uplift", "origin"][1]
    assert "给定" in given.loc["uplift", "origin"][0]


def test_a_refused_number_is_never_written_as_one():
    for cell in (*views.stated(REFUSED, "CNY"), *views.stated(number(), "CNY")):
        assert cell
        assert not re.search("nan|None|Refused", cell)
    assert not re.search(r"\d", "".join(views.stated(REFUSED, "CNY")))
    assert views.known(number(), number())
    assert not views.known(number(), REFUSED)


def test_the_account_shows_each_third_month_and_adds_up():
    result = fit.pool_value(WIDE, 7, 50)
    shown = views.monthly_rows(result.monthly)
    assert shown["month"].tolist()[:3] == [1, 3, 6]
    assert np.allclose(shown["earned"] - shown["spent"], shown["net"])
    chances = views.probability_rows(result)
    assert chances.columns.tolist() == ["month", "probability"]
    assert chances["probability"].is_monotonic_increasing


def test_months_are_written_as_months():
    months = pd.DataFrame({"month_begins": pd.to_datetime(["2025-11-01", "2025-12-01"]), "lost": [1, 2]})
    assert views.statement_rows(months)["month_begins"].tolist() == ["2025-11", "2025-12"]
    middle = months.assign(month_begins=months["month_begins"] + pd.Timedelta(days=9))
    assert views.statement_rows(middle)["month_begins"].tolist() == ["2025-11-10", "2025-12-10"]
    assert views.statement_rows(months[:0]).empty


def test_the_tap_is_two_curves():
    table = fit.tap_closed(WIDE, 100, 3, seed=1).monthly
    rows = views.tap_rows(table)
    assert rows.groupby("tap").size().to_dict() == dict.fromkeys(views.TAP, len(table))
    assert (rows["low"] <= rows["closing"] + 1e-9).all()


def test_the_brand_has_a_row_of_its_own_on_the_map():
    fitted = fit.fit(market.load("industries"), market.load("pool_assumptions"), draws=50)
    placed = fit.place_brand(fitted, WIDE, Words("小满", "Xiaoman"), 500)
    rows = views.map_rows(placed)
    assert (rows["industry"] == views.THE_BRAND).sum() == 1
    called = views.industry_names(placed)
    assert set(called) == set(rows["industry"])
    assert called[views.THE_BRAND] == ("小满", "Xiaoman")
    assert len(called) == len(rows)


@pytest.mark.parametrize(("own", "given", "level", "said"), [
    ({"staff_cost"}, {}, "strong", True),
    ({"staff_cost"}, {}, "no members", False),
    ({"margin"}, {}, "strong", False),
    (set(), {"uplift": 0.1, "staff_cost": 1.0}, "no members", True),
    (set(), {"uplift": 0.1}, "no members", False),
])  # fmt: skip
def test_whose_account_it_is(own, given, level, said):
    assert views.is_own(SimpleNamespace(own=own), given, SimpleNamespace(level=level, gain_level=level)) == said


def test_without_a_rate_and_without_costs_nothing_is_priced():
    free = WIDE.replaced(staff_cost=0.0)
    assert views.is_priced(free, 1.0)
    assert views.is_priced(WIDE, None)
    assert not views.is_priced(free, None)
    rates = market.load("exchange_rates")
    assert views.rate_per_cny(rates, "EUR", date(2024, 6, 30)) is None
    assert views.rate_per_cny(rates, "CNY", date(2024, 6, 30)) == 1.0
    assert 0.1 < views.rate_per_cny(rates, "USD", date(2024, 6, 30)) < 0.2
    assert views.rate_per_cny(rates[:0], "USD", date(2024, 6, 30)) is None


def test_channels_and_corners_are_named():
    scores = fit.scorecard(market.load("channel_definitions"))
    assert set(views.channel_names(scores)) == set(scores["channel"])
    said = views.score_rows(scores)["said"]
    assert all(len(cell) == 2 for cell in said)
    assert said.map(lambda cell: ", " in cell[1]).any(), "the articles disagree on some"
    corners = {name: number() for corner in views.CORNERS for name in (corner, f"{corner}_index")}
    rows = views.corner_rows(corners | {"value": REFUSED}, "CNY")
    assert len(rows) == 3
    assert not re.search(r"\d", rows["raw"].tolist()[list(views.CORNERS).index("value")][1])


def test_levers_take_a_year():
    found = views.lever_inputs(WIDE)
    assert found["added_per_customer"] == pytest.approx(12 * fit.contribution_per_member(WIDE))


def test_tables_that_a_brand_lacks_are_none():
    shop = SimpleNamespace(has=lambda name: name == "members", scan=lambda name: name.upper())
    found = views.tables_of(shop)
    assert found["members"] == "MEMBERS"
    assert found["messages"] is None
    assert set(found) == set(views.TABLES)
    assert all(len(market.load(name)) for name in views.MARKET)
