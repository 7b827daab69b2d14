"""The simulator against what the literature's estimators find, and its own standard errors, over many seeds."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from scipy.special import betaln, gammaln, hyp2f1

from siyu_helpers.analysis.estimates import Coverage
from siyu_helpers.data.simulate import RECIPES, simulate
from siyu_helpers.data.simulation import truth

DAYS = 90
SHORT = {"pool_opens": 30, "observed_until": "2024-06-30"}  # half the time of the brand that ships, as many members


def by_lot(brand) -> tuple[float, float]:
    """Wald's estimate of the effect on those who accept, from the tables alone, and its standard error."""
    lots = brand.tables["assignments"].query("experiment == 'invitation'")
    end = pd.Timestamp(brand.recipe.observed_until) + pd.Timedelta(days=1)
    lots = lots[lots["assigned_at"] + pd.Timedelta(days=DAYS) <= end]
    orders = brand.tables["orders"].merge(lots[["customer_id", "assigned_at"]], on="customer_id")
    since = orders["ordered_at"] - orders["assigned_at"]
    kept = orders[(since > pd.Timedelta(0)) & (since <= pd.Timedelta(days=DAYS))]
    count = kept.groupby("customer_id").size().reindex(lots["customer_id"]).fillna(0).to_numpy()
    invited = (lots["arm"] == "invited").to_numpy()
    joins = lots["customer_id"].isin(brand.tables["members"]["customer_id"]).to_numpy()
    assert not (joins & ~invited).any()
    accepted = joins[invited].mean()
    effect = (count[invited].mean() - count[~invited].mean()) / accepted
    left = count - effect * joins
    error = np.sqrt(sum(left[group].var(ddof=1) / group.sum() for group in (invited, ~invited))) / accepted
    return effect, error


@pytest.mark.full
def test_the_lot_recovers_the_effect_on_the_treated():
    """Twenty brands with a real effect: 90% intervals that cover it, and no bias on average."""
    distance = []
    for seed in range(300, 320):
        brand = simulate("xiaoman", customers=2_500, seed=seed, selection="randomised", referral_chance=0.0)
        effect, error = by_lot(brand)
        true = truth.effect_of_joining(brand.life)[DAYS]["orders"]["effect"]
        assert true > 0.3
        distance.append((effect - true) / error)
    # Binomial with 20 trials and 90%: 14 or fewer happens once in a hundred.
    assert (np.abs(distance) < 1.645).sum() >= 15
    assert abs(np.mean(distance)) < 3 / np.sqrt(20)


@pytest.fixture(scope="module")
def many():
    """The effect of joining on 30,000 joiners: what the effect on a few hundred estimates."""
    return truth.effect_of_joining(simulate("xiaoman", customers=120_000, seed=999, **SHORT).life)


def test_the_standard_error_of_the_effect_of_joining(runs, many):
    """Brands of 1,000 customers: the effect, 1.645 standard errors each way, contains that of very many joiners."""
    effects = [
        truth.effect_of_joining(simulate("xiaoman", customers=1_000, seed=5_000 + run, **SHORT).life)
        for run in range(runs)
    ]
    for outcome in ("orders", "repurchase", "contribution"):
        true, found = many[DAYS][outcome]["effect"], [effect[DAYS][outcome] for effect in effects]
        covered = sum(abs(one["effect"] - true) <= 1.645 * one["standard_error"] for one in found)
        print(outcome, Coverage(covered, runs))  # noqa: T201 - shown by pytest -rP
        assert Coverage(covered, runs).meets_bar(), outcome


# --- other processes ---------------------------------------------------------------------------------------------


def repeat_days(process: str, customers: int, seed: int):
    """A textbook brand of a process, and for each customer repeat purchases, days to the last one, days observed."""
    brand = simulate(RECIPES["xiaoman"].purchases_only().changed(process=process), customers=customers, seed=seed)
    orders = brand.tables["orders"].assign(day=brand.tables["orders"]["ordered_at"].dt.floor("D"))
    days = orders.drop_duplicates(["customer_id", "day"]).groupby("customer_id")["day"].agg(["size", "min", "max"])
    end = pd.Timestamp(brand.recipe.observed_until)
    values = (days["size"] - 1, (days["max"] - days["min"]).dt.days, (end - days["min"]).dt.days)
    return brand.recipe, [value.to_numpy(float) for value in values]


def mbg_nbd(parameters, x, recency, observed):
    """Batislam, Denizel and Filiztekin (2007), IJRM 24(3), equation 3: dropout also after the first purchase."""
    r, alpha, a, b = np.exp(parameters)
    common = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
    alive = betaln(a, b + x + 1) - betaln(a, b) - (r + x) * np.log(alpha + observed)
    gone = betaln(a + 1, b + x) - betaln(a, b) - (r + x) * np.log(alpha + recency)
    return (common + np.logaddexp(alive, gone)).sum()


def pareto_nbd(parameters, x, recency, observed):
    """Fader and Hardie (2005), "A Note on Deriving the Pareto/NBD Model", equation 22, for alpha below beta."""
    r, alpha, s, beta = np.exp(parameters)
    assert alpha < beta

    def part(time):
        powers = hyp2f1(r + s + x, r + x, r + s + x + 1, (beta - alpha) / (beta + time))
        return np.log(powers) - (r + s + x) * np.log(beta + time)

    late, early = part(observed), part(recency)
    gone = np.log(s / (r + s + x)) + early + np.log1p(-np.exp(np.minimum(late - early, -1e-12)))
    alive = -(r + x) * np.log(alpha + observed) - s * np.log(beta + observed)
    common = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + s * np.log(beta)
    return (common + np.logaddexp(alive, gone)).sum()


@pytest.mark.full
@pytest.mark.parametrize(("process", "likelihood"), [("mbg_nbd", mbg_nbd), ("pareto_nbd", pareto_nbd)])
def test_parameters_of_the_other_processes_are_recovered(process, likelihood):
    """Five brands: twice the log-likelihood ratio of the truth is chi-squared with four degrees of freedom."""
    ratios = []
    for seed in range(5):
        recipe, data = repeat_days(process, 4_000, seed)
        lost = (recipe.dropout_shape, recipe.dropout_scale) if process == "pareto_nbd" else (
            recipe.dropout_a, recipe.dropout_b)  # fmt: skip
        true = np.log([recipe.order_shape, recipe.order_scale, *lost])
        fit = minimize(lambda p, data=data: -likelihood(p, *data), true, method="Nelder-Mead",
                       options={"fatol": 1e-3, "xatol": 1e-4})  # fmt: skip
        ratios.append(2 * (-fit.fun - likelihood(true, *data)))
    # Their sum has twenty degrees of freedom: 45.3 is exceeded once in a thousand.
    print(np.round(ratios, 1))  # noqa: T201 - shown by pytest -rP
    assert sum(ratios) < 45.3
