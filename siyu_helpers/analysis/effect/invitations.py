"""What joining the pool adds, where a lot decided who was invited: intention to treat, and the effect on compliers.

Who joins chooses to; who is invited does not, when a lot is drawn. All invited are therefore compared with all not
invited, whatever they then did (intention to treat). What the invitation adds, divided by how much more membership it
brought, is the effect of membership on those who joined because they were invited (local average treatment effect).

Opens no files and draws nothing. Order log, members and assignments may be any frame that narwhals takes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
import pandas as pd
from scipy import stats

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.effect import histories
from siyu_helpers.analysis.effect.compliers import adjusted_difference, difference, f_statistic, local_effect
from siyu_helpers.analysis.effect.histories import DAY, NEVER
from siyu_helpers.analysis.effect.results import Effect
from siyu_helpers.analysis.estimates import LEVEL, MEAN_AT_LEAST, Estimate, Refused, Words, check_level, share

REQUIRES = order_log.REQUIRES | {
    "members": ["customer_id", "joined_at"],
    "assignments": ["experiment", "customer_id", "assigned_at", "arm", "probability"],
}

OUTCOMES = ("orders", "repurchase", "spend", "contribution", "referrals")
HISTORY = ("orders_before", "spend_before", "days_since_order", "days_since_first_order", "orders_last_90_days")
LOT_AT_LEAST = 0.001  # probability of arms this uneven, below which the lot is doubted
MEMBERS_AT_MOST = 0.05  # share of an invitation's persons who were members already
JOINING_APART = 0.02  # difference in joining between the arms of an invitation, at least ...
JOINING_Z = 3.29  # ... and this many standard errors (1 in 1,000)
SOON_DAYS = 30  # joining within so many days of a lot is taken for its answer

EXCLUSION = Words(
    "把邀请的效果归到加入私域上，前提是邀请本身（看到卡片、收到消息、领到券）除了促成加入之外不影响购买；并且没有人因为被邀请反而不加入。"
    "意向性分析（ITT）不需要这两个前提。",
    "Laying what the invitation adds at the door of membership assumes that being invited (seeing the card, getting "
    "the message or coupon) changes purchases in no other way than by joining, and that nobody stays out because "
    "of being invited. The intention-to-treat effect needs neither.",
)


@dataclass(frozen=True)
class Invitations:
    """Effects of an invitation by lot, and what they rest on.

    itt, late, adjusted : outcome -> Effect, or Refused with the reason. itt is the difference of the arms as drawn and
    the main result; adjusted is the same with Lin's adjustment for the history before the lot. late : effect of a whole
    horizon of membership on those who joined because they were invited.
    joined : Effect of the lot on the share who join within the horizon. exposure : on the share of the horizon since
    joining; late = itt / exposure. f_statistic : of the exposure. anderson_rubin : outcome -> (low, high).
    balance : DataFrame, one row a fact known before the lot: covariate, invited, not_invited (means),
    standardised_difference. balance_p_value : joint test that they do not differ. share_p_value : of the sizes of the
    arms against the stated chances.
    people : DataFrame, one row a person followed: invited (0/1), weight, joined, exposure, outcomes, history.
    flow : counts, see `invitation_effects`. experiment, arms, horizon_days, level : as given.
    """

    itt: dict[str, Effect | Refused]
    late: dict[str, Effect | Refused]
    adjusted: dict[str, Effect | Refused]
    joined: Effect
    exposure: Effect
    f_statistic: float
    anderson_rubin: dict[str, tuple[float, float]]
    balance: pd.DataFrame
    balance_p_value: float
    share_p_value: float
    people: pd.DataFrame = field(repr=False, compare=False)
    flow: dict[str, int]
    experiment: str
    arms: tuple[str, str]
    horizon_days: int
    level: float

    def table(self) -> pd.DataFrame:
        """One row an outcome and estimand ("ITT", "ITT adjusted", "LATE") that could be estimated, with intervals."""
        rows = []
        for name, effects in (("ITT", self.itt), ("ITT adjusted", self.adjusted), ("LATE", self.late)):
            for outcome, effect in effects.items():
                if isinstance(effect, Effect):
                    rows.append((outcome, name, effect.value, effect.standard_error, effect.low, effect.high,
                                 effect.without_treatment))  # fmt: skip
        columns = ["outcome", "estimand", "value", "standard_error", "low", "high", "without_treatment"]
        return pd.DataFrame(rows, columns=columns)


class Invitation(NamedTuple):
    """Which experiment is an invitation, and its arms; joined shares of the arms, for the reader to check."""

    experiment: str
    invited_arm: str
    not_invited_arm: str
    joined_invited: float
    joined_not_invited: float


def find_invitation(
    assignments: Any, members: Any, soon_days: int = SOON_DAYS, experiment: str | None = None
) -> Invitation | Refused:
    """Which of a brand's experiments is a lot over invitations to the pool, judged by what it did.

    assignments, members  ->  Invitation

    Parameters
    ----------
    assignments, members
        As in `invitation_effects`.
    soon_days : int
        Joining within so many days is taken for the answer to the lot.
    experiment : str, optional
        Look at this one only.

    Returns
    -------
    Invitation: of the experiments in which at most 5% of the persons were members when the lot was drawn, and two arms
    differ in the share who join within soon_days by 2 percentage points and by 3.29 standard errors at least, the one
    in which they differ most clearly. So a lot over promotions, drawn for everybody on joining, is none, nor one over
    text messages that bring nobody into the pool. Refused where there is none.

    Example
    -------
    >>> lot = pd.DataFrame({"experiment": "card", "customer_id": range(400), "arm": ["card", "none"] * 200,
    ...                     "assigned_at": pd.Timestamp("2024-01-01"), "probability": 0.5})
    >>> stays = pd.DataFrame({"customer_id": range(0, 100, 2), "joined_at": pd.Timestamp("2024-01-03")})
    >>> find_invitation(lot, stays)
    Invitation(experiment='card', invited_arm='card', not_invited_arm='none', joined_invited=0.25,
               joined_not_invited=0.0)
    """
    order_log.at_least_one("soon_days", soon_days)
    home = _assigned(assignments, experiment)
    home = home.drop_duplicates(["experiment", "customer_id"])
    joined = home["customer_id"].map(_first_joined(members)).fillna(NEVER).to_numpy(dtype=float)
    home["member"] = joined < home["second"]
    home["joins"] = ~home["member"] & (joined < home["second"] + soon_days * DAY)
    best: tuple[float, Invitation] | None = None
    for name, mine in home.groupby("experiment", sort=True, observed=True):
        if mine["member"].mean() > MEMBERS_AT_MOST:
            continue
        arms = mine[~mine["member"]].groupby("arm", sort=True)["joins"].agg(["mean", "size"])
        arms = arms[arms["size"] >= MEAN_AT_LEAST].sort_values("mean", kind="stable")
        if len(arms) < 2:
            continue
        few, most = arms.iloc[0], arms.iloc[-1]
        pooled = (few["mean"] * few["size"] + most["mean"] * most["size"]) / (few["size"] + most["size"])
        error = math.sqrt(pooled * (1 - pooled) * (1 / few["size"] + 1 / most["size"]))
        apart = most["mean"] - few["mean"]
        z = apart / error if error > 0 else 0.0
        if apart >= JOINING_APART and z >= JOINING_Z and (best is None or z > best[0]):
            shares = float(most["mean"]), float(few["mean"])
            best = z, Invitation(str(name), str(arms.index[-1]), str(arms.index[0]), *shares)
    return _no_invitation() if best is None else best[1]


def invitation_effects(
    orders: Any,
    assignments: Any,
    members: Any,
    observed_until: order_log.DateLike,
    experiment: str,
    invited_arm: str,
    not_invited_arm: str,
    horizon_days: int = 90,
    outcomes: tuple[str, ...] = OUTCOMES,
    refunds: str = "net",
    gross_margin: float | None = None,
    level: float = LEVEL,
) -> Invitations | Refused:
    """Effect of being invited by lot, and of membership on those who joined because they were invited.

    orders, assignments, members  ->  Invitations

    Parameters
    ----------
    orders, observed_until
        See the head of `order_log`.
    assignments : frame of the same kind
        experiment, customer_id, assigned_at, arm, probability (chance of the arm the person was given).
    members : frame of the same kind
        customer_id, joined_at. The first joining of a customer counts.
    experiment, invited_arm, not_invited_arm : str
        Which lot, and its two sides; see `find_invitation`.
    horizon_days : int
        Followed from assigned_at on, the moment itself included; persons not observed for all of it are left out, on
        both sides alike.
    outcomes : tuple of str
        Any of orders, repurchase (an order at all, 0 or 1), spend, contribution (before messages and the pool's costs)
        and referrals (first orders of friends), per person over the horizon and over all channels.
    refunds, gross_margin
        See the head of `order_log`, and `order_log.contribution_rule`.
    level : float
        Coverage of the intervals.

    Returns
    -------
    Invitations. flow: assigned (rows of both sides), assigned_twice (further rows of a person: the first counts),
    in_both_arms, already_members (left out: the lot could not change that), not_observed_long_enough, invited,
    not_invited (persons followed), joined_invited, joined_not_invited (within the horizon; the latter crossed over).
    Or Refused: no such lot, fewer than 100 persons on a side, chances not stated, sizes that do not fit the chances.

    Raises
    ------
    ValueError
        For missing columns, a parameter out of its values, an order without amount or date.

    Notes
    -----
    Means weighted by 1 / probability (Hájek); variance by the influence function, one row a person. LATE: Imbens and
    Angrist (1994), Econometrica 62, 467-475, by the delta method, and by Anderson and Rubin (1949), Ann. Math. Statist.
    20, 46-63, where the first stage is weak. Received is the share of the horizon since joining (whether or not the
    person left the pool again), so that late is the effect of a whole horizon. Compliers' mean without treatment:
    Imbens and Rubin (1997), Rev. Econ. Stud. 64, 555-574. Adjustment: Lin (2013), Ann. Appl. Statist. 7, 295-318.
    tests/calibration/test_effect_invitations.py counts coverage.

    Example
    -------
    >>> who = range(400)
    >>> log = pd.DataFrame({"customer_id": who, "ordered_at": pd.Timestamp("2024-01-01"), "amount": 9.0})
    >>> more = log[:100].assign(ordered_at=pd.Timestamp("2024-03-01"))
    >>> lot = pd.DataFrame({"experiment": "card", "customer_id": who, "assigned_at": pd.Timestamp("2024-02-01"),
    ...                     "arm": ["card", "none"] * 200, "probability": 0.5})
    >>> stays = pd.DataFrame({"customer_id": range(0, 200, 2), "joined_at": pd.Timestamp("2024-02-01")})
    >>> found = invitation_effects(pd.concat([log, more]), lot, stays, "2024-12-31", "card", "card", "none")
    >>> found.itt["orders"].value, found.joined.value, found.late["orders"].value
    (0.0, 0.5, 0.0)
    """
    check_level(level)
    order_log.at_least_one("horizon_days", horizon_days)
    for outcome in outcomes:
        order_log.one_of("outcomes", outcome, OUTCOMES)
    lot, flow = _lot(assignments, members, experiment, (invited_arm, not_invited_arm))
    until = order_log.day_number(observed_until, "observed_until")
    if refused := _no_lot(lot):
        return refused
    share_p_value = _share_test(lot)
    whole = lot["second"] + horizon_days * DAY <= (until + 1) * DAY
    flow["not_observed_long_enough"] = int((~whole).sum())
    lot = lot[whole].reset_index(drop=True)
    sides = {side: int((lot["invited"] == side).sum()) for side in (1, 0)}
    flow |= {"invited": sides[1], "not_invited": sides[0]}
    if min(sides.values()) < MEAN_AT_LEAST:
        return _too_few(min(sides.values()))
    if share_p_value < LOT_AT_LEAST:
        return _uneven(share_p_value)
    people, why_not = _followed(orders, members, observed_until, lot, horizon_days, outcomes, refunds, gross_margin)
    for side in (1, 0):
        name = "joined_invited" if side else "joined_not_invited"
        flow[name] = int(people.loc[people["invited"] == side, "joined"].sum())
    given = experiment, (invited_arm, not_invited_arm), horizon_days, level
    return _result(people, why_not, flow, share_p_value, given)


def invitation_facts(found: Invitations | Refused, level: float = LEVEL) -> dict[str, Estimate | Refused]:
    """Counted facts of the lot for a sentence: persons on each side, and the share of each that joined.

    Returns
    -------
    dict of Estimate or Refused: customers_invited, customers_not_invited (counts), joined_invited, joined_not_invited
    (shares within the horizon, Wilson intervals).

    Example
    -------
    >>> sorted(invitation_facts(Refused("lot", 0, 1, "没有。", "None.")))
    ['customers_invited', 'customers_not_invited', 'joined_invited', 'joined_not_invited']
    """
    sides = {"invited": Words("抽签受邀的客户", "customers invited by lot"),
             "not_invited": Words("抽签未受邀的客户", "customers not invited, by lot")}  # fmt: skip
    if isinstance(found, Refused):
        return {f"{what}_{side}": found for what in ("customers", "joined") for side in sides}
    facts: dict[str, Estimate | Refused] = {}
    for side, who in sides.items():
        many, days = found.flow[side], found.horizon_days
        words = Words(f"{who.zh}，从抽签起观察满 {days} 天", f"{who.en}, observed for all {days} days from the lot on")
        facts[f"customers_{side}"] = Estimate.exact(many, many, "customers", words, invitation_facts)
        words = Words(f"{who.zh}中 {days} 天内加入私域的比例", f"share of {who.en} who joined within {days} days")
        facts[f"joined_{side}"] = share(found.flow[f"joined_{side}"], many, level, words, invitation_facts)
    return facts


# --- the lot ---


def _assigned(assignments: Any, experiment: str | None) -> pd.DataFrame:
    """Rows of the lot, first drawn first: experiment, customer_id, second, arm, chance."""
    frame = order_log.lazy(assignments)
    kinds = frame.collect_schema()
    order_log.has_columns(kinds.names(), REQUIRES["assignments"])
    frame = frame.select(
        nw.col("experiment").cast(nw.String),
        "customer_id",
        order_log.as_moment("assigned_at", kinds).alias("at"),
        nw.col("arm").cast(nw.String),
        order_log.as_number("probability", kinds).alias("chance"),
    ).filter(~nw.col("customer_id").is_null() & ~nw.col("at").is_null())
    if experiment is not None:
        frame = frame.filter(nw.col("experiment") == experiment)
    home = frame.collect("pandas").to_native()
    home["second"] = histories.seconds(home["at"])
    # Two arms at the same moment: neither the order of rows nor ids decide, but the less likely arm.
    return home.drop(columns="at").sort_values(["second", "chance", "arm"], kind="stable", ignore_index=True)


def _first_joined(members: Any) -> pd.Series:
    """First joining of each member, in seconds."""
    frame = order_log.lazy(members)
    kinds = frame.collect_schema()
    order_log.has_columns(kinds.names(), REQUIRES["members"])
    at = order_log.as_moment("joined_at", kinds).alias("at")
    home = frame.select("customer_id", at).filter(~nw.col("customer_id").is_null() & ~nw.col("at").is_null())
    first = home.group_by("customer_id").agg(nw.col("at").min()).collect("pandas").to_native()
    return pd.Series(histories.seconds(first["at"]), index=pd.Index(first["customer_id"]), dtype="int64")


def _lot(assignments, members, experiment: str, arms: tuple[str, str]) -> tuple[pd.DataFrame, dict[str, int]]:
    """Persons of both sides who were no members: customer_id, second, invited, chance, joined; and the counts."""
    home = _assigned(assignments, experiment)
    home["invited"] = home["arm"].map({arms[0]: 1, arms[1]: 0})
    home = home[home["invited"].notna()].astype({"invited": "int64"})
    first = home.drop_duplicates("customer_id")
    sides = home.groupby("customer_id")["invited"].nunique()
    lot = first.drop(columns=["arm", "experiment"]).reset_index(drop=True)
    lot["joined"] = lot["customer_id"].map(_first_joined(members)).fillna(NEVER).astype("int64")
    member = lot["joined"] < lot["second"]
    flow = {"assigned": len(home), "assigned_twice": len(home) - len(first), "in_both_arms": int((sides > 1).sum()),
            "already_members": int(member.sum())}  # fmt: skip
    return lot[~member].reset_index(drop=True), flow


def _share_test(lot: pd.DataFrame) -> float:
    """Probability of arms as uneven as these, by the stated chances: too small, and the lot was not drawn as said.

    Where other arms exist the chance of one of these two is not stated for each person; it is known where all of an arm
    had the same.
    """
    chances = [lot.loc[lot["invited"] == side, "chance"] for side in (1, 0)]
    invited = lot["invited"] == 1
    if all(np.ptp(side) < 1e-9 for side in chances):
        expected = np.full(len(lot), chances[0].iloc[0] / (chances[0].iloc[0] + chances[1].iloc[0]))
    else:
        expected = np.where(invited, lot["chance"], 1 - lot["chance"])
    spread = math.sqrt((expected * (1 - expected)).sum())
    if not spread > 0:
        return 1.0
    return float(2 * stats.norm.sf(abs((invited - expected).sum()) / spread))


# --- what became of them ---


def _followed(
    orders, members, observed_until, lot: pd.DataFrame, horizon: int, outcomes, refunds, gross_margin
) -> tuple[pd.DataFrame, dict[str, Refused]]:
    """One row a person: invited, weight, joined, exposure, outcomes, history before the lot; and what is not known."""
    told = histories.read_histories(orders, members, observed_until, refunds, gross_margin)
    place = pd.Series(np.arange(len(told.customers)), index=pd.Index(told.customers))
    who = lot["customer_id"].map(place)
    known = who.notna().to_numpy()  # others have never ordered: all zero
    who = who.fillna(0).astype("int64").to_numpy()
    begin = lot["second"].to_numpy()
    end = begin + horizon * DAY
    people = pd.DataFrame({"invited": lot["invited"], "weight": 1 / lot["chance"]})
    people["joined"] = (lot["joined"] < end).astype(float)
    people["exposure"] = np.clip(end - lot["joined"].to_numpy(), 0, horizon * DAY) / (horizon * DAY)
    sums = {
        name: np.where(known, histories.window_sum(told, name, who, begin, end), 0)
        for name in ("orders", "spend", "contribution")
    }
    values = {
        "orders": sums["orders"], "repurchase": sums["orders"] > 0, "spend": sums["spend"] / order_log.MONEY_SCALE,
        "contribution": sums["contribution"] * told.worth,
    }  # fmt: skip
    why_not = {}
    if math.isnan(told.worth):
        why_not["contribution"] = order_log.no_contribution()
    if told.referrals is None:
        why_not["referrals"] = _no_referrals()
    else:
        values["referrals"] = np.where(known, histories.count_between(told.referrals, who, begin, end), 0)
    for name in outcomes:
        if name not in why_not:
            people[name] = np.asarray(values[name], dtype=float)
    why_not = {name: why for name, why in why_not.items() if name in outcomes}
    people = people.assign(**_history(told, who, known, begin))
    # In an order of what they did: rows and ids move no number by rounding.
    order = np.lexsort(tuple(people[name] for name in people.columns))
    people = people.iloc[order].reset_index(drop=True)
    people.attrs = {"outcomes": [name for name in outcomes if name not in why_not]} | told.facts
    return people, why_not


def _history(told, who: np.ndarray, known: np.ndarray, begin: np.ndarray) -> dict[str, np.ndarray]:
    """What was known of each person before the lot; 0 throughout for who had not ordered."""
    upto, start = histories.before(told, who, begin), np.searchsorted(told.person, who, "left")
    there = known & (upto > start)
    last = told.time[np.maximum(upto - 1, 0)] if len(told.time) else np.zeros(len(who))
    first = told.time[np.minimum(start, max(len(told.time) - 1, 0))] if len(told.time) else np.zeros(len(who))
    recent = histories.window_sum(told, "orders", who, begin - 90 * DAY, begin)
    spent = (told.totals["spend"][upto] - told.totals["spend"][start]) / order_log.MONEY_SCALE
    values = upto - start, spent, (begin - last) / DAY, (begin - first) / DAY, recent
    return {name: np.where(there, value, 0.0) for name, value in zip(HISTORY, values, strict=True)}


# --- estimates ---


def _result(people, why_not, flow, share_p_value: float, given: tuple) -> Invitations:
    experiment, arms, horizon, level = given
    lot, weight = people["invited"].to_numpy(dtype=float), people["weight"].to_numpy(dtype=float)
    itt, late, adjusted, ends = dict(why_not), dict(why_not), dict(why_not), {}
    known = people[list(HISTORY)].to_numpy(dtype=float)
    for outcome in people.attrs["outcomes"]:
        found = local_effect(people, outcome, "exposure", "invited", "weight", level, complier="joined")
        itt[outcome], late[outcome], ends[outcome] = found.itt, found.late, found.anderson_rubin
        adjusted[outcome] = adjusted_difference(people[outcome].to_numpy(dtype=float), lot, weight, known, level)
    joined = difference(people["joined"].to_numpy(), lot, weight, level, "first stage", "difference of means")
    exposure = difference(people["exposure"].to_numpy(), lot, weight, level, "first stage", "difference of means")
    balance, balance_p_value = _balance(people, lot, weight)
    return Invitations(itt, late, adjusted, joined, exposure, f_statistic(exposure), ends, balance, balance_p_value,
                       share_p_value, people, flow, experiment, arms, int(horizon), float(level))  # fmt: skip


def _balance(people: pd.DataFrame, lot, weight) -> tuple[pd.DataFrame, float]:
    """What was known before the lot, on both sides, and a joint test that it does not differ (Wald)."""
    rows, apart, moves = [], [], []
    for name in HISTORY:
        values = people[name].to_numpy(dtype=float)
        found = difference(values, lot, weight, LEVEL, "", "")
        spread = math.sqrt(np.mean([values[lot == side].var() for side in (1, 0)]))
        rows.append((name, found.with_treatment, found.without_treatment, found.value / spread if spread > 0 else 0.0))
        apart.append(found.value / (spread or 1.0))
        moves.append(found.influence / (spread or 1.0))
    covariance = np.array(moves) @ np.array(moves).T
    rank = int(np.linalg.matrix_rank(covariance, hermitian=True))
    distance = float(np.array(apart) @ np.linalg.pinv(covariance, hermitian=True) @ np.array(apart)) if rank else 0.0
    columns = ["covariate", "invited", "not_invited", "standardised_difference"]
    return pd.DataFrame(rows, columns=columns), float(stats.chi2.sf(distance, rank)) if rank else 1.0


# --- refusals ---


def _no_lot(lot: pd.DataFrame) -> Refused | None:
    sides = lot["invited"].nunique()
    if sides < 2:
        return Refused(
            "sides of the lot", sides, 2,
            "抽签记录里没有这个实验的受邀组和未受邀组。",
            "The assignments hold no such lot with an invited and a not invited side.",
        )  # fmt: skip
    if not ((lot["chance"] > 0) & (lot["chance"] <= 1)).all():
        return Refused(
            "chances of the lot", "not stated", "a probability above 0 for everybody",
            "抽签记录没有为每位客户写明中签概率（probability），无法加权比较。",
            "The lot does not state everybody's chance (probability), so that the sides cannot be compared.",
        )  # fmt: skip
    return None


def _too_few(fewest: int) -> Refused:
    return Refused(
        "customers on a side", fewest, MEAN_AT_LEAST,
        f"较小一组只有 {fewest} 位观察期完整的客户，少于 {MEAN_AT_LEAST} 位，误差范围不可靠。",
        f"The smaller side has {fewest} customers observed for long enough; below {MEAN_AT_LEAST} the interval cannot "
        "be trusted.",
    )  # fmt: skip


def _uneven(p_value: float) -> Refused:
    return Refused(
        "sizes of the sides", float(f"{p_value:.2g}"), LOT_AT_LEAST,
        "两组人数与写明的中签概率不符，抽签可能没有按说明执行，不能当作随机实验。",
        "The sizes of the two sides do not fit the stated chances: the lot may not have been drawn as said, so it is "
        "no experiment.",
    )  # fmt: skip


def _no_referrals() -> Refused:
    return Refused(
        "referrals", "not recorded", "referrer_id in orders",
        "订单没有记录推荐人（referrer_id）。", "Orders do not record who referred a customer (referrer_id).",
    )  # fmt: skip


def _no_invitation() -> Refused:
    return Refused(
        "invitation by lot", "none", "an experiment whose arms differ in joining",
        "抽签记录里没有一个实验像是随机邀请：参与者抽签时还不是私域客户，并且各组随后加入的比例明显不同。",
        "No experiment looks like an invitation by lot: persons outside the pool when it was drawn, and arms that "
        "differ clearly in joining.",
    )  # fmt: skip
