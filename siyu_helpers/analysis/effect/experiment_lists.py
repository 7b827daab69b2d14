"""Whom an experiment leaves out, by lot: who is not invited, who gets no promotions, who gets no win-back message.

The lot is complete randomisation: of n people exactly round(n x share) are held out, every set of so many with the same
chance. There are no strata; how alike the groups are is reported instead (`lot_balance`). It depends on the seed and on
what customers did, never on the names they go by or the order of the file's rows; of customers who did exactly the
same, one is as good as another.

Opens no files and draws nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.effect import histories as past
from siyu_helpers.analysis.effect.experiment_people import RECENCY_AT_MOST_DAYS, eligible_now
from siyu_helpers.analysis.effect.histories import DAY, Histories
from siyu_helpers.analysis.estimates import Refused

ARMS = {  # of each experiment: held out, the others
    "holdout": ("not_invited", "invited"),
    "promotions": ("no_promotions", "promotions"),
    "win_back": ("no_message", "message"),
}
LIST_COLUMNS = ["customer_id", "arm", "probability", "days_since_last_order", "orders", "past_spend"]
COMPARED = ("days_since_last_order", "orders", "past_spend")
UNLIKE_FROM = 0.1  # standardised difference from which groups are usually called unlike


def holdout_list(
    histories: Histories,
    kind: str = "holdout",
    share: float = 0.1,
    seed: int = 0,
    without: Any = (),
    recency_at_most_days: int = RECENCY_AT_MOST_DAYS,
    stays: Any = None,
) -> pd.DataFrame | Refused:
    """Draw by lot who of all eligible customers is held out: not invited, or sent no promotions.

    Histories (customer)  ->  table (one eligible customer)

    Parameters
    ----------
    histories : Histories
        To the last day known; the experiment begins on the day after.
    kind : "holdout" or "promotions"
        Customers outside the pool who are not invited, or members who get no promotions, see `experiment_people`.
    share : float
        Share held out.
    seed : int
        Of the lot.
    without : list of customer ids
        Who is not to be drawn: in the experiment already, or opted out.
    recency_at_most_days, stays
        See `experiment_people.eligible_now`.

    Returns
    -------
    DataFrame, every eligible customer once, in the order of `Histories.customers`
        customer_id; arm : see `ARMS`. probability : chance of this arm. days_since_last_order : at the end of the data.
        orders, past_spend : all so far, spend in the currency.
        attrs: eligible, excluded (eligible but in `without`), held_out, others, share, seed, kind.
    Or Refused, where the share of the eligible is less than one person, or all of them.

    Raises
    ------
    ValueError
        For another kind, or a share that does not lie between 0 and 1.

    Example
    -------
    >>> log = pd.DataFrame({"customer_id": [7, 8, 9, 10], "amount": [10.0, 5.0, 4.0, 3.0],
    ...                     "ordered_at": pd.to_datetime(["2024-05-01", "2024-05-02", "2024-05-03", "2024-05-04"])})
    >>> members = pd.DataFrame({"customer_id": [7], "joined_at": pd.to_datetime(["2024-05-15"])})
    >>> drawn = holdout_list(past.read_histories(log, members, "2024-06-30"), share=1 / 3, seed=1)
    >>> sorted(drawn["customer_id"]), drawn.attrs["held_out"], float(drawn["probability"].min().round(2))
    ([8, 9, 10], 1, 0.33)
    """
    order_log.one_of("kind", kind, ("holdout", "promotions"))
    chosen = eligible_now(histories, kind, None, recency_at_most_days, stays=stays)
    return _drawn(histories, chosen, kind, share, seed, without)


def win_back_list(
    histories: Histories,
    dormant_after_days: int = 180,
    dormant_at_most_days: int | None = None,
    control: float = 0.1,
    seed: int = 0,
    without: Any = (),
) -> pd.DataFrame | Refused:
    """List the dormant customers, some of them marked by lot to get no message, so that its effect can be measured.

    Histories (customer)  ->  table (one dormant customer)

    Parameters
    ----------
    dormant_after_days, dormant_at_most_days : int
        Dormant is whose last order is more than so many days (and at most so many) before the last day, as in
        `win_back.dormant_customers`.
    control : float
        Share that gets no message.
    histories, seed, without
        As in `holdout_list`.

    Returns
    -------
    DataFrame or Refused, as from `holdout_list`.

    Example
    -------
    >>> log = pd.DataFrame({"customer_id": [7, 8, 9], "amount": [10.0, 5.0, 4.0],
    ...                     "ordered_at": pd.to_datetime(["2024-01-01", "2024-01-02", "2024-06-03"])})
    >>> nobody = pd.DataFrame({"customer_id": [7], "joined_at": pd.to_datetime(["2025-01-01"])})
    >>> listed = win_back_list(past.read_histories(log, nobody, "2024-06-30"), 90, control=0.5)
    >>> listed["days_since_last_order"].tolist(), sorted(listed["arm"])
    ([181, 180], ['message', 'no_message'])
    """
    order_log.at_least_one("dormant_after_days", dormant_after_days)
    away = _days_since_last(histories)
    chosen = away > dormant_after_days
    if dormant_at_most_days is not None:
        order_log.at_least_one("dormant_at_most_days", dormant_at_most_days)
        chosen &= away <= dormant_at_most_days
    return _drawn(histories, chosen, "win_back", control, seed, without)


def assignment_rows(listed: pd.DataFrame, experiment: str, assigned_at: pd.Timestamp) -> pd.DataFrame:
    """Rows of a list as the table `assignments` keeps them: without them nobody can say later who was drawn.

    table (one customer)  ->  table (one person in one experiment): experiment, customer_id, assigned_at, arm,
    probability

    Example
    -------
    >>> listed = pd.DataFrame({"customer_id": [7], "arm": ["message"], "probability": [0.9]})
    >>> assignment_rows(listed, "win_back", pd.Timestamp("2024-07-01"))["assigned_at"].tolist()
    ['2024-07-01 00:00:00']
    """
    made = listed[["customer_id", "arm", "probability"]].copy()
    made.insert(0, "experiment", experiment)
    made.insert(2, "assigned_at", assigned_at.strftime("%Y-%m-%d %H:%M:%S"))
    return made


def lot_balance(listed: pd.DataFrame) -> pd.DataFrame:
    """How alike the two groups of a lot are in what they did before.

    table (one customer)  ->  table (days_since_last_order, orders, past_spend)

    Returns
    -------
    DataFrame
        what; held_out, others : means. difference : of the means, in standard deviations of all; 0 where all are equal,
        blank where a group has nobody.

    Example
    -------
    >>> listed = pd.DataFrame({"arm": ["message", "no_message"] * 2, "orders": [1, 1, 3, 2], "past_spend": 5.0})
    >>> listed["days_since_last_order"] = 200
    >>> listed.attrs["kind"] = "win_back"
    >>> lot_balance(listed)["difference"].round(2).tolist()
    [0.0, -0.52, 0.0]
    """
    held_out = (listed["arm"] == ARMS[listed.attrs["kind"]][0]).to_numpy()
    rows = []
    for name in COMPARED:
        values = listed[name].to_numpy(dtype=float)
        both = (values[held_out], values[~held_out])
        means = [float(part.mean()) if len(part) else np.nan for part in both]
        spread = float(values.std(ddof=1)) if len(values) > 1 else 0.0
        gap = means[0] - means[1]
        rows.append((name, *means, gap / spread if spread > 0 else gap * 0.0))
    return pd.DataFrame(rows, columns=["what", "held_out", "others", "difference"])


def _days_since_last(histories: Histories) -> np.ndarray:
    """Whole days from each customer's last order to the last day; -1 without an order."""
    everyone = np.arange(len(histories.customers))
    last = past.last_order_before(histories, everyone, np.full(len(everyone), histories.end))
    return np.where(last < 0, -1, histories.until - last // DAY)


def _drawn(
    histories: Histories, chosen: np.ndarray, kind: str, share: float, seed: int, without: Any
) -> pd.DataFrame | Refused:
    if not 0 < share < 1:
        raise ValueError(f"the share held out must lie between 0 and 1, such as 0.1; got {share!r}")
    excluded = chosen & np.isin(histories.customers, np.asarray(list(without), dtype=histories.customers.dtype))
    person = np.flatnonzero(chosen & ~excluded)
    many = round(len(person) * share)
    if not 0 < many < len(person):
        return Refused(
            *("eligible customers", len(person), int(np.ceil(0.5 / min(share, 1 - share))) + 1),
            f"可分组的客户只有 {len(person)} 位（另有 {excluded.sum()} 位已在实验中或已退订），"
            f"按 {share:g} 分不出两组。",
            f"Only {len(person)} customers can be drawn ({excluded.sum()} more are in the experiment already, or opted "
            f"out): a share of {share:g} of them makes no two groups.",
        )
    held_out = np.zeros(len(person), dtype=bool)
    held_out[np.random.default_rng(seed).permutation(len(person))[:many]] = True
    begin, end = np.zeros(len(person), dtype=np.int64), np.full(len(person), histories.end)
    begin += histories.first_order.min()
    out_of_two = many / len(person)
    table = pd.DataFrame({
        "customer_id": histories.customers[person],
        "arm": np.where(held_out, *ARMS[kind]),
        "probability": np.where(held_out, out_of_two, 1 - out_of_two).round(9),
        "days_since_last_order": _days_since_last(histories)[person],
        "orders": past.window_sum(histories, "orders", person, begin, end),
        "past_spend": past.window_sum(histories, "spend", person, begin, end) / order_log.MONEY_SCALE,
    }, columns=LIST_COLUMNS)  # fmt: skip
    table.attrs = {
        "kind": kind, "eligible": int(chosen.sum()), "excluded": int(excluded.sum()), "held_out": many,
        "others": len(person) - many, "share": share, "seed": int(seed),
    }  # fmt: skip
    return table
