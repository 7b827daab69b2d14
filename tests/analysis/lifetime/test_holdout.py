"""The check against days held out: CDNOW as published, baselines by hand, verdicts, refusals of invented brands."""

from dataclasses import replace
from string import Formatter

import numpy as np
import pandas as pd
import pytest
from lifetime_simulations import ROOT, cdnow_sample
from order_logs import ENGINES

from siyu_helpers.analysis.estimates import Estimate, Refused
from siyu_helpers.analysis.lifetime import holdout
from siyu_helpers.analysis.lifetime.holdout import (
    OPENINGS,
    check_holdout,
    choose_model,
    forecast_gate,
    tracking,
    verdict,
)
from siyu_helpers.analysis.lifetime.summaries import summarise
from siyu_helpers.data.simulate import simulate


@pytest.fixture(scope="module")
def cdnow():
    """Orders of the published 1/10 sample, and the check with 39 weeks of calibration and 39 held out."""
    orders = pd.read_csv(ROOT / "data/raw/cdnow/orders.csv", parse_dates=["ordered_at"])
    orders = orders[orders["customer_id"].isin(cdnow_sample()["customer_id"])]
    return orders, check_holdout(orders, "1998-06-30", calibration_end="1997-09-30")


def brand_check(name, customers):
    """An invented brand, and its check with the default split."""
    brand = simulate(name, customers=customers, seed=1)
    return check_holdout(brand.tables["orders"], brand.recipe.observed_until, draws=100)


@pytest.fixture(scope="module")
def nappies():
    return brand_check("xiaoman", 3_000)


@pytest.fixture(scope="module")
def toilet_seats():
    return brand_check("yunzuo", 4_000)


# --- CDNOW ---


def test_the_models_track_cdnow_as_published(cdnow):
    """Fader, Hardie and Lee (2005), section 5: by week 78 BG/NBD is 4% below repeat sales, Pareto/NBD 2%."""
    orders, check = cdnow
    assert check.days == 273
    actual = check.summary["frequency"].sum() + check.summary["frequency_holdout"].sum()
    for name, published in (("bg_nbd", -0.04), ("pareto_nbd", -0.02)):
        weeks = tracking(orders, check.fits[name], check.summary)
        assert len(weeks) == 78
        last = weeks.iloc[-1]
        assert (last["week"], last["week_end"], last["actual_cumulative"]) == (78, "1998-06-30", actual)
        assert last["model_cumulative"] / actual - 1 == pytest.approx(published, abs=0.005)
        assert (weeks["holdout"].sum(), weeks["actual"].sum()) == (39, actual)
        assert np.allclose(weeks["model"].cumsum(), weeks["model_cumulative"])
        assert (weeks["model_cumulative_low"] <= weeks["model_cumulative"]).all()
        assert (weeks["model_cumulative_high"] >= weeks["model_cumulative"]).all()


def test_the_comparison_counts_what_it_says(cdnow):
    _, check = cdnow
    table, people = check.comparison.set_index("forecast"), check.summary
    assert table.index.tolist() == ["bg_nbd", "mbg_nbd", "pareto_nbd", "own_rate", "last_window"]
    assert (table["actual"] == people["frequency_holdout"].sum()).all()
    for name, fit in check.fits.items():
        each = fit.expected_purchases(39, customers=people)
        assert table.loc[name, "predicted"] == pytest.approx(each.sum())
        off = each - people["frequency_holdout"]
        assert table.loc[name, "mean_absolute_error"] == pytest.approx(off.abs().mean())
        assert table.loc[name, "root_mean_squared_error"] == pytest.approx((off**2).mean() ** 0.5)
        assert table.loc[name, "predicted_low"] < each.sum() < table.loc[name, "predicted_high"]
        part = check.by_frequency[check.by_frequency["forecast"] == name]
        assert (part["predicted"] * part["customers"]).sum() == pytest.approx(each.sum())
        assert (part["actual"] * part["customers"]).sum() == pytest.approx(table.loc[name, "actual"])
        assert part["frequency"].tolist() == ["0", "1", "2", "3", "4", "5", "6", "7+"]
    assert table.loc["own_rate", "predicted"] == pytest.approx((people["frequency"] / people["T"] * 39).sum())
    assert table.loc["last_window", "predicted"] == people["frequency"].sum()  # the window is the whole calibration
    said = verdict(check)
    assert not said.loses
    assert said.numbers["holdout_actual"].value == table.loc[check.chosen, "actual"]


# --- parts by hand ---


def test_the_tracking_of_a_few_customers_by_hand():
    days = ["2024-01-01", "2024-01-05", "2024-01-09", "2024-01-04", "2024-01-20", "2024-01-16", "2024-01-17"]
    orders = pd.DataFrame({"customer_id": [1, 1, 1, 2, 2, 3, 3], "amount": 5.0, "ordered_at": pd.to_datetime(days)})
    summary = summarise(orders, "2024-01-22", grain="day", calibration_end="2024-01-14")

    class Steady:
        """A model in which everyone buys once in ten days."""

        def expected_purchases(self, t, customers=None):
            return t / 10

        def draws(self, number, seed):
            return {"r": np.ones(number)}

        def with_parameters(self, parameters):
            return Steady() if np.ndim(parameters["r"]) == 0 else Broad()

    class Broad(Steady):
        def expected_purchases(self, t, customers=None):
            return np.tile(t / 10, (3, 1))

    weeks = tracking(orders, Steady(), summary, draws=3)
    assert weeks["week_end"].tolist() == ["2024-01-07", "2024-01-14", "2024-01-21"]
    assert weeks["holdout"].tolist() == [False, False, True]
    assert weeks["actual"].tolist() == [1, 1, 1]  # customer 3 is first seen after calibration
    assert weeks["model_cumulative"].tolist() == pytest.approx([(6 + 3) / 10, (13 + 10) / 10, (20 + 17) / 10])


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_counts_the_same_repeats(engine):
    days = ["2024-01-01", "2024-01-01", "2024-01-09", "2024-01-04", "2024-01-20", "2024-01-16", "2024-01-17"]
    columns = {"customer_id": list("aaabbcc"), "amount": 5.0, "refunded": 0.0, "sold_through": "shop"}
    orders = pd.DataFrame({**columns, "ordered_at": pd.to_datetime(days)})
    summary = summarise(orders, "2024-01-22", grain="day", calibration_end="2024-01-14")
    start = (pd.Timestamp("2024-01-01") - pd.Timestamp(0)).days
    made = holdout._repeats_by_day(ENGINES[engine](orders), summary, start, 22, "net", {})
    assert np.flatnonzero(made).tolist() == [8, 19]
    assert made.sum() == 2


def test_the_window_before_counts_purchases_of_equally_many_days():
    days = ["2024-01-01", "2024-01-08", "2024-01-20", "2024-01-30", "2024-01-25", "2024-01-29", "2024-02-05"]
    orders = pd.DataFrame({"customer_id": [1, 1, 1, 1, 2, 2, 2], "amount": 5.0, "ordered_at": pd.to_datetime(days)})
    summary = summarise(orders, "2024-02-10", calibration_end="2024-01-31")
    each = holdout._baselines(orders, summary, {"grain": "week", "refunds": "net"})
    assert each["last_window"].tolist() == [1, 1]  # from 22 to 31 January
    assert each["own_rate"].tolist() == pytest.approx([3 / 30 * 10, 1 / 6 * 10])


def test_the_default_split_holds_out_a_third_but_at_least_90_days():
    for days, held in ((900, 300), (200, 90)):
        orders = pd.DataFrame({"customer_id": [1], "amount": 5.0, "ordered_at": pd.Timestamp("2024-01-01")})
        until = pd.Timestamp("2024-01-01") + pd.Timedelta(days=days)
        assert holdout._calibration_end(summarise(orders, until)) == (until - pd.Timedelta(days=held)).date()


def comparison(*rows):
    columns = ["forecast", "kind", "predicted", "actual", "log_likelihood", "root_mean_squared_error", "inside"]
    made = pd.DataFrame(list(rows), columns=columns).assign(degenerate=False)
    ends = {"predicted_low": made["predicted"] - 8, "predicted_high": made["predicted"] + 8}
    return made.assign(**ends, error=made["predicted"] / made["actual"] - 1)


def test_the_model_nearest_to_the_total_is_chosen():
    rows = [("bg_nbd", "model", 90, 100, -5, 1, False), ("pareto_nbd", "model", 108, 100, -9, 1, True)]
    assert choose_model(comparison(*rows, ("own_rate", "baseline", 100, 100, np.nan, 1, None))) == "pareto_nbd"
    assert choose_model(comparison(*rows, ("mbg_nbd", "model", 92, 100, -8, 1, True))) == "mbg_nbd"


@pytest.mark.parametrize(
    ("predicted", "error", "inside", "opening", "loses"),
    [
        (104, 0.9, True, True, False),
        (109, 0.9, False, False, False),
        (120, 0.9, False, "total", True),
        (104, 1.1, True, "each", True),
        (120, 1.1, False, "loses", True),
    ],
)
def test_a_loss_is_said_first(cdnow, predicted, error, inside, opening, loses):
    rows = [("bg_nbd", "model", predicted, 100, -5, error, inside)]
    rows += [
        ("own_rate", "baseline", 150, 100, np.nan, 1.0, None),
        ("last_window", "baseline", 88, 100, np.nan, 1.5, None),
    ]
    said = verdict(replace(cdnow[1], comparison=comparison(*rows), chosen="bg_nbd"))
    assert said.loses == loses
    assert (said.zh.startswith(OPENINGS[opening].zh), said.en.startswith(OPENINGS[opening].en)) == (True, True)
    for text in (said.zh, said.en):
        parts = list(Formatter().parse(text))
        assert {key for _, key, _, _ in parts if key} == set(said.numbers)
        assert not any(character.isdigit() for literal, *_ in parts for character in literal)
    assert said.numbers["baseline_error"].value == pytest.approx(0.12)
    assert said.numbers["holdout_error"].value == pytest.approx(predicted / 100 - 1)
    assert isinstance(said.numbers["holdout_predicted"], Estimate)


# --- what the data cannot carry ---


def test_nappies_get_a_forecast(nappies):
    assert nappies.days == 365
    table = nappies.comparison.set_index("forecast")
    assert abs(table.loc[nappies.chosen, "error"]) < 0.15
    assert not table.loc[["bg_nbd", "pareto_nbd"], "degenerate"].any()
    assert forecast_gate(nappies, 365) is None
    assert forecast_gate(nappies, 920).gate == "horizon"


def test_toilet_seats_get_none(toilet_seats):
    """The data pass the gate of 500 buyers and 180 days; that few came back is what refuses the forecast."""
    refused = forecast_gate(toilet_seats, 365)
    assert isinstance(refused, Refused)
    assert refused.gate == "customers who came back"
    dropout_seen = not toilet_seats.fits[toilet_seats.chosen].degenerate
    assert verdict(toilet_seats).zh.endswith(holdout.NO_DROPOUT.zh) != dropout_seen
    assert 0.05 < refused.seen < 0.20 == refused.needed
    assert forecast_gate(toilet_seats, 365, cycle_days=5 * 365).gate == "replacement cycle"
    assert forecast_gate(toilet_seats, 365, repeaters_at_least=0.05) is None


def test_a_model_that_lost_and_missed_is_not_used(nappies):
    table = nappies.comparison.copy()
    chosen = table["forecast"] == nappies.chosen
    table["inside"] = table["inside"].where(~chosen, False)
    table.loc[table["forecast"] == "last_window", "predicted"] = table["actual"]
    assert forecast_gate(replace(nappies, comparison=table), 365).gate == "holdout"
    table["inside"] = table["inside"].where(~chosen, True)
    assert forecast_gate(replace(nappies, comparison=table), 365) is None


@pytest.mark.parametrize(("share", "gate"), [(0.8, None), (0.3, "holdout"), (0.0, "holdout")])
def test_a_forecast_far_from_what_happened_is_not_used_though_baselines_were_worse(nappies, share, gate):
    """Customers stop buying after calibration: what the model forecast comes to a multiple of what happened."""
    table = nappies.comparison.copy()
    model = table["kind"] == "model"
    table["actual"] = round(share * table.loc[table["forecast"] == nappies.chosen, "predicted"].iloc[0])
    table["inside"] = table["inside"].where(~model, False)
    table.loc[~model, "predicted"] = 3 * table.loc[model, "predicted"].max()
    refused = forecast_gate(replace(nappies, comparison=table), 365)
    assert (refused and refused.gate) == gate


def test_too_little_data_are_refused_with_the_reason():
    orders = pd.DataFrame({"customer_id": np.arange(600), "amount": 5.0, "ordered_at": pd.Timestamp("2024-01-01")})
    assert check_holdout(orders, "2024-01-20").gate == "history"
    assert check_holdout(orders.iloc[:100], "2024-12-31").gate == "buyers"
    spread = orders.assign(ordered_at=pd.Timestamp("2024-01-01") + pd.to_timedelta(orders.index // 3, "D"))
    again = pd.concat(
        [spread, *[spread.assign(ordered_at=spread["ordered_at"] + pd.Timedelta(days=d)) for d in (5, 9)]]
    )
    refused = check_holdout(again, "2024-07-26")
    assert refused.gate == "buyers"  # of the 600, those first seen in calibration are fewer than 500
    assert refused.reason_en.startswith("After holding out days")


def test_neither_ids_nor_the_order_of_rows_matter():
    brand = simulate("xiaoman", customers=1_500, seed=2)
    orders = brand.tables["orders"][["customer_id", "ordered_at", "amount"]]
    turned = orders.sample(frac=1, random_state=1).assign(customer_id=lambda frame: -frame["customer_id"])
    one, two = (check_holdout(part, brand.recipe.observed_until, draws=20) for part in (orders, turned))
    pd.testing.assert_frame_equal(one.comparison, two.comparison)
    pd.testing.assert_frame_equal(one.tracking, two.tracking)
    pd.testing.assert_frame_equal(one.by_frequency, two.by_frequency)
