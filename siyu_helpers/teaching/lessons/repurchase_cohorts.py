"""Lesson 04, repurchase cohorts: a month that nobody has observed yet is blank, not zero."""

from typing import Any

import pandas as pd

from siyu_helpers.analysis import repurchase_cohorts
from siyu_helpers.analysis.estimates import Words
from siyu_helpers.teaching.exercises import Exercise, WrongAnswer

#: Brands on which the lesson can be held: a smart toilet seat is bought again too seldom to compare cohorts.
BRANDS = ("xiaoman", "sanli")
SETTINGS = {"age": 12, "within_days": 90, "older": "2023-01", "newer": "2025-01"}


def tables(brand: Any) -> dict[str, pd.DataFrame]:
    """What the students are handed: orders with cohort and age, and the grid of cohorts.

    Returns
    -------
    dict
        "orders" (one paid order): customer, day, first_day, cohort (month of the first order, "2023-01"), age
        (calendar months since then). "grid" (cohort x age): cohort, age, customers, active (how many ordered), blank
        where that month was not observed to its end.
    """
    orders = brand.table("orders")[["customer_id", "ordered_at"]].rename(columns={"customer_id": "customer"})
    orders["day"] = orders.pop("ordered_at").dt.normalize()
    orders["first_day"] = orders.groupby("customer")["day"].transform("min")
    orders["cohort"] = orders["first_day"].dt.strftime("%Y-%m")
    months = (orders["day"].dt.year - orders["first_day"].dt.year) * 12
    orders["age"] = months + orders["day"].dt.month - orders["first_day"].dt.month
    grid = _grid(brand)[["cohort", "age", "customers", "active"]]
    whole = pd.MultiIndex.from_product([grid["cohort"].unique(), range(int(grid["age"].max()) + 1)])
    wide = grid.set_index(["cohort", "age"])["active"].reindex(whole).rename_axis(["cohort", "age"]).reset_index()
    return {
        "orders": orders,
        "grid": wide.assign(customers=wide["cohort"].map(grid.groupby("cohort")["customers"].first())),
    }


def exercises(brand: Any, tables: dict[str, pd.DataFrame]) -> tuple[Exercise, ...]:
    """The lesson's three questions with their answers on this brand."""
    return _retention(brand, tables["grid"]), _again(brand, tables["orders"]), _difference(brand, tables["orders"])


def _grid(brand: Any) -> pd.DataFrame:
    made = repurchase_cohorts.cohort_grid(brand.scan("orders"), brand.observed_until, **brand.history)
    return made[made["complete"]]


def _retention(brand: Any, grid: pd.DataFrame) -> Exercise:
    age = SETTINGS["age"]
    right = repurchase_cohorts.retention_at(_grid(brand), age).value
    at, everybody = grid[grid["age"] == age], grid.groupby("cohort")["customers"].first().sum()
    return Exercise(
        "average_retention", right, "share", 0.001,
        Words(
            "分母只有那一月已经观察完的同期群，分子分母说的是同一批人。",
            "The denominator holds only cohorts observed to the end of that month: both counts are of the same people.",
        ),
        Words(
            "哪些同期群已经观察到第十二个月？只用它们的人数作分母，再把人数加起来相除，而不是把各群的比例平均。",
            "Which cohorts have been observed at month twelve? Use only their customers as the denominator, and divide "
            "the sums instead of averaging the cohorts' shares.",
        ),
        (
            WrongAnswer("zeros_for_unobserved_months", at["active"].fillna(0).sum() / everybody, Words(
                "分母里有还没到第十二个月的同期群：它们的那一格是空，不是零。这样算，新客来得越多，留存就显得越低。",
                "The denominator holds cohorts that have not reached month twelve: their cell is blank, not zero. "
                "Computed so, the more new customers come, the worse retention looks.",
            )),
            WrongAnswer("mean_with_zeros", (at["active"] / at["customers"]).fillna(0).mean(), Words(
                "空格被当成零参加了平均：还没到那个月的同期群，被说成一个人也没回来。"
                "pandas 的 mean 会跳过空格，fillna(0) 之后就不会了。",
                "Blanks entered the mean as zeros: cohorts that have not reached that month are said to have had "
                "nobody back. The mean of pandas skips blanks, but not after fillna(0).",
            )),
            WrongAnswer("mean_of_shares", (at["active"] / at["customers"]).mean(), Words(
                "空格没有变成零，这一步对了。可这是各群比例的简单平均，小群和大群一样重；要把人数各自加起来，再相除。",
                "Blanks did not become zeros, which is right. But this is the plain mean of the cohorts' shares, in "
                "which a small cohort weighs as much as a large one: add the customers up first, then divide.",
            )),
            WrongAnswer("last_month_of_every_cohort", _last_cells(grid), Words(
                "这是每个同期群最近一个月的比例，各群的月龄不同，不是第十二个月。",
                "That is each cohort's latest month: the cohorts are of different ages, and it is not month twelve.",
            )),
        ),
    )  # fmt: skip


def _last_cells(grid: pd.DataFrame) -> float:
    last = grid.dropna(subset=["active"]).groupby("cohort").last()
    return last["active"].sum() / last["customers"].sum()


def _again(brand: Any, orders: pd.DataFrame) -> Exercise:
    days = SETTINGS["within_days"]
    first = orders.groupby("customer")["first_day"].first()
    second = orders[orders["day"] > orders["first_day"]].groupby("customer")["day"].min()
    gap = (second - first).dt.days
    watched = (pd.Timestamp(brand.observed_until) - first).dt.days >= days
    lines = orders.sort_values(["customer", "day"], kind="stable")
    second_line = lines[lines.groupby("customer").cumcount() == 1].set_index("customer")["day"]
    line_gap = (second_line - first).dt.days
    return Exercise(
        "ordered_again", ((gap <= days) & watched).sum() / watched.sum(), "share", 0.002,
        Words(
            "窗口写明了，分母里每个人都被观察满了这个窗口：这样的复购率才能和别人的比。",
            "The window is stated and everybody in the denominator was observed for the whole of it: such a repurchase "
            "rate can be compared with another.",
        ),
        Words(
            "三件事要定下来：窗口多长、从哪一天算起、谁的窗口已经走完。同一天的第二笔算不算复购？",
            "Settle three things: how long the window is, from which day it counts, and whose window is over. Does a "
            "second order on the same day count as coming back?",
        ),
        (
            WrongAnswer("recent_customers_in_the_denominator", (gap <= days).sum() / len(first), Words(
                "分母里有最近才来的客户：他们还没过完九十天，没复购不等于不复购。只留下已观察满九十天的人。",
                "The denominator holds recent customers whose ninety days are not over: not having come back yet is "
                "not staying away. Keep only those observed for ninety days.",
            )),
            WrongAnswer("no_window", gap.notna().sum() / len(first), Words(
                "这是“至今买过两次以上的人”的比例，没有窗口：品牌越老，这个数越高，和复购好坏无关。",
                "That is the share who have ever bought twice: without a window it rises with the brand's age, whether "
                "or not customers come back sooner.",
            )),
            WrongAnswer("same_day_orders_counted", ((line_gap <= days) & watched).sum() / watched.sum(), Words(
                "同一天拆成两笔的订单也被算成了复购。复购从首单之后的第一天算起。",
                "Two orders of the same day count as coming back here. Coming back begins on the day after the first "
                "order.",
            )),
        ),
    )  # fmt: skip


def _difference(brand: Any, orders: pd.DataFrame) -> Exercise:
    older, newer = SETTINGS["older"], SETTINGS["newer"]
    until = pd.Timestamp(brand.observed_until)
    age = (until.year - int(newer[:4])) * 12 + until.month - int(newer[5:])
    at_age, to_date = ({name: _per_customer(orders, name, most) for name in (older, newer)} for most in (age, 10**6))
    return Exercise(
        "difference_at_equal_age", at_age[newer] - at_age[older], "orders per customer", 0.01,
        Words(
            "同样的月龄，才能比两个同期群。",
            "Two cohorts can be compared at the same age only.",
        ),
        Words(
            "新的同期群最大的月龄是多少？旧的同期群也只数到那个月龄。",
            "How old is the newer cohort at most? Count the older one's orders up to that age only.",
        ),
        (
            WrongAnswer("to_date", to_date[newer] - to_date[older], Words(
                "旧的同期群多买了两年：比的是年龄，不是好坏。",
                "The older cohort had two more years to buy: this compares age, not quality.",
            )),
            WrongAnswer("older_minus_newer", at_age[older] - at_age[newer], Words(
                "方向反了：题目要的是新的减旧的。",
                "The other way round: the newer less the older is asked for.",
            )),
        ),
    )  # fmt: skip


def _per_customer(orders: pd.DataFrame, cohort: str, most: int) -> float:
    """Orders per customer of a cohort up to an age."""
    theirs = orders[orders["cohort"] == cohort]
    return (theirs["age"] <= most).sum() / theirs["customer"].nunique()
