"""Customers whose parameters are known, drawn straight from the definitions of the lifetime models; and CDNOW's."""

from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).parents[1]
BG_NBD = {"r": 0.8, "alpha": 6.0, "a": 0.8, "b": 2.4}
PARETO_NBD = {"r": 0.8, "alpha": 6.0, "s": 0.8, "beta": 12.0}
GAMMA_GAMMA = {"p": 4.0, "q": 4.0, "v": 30.0}


def summary(frequency, recency, observed, grain="week") -> pd.DataFrame:
    made = pd.DataFrame({"frequency": frequency, "recency": recency, "T": observed})
    made.attrs["grain"] = grain
    return made


def buyers(rng, customers, r, alpha, weeks=(40, 80)):
    """Rates of purchase, weeks observed, and purchases in them by customers who never drop out."""
    rate, observed = rng.gamma(r, 1 / alpha, customers), rng.uniform(*weeks, customers)
    return rate, observed, rng.poisson(rate * observed)


def simulate_nbd(rng, customers, r=0.8, alpha=6.0, weeks=(40, 80)) -> pd.DataFrame:
    """Nobody drops out: the last of n purchases is the largest of n times drawn evenly."""
    _, observed, count = buyers(rng, customers, r, alpha, weeks)
    last = rng.beta(np.maximum(count, 1), 1) * observed
    return summary(count, np.where(count > 0, last, 0.0), observed)


def simulate_bg_nbd(rng, customers, r, alpha, a, b, modified=False, weeks=(40, 80)) -> pd.DataFrame:
    """Dropout after each repeat purchase with the customer's chance; modified: after the first purchase too."""
    _, observed, count = buyers(rng, customers, r, alpha, weeks)
    allowed = rng.geometric(rng.beta(a, b, customers)) - modified  # repeat purchases until dropout
    made = np.minimum(count, allowed)
    last = rng.beta(np.maximum(made, 1), np.maximum(count - made, 0) + 1) * observed
    return summary(made, np.where(made > 0, last, 0.0), observed)


def simulate_pareto_nbd(rng, customers, r, alpha, s, beta, weeks=(40, 80)) -> pd.DataFrame:
    """Dropout at an exponential time of the customer's own rate."""
    rate, observed = rng.gamma(r, 1 / alpha, customers), rng.uniform(*weeks, customers)
    until = np.minimum(observed, rng.exponential(1 / rng.gamma(s, 1 / beta, customers)))
    count = rng.poisson(rate * until)
    return summary(count, np.where(count > 0, rng.beta(np.maximum(count, 1), 1) * until, 0.0), observed)


def simulate_gamma_gamma(rng, customers, p, q, v) -> pd.DataFrame:
    """Mean of x gamma purchases, the rate of each customer gamma distributed; some never bought again."""
    frequency = rng.negative_binomial(0.8, 0.2, customers)
    sums = rng.gamma(p * np.maximum(frequency, 1)) / rng.gamma(q, 1 / v, customers)
    return pd.DataFrame(
        {"frequency": frequency, "monetary_value": np.where(frequency > 0, sums / np.maximum(frequency, 1), 0.0)}
    )


def cdnow_sample() -> pd.DataFrame:
    """Summary by weeks of CDNOW's published 1/10 sample, 39 weeks to 1997-09-30, from the master file.

    The 2,357 customers of the sample follow no rule (tried: every tenth by id, date, spend); the steps between
    their ids are kept in a text file. Source: brucehardie.com/datasets, CDNOW_sample.txt.
    """
    steps = (ROOT / "tests/analysis/lifetime/cdnow_sample_id_steps.txt").read_text(encoding="utf-8").split()
    ids = np.cumsum(np.array(steps, dtype=int))
    orders = pd.read_csv(ROOT / "data/raw/cdnow/orders.csv", parse_dates=["ordered_at"])
    orders = orders[orders["customer_id"].astype(int).isin(ids)]
    end, horizon = pd.Timestamp("1997-09-30"), pd.Timestamp("1998-06-30")
    assert orders["ordered_at"].max() <= horizon
    days = orders.groupby(["customer_id", "ordered_at"], as_index=False)["amount"].sum()
    first = days.groupby("customer_id")["ordered_at"].min()
    repeats = days[days["ordered_at"] > days["customer_id"].map(first)]
    before, after = repeats[repeats["ordered_at"] <= end], repeats[repeats["ordered_at"] > end]
    grouped = before.groupby("customer_id")
    made = pd.DataFrame({
        "frequency": grouped.size(),
        "recency": (grouped["ordered_at"].max() - first) / pd.Timedelta(weeks=1),
        "T": (end - first) / pd.Timedelta(weeks=1),
        "monetary_value": grouped["amount"].mean(),
        "frequency_holdout": after.groupby("customer_id").size(),
    }).reindex(first.index).assign(T=(end - first) / pd.Timedelta(weeks=1)).fillna(0.0)  # fmt: skip
    return made.reset_index()
