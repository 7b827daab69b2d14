"""Lesson 07, effect of the pool: members against others says who joins, a random draw what joining does."""

from typing import Any

import numpy as np
import pandas as pd

from siyu_helpers.analysis import pool_effect
from siyu_helpers.analysis.estimates import Refused, Words
from siyu_helpers.teaching.exercises import Exercise, WrongAnswer

#: The one brand that drew at random whom to invite: without such a draw the first two questions have no answer. All
#: but "draw" is handed out for other brands too, so that a team can take sanli or yunzuo.
BRANDS = ("xiaoman",)
SETTINGS = {"window_days": 90}
DAY = pd.Timedelta(days=1)
NO_DRAW = Refused(
    "a random draw",
    0,
    1,
    "这个品牌没有用随机抽签决定过邀请谁加入私域。",
    "No random draw ever decided whom this brand invited.",
)


def tables(brand: Any) -> dict[str, pd.DataFrame]:
    """What the students are handed: customers, the people drawn, joiners and their orders around joining.

    Returns
    -------
    dict
        "customers" (one customer with an order before the last ninety days): customer; member (in the pool when those
        ninety days began); orders (in those ninety days). "time" (one customer with an order): customer; joined (ever);
        days_outside, days_in_pool (days watched since the first order, before and after joining; all outside for who
        never joined); orders_outside, orders_in_pool (orders after the first, in these days). "draw" (one customer
        drawn or not drawn for an invitation): invited (1, 0); joined (within ninety days of the draw, 1, 0);
        share_in_pool (part of the ninety days after joining); orders (in the ninety days). Without such a draw it has
        no row. "joiners" (one customer who joined after a first order): customer, days_before (from first order to
        joining), days_after (from joining to the end of the data). "around" (one order of these): customer,
        days_since_joining (below 0: before).
    """
    orders, end = _orders(brand), pd.Timestamp(brand.observed_until) + DAY
    people = _people(orders, brand, end)
    return {
        "customers": _in_last_days(orders, people, end),
        "time": _time(orders, people, end),
        "draw": _draw(brand),
        **_around(orders, people, end),
    }


def exercises(brand: Any, tables: dict[str, pd.DataFrame]) -> tuple[Exercise, ...]:
    """The lesson's three questions with their answers on this brand."""
    invited = invitation(brand)
    if isinstance(invited, Refused):
        raise ValueError("This brand never drew at random whom to invite, which the lesson needs; take xiaoman.")
    return (
        _being_invited(invited, tables["draw"], tables["customers"]),
        _joining(invited, tables["draw"]),
        _time_in_pool(brand, tables["time"]),
    )


def invitation(brand: Any) -> Any:
    """What the brand's random invitation shows over the lesson's window: Invitations, or Refused without a draw."""
    if not (brand.has("assignments") and brand.has("members")):
        return NO_DRAW
    found = pool_effect.find_invitation(brand.scan("assignments"), brand.scan("members"))
    if isinstance(found, Refused):
        return found
    given = (found.experiment, found.invited_arm, found.not_invited_arm, SETTINGS["window_days"])
    return pool_effect.invitation_effects(
        *(brand.scan("orders"), brand.scan("assignments"), brand.scan("members"), brand.observed_until, *given),
        outcomes=("orders",),
    )


def calculations(brand: Any) -> pd.DataFrame:
    """All answers to the boss's question side by side, with intervals; hollow ones are not effects.

    brand  ->  table (calculation): label, value (Estimate of orders per customer, or Refused), hollow
    """
    known = histories(brand)
    days = SETTINGS["window_days"]
    around = pool_effect.before_against_after(known, days)
    rows = [
        ("members", pool_effect.members_against_others(known, days)["orders_difference"], True),
        ("before_after", around["all_difference"], True),
        ("before_after_shifted", around["shifted_difference"], True),
        ("draw", pool_effect.stated_lot(invitation(brand), "orders")["late"], False),
    ]
    return pd.DataFrame(rows, columns=["label", "value", "hollow"])


#: What the calculations are called in the picture.
CALCULATIONS = {
    "members": ("私域客户减其他客户", "Members less others"),
    "before_after": ("加入后减加入前", "After less before"),
    "before_after_shifted": ("同上，之前的窗口提前一个月", "The same, window before a month earlier"),
    "draw": ("抽签：加入的效果", "Random draw: effect of joining"),
}


def histories(brand: Any) -> Any:
    """Orders and joinings of the brand as `pool_effect` reads them."""
    members = brand.scan("members") if brand.has("members") else None
    return pool_effect.read_histories(brand.scan("orders"), members, brand.observed_until)


def judged(late: Any, true: Any) -> Words:
    """What to say of the draw once the truth is known: does its interval hold the truth, and does it hold zero?

    >>> from siyu_helpers.analysis.estimates import Estimate
    >>> def made(value, low, high):
    ...     return Estimate(value, low, high, 0.9, 9, "orders per customer", Words("订单", "orders"), judged)
    >>> judged(made(0.3, 0.1, 0.5), made(0.4, 0.4, 0.4)).en
    'The interval holds the truth and leaves zero out: this draw settles the sign.'
    """
    if isinstance(late, Refused) or isinstance(true, Refused):
        return Words("", "")
    holds = late.low <= true.value <= late.high
    clear = late.low > 0 or late.high < 0
    return {
        (True, True): Words(
            "区间包住真相，不含零：有没有效果，这次抽签说得清。",
            "The interval holds the truth and leaves zero out: this draw settles the sign.",
        ),
        (True, False): Words(
            "抽签没有偏，但人太少：区间很宽，包住了真相，也包住了零。要更准，就抽更多人，或者看更久。",
            "The draw is not biased, but had too few people: its interval holds the truth, and zero as well. To know "
            "better, draw more people or watch longer.",
        ),
        (False, True): Words(
            "区间没有包住真相。九成的区间，十次里有一次会这样；受邀才加入的人，和全部加入者也不完全一样。",
            "The interval misses the truth. Of intervals at nine in ten, one in ten does; and those who join because "
            "they are invited are not quite all joiners.",
        ),
        (False, False): Words(
            "区间包住了零，却没有包住真相。九成的区间，十次里有一次会这样；再抽一次，人多一些。",
            "The interval holds zero but misses the truth. Of intervals at nine in ten, one in ten does; draw again, "
            "with more people.",
        ),
    }[holds, clear]


# --- tables ---


def _orders(brand: Any) -> pd.DataFrame:
    """One row a paid order: customer, at."""
    return brand.table("orders")[["customer_id", "ordered_at"]].set_axis(["customer", "at"], axis=1)


def _people(orders: pd.DataFrame, brand: Any, end: pd.Timestamp) -> pd.DataFrame:
    """One row a customer with an order: first (moment), joined (first joining up to the end; blank without)."""
    people = orders.groupby("customer")["at"].min().rename("first").to_frame()
    joined = pd.Series(dtype="datetime64[ns]")
    if brand.has("members"):
        joined = brand.table("members").groupby("customer_id")["joined_at"].min()
    people["joined"] = joined.reindex(people.index)
    people["joined"] = people["joined"].where(people["joined"] < end)
    return people


def _in_last_days(orders: pd.DataFrame, people: pd.DataFrame, end: pd.Timestamp) -> pd.DataFrame:
    begin = end - SETTINGS["window_days"] * DAY
    there = people[people["first"] < begin]
    late = orders[orders["at"] >= begin].groupby("customer").size()
    table = pd.DataFrame({"member": there["joined"] < begin, "orders": late.reindex(there.index, fill_value=0)})
    return table.rename_axis("customer").reset_index()


def _time(orders: pd.DataFrame, people: pd.DataFrame, end: pd.Timestamp) -> pd.DataFrame:
    split = people["joined"].fillna(end).clip(lower=people["first"])
    lines = orders.join(split.rename("split"), on="customer").join(people["first"], on="customer")
    inside = (lines["at"] >= lines["split"]).groupby(lines["customer"]).sum().reindex(people.index, fill_value=0)
    total = lines.groupby("customer").size().reindex(people.index, fill_value=0)
    # The first order begins the time and is no return; who joined by then has it in the pool.
    first_outside = (split > people["first"]).astype(int)
    table = pd.DataFrame({
        "joined": people["joined"].notna(),
        "days_outside": (split - people["first"]) / DAY,
        "days_in_pool": (end - split) / DAY,
        "orders_outside": total - inside - first_outside,
        "orders_in_pool": inside - (1 - first_outside),
    })  # fmt: skip
    return table.rename_axis("customer").reset_index()


def _draw(brand: Any) -> pd.DataFrame:
    columns = {"invited": "invited", "joined": "joined", "exposure": "share_in_pool", "orders": "orders"}
    found = invitation(brand)
    if isinstance(found, Refused):
        return pd.DataFrame({name: pd.Series(dtype="float64") for name in columns.values()})
    return found.people[list(columns)].rename(columns=columns).astype({"joined": "int64", "orders": "int64"})


def _around(orders: pd.DataFrame, people: pd.DataFrame, end: pd.Timestamp) -> dict[str, pd.DataFrame]:
    joiners = people[people["joined"] > people["first"]]
    days = {"days_before": joiners["joined"] - joiners["first"], "days_after": end - joiners["joined"]}
    table = pd.DataFrame({name: length / DAY for name, length in days.items()}).rename_axis("customer").reset_index()
    lines = orders.join(joiners["joined"], on="customer", how="inner")
    lines["days_since_joining"] = (lines["at"] - lines["joined"]) / DAY
    return {"joiners": table, "around": lines[["customer", "days_since_joining"]].reset_index(drop=True)}


# --- exercises ---


def _being_invited(invited: Any, draw: pd.DataFrame, customers: pd.DataFrame) -> Exercise:
    drawn, joined, orders = draw["invited"] == 1, draw["joined"] == 1, draw["orders"]
    picked, means = orders[drawn & joined].mean(), customers.groupby("member")["orders"].mean()
    return Exercise(
        "being_invited", invited.itt["orders"].value, "orders per customer", 0.01,
        Words(
            "抽签决定谁受邀，两组平均起来没有别的差别；不管后来加入没有，全部都算。这叫意向性分析。",
            "A random draw decided who was invited, so on average the groups differ in nothing else; everybody counts, "
            "joined or not. This is intention to treat.",
        ),
        Words(
            "只按抽签分组：谁被抽中，谁没被抽中。后来谁加入了，先不看。",
            "Group by the draw alone: who was drawn and who was not. Do not look at who joined yet.",
        ),
        (
            WrongAnswer("members_less_others", means[True] - means[False], Words(
                "这是私域客户减其他客户。愿意加入的人，本来就买得多；这个差里有多少是加入带来的，看不出来。换成抽签的两组来比。",
                "That is members less others. Those who choose to join bought more anyway, and how much of this gap "
                "joining brought cannot be seen. Compare the two groups of the draw instead.",
            )),
            WrongAnswer("joined_less_not_joined", orders[joined].mean() - orders[~joined].mean(), Words(
                "你按“加入没加入”分了组。加入是客户自己选的，抽签白抽了：选择又混了进来。按“受邀没受邀”分组。",
                "You grouped by who joined. Customers choose that themselves, and the draw is wasted: selection is "
                "back. Group by who was invited.",
            )),
            WrongAnswer("invited_joiners_less_not_invited", picked - orders[~drawn].mean(), Words(
                "受邀组里只留了加入的人，没受邀组却是全部：挑过的比没挑过的。受邀而没加入的人也要算进去。",
                "Of the invited you kept only those who joined, of the others everybody: a picked group against one "
                "that is not. Those invited who did not join count too.",
            )),
            WrongAnswer("joined_among_invited", picked - orders[drawn & ~joined].mean(), Words(
                "这是在受邀的人里比加入和没加入，比的还是两种不同的人。另一边应当是没被抽中的人。",
                "That compares joiners with the rest among the invited: two kinds of people again. The other side "
                "should be those not drawn.",
            )),
        ),
    )  # fmt: skip


def _joining(invited: Any, draw: pd.DataFrame) -> Exercise:
    drawn, other = draw[draw["invited"] == 1].mean(), draw[draw["invited"] == 0].mean()
    gap, picked = drawn - other, draw.loc[(draw["invited"] == 1) & (draw["joined"] == 1), "orders"].mean()
    return Exercise(
        "joining", invited.late["orders"].value, "orders per customer", 0.01,
        Words(
            "抽签多带来的订单，摊到抽签多带来的私域时间上：这是因受邀而加入的人，整个窗口都在私域时的效果。它的区间很宽，后面会看到。",
            "What the draw added to orders, over what it added to time in the pool: the effect of a whole window in "
            "the pool on those who join because they are invited. Its interval is wide, as you will see.",
        ),
        Words(
            "受邀组的订单多了一点，私域里的时间也多了一点。每多一整段私域时间，多几笔订单？两个差相除。",
            "The invited have somewhat more orders and somewhat more time in the pool. How many orders for each whole "
            "window in the pool? Divide one difference by the other.",
        ),
        (
            WrongAnswer("effect_of_being_invited", gap["orders"], Words(
                "这是受邀的效果。受邀的人里大多数没有加入，所以它被冲淡了；还要除以私域时间的差。",
                "That is the effect of being invited. Most of the invited did not join, which thins it; divide by the "
                "difference in time in the pool.",
            )),
            WrongAnswer("over_joined_of_the_invited", gap["orders"] / drawn["joined"], Words(
                "分母只看了受邀组。没受邀的人里也有自己加入的，抽签多带来的，是两组之差。",
                "The denominator looks at the invited only. Some of the others joined by themselves; what the draw "
                "added is the difference between the groups.",
            )),
            WrongAnswer("over_share_who_joined", gap["orders"] / gap["joined"], Words(
                "分母是加入人数占比的差：第一天加入和最后一天加入的算得一样。题目问的是整个窗口都在私域，要用私域时间的占比。",
                "The denominator is the difference in the share who joined, where joining on the last day counts as "
                "much as on the first. The question is about a whole window in the pool: use the share of time.",
            )),
            WrongAnswer("joiners_less_not_invited", picked - other["orders"], Words(
                "受邀组里只留了加入的人，选择又混了进来。分子用受邀的效果。",
                "Of the invited only the joiners are kept, and selection is back. The numerator is the effect of being "
                "invited.",
            )),
        ),
    )  # fmt: skip


def _time_in_pool(brand: Any, time: pd.DataFrame) -> Exercise:
    right = pool_effect.immortal_time(histories(brand))["split_at_joining"].value
    sums = time.groupby("joined")[["days_outside", "days_in_pool", "orders_outside", "orders_in_pool"]].sum()
    never, ever, rate = sums.loc[False], sums.loc[True], {}
    rate["never"] = never["orders_outside"] / never["days_outside"]
    rate["ever"] = (ever["orders_outside"] + ever["orders_in_pool"]) / (ever["days_outside"] + ever["days_in_pool"])
    rate["in_pool"] = ever["orders_in_pool"] / ever["days_in_pool"]
    return Exercise(
        "time_in_pool", right, "times", 0.03,
        Words(
            "每一天都记在它该在的一边。倍数仍然大于一：不死时间去掉了，选择还在。",
            "Every day now stands on its own side. The ratio is still above one: immortal time is gone, selection is "
            "not.",
        ),
        Words(
            "把所有人的日子分成两堆：在私域里的，不在私域里的。每堆的订单除以天数，再相除。",
            "Put everybody's days on two heaps: in the pool and outside it. Orders over days for each heap, then "
            "divide.",
        ),
        (
            WrongAnswer("ever_joined_against_never", rate["ever"] / rate["never"], Words(
                "加入之前的日子和订单，也算到了私域头上。那时他们还没加入（这段就叫不死时间）。把日子按加入那一刻切开。",
                "Days and orders before joining are put down to the pool, though these people had not joined yet (this "
                "is called immortal time). Split the days at the moment of joining.",
            )),
            WrongAnswer("never_joined_only", rate["in_pool"] / rate["never"], Words(
                "加入者加入之前的日子被扔掉了。那些日子也是“不在私域”的日子，要放到分母那一边。",
                "The joiners' days before joining were thrown away. Those are days outside the pool too and belong on "
                "the other side.",
            )),
            WrongAnswer("mean_of_each_customer", _mean_of_rates(time), Words(
                "这里先给每个人算比率、再取平均：只看了几天的人和看了几年的人一样重。先加总，再相除。",
                "A rate for each customer first, then the mean: somebody watched for days weighs as much as one "
                "watched for years. Add up first, then divide.",
            )),
        ),
    )  # fmt: skip


def _mean_of_rates(time: pd.DataFrame) -> float:
    with np.errstate(divide="ignore", invalid="ignore"):
        inside, outside = (
            (time[f"orders_{side}"] / time[f"days_{side}"]).replace([np.inf, -np.inf], np.nan).mean()
            for side in ("in_pool", "outside")
        )
    return inside / outside
