"""The simulator as a whole: repeatable, loadable, honest about selection, and what the literature's tools recover."""

import hashlib
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy.optimize import minimize
from scipy.special import betaln, gammaln

from siyu_helpers.data import brands
from siyu_helpers.data.simulate import RECIPES, SEEDS, simulate
from siyu_helpers.data.simulation import files
from siyu_helpers.data.simulation.world import REACHED_FOR, joining_chance

NO_EFFECT = {
    "effect_on_frequency": 0.0,
    "effect_on_basket": 0.0,
    "effect_on_dropout": 0.0,
    "message_lift": 0.0,
    "sms_after": 0,
    "invitations": 0.0,
}


# --- names, sizes, refusals --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(RECIPES))
def test_the_brands_that_ship_are_as_large_as_their_recipes_say(name):
    brand = simulate(name, seed=SEEDS[name])
    customers = brand.tables["orders"]["customer_id"].nunique()
    assert customers == pytest.approx(brand.recipe.customers, rel=0.05)
    assert len(brand.tables["customers"]) <= 20_000
    assert brand.tables["orders"]["ordered_at"].dt.to_period("M").nunique() == 36


def test_size_follows_what_is_asked_for():
    for asked in (300, 6_000):
        brand = simulate("xiaoman", customers=asked, seed=1)
        assert brand.tables["orders"]["customer_id"].nunique() == pytest.approx(asked, rel=0.15)
    plain = simulate(RECIPES["xiaoman"].purchases_only(), customers=8_000, seed=1)
    assert plain.tables["orders"]["customer_id"].nunique() == pytest.approx(8_000, rel=0.15)


def test_brands_that_differ_in_one_setting_hold_the_same_people():
    one, two = (simulate("sanli", customers=500, seed=1, refunds=refunds).life for refunds in (0.0, 0.5))
    assert (one.persons["key"] == two.persons["key"]).all()
    assert (one.orders.time == two.orders.time).all()


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: simulate("xiaomann"), "Did you mean xiaoman?"),
        (lambda: simulate("acme"), "There are: xiaoman, yunzuo, sanli"),
        (lambda: simulate("sanli", selction="hidden"), "Did you mean selection?"),
        (lambda: simulate("sanli", selection="secret"), "not one of observed, hidden, randomised"),
        (lambda: simulate("sanli", history="short"), "not one of complete, truncated"),
        (lambda: simulate("sanli", peaks={"easter": 2}), "'easter' is not one of"),
        (lambda: simulate("sanli", customers=0), "not above 0"),
        (lambda: simulate("sanli", refunds=1.5), "not a share"),
        (lambda: simulate("sanli", order_scale=0.0), "not above 0"),
        (lambda: simulate("sanli", observed_from="2026-01-01"), "observed_until is before observed_from"),
    ],
)
def test_a_wrong_recipe_is_refused_by_name(call, told):
    with pytest.raises(ValueError, match=told):
        call()


# --- repeatable --------------------------------------------------------------------------------------------------

_HASHES = """
import hashlib
from siyu_helpers.data.simulate import simulate
brand = simulate("xiaoman", customers=400, seed=5)
for name, table in brand.tables.items():
    print(name, hashlib.sha256(table.to_csv(index=False).encode()).hexdigest())
"""


def test_equal_seeds_give_equal_tables_on_any_number_of_threads():
    told = []
    for threads in ("1", "4"):
        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS", "PYTHONHASHSEED")
        run = subprocess.run([sys.executable, "-c", _HASHES], env=os.environ | dict.fromkeys(names, threads),
                             capture_output=True, text=True, check=True)  # fmt: skip
        told.append(run.stdout)
    assert told[0] == told[1]
    brand = simulate("xiaoman", customers=400, seed=5)
    here = hashlib.sha256(brand.tables["orders"].to_csv(index=False).encode()).hexdigest()
    assert here in told[0]


def test_other_seeds_give_other_brands():
    one, two = (simulate("sanli", customers=300, seed=seed).tables["orders"] for seed in (1, 2))
    assert not one["amount"].head(200).equals(two["amount"].head(200))


# --- as a folder -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    root = tmp_path_factory.mktemp("raw")
    brand = simulate("sanli", customers=300, seed=5, message_lift=0.1, observed_until="2024-06-30")
    brand.write(root / "sanli-small")
    return brand, root


def test_a_written_brand_loads_without_a_word(written):
    brand, root = written
    loaded = brands.load("sanli-small", root)
    assert loaded.warnings == []
    assert loaded.config["synthetic"] is True
    assert loaded.tables == list(brand.tables)
    assert loaded.config["channel_names"]["meituan_ads"] == {"zh": "美团推广", "en": "Meituan ads"}
    for name in brand.tables:
        assert len(loaded.table(name)) == len(brand.tables[name])
    orders = brand.tables["orders"]
    assert loaded.table("orders")["amount"].to_numpy() == pytest.approx(orders["amount"].to_numpy())
    assert (loaded.table("orders")["ordered_at"].to_numpy() == orders["ordered_at"].to_numpy()).all()
    assert loaded.table("orders")["customer_id"].nunique() == orders["customer_id"].nunique()


def test_the_truth_lies_beside_the_tables(written):
    brand, root = written
    stated = yaml.safe_load((root / "sanli-small" / "truth.yml").read_text("utf-8"))
    assert stated.pop("simulated_by") == files.version()
    assert stated == brand.truth
    assert {"cac_growth_observed", "cac_growth_at_constant_spend", "purchases", "orders_lost_without",
            "average_treatment_effect_on_treated", "messages"} <= set(stated)  # fmt: skip
    assert set(stated["average_treatment_effect_on_treated"]) == {30, 90, 180}
    assert set(stated["orders_lost_without"]) == set(brand.recipe.channels)


def test_somebodys_own_data_are_never_replaced(tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "orders.csv").write_text("precious")
    brand = simulate("sanli", customers=100, seed=1)
    with pytest.raises(FileExistsError, match="nothing was changed"):
        brand.write(folder)
    assert (folder / "orders.csv").read_text() == "precious"
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_brand_that_cannot_be_written_leaves_the_old_one(written, monkeypatch, tmp_path):
    brand, _ = written
    folder = brand.write(tmp_path / "sanli")
    before = (folder / "orders.csv").read_bytes()
    monkeypatch.setattr(files, "_truth_yml", lambda simulation: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        brand.write(folder)
    assert (folder / "orders.csv").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["sanli"]


def test_a_name_that_no_brand_can_have(written, tmp_path):
    with pytest.raises(ValueError, match="cannot be the name of a brand"):
        written[0].write(tmp_path / "San Li")


# --- what others recover -----------------------------------------------------------------------------------------


def repeat_summary(orders: pd.DataFrame, until: str) -> pd.DataFrame:
    """Repeat purchase days, days from the first to the last, and days observed, by customer."""
    days = orders.assign(day=orders["ordered_at"].dt.floor("D")).drop_duplicates(["customer_id", "day"])
    grouped = days.groupby("customer_id")["day"].agg(["size", "min", "max"])
    return pd.DataFrame(
        {
            "frequency": grouped["size"] - 1,
            "recency": (grouped["max"] - grouped["min"]).dt.days,
            "T": (pd.Timestamp(until) - grouped["min"]).dt.days,
        }
    )


def bg_nbd_log_likelihood(parameters, x, recency, observed):
    """Equation 6 of Fader, Hardie and Lee (2005), Marketing Science 24(2)."""
    r, alpha, a, b = np.exp(parameters)
    first = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
    alive = betaln(a, b + x) - betaln(a, b) - (r + x) * np.log(alpha + observed)
    gone = betaln(a + 1, b + np.maximum(x, 1) - 1) - betaln(a, b) - (r + x) * np.log(alpha + recency)
    return (first + np.where(x > 0, np.logaddexp(alive, gone), alive)).sum()


@pytest.fixture(scope="module")
def fifty_thousand():
    recipe = RECIPES["xiaoman"].purchases_only()
    brand = simulate(recipe, customers=50_000, seed=21)
    return brand, repeat_summary(brand.tables["orders"], str(recipe.observed_until))


def test_bg_nbd_parameters_are_recovered(fifty_thousand):
    """Maximum likelihood on the tables finds the recipe within sampling error: a likelihood ratio, four parameters."""
    brand, summary = fifty_thousand
    data = [summary[name].to_numpy(float) for name in ("frequency", "recency", "T")]
    true = brand.recipe
    start = np.log([true.order_shape, true.order_scale, true.dropout_a, true.dropout_b])
    fit = minimize(lambda p: -bg_nbd_log_likelihood(p, *data), start, method="Nelder-Mead",
                   options={"xatol": 1e-5, "fatol": 1e-4, "maxiter": 2000})  # fmt: skip
    # Twice the log-likelihood ratio is chi-squared with four degrees of freedom: 18.5 is exceeded once in a thousand.
    assert 2 * (bg_nbd_log_likelihood(fit.x, *data) - bg_nbd_log_likelihood(start, *data)) < 18.5
    assert np.exp(fit.x) == pytest.approx(np.exp(start), rel=0.12)


def test_lifetimes_recovers_them_too(fifty_thousand):
    lifetimes = pytest.importorskip("lifetimes", reason="lifetimes is not in the lock: pip install lifetimes==0.11.3")
    brand, summary = fifty_thousand
    fitter = lifetimes.BetaGeoFitter()
    fitter.fit(summary["frequency"], summary["recency"] / 7, summary["T"] / 7)
    table, recipe = fitter.summary, brand.recipe
    true = {"r": recipe.order_shape, "alpha": recipe.order_scale / 7, "a": recipe.dropout_a, "b": recipe.dropout_b}
    for name, value in true.items():
        assert abs(table.loc[name, "coef"] - value) < 3.3 * table.loc[name, "se(coef)"], name


# --- selection ---------------------------------------------------------------------------------------------------


def weeks_at_risk(brand, horizon: int = 60) -> pd.DataFrame:
    """One row a customer outside the pool and week, from the tables alone: the chance to join that they imply, whether
    the customer joined in that week, and orders in the days after it."""
    recipe = brand.recipe
    orders, members = brand.tables["orders"], brand.tables["members"]
    start = pd.Timestamp(recipe.observed_from)
    bought = orders.assign(time=(orders["ordered_at"] - start) / pd.Timedelta(days=1)).sort_values("time")
    bought["day"] = np.floor(bought["time"])
    bought = bought.drop_duplicates(["customer_id", "day"])
    codes, names = pd.factorize(bought["customer_id"])
    time = bought["time"].to_numpy()
    ease = bought.drop_duplicates("customer_id")["acquired_through"].map(
        {name: channel.joining for name, channel in recipe.channels.items()}
    ).astype(float).to_numpy()  # fmt: skip
    joined = members.groupby("customer_id")["joined_at"].min().reindex(names)
    joined = ((joined - start) / pd.Timedelta(days=1)).fillna(np.inf).to_numpy()
    observed = recipe.changed(selection="observed")
    parts = []
    for week in range(recipe.pool_opens // 7 + 1, (recipe.days - horizon) // 7 - 1):
        begin = 7.0 * week
        before = time < begin
        many = np.bincount(codes[before], minlength=len(names))
        last = np.full(len(names), -np.inf)
        last[codes[before]] = time[before]
        risk = np.flatnonzero((many > 0) & (joined >= begin) & (begin - last <= REACHED_FOR))
        after = (time >= begin + 7) & (time < begin + 7 + horizon)
        outcome = np.bincount(codes[after], minlength=len(names))
        chance = joining_chance(observed, many[risk], begin - last[risk], ease[risk])
        parts.append(pd.DataFrame({"customer": risk, "chance": chance, "joins": joined[risk] < begin + 7,
                                   "orders": outcome[risk]}))  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def effect_with_true_chance(rows: pd.DataFrame) -> tuple[float, float]:
    """Joiners' later orders less those of others, weighted by the odds of joining; error clustered by customer."""
    weight = np.where(rows["joins"], 1.0, rows["chance"] / (1 - rows["chance"]))
    treated = rows["joins"].to_numpy()
    means = [np.average(rows["orders"][group], weights=weight[group]) for group in (treated, ~treated)]
    centred = np.where(treated, rows["orders"] - means[0], -(rows["orders"] - means[1]))
    totals = np.array([weight[treated].sum(), weight[~treated].sum()])
    influence = weight * centred / np.where(treated, totals[0], totals[1])
    by_customer = np.bincount(rows["customer"], influence)
    return means[0] - means[1], float(np.sqrt((by_customer**2).sum()))


def test_given_the_true_chance_no_effect_is_found_where_there_is_none():
    brand = simulate("xiaoman", customers=8_000, seed=31, selection="observed", referral_chance=0.0, **NO_EFFECT)
    rows = weeks_at_risk(brand)
    effect, error = effect_with_true_chance(rows)
    assert rows["joins"].sum() > 1_000
    assert abs(effect) < 3 * error
    naive = rows.loc[rows["joins"], "orders"].mean() - rows.loc[~rows["joins"], "orders"].mean()
    assert naive > 10 * error


def test_under_hidden_selection_the_same_estimator_is_fooled():
    brand = simulate("xiaoman", customers=8_000, seed=31, selection="hidden", referral_chance=0.0, **NO_EFFECT)
    effect, error = effect_with_true_chance(weeks_at_risk(brand))
    assert effect > 5 * error


def test_under_randomised_selection_the_lot_finds_none():
    """Invited against not invited, all later orders, eight brands: the mean of eight standard normal numbers."""
    no_effect = NO_EFFECT | {"invitations": 0.5, "invited_join": 0.5, "selection": "randomised", "referral_chance": 0.0}
    by_lot, by_choice = zip(*(_by_lot_and_by_choice(seed, no_effect) for seed in range(40, 48)), strict=True)
    assert abs(np.mean(by_lot)) < 3 / np.sqrt(8)
    # Accepting is not by lot: whoever accepts would have ordered more anyway.
    assert np.mean(by_choice) > 3 / np.sqrt(8)


def _by_lot_and_by_choice(seed: int, overrides: dict) -> tuple[float, float]:
    brand = simulate("xiaoman", customers=2_500, seed=seed, **overrides)
    lots = brand.tables["assignments"].query("experiment == 'invitation'")
    orders = brand.tables["orders"].merge(lots[["customer_id", "assigned_at"]], on="customer_id")
    after = orders[orders["ordered_at"] > orders["assigned_at"]].groupby("customer_id").size()
    count = after.reindex(lots["customer_id"]).fillna(0).to_numpy()
    invited = (lots["arm"] == "invited").to_numpy()
    accepted = invited & lots["customer_id"].isin(brand.tables["members"]["customer_id"]).to_numpy()

    def standardised(group):
        error = np.sqrt(count[group].var() / group.sum() + count[~invited].var() / (~invited).sum())
        return (count[group].mean() - count[~invited].mean()) / error

    return standardised(invited), standardised(accepted)


def test_what_is_written_is_what_was_drawn(tmp_path, monkeypatch):
    """Chances are not cut to two decimals, and a table without rows, which no loader takes, is left out."""
    monkeypatch.setattr(files, "_truth_yml", lambda simulation: f"{files.MADE_BY}: {files.version()}\n")
    brand = simulate("sanli", customers=300, seed=5, holdout=0.125)
    brand.write(tmp_path / "eighths")
    assert set(brands.load("eighths", tmp_path).table("assignments")["probability"]) == {0.125, 0.875}
    simulate("sanli", customers=30, seed=5, pool_opens=1094).write(tmp_path / "late")
    assert not (tmp_path / "late" / "messages.csv").exists()
    assert brands.load("late", tmp_path).warnings == []
