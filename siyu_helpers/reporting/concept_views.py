"""Pictures and rows of page 00 from what the analysis floor found: metaphors as models, words and metrics as tables.

Nothing here computes an estimate: results come in, and go out as charts, rows and names that a strategist can read.
"""

import inspect
from collections.abc import Mapping
from typing import Any

import pandas as pd

from siyu_helpers.analysis import concepts
from siyu_helpers.analysis.concepts import Model
from siyu_helpers.analysis.estimates import Estimate, Refused, Words
from siyu_helpers.reporting import charts, names, sections
from siyu_helpers.reporting.fit_views import in_unit
from siyu_helpers.reporting.ledger import Ledger

MARKET = (
    "glossary", "metrics", "claims", "channel_definitions", "industries", "pool_assumptions", "exchange_rates",
)  # fmt: skip
#: What to do about a part of the house whose score is full.
DONE = ("已满分，暂不用动", "the score is full: nothing for now")
#: What stands in the column of a lesson, which is no page of a brand.
LESSON = "training/"

#: Parameters of the examples that neither the slider nor the page sets: what each is, and its unit.
ASSUMED = {
    "pond": {
        "opening": ("开始时塘里的客户", "customers in the pond at the start", "customers"),
        "inflow": ("每月从公域来的新客", "customers who come in from public channels", "customers a month"),
        "leaving": ("每月自己走掉的占比", "share that leaves of its own accord a month", "share"),
        "referral": (
            "塘还空时，一位客户每月带来的新客",
            "new customers a month that one brings while the pond is nearly empty",
            "customers per customer",
        ),
        "carrying": ("人数到此，就再也带不来新客", "size at which nobody is left to be brought along", "customers"),
        "opt_out": ("每条促销赶走的占比", "share that one promotion drives out", "share"),
        "earned": (
            "促销极多时，一位客户每月最多带来的钱",
            "most that promotions bring from a customer a month",
            "money per customer",
        ),
        "half": ("收到多少条时达到上面的一半", "promotions a month that bring half of that", "messages a month"),
        "ordinary": (
            "不发促销时，一位客户每月带来的钱",
            "what a customer brings a month without promotions",
            "money per customer",
        ),
        "message_cost": ("每条促销的费用", "cost of one promotion", "money per message"),
    },
    "dinner": {
        "willing": ("想来的人里，真心愿意来的占比", "share of applicants who are willing ones", "share"),
        "willing_value": ("愿意来的人，平均带来的钱", "what a willing one brings on average", "money per customer"),
        "hunter_value": ("冲着便宜来的人，平均带来的钱", "what a bargain hunter brings", "money per customer"),
        "cost": ("招待一位的费用", "cost of serving one", "money per customer"),
        "seen": ("在门口就看得出价值的占比", "share whose value can be told at the door", "share"),
    },
    "toll_road": {
        "order_value": ("笔单价", "value of an order", "money per order"),
        "commission": ("平台佣金占实付的比例", "commission of the platform", "share"),
        "ads": ("每单为拉回老客户花的广告费", "advertising to win an old customer back", "money per order"),
        "payment_fee": ("自有渠道的支付手续费率", "payment fee of the own channel", "share"),
        "reward": ("每单的激励和服务费用", "reward and service of a moved order", "money per order"),
        "running": ("自有渠道每月的固定费用", "running cost of the own channel", "money a month"),
        "lost": ("搬走后不再下单的占比", "share of moved orders that are lost", "share"),
        "margin": ("贡献毛利率（已扣佣金）", "contribution margin after commission", "share"),
    },
    "paid_pond": {
        "conversion": ("一次点击带来首单的概率", "probability that a click brings a first order", "share"),
        "first_order": ("首单的贡献毛利", "contribution of the first order", "money per order"),
        "staying": ("不再付费也会回来的概率", "probability that a buyer comes back unpaid", "share"),
        "later": ("留下来的客户以后的贡献毛利", "later contribution of one who stays", "money per customer"),
    },
}  # fmt: skip
FORMULAS: names.Names = {
    "times_repurchase_rate": ("文章的公式：再乘复购率", "the articles' formula: times the repurchase rate"),
    "first_orders_only": ("只算首单", "first orders only"),
    "times_orders_per_buyer": ("乘人均订单数", "times orders per buyer"),
}
THEMES: names.Names = {
    "words": ("概念", "concepts"),
    "channels": ("渠道", "channels"),
    "metrics": ("指标", "metrics"),
    "customers": ("客户", "customers"),
    "money": ("钱", "money"),
    "messages": ("消息", "messages"),
    "models": ("模型", "models"),
    "roles": ("角色", "roles"),
}


def pond_chart(ledger: Ledger, model: Model) -> None:
    """What is in the pond month by month, and what has been taken by its end."""
    charts.curves(
        ledger, model.table, x="month", y="stock", unit="customers", n=1, source="model", markers=False,
        title_zh="塘里还有多少客户", title_en="Customers in the pond",
        x_words=("月份", "Month"), y_words=("客户", "Customers"),
    )  # fmt: skip
    told = {name: model.figures[name] for name in ("pond_end", "pond_taken", "pond_yield")}
    ledger.say(
        **told,
        zh="期末塘里还有 {pond_end}，期内一共收获 {pond_taken}；照此长期下去，每月收获 {pond_yield:amount}。",
        en="At the end {pond_end} are left in the pond, and {pond_taken} has been taken; kept up for good, "
        "{pond_yield:amount} a month.",
    )


def dinner_chart(ledger: Ledger, model: Model) -> None:
    """Value less cost of serving by the share let in, with the present share marked."""
    entry = model.figures["dinner_entry"]
    charts.curves(
        ledger, model.table, x="entry",
        x_as_share=True, y="net", unit="money", n=1, source="model",
        title_zh="放进多少人，净收益多少", title_en="Net value by the share let in",
        x_words=("放进门的占比", "Share let in"), y_words=("净收益", "Net value"),
        line_at=entry.value, line_words=("滑块所在", "the slider"),
    )  # fmt: skip
    told = {name: model.figures[name] for name in ("dinner_entry", "dinner_value_per_member", "dinner_net")}
    ledger.say(
        **told, dinner_hunters_share=model.figures["dinner_hunters_share"],
        zh="放进 {dinner_entry} 时，放进来的人平均每位带来 {dinner_value_per_member:amount}，其中冲着便宜来的占 "
        "{dinner_hunters_share}，净收益合计 {dinner_net}。",
        en="With {dinner_entry} let in, each brings {dinner_value_per_member:amount}; {dinner_hunters_share} of them "
        "come for the bargain; the net value is {dinner_net} in all.",
    )  # fmt: skip


def toll_chart(ledger: Ledger, model: Model) -> None:
    """What is saved less what the own channel costs, by the share of repeat orders moved."""
    moved = model.figures["toll_road_moved"]
    charts.curves(
        ledger, model.table, x="moved",
        x_as_share=True, y="net", unit="money a month", n=1, source="model",
        title_zh="搬走多少复购订单，每月净省多少", title_en="Net saving a month by the share of repeat orders moved",
        x_words=("转到自有渠道的占比", "Share moved to own channels"), y_words=("每月净省", "Net saving a month"),
        line_at=moved.value, line_words=("滑块所在", "the slider"),
    )  # fmt: skip
    told = {name: model.figures[name] for name in ("toll_road_moved", "toll_road_net", "toll_road_break_even")}
    ledger.say(
        **told,
        zh="搬走 {toll_road_moved} 时，每月净省 {toll_road_net:amount}；要搬走 {toll_road_break_even} 才不亏。",
        en="With {toll_road_moved} moved the net saving is {toll_road_net:amount} a month; {toll_road_break_even} has "
        "to move to break even.",
    )


def cast_chart(ledger: Ledger, model: Model) -> None:
    """Expected net by the number of casts, and how many it takes until one customer stays."""
    charts.curves(
        ledger, model.table, x="casts", y="net", unit="money", n=1, source="model",
        title_zh="下多少竿，平均净得多少", title_en="Expected net by the number of casts",
        x_words=("竿数（点击）", "Casts (clicks)"), y_words=("平均净得", "Expected net"),
    )  # fmt: skip
    told = {
        name: model.figures[name]
        for name in ("paid_pond_bid", "paid_pond_cast_value", "paid_pond_casts", "paid_pond_cost_per_staying")
    }
    ledger.say(
        **told,
        zh="每竿付 {paid_pond_bid} 时，一竿平均净得 {paid_pond_cast_value}；要下 {paid_pond_casts}，才有九成把握留住"
        "一位；留住一位平均花 {paid_pond_cost_per_staying:amount}。",
        en="At {paid_pond_bid} a cast, each nets {paid_pond_cast_value} on average; it takes "
        "{paid_pond_casts} to be nine tenths sure that one stays; one who stays costs "
        "{paid_pond_cost_per_staying:amount} on average.",
    )


def assumed_rows(model: str, currency: str) -> pd.DataFrame:
    """What an example assumes: the defaults of its model, each with its unit, as a reader would say it.

    >>> assumed_rows("dinner", "CNY")["value"].tolist()[0]
    ('40.0%', '40.0%')
    """
    defaults = inspect.signature(getattr(concepts, model)).parameters
    return pd.DataFrame([
        {"assumption": (zh, en), "value": in_unit(defaults[name].default, None, unit, currency)}
        for name, (zh, en, unit) in ASSUMED[model].items()
    ])  # fmt: skip


def own(figures: Mapping[str, Estimate | Refused]) -> dict[str, Estimate | Refused]:
    """A brand's figures of a model under keys of their own, beside those of the example.

    >>> list(own({"pond_end": None}))
    ['own_pond_end']
    """
    return {f"own_{key}": figure for key, figure in figures.items()}


def basis(inputs: Any, names: Mapping[str, tuple[str, str]]) -> Words:
    """What a sentence on a brand has to add where its own tables do not say these inputs; empty where they do.

    >>> from siyu_helpers.analysis.industry_fit import PoolInputs
    >>> basis(PoolInputs(100, 0.5, 0.2, 200, 0.4), {"churn": ("流失", "leaving")})
    Words(zh='', en='')
    """
    typical = inputs.typical()
    missing = [name for name in names if inputs.origin(name).kind in ("assumed", "industry table")]
    said = {"zh": "", "en": ""}
    for zh, en, chosen in (
        ("用的是假设", "assumed", [name for name in missing if typical[name]]),
        ("没有计入", "left out", [name for name in missing if not typical[name]]),
    ):
        if chosen:
            said["zh"] += f"其中{'、'.join(names[name][0] for name in chosen)}不是由本品牌的表算的，{zh}。"
            told = ", ".join(names[name][1] for name in chosen)
            said["en"] += f" Not from the brand's tables, but {en}: {told}."
    return Words(**said)


#: Inputs that the sentences on a brand's own pond and toll rest on.
POND_INPUTS = {
    "joiners_per_month": ("加入人数", "how many join"), "churn": ("流失", "how many leave"),
    "messages_per_month": ("促销条数", "how many promotions are sent"),
    "opt_out_per_message": ("退订", "how many opt out"),
    "referrals_per_month": ("老带新", "how many are brought by others"),
}  # fmt: skip
COST_INPUTS = {
    "staff_cost": ("人工费用", "the cost of staff"),
    "tool_cost": ("工具费用", "the cost of tools"),
    "content_cost": ("内容费用", "the cost of content"),
}  # fmt: skip


def house_rows(table: pd.DataFrame, currency: str) -> pd.DataFrame:
    """The six parts of the house: what is measured, the score and its formula, what to do; why there is no score."""
    rows = []
    for row in table.to_dict("records"):
        both = {
            name: (row[f"{name}_zh"], row[f"{name}_en"]) for name in ("part", "measure", "formula", "to_do", "reason")
        }
        known = row["value"] == row["value"]
        ends = (row["value_low"], row["value_high"]) if row["value_low"] == row["value_low"] else None
        value = in_unit(row["value"], ends, row["unit"], currency) if known else both["reason"]
        rows.append({"part": both["part"], "measure": both["measure"], "value": value, "score": row["score"],
                     "formula": both["formula"], "to_do": DONE if row["score"] >= 1 else both["to_do"]})  # fmt: skip
    return pd.DataFrame(rows)


def place(page: str, section: str) -> Any:
    """Where a row of a table leads: the section of a page; nothing for a lesson, which is no page of a brand."""
    return "" if not page or page.startswith(LESSON) else sections.link(page, section)


def lesson_words(page: str) -> tuple[str, str]:
    """The lesson that a row names, in both languages; empty for pages.

    >>> lesson_words("training/04_repurchase_cohorts"), lesson_words("04_pool_effect")
    (('第 4 课', 'lesson 4'), ('', ''))
    """
    if not page.startswith(LESSON):
        return ("", "")
    number = int(page.removeprefix(LESSON)[:2])
    return (f"第 {number} 课", f"lesson {number}")


def word_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Terms as a box of words takes them; units are left to the sentences that use them."""
    texts = {
        f"{name}_{lang}": [words.text(lang) for words in table[name]]
        for name in ("term", "definition", "formula")
        for lang in ("zh", "en")
    }
    # A word of this very page is explained where it stands: no link to where the reader is.
    linked = [not page.startswith((LESSON, "00_")) for page in table["page"]]
    return pd.DataFrame({
        "key": table["key"], **texts, "unit_zh": "", "unit_en": "",
        "page": table["page"].where(linked, ""), "section": table["section"].where(linked, ""),
    })  # fmt: skip


def metric_rows(table: pd.DataFrame, currency: str = "CNY") -> pd.DataFrame:
    """The dictionary of metrics, a row a variant, with the place where it is computed."""
    made = table.copy()
    made["unit"] = [unit_words(unit, currency) for unit in table["unit"]]
    made["where"] = [place(page, section) for page, section in zip(table["page"], table["section"], strict=True)]
    return made


def unit_words(unit: str, currency: str = "CNY") -> tuple[str, str]:
    """The name of a unit in both languages, as the boxes of words have it."""
    from siyu_helpers.reporting.terms import unit_name

    return (unit_name(unit, "zh", currency), unit_name(unit, "en", currency))


def glossary_rows(table: pd.DataFrame) -> pd.DataFrame:
    """The words, a row a term: both names, meaning, formula, where it is computed or taught.

    "other" holds what else a reader may look for: on the Chinese page the English name and the other names in use, on
    the English page the Chinese name.
    """
    made = table.copy()
    others = [variants.replace("；", "、") if isinstance(variants, str) else "" for variants in table["variants_zh"]]
    made["other"] = [
        ("；".join(part for part in (english, variants) if part), chinese)
        for chinese, english, variants in zip(table["term_zh"], table["term_en"], others, strict=True)
    ]
    made["where"] = [place(page, section) for page, section in zip(table["page"], table["section"], strict=True)]
    return made


def history_rows(claims: pd.DataFrame) -> pd.DataFrame:
    """What the articles say of where the words come from, with grade."""
    chosen = claims[claims["kind"] == "history"]
    named = claims["name_en"].str.contains("2018|2019", regex=True)
    return pd.concat([chosen, claims[named]]).drop_duplicates("id")
