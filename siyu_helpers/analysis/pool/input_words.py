"""What each input of the pool's economics is: its words, its unit, and the values it can take."""

import math
from typing import NamedTuple

from siyu_helpers.analysis.estimates import Words


class InputField(NamedTuple):
    """One input: how a reader meets it, its unit, and the smallest and largest value it can take."""

    label: Words
    unit: str
    least: float
    most: float
    meaning: Words


def _at_least_nothing(zh: str, en: str, unit: str, meaning_zh: str, meaning_en: str) -> InputField:
    return InputField(Words(zh, en), unit, 0.0, math.inf, Words(meaning_zh, meaning_en))


def _share(zh: str, en: str, meaning_zh: str, meaning_en: str, least: float = 0.0) -> InputField:
    return InputField(Words(zh, en), "share", least, 1.0, Words(meaning_zh, meaning_en))


FIELDS: dict[str, InputField] = {
    "opening_members": _at_least_nothing(
        "期初私域客户数", "Customers in the pool at the start", "customers",
        "开始时已在私域的客户数；从零建起为 0", "customers already in the pool at the start; 0: built from nothing",
    ),
    "opening_months": _at_least_nothing(
        "期初客户加入的月数", "Months since the opening customers joined", "months",
        "期初已在私域的客户，平均加入了多少个月", "how many months ago, on average, the opening customers joined",
    ),
    "joiners_per_month": _at_least_nothing(
        "每月新加入的客户", "Joiners a month", "customers a month",
        "每月从公域、门店或包裹卡引入私域的客户数，不含老带新",
        "customers brought into the pool a month, those referred by others apart",
    ),
    "share_affected": _share(
        "效果适用的占比", "Share the effect applies to",
        "私域客户中，加入的效果适用的占比（加入前下过单的客户）",
        "share of those in the pool to whom the effect applies (they had ordered before)",
    ),
    "orders_per_month": _at_least_nothing(
        "不加入时每月订单", "Orders a month without the pool", "orders per customer",
        "刚加入的客户，假如没有加入，每人每月的订单数",
        "orders per customer and month at joining, had they not joined",
    ),
    "uplift": InputField(
        Words("加入带来的订单增幅", "Gain in orders from joining"), "share", -1.0, math.inf,
        Words("留在私域期间，订单比不加入时多出的比例",
        "how much more a customer orders while in the pool than without it"),
    ),
    "order_value": _at_least_nothing(
        "笔单价", "Order value", "money per order", "每笔订单的实付金额，扣退款", "paid per order, less refunds",
    ),
    "margin": _share(
        "贡献毛利率", "Contribution margin",
        "订单的贡献毛利占实付金额的比例：扣商品成本和所付平台费用，未扣消息与私域费用",
        "contribution of an order as a share of what was paid: less goods and platform fees borne, before "
        "messages and the pool's costs",
        -1.0,
    ),
    "activity_kept": _share(
        "购买的逐月保留", "Buying kept from month to month",
        "不论是否加入，客户的下单频率每过一个月保留的比例（客户会逐渐流失）",
        "share of a customer's rate of ordering kept from one month to the next, pool or no pool (customers lapse)",
    ),
    "uplift_kept": _share(
        "增幅的逐月保留", "Gain kept from month to month",
        "留在私域的客户，增幅每过一个月保留的比例（新鲜感会减退）",
        "share of the gain that those still in the pool keep from one month to the next (novelty wears off)",
    ),
    "moved_share": _share(
        "转到自有渠道的订单占比", "Share of orders moved to own channels",
        "私域客户原有的订单中，因加入而从平台转到自有渠道的占比",
        "share of the orders they would have made anyway that joining moves from platforms to own channels",
    ),
    "commission_saved": _share(
        "转移订单省下的佣金率", "Commission saved on a moved order",
        "订单从平台转到自有渠道，少付的佣金占实付金额的比例（已扣支付手续费）",
        "platform commission less payment fee, as a share of what was paid",
    ),
    "reacquisition_saved": _at_least_nothing(
        "转移订单省下的投放费", "Paid re-acquisition saved on a moved order", "money per order",
        "订单从平台转到自有渠道，少花的再次投放费", "advertising not spent to win a moved order again",
    ),
    "referrals_per_month": _at_least_nothing(
        "每月多带来的新客", "New customers referred a month", "customers per customer",
        "每位私域客户每月因加入而多带来的新客数",
        "new customers whom a customer in the pool refers a month because of it",
    ),
    "referral_value": InputField(
        Words("被推荐新客的价值", "Value of a referred customer"), "money per customer", -math.inf, math.inf,
        Words("一位被推荐的新客带来的贡献毛利（未扣推荐奖励）",
        "contribution of a referred new customer, before the reward"),
    ),
    "referral_reward": _at_least_nothing(
        "推荐奖励", "Reward for a referral", "money per customer",
        "每带来一位新客发出的奖励", "paid for each new customer referred",
    ),
    "referral_joining_share": _share(
        "被推荐新客的加入率", "Share of referred customers who join",
        "被推荐的新客中也加入私域的占比", "share of referred new customers who join the pool as well",
    ),
    "recruiting_cost": _at_least_nothing(
        "每位加入者的引流费", "Cost of recruiting a joiner", "money per customer",
        "从公域把一位客户引入私域的投放费", "spent in public channels to bring one customer into the pool",
    ),
    "incentive_cost": _at_least_nothing(
        "每位加入者的激励", "Incentive for joining", "money per customer",
        "发给每位加入者的券、红包或赠品，含老带新加入的",
        "coupon, red packet or gift for each joiner, referred ones included",
    ),
    "messages_per_month": _at_least_nothing(
        "每月促销消息", "Promotions a month", "messages a month",
        "发给每位私域客户的促销消息条数", "promotional messages to each customer in the pool",
    ),
    "message_cost": _at_least_nothing(
        "每条消息的费用", "Cost of a message", "money per message",
        "每条促销消息的费用", "paid for each promotional message",
    ),
    "opt_out_per_message": _share(
        "每条消息的退出率", "Opt-outs per message",
        "收到一条促销消息后退出私域的概率", "probability of leaving the pool after one promotional message",
    ),
    "churn": _share(
        "每月自然流失率", "Churn a month",
        "每月因消息与封号以外的原因退出私域的占比",
        "share of the pool that leaves a month, for reasons other than messages and bans",
    ),
    "ban_probability": _share(
        "每月封号概率", "Probability of a ban a month",
        "一个账号在一个月内被封的概率", "probability that an account is banned within a month",
    ),
    "recovery": _share(
        "封号后找回的占比", "Share recovered after a ban",
        "被封账号上的客户中，重新加回来的占比", "share of a banned account's customers who are won back",
    ),
    "service_cost": _at_least_nothing(
        "每位客户每月的服务费", "Service cost per customer and month", "money per customer",
        "随私域客户数增加的人工或服务费", "labour or service that grows with the number of customers in the pool",
    ),
    "staff_cost": _at_least_nothing(
        "每月人员费用", "Staff a month", "money a month", "私域团队每月的工资和社保",
        "pay and social insurance of the pool's team",
    ),
    "tool_cost": _at_least_nothing(
        "每月工具费用", "Tools a month", "money a month", "软件、账号和接口许可", "software, accounts and licences",
    ),
    "content_cost": _at_least_nothing(
        "每月内容费用", "Content a month", "money a month", "图文、短视频和活动素材",
        "articles, videos and material of campaigns",
    ),
    "setup_cost": _at_least_nothing(
        "一次性投入", "One-off cost", "money", "开始时一次花掉的钱：培训、搭建、迁移",
        "spent once at the start: courses, building, moving",
    ),
    "discount_rate": _at_least_nothing(
        "年折现率", "Discount rate a year", "share", "一年后的钱折成今天的钱",
        "what money of a year from now is worth less today",
    ),
}  # fmt: skip
