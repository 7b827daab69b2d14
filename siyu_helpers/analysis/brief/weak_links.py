"""The weakest links in the evidence behind a verdict: what is least well known and could change most.

Each input is ranked by what it could change times how badly it is known. What it could change is what finding it out
would be worth; where nothing could turn the decision, how far it moves the value. How badly it is known goes by its
origin. Links that are no input (an effect that is not identified, costs that are not recorded, orders without a
customer, a short history, no experiment) have a rank of their own. The ranks are ours and are printed.

Opens no files and draws nothing.
"""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from siyu_helpers.analysis.brief.decisions import EFFECT, RUNNING_COSTS, Decision
from siyu_helpers.analysis.effect.linkage import LINKED_AT_LEAST
from siyu_helpers.analysis.effect.verdicts import NOT_IDENTIFIED, STRONG
from siyu_helpers.analysis.estimates import Estimate, Refused, Words
from siyu_helpers.analysis.pool.information import value_of_information
from siyu_helpers.analysis.pool.inputs import ASSUMED, COUNTED, ESTIMATED, GIVEN, INDUSTRY, PoolInputs
from siyu_helpers.analysis.pool.value import PoolValue

MOST = 3
BADLY_KNOWN = {ASSUMED: 1.0, INDUSTRY: 0.8, GIVEN: 0.6, ESTIMATED: 0.4, COUNTED: 0.2}
YEAR = 365  # days of orders, below which seasons cannot be told from trends
SWINGS_COUNT = 0.1  # of a share of the swings, against a share of what finding out is worth
COLUMNS = ["key", "rank", "could_change", "known", "fields", "zh", "en", "why_zh", "why_en", "stronger_zh",
           "stronger_en"]  # fmt: skip

GROUPS = {  # what a reader takes for one thing -> the inputs in it
    "effect": ("uplift", "uplift_kept", "share_affected"),
    "costs": (*RUNNING_COSTS, "setup_cost"),
    "joiners": ("joiners_per_month",),
    "joining_costs": ("recruiting_cost", "incentive_cost"),
    "buying": ("orders_per_month", "activity_kept"),
    "order_value": ("order_value",),
    "margin": ("margin",),
    "platforms": ("moved_share", "commission_saved", "reacquisition_saved"),
    "referral": ("referrals_per_month", "referral_value", "referral_reward", "referral_joining_share"),
    "messages": ("messages_per_month", "message_cost", "opt_out_per_message"),
    "leaving": ("churn", "ban_probability", "recovery"),
}
STANDING = {  # links that are no input of their own: rank, as if so much of the value hung on it
    "no_effect": 1.2,
    "no_costs": 1.1,
    "linkage": 0.5,
    "history": 0.4,
    "no_experiment": 0.3,
}


class LinkWords(NamedTuple):
    """What is weak, why it matters, and what would strengthen it."""

    what: Words
    why: Words
    stronger: Words


def weak_links(
    result: PoolValue | None,
    decision: Decision,
    *,
    linked: Estimate | Refused | float | None = None,
    history_days: int | None = None,
    experiments: int | None = None,
    information: pd.DataFrame | None = None,
    most: int = MOST,
) -> pd.DataFrame:
    """The weakest links in the evidence, the weakest first: what is weak, why it matters, what would strengthen it.

    PoolValue, Decision  ->  table (link)

    Parameters
    ----------
    result : PoolValue or None
        None: only the links that are no input.
    decision : Decision
        Says how far the effect is established and which figures are the brand's own.
    linked : Estimate, Refused or float, optional
        Share of revenue with a customer key; None or Refused: not looked at.
    history_days : int, optional
        Days of orders that the brand's tables cover.
    experiments : int, optional
        Experiments with a lot in the tables; None: not looked at.
    information : DataFrame, optional
        Of `value_of_information(result)`, where it has been computed already.
    most : int

    Returns
    -------
    DataFrame
        key : of `LINKS`. rank : could_change x known, highest first. could_change : share of the value of finding out
        and, at a tenth of its weight (or alone where that is nothing), of the swings; known : how badly, by origin, 1
        worst. fields : the inputs, comma separated. zh, en : what is weak; why_zh, why_en : why it matters;
        stronger_zh, stronger_en : what would strengthen it. No figures in any sentence.

    Example
    -------
    >>> from siyu_helpers.analysis.brief.decisions import decide
    >>> from siyu_helpers.analysis.pool.inputs import PoolInputs
    >>> from siyu_helpers.analysis.pool.value import pool_value
    >>> result = pool_value(PoolInputs(100, 0.5, (0.0, 0.2, 0.4), 200, 0.4, staff_cost=5000), draws=2000)
    >>> found = weak_links(result, decide(result, effect_level="", own={"staff_cost"}))
    >>> found["key"].tolist()
    ['no_effect']
    """
    rows = _inputs(result, information) if result is not None else []
    standing = _standing(decision, linked, history_days, experiments)
    replaced = {"no_effect": "effect", "no_costs": "costs"}
    taken = {replaced[key] for key in standing if key in replaced}
    rows = [row for row in rows if row[0] not in taken]
    rows += [(key, rank, rank, 1.0, "") for key, rank in standing.items()]
    rows.sort(key=lambda row: -row[1])
    told = [(*row, *(text for words in LINKS[row[0]] for text in words)) for row in rows if row[1] > 0]
    return pd.DataFrame(told[:most], columns=COLUMNS)


def _inputs(result: PoolValue, information: pd.DataFrame | None) -> list[tuple]:
    """One row a group of inputs: what the group could change, and how badly its weightiest input is known."""
    shares = _could_change(result, value_of_information(result) if information is None else information)
    rows = []
    for key, names in GROUPS.items():
        inside = {name: shares[name] for name in names if shares.get(name, 0.0) > 0}
        if not inside:
            continue
        ranks = {name: share * BADLY_KNOWN[_origin(result.inputs, name)] for name, share in inside.items()}
        total, rank = sum(inside.values()), sum(ranks.values())
        rows.append((key, rank, total, rank / total, ", ".join(sorted(inside, key=lambda name: -ranks[name]))))
    return rows


def _could_change(result: PoolValue, information: pd.DataFrame) -> dict[str, float]:
    """Share of what could change that hangs on each uncertain input: of what finding out is worth, then of the swings.

    Often one input alone could change the decision; the swings, at a tenth of its weight, say what comes after it.
    """
    worth = information.set_index("input")["expected_value"].astype(float)
    swings = result.tornado.set_index("input")["swing"].astype(float)
    shares = [part / part.sum() for part in (worth, swings) if part.sum() > 0]
    if len(shares) == 2:
        shares = [shares[0].add(SWINGS_COUNT * shares[1], fill_value=0.0) / (1 + SWINGS_COUNT)]
    return shares[0].to_dict() if shares else {}


def _origin(inputs: PoolInputs, name: str) -> str:
    return inputs.origin(name).kind


def _standing(decision: Decision, linked, history_days: int | None, experiments: int | None) -> dict[str, float]:
    grounds = decision.grounds
    share = linked.value if isinstance(linked, Estimate) else linked
    weak = {
        "no_effect": grounds.effect_level in (NOT_IDENTIFIED, "") and not grounds.given.intersection(EFFECT),
        "no_costs": not (grounds.own | grounds.given).intersection(RUNNING_COSTS),
        "linkage": isinstance(share, int | float) and share < LINKED_AT_LEAST,
        "history": history_days is not None and history_days < YEAR,
        "no_experiment": experiments == 0 and grounds.effect_level != STRONG,
    }
    if weak["no_effect"]:
        weak["no_experiment"] = False  # said already
    return {key: rank for key, rank in STANDING.items() if weak[key]}


LINKS = {
    "no_effect": LinkWords(
        Words("加入私域的效果没有被证实", "What joining does to orders is not established"),
        Words(
            "爱买的客户本来就更愿意加入，账面上的增幅可能大半不是私域带来的",
            "loyal customers are the ones who join, so much of the gain on paper may not be the pool's doing",
        ),
        Words(
            "随机邀请一部分客户加入、留一部分不邀请，或停掉一部分客户的促销，再比订单（名单由 siyu list 抽出）",
            "invite some customers at random and leave others out, or hold promotions back from some, and compare "
            "their orders (siyu list draws the list)",
        ),
    ),
    "no_costs": LinkWords(
        Words("私域的运营费用没有记录", "What the pool costs to run is not recorded"),
        Words(
            "费用靠假设，净值、回本时间和盈亏平衡规模都跟着变",
            "value, payback and break-even size all move with an assumed cost",
        ),
        Words(
            "按月记下人员、工具、激励和内容四项费用（pool_costs 表）",
            "record staff, tools, incentives and content month by month (table pool_costs)",
        ),
    ),
    "linkage": LinkWords(
        Words("不少订单认不出是哪位客户", "Many orders cannot be tied to a customer"),
        Words(
            "认不出的订单多半来自平台，私域客户的回购容易被高估",
            "such orders come mostly from platforms, so that the pool's customers seem to come back more than they do",
        ),
        Words(
            "用手机号或客户号打通各渠道的订单", "tie orders of all channels together by phone or customer number",
        ),
    ),
    "history": LinkWords(
        Words("订单记录不满一年", "Less than a year of orders is on record"),
        Words(
            "淡旺季与趋势分不开，按月外推容易偏",
            "seasons cannot be told from trends, and what a month brings may not be what the next one does",
        ),
        Words("补齐更早的订单，至少满一年再复核", "add earlier orders, and look again with a full year"),
    ),
    "no_experiment": LinkWords(
        Words("没有做过随机抽签的实验", "No experiment with a random draw has been run"),
        Words(
            "效果来自相似客户的对比，没有记录的差别无法排除",
            "the effect rests on comparing like customers, and what is not recorded about them cannot be ruled out",
        ),
        Words(
            "常设一小组随机留白的客户，每季复核一次",
            "keep a small group of customers, drawn at random, out of it, and compare every quarter",
        ),
    ),
    "effect": LinkWords(
        Words("加入带来的增幅及其持续时间", "How much joining adds, and for how long"),
        Words(
            "净值大半来自多下的订单，增幅估高估低，净值就跟着高低",
            "most of the value is added orders, so an error in the gain is an error in the value",
        ),
        Words(
            "扩大随机邀请或随机留白的人数，并观察得更久",
            "invite or hold out more customers at random, and follow them for longer",
        ),
    ),
    "costs": LinkWords(
        Words("私域的运营费用", "What the pool costs to run"),
        Words("固定费用不随规模变，多大规模才回本全看它", "fixed costs decide how large a pool must be to pay"),
        Words("按月记全人员、工具、内容费用，兼职人员按工时分摊",
              "record all staff, tools and content by month, part-time staff by their hours"),
    ),
    "joiners": LinkWords(
        Words("每月能引入多少新客户", "How many customers join a month"),
        Words("引流跟不上，固定费用就摊不薄", "without enough joiners, fixed costs are spread over too few"),
        Words("按入口逐月记录加入人数，先试一两个入口",
              "record joiners by entry and month, and try one or two entries first"),
    ),
    "joining_costs": LinkWords(
        Words("引流费与加入激励", "What it costs to recruit a joiner"),
        Words("每位加入者都要付一次，流失快时收不回来",
              "it is paid for every joiner, and is lost on those who soon leave"),
        Words("把引流投放与激励单独记账，按入口核算", "book recruiting and incentives apart, by entry"),
    ),
    "buying": LinkWords(
        Words("客户不加入时本来会买多少", "How much customers would buy without the pool"),
        Words("增幅是在它之上算的，它估错几成，多下的订单就错几成",
              "the gain is a share of it, so an error in it is the same error in added orders"),
        Words("补齐订单的客户号，观察更长时间的回购",
              "tie more orders to customers, and follow repeat orders for longer"),
    ),
    "order_value": LinkWords(
        Words("笔单价", "The order value"),
        Words("多出的订单值多少钱，全看笔单价", "what an added order brings depends on it"),
        Words("把退款和券后实付记到每笔订单上", "record refunds and what was paid after coupons on every order"),
    ),
    "margin": LinkWords(
        Words("贡献毛利率", "The contribution margin"),
        Words("多出的订单能留下多少钱，全看毛利率", "what is left of an added order depends on it"),
        Words("把商品成本和平台费记到每笔订单上", "record the cost of goods and platform fees on every order"),
    ),
    "platforms": LinkWords(
        Words("转到自有渠道的订单省下多少佣金和投放", "What moved orders save in commission and advertising"),
        Words("订单若只是换了个地方下，省下的钱才是私域的功劳",
              "where orders only move, the saving is all that the pool earns"),
        Words("按下单渠道记录佣金，比较加入前后在平台下单的占比",
              "record commission by shop, and compare the share ordered on platforms before and after joining"),
    ),
    "referral": LinkWords(
        Words("老带新的人数和质量", "How many customers are referred, and what they are worth"),
        Words("被推荐的新客也许本来就会来，价值容易高估",
              "referred customers might have come anyway, which makes referral look better than it is"),
        Words("记录推荐人，随机发放推荐奖励后再比",
              "record who referred whom, and give the reward at random to compare"),
    ),
    "messages": LinkWords(
        Words("促销消息的条数、费用和退出率", "Promotions: how many, at what cost, with how many opt-outs"),
        Words("消息发多了，客户退出，私域留不住人", "too many drive customers out, and the pool does not last"),
        Words("随机分组发不同条数，比贡献毛利和退出率",
              "send different numbers to groups drawn at random, and compare contribution and opt-outs"),
    ),
    "leaving": LinkWords(
        Words("客户退出与封号的风险", "How many leave, and the risk of a ban"),
        Words("客户走得越快，留给回本的时间越短",
              "the faster customers leave, the less time there is to earn the money back"),
        Words("记录退出日期和封号，分散到多个账号",
              "record leaving dates and bans, and spread customers over accounts"),
    ),
}  # fmt: skip
