"""Best spend against a search over all spends, and what it refuses."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spend_series import costs

from siyu_helpers.analysis.acquisition.best_spends import (
    BEST_SPEND_COLUMNS,
    BEST_SPEND_STATUS,
    _best_multiple,
    best_spend,
    best_spend_of,
)
from siyu_helpers.analysis.acquisition.responses import marginal_cac, response
from siyu_helpers.analysis.estimates import Estimate, Refused


def worth(value, low=None, high=None):
    """Contribution of a new customer."""
    if low is None:
        return Estimate.exact(value, 500, "money per customer", "by hand", "by hand")
    return Estimate(value, low, high, 0.9, 500, "money per customer", "by hand", "by hand")


UNKNOWN = Refused("observed long enough", 1, 2, "太短。", "Too short.")


@pytest.fixture(scope="module")
def found():
    return response(costs(np.random.default_rng(7), customers=300, shocks=0.4))


@settings(max_examples=50, deadline=None)
@given(power=st.floats(0.1, 0.9), average=st.floats(1, 1e4), worth=st.floats(1, 1e4), now=st.floats(10, 1e6))
def test_the_best_is_where_profit_is_greatest(power, average, worth, now):
    """Brute force: customers x worth - spend over a grid of spends around the answer, customers = k spend ^ e."""
    times = _best_multiple(power, average / power, worth)
    k = now ** (1 - power) / average
    spends = now * times * np.linspace(0.5, 2, 301)
    profit = worth * k * spends**power - spends
    assert spends[profit.argmax()] == pytest.approx(now * times, rel=0.01)


def test_without_diminishing_returns():
    """A power of 1 and more: more and more where a customer is worth it at all, else nothing."""
    assert _best_multiple(1.0, 50.0, 60.0) == math.inf
    assert _best_multiple(1.2, 50.0, 40.0) == 0.0
    assert _best_multiple(-0.1, 50.0, 40.0) == 0.0
    assert _best_multiple(0.5, 50.0, -40.0) == 0.0
    assert _best_multiple(np.array([0.5, 1.0]), 50.0, 50.0).tolist() == [1.0, 0.0]


def test_marginal_cost_at_the_best_spend_is_what_a_customer_contributes(found):
    """S ^ (1 - e) / (k e) = c, with k from the mean period."""
    row, c = found.iloc[0], 1.3 * found["marginal_cac"][0]
    best = best_spend(found, worth(c)).iloc[0]
    e, now = row["elasticity"], best["spend_now"]
    k = now ** (1 - e) / row["average_cac"]
    assert best["spend"] ** (1 - e) / (k * e) == pytest.approx(c)
    assert best["spend_low"] <= best["spend"] <= best["spend_high"]


def test_statuses(found):
    """Worth far more than the next customer costs, about as much, far less."""
    marginal = found["marginal_cac"][0]
    table = {one: best_spend(found, worth(one * marginal)) for one in (0.05, 0.65, 1.0, 1.4, 20.0)}
    status = {one: made["status"][0] for one, made in table.items()}
    assert status == {0.05: "beyond_seen", 0.65: "lower", 1.0: "about_right", 1.4: "raise", 20.0: "beyond_seen"}
    assert set(status.values()) <= set(BEST_SPEND_STATUS)
    assert table[0.05].attrs["direction"] == {"feed": "less"}
    assert table[20.0].attrs["direction"] == {"feed": "more"}
    for one in (0.05, 20.0):
        assert table[one][["spend", "spend_low", "spend_high"]].isna().all(axis=None)
        assert best_spend_of(table[one], "feed").gate == "spend seen"
    assert list(table[1.0].columns) == BEST_SPEND_COLUMNS


def test_the_ends_stop_at_the_spend_seen(found):
    """An interval of the contribution so wide that the best spend may be anything."""
    marginal = found["marginal_cac"][0]
    made = best_spend(found, worth(marginal, 0.01 * marginal, 30 * marginal))
    assert made["spend_low"][0] == found["spend_min"][0]
    assert made["spend_high"][0] == found["spend_max"][0]
    stated = best_spend_of(made, "feed")
    assert (stated.low, stated.high, stated.unit) == (made["spend_low"][0], made["spend_high"][0], "money")
    assert stated.n > 0


def test_uncertainty_of_the_contribution_widens(found):
    c = found["marginal_cac"][0]
    narrow, wide = (best_spend(found, one) for one in (worth(c), worth(c, 0.8 * c, 1.2 * c)))
    assert (wide["spend_high"] - wide["spend_low"])[0] > (narrow["spend_high"] - narrow["spend_low"])[0]


def test_what_is_not_known_is_refused(found):
    for unknown in (UNKNOWN, worth(100, 50, math.inf)):
        made = best_spend(found, {"feed": unknown})
        assert made["status"].tolist() == ["not_identified"]
        assert made["spend_now"][0] > 0
        assert math.isnan(made["spend"][0])
        assert isinstance(best_spend_of(made, "feed"), Refused)
    short = response(costs(np.random.default_rng(1), "month", 11, customers=200))
    made = best_spend(short, worth(100))
    assert made.attrs["refused"]["feed"] == marginal_cac(short, "feed")


def test_no_diminishing_returns_are_named():
    """Customers in proportion to spend: the interval reaches 1 and beyond."""
    found = response(costs(np.random.default_rng(3), elasticity=1.0, customers=100))
    assert best_spend(found, worth(1.0)).attrs["no_diminishing_returns"] == ["feed"]


def test_same_seed_same_numbers(found):
    c = worth(found["marginal_cac"][0])
    assert best_spend(found, c, seed=3).equals(best_spend(found, c, seed=3))


def test_errors(found):
    with pytest.raises(ValueError, match="lacks the channel 'feed'"):
        best_spend(found, {"tv": worth(1.0)})
    with pytest.raises(ValueError, match="must be an Estimate"):
        best_spend(found, 100.0)
    with pytest.raises(ValueError, match="attrs are missing"):
        best_spend(pd.DataFrame(found.to_dict("list")), worth(1.0))
    with pytest.raises(ValueError, match="'tv' is not in the table"):
        best_spend_of(best_spend(found, worth(1.0)), "tv")


def test_empty_table():
    empty = response(costs(np.random.default_rng(1)).iloc[:0])
    assert best_spend(empty, worth(1.0)).columns.tolist() == BEST_SPEND_COLUMNS


@pytest.mark.filterwarnings("error")
def test_ends_are_those_of_the_spend_seen_where_returns_may_not_diminish():
    """A sixth of the draws has an elasticity above 1, and so no best spend: infinity minus infinity is no end."""
    responses = response(costs(np.random.default_rng(7), period="month", number=36, elasticity=0.95, customers=300,
                               shocks=0.5))  # fmt: skip
    row = responses.iloc[0]
    assert row["high"] > 1
    best = best_spend(responses, worth(row["marginal_cac"])).iloc[0]
    assert best["status"] == "about_right"
    assert best["spend"] == pytest.approx(best["spend_now"])
    assert (best["spend_low"], best["spend_high"]) == (row["spend_min"], row["spend_max"])
