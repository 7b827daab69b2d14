"""Do the intervals of the yearly growth of acquisition cost contain the truth, and do probabilities keep their word?

Monthly series with a season, a festival that moves, growth, scatter that resembles the month before, and Poisson
numbers of customers; then whole invented brands, whose truth the simulator knows. Full runs print their count with
`pytest -rP`.
"""

import numpy as np
import pandas as pd
import pytest

from siyu_helpers.analysis.acquisition.costs import cost_table
from siyu_helpers.analysis.acquisition.festivals import spring_festival_share
from siyu_helpers.analysis.acquisition.seasons import festival_effect, seasonal_levels
from siyu_helpers.analysis.acquisition.trends import growth, trend
from siyu_helpers.analysis.estimates import FULL_RUNS, Coverage, coverage
from siyu_helpers.data.simulate import RECIPES, simulate
from siyu_helpers.data.simulation.truth import acquisition_growth

SEASON = np.log([1.0, 0.95, 1.1, 1.05, 1.0, 0.85, 1.1, 1.15, 1.0, 0.9, 0.75, 0.95])
FESTIVAL = 0.3
START = 2022 * 12
FULL = pytest.mark.full


def alike(rng, months, resemblance, scatter):
    """Scatter of each month, of which a share comes from the month before."""
    apart = rng.normal(0, scatter, months)
    for month in range(1, months):
        apart[month] = resemblance * apart[month - 1] + np.sqrt(1 - resemblance**2) * apart[month]
    return apart


def series(rng, months, resemblance, scatter, customers, yearly=0.08, elasticity=1.0, spend_growth=0.1, demand=0.0):
    """A cost table without channels. demand: how strongly spend goes where customers come cheap."""
    at = START + np.arange(months)
    names = [f"{number // 12}-{number % 12 + 1:02d}" for number in at]
    log_spend = spend_growth * (at - START) / 12 + rng.normal(0, 0.15, months) - demand * SEASON[at % 12]
    log_cost = np.log1p(yearly) * (at - START) / 12 + SEASON[at % 12] + FESTIVAL * spring_festival_share(names)
    log_cost = log_cost + alike(rng, months, resemblance, scatter) + (1 - elasticity) * log_spend
    spend = 1e5 * np.exp(log_spend)
    return pd.DataFrame(
        {"month": names, "spend": spend, "new_customers": rng.poisson(customers * spend / 1e5 / np.exp(log_cost))}
    )


def said(result):
    print(f"{result.covered} of {result.runs}")  # noqa: T201 - shown by pytest -rP
    return result


# The last column: cautious by construction, so no upper bar. With two years a regression whose months may resemble each
# other up to 0.9 has to allow for what the data cannot exclude; with few customers the scatter cannot be below 0.
@pytest.mark.parametrize(
    ("months", "resemblance", "scatter", "customers", "cautious"),
    [
        pytest.param(36, 0.0, 0.10, 500, False, marks=FULL),
        (36, 0.3, 0.05, 500, False),
        pytest.param(36, 0.3, 0.15, 100, False, marks=FULL),
        pytest.param(36, 0.6, 0.10, 500, False, marks=FULL),
        (36, 0.3, 0.10, 20, True),
        pytest.param(36, 0.0, 0.10, 5, True, marks=FULL),
        pytest.param(24, 0.0, 0.10, 500, True, marks=FULL),
        (24, 0.6, 0.10, 500, False),
        pytest.param(24, 0.3, 0.10, 200, True, marks=FULL),
        pytest.param(22, 0.3, 0.10, 200, True, marks=FULL),
        pytest.param(36, 0.0, 0.0, 300, True, marks=FULL),  # months that scatter by nothing but chance
    ],
)
def test_interval_of_yearly_growth(runs, months, resemblance, scatter, customers, cautious):
    result = coverage(
        lambda rng: series(rng, months, resemblance, scatter, 1.3 * customers),
        lambda costs: growth(trend(costs)),
        0.08,
        runs,
        seed=months,
    )
    assert said(result).meets_bar(conservative=cautious)


@FULL
def test_spend_that_follows_the_season(runs):
    """Half as much again is spent where customers come cheap: the level of each month takes it in."""
    result = coverage(
        lambda rng: series(rng, 36, 0.3, 0.08, 200, demand=1.5), lambda costs: growth(trend(costs)), 0.08, runs, seed=5
    )
    assert said(result).meets_bar()


def test_interval_of_growth_at_constant_spend(runs):
    """Spend grows by 30% a year with an elasticity of 0.6: as seen, cost grows by 0.4 x 30% more."""
    result = coverage(
        lambda rng: series(rng, 36, 0.3, 0.08, 200, elasticity=0.6, spend_growth=0.26),
        lambda costs: growth(trend(costs, at_constant_spend=True)),
        0.08,
        runs,
        seed=6,
    )
    assert said(result).meets_bar()


@pytest.mark.parametrize("question", [pytest.param("November", marks=FULL), "festival"])
def test_interval_of_the_season(runs, question):
    truth = {"November": np.exp(SEASON[10] - SEASON.mean() - FESTIVAL / 12), "festival": np.expm1(FESTIVAL)}

    def interval(costs):
        if question == "festival":
            return festival_effect(costs)
        row = seasonal_levels(costs).set_index("month_of_year").loc[11]
        return row["low"], row["high"]

    result = coverage(lambda rng: series(rng, 36, 0.3, 0.08, 200), interval, truth[question], runs, seed=7)
    assert said(result).meets_bar()


def test_probability_of_a_rise_where_there_is_none(runs):
    """A twentieth of flat series looks like a rise with 95%, and so for a fall; bars are wide for 60 runs."""
    chances = []
    for child in np.random.SeedSequence(8).spawn(runs):
        rng = np.random.default_rng(child)
        costs = series(rng, 36, (0.0, 0.3, 0.6)[rng.integers(3)], 0.1, 200, yearly=0.0)
        chances.append(trend(costs)["probability_rising"].item())
    chances = np.array(chances)
    rising, falling = np.mean(chances >= 0.95), np.mean(chances <= 0.05)
    print(f"rising {rising:.1%}, falling {falling:.1%}, above a half {np.mean(chances > 0.5):.1%}")  # noqa: T201
    least = 0.01 if runs == FULL_RUNS else 0.0
    assert least <= rising <= 0.12
    assert least <= falling <= 0.12
    assert 0.3 <= np.mean(chances > 0.5) <= 0.7


def paid_costs(brand, **history):
    """Cost table of the channels with spend: what the truth of a brand is defined over."""
    recipe = brand.recipe
    costs = cost_table(brand.tables["spend"], brand.tables["orders"], str(recipe.observed_until), **history)
    kept = costs["channel"].isin(recipe.paid_channels)
    return costs[kept]


def test_attrs_outlive_the_choice_of_channels():
    brand = simulate("sanli", customers=300, seed=1, history="truncated")
    costs = paid_costs(brand, observed_from=str(brand.recipe.observed_from), history="truncated")
    assert len(costs.attrs["blank"]) == 12


@FULL
def test_growth_of_invented_brands():
    """30 small brands whose spend grows and moves, all paid channels together, against the simulator's truth.

    Of 30 intervals 99 of 100 correct methods cover at least 23.
    """
    keys = {False: "cac_growth_observed", True: "cac_growth_at_constant_spend"}
    covered = dict.fromkeys(keys, 0)
    for seed in range(100, 130):
        brand = simulate("sanli", customers=3_000, seed=seed)
        truth, costs = acquisition_growth(brand.life.market), paid_costs(brand)
        for at_constant_spend, key in keys.items():
            found = growth(trend(costs, at_constant_spend=at_constant_spend))
            covered[at_constant_spend] += found.low <= truth[key] <= found.high
    for count in covered.values():
        assert said(Coverage(count, 30)).covered >= 23


@pytest.mark.parametrize("recipe", ["sanli", pytest.param("xiaoman", marks=FULL)])
def test_a_flat_cost_shows_no_rise_in_a_truncated_history(recipe):
    """Three years cut out of a longer life: after the burn-in the interval contains 0, without it it shows a rise."""
    flat = RECIPES[recipe].with_channels(cost_inflation=0.0, spend_growth=0.0)
    for seed in (1, 2):
        brand = simulate(flat, customers=3_000, seed=seed, history="truncated")
        found = growth(trend(paid_costs(brand, observed_from=str(brand.recipe.observed_from), history="truncated")))
        assert found.low <= 0 <= found.high
        assert found.n == 24
        assert growth(trend(paid_costs(brand))).low > 0
