"""Lesson 12, the final exercise: a decision brief on a new invented brand, scored against its truth at the end.

The questions that are checked in the cell are about the scoring itself, on a brand that everybody knows; the brief is
about a brand that nobody knows, made from the number of the class.

The lesson is held with room.brand as the known one:

    shop = open_brand(7)               the class's brand; facts = facts_of(shop): what the library finds in its tables
    show_facts(ledger, facts)          the numbers to write the brief from, good ones and tempting ones
    show_missing(ledger, form)         what the form still lacks
    reveal(ledger, 7, forms, facts)    the truth, and the points of every form; nothing while a form is not complete
"""

import os
from collections.abc import Mapping
from html import escape
from typing import Any, NamedTuple

import pandas as pd

from siyu_helpers.analysis import acquisition_cost, decision_brief, industry_fit, pool_effect
from siyu_helpers.analysis.estimates import LEVEL, Estimate, Refused, Words
from siyu_helpers.data import brands, market
from siyu_helpers.data.simulate import RECIPES
from siyu_helpers.reporting import effect_views, fit_views, words
from siyu_helpers.reporting import tables as shown_tables
from siyu_helpers.reporting.ledger import Ledger
from siyu_helpers.teaching import brief_form, new_brands, scoring
from siyu_helpers.teaching.exercises import Exercise, WrongAnswer

#: The brand on which the scoring is tried; the brief itself is on a brand of its own.
BRANDS = ("xiaoman",)
SETTINGS = {"level": LEVEL, "low": 0.15, "high": 0.35, "probability": 0.3}
DRAWS = 2_000
TEAM, FACE_VALUE, WORKBOOK = "本组 / your team", "表面数字 / face value", "工作簿 / the workbook"


class Facts(NamedTuple):
    """What the library finds in a brand's tables, as pages 01, 04, 05 and 06 do; what a brief is written from.

    brand : Brand. evidence : BrandEvidence (page 04). own : BrandInputs, value : PoolValue (page 05). decision :
    Decision (page 06). apart : members against others. growth : Estimate or Refused, of the paid acquisition cost
    (page 01). ends : the first and last three months of that cost, money per new customer. messages : dict of
    `pool_effect.best_frequency`.
    """

    brand: Any
    evidence: Any
    own: Any
    value: Any
    decision: Any
    apart: dict[str, Estimate | Refused]
    growth: Estimate | Refused
    ends: tuple[float, float]
    messages: dict[str, Estimate | Refused]


def tables(brand: Any) -> dict[str, pd.DataFrame]:
    """What the students are handed on the known brand: the truth that the scoring is tried on.

    Returns
    -------
    dict
        "rules" (one item of the form): item, its name, most (points) and the rule in words, in both languages.
        "truth" (one row): gain (orders that joining added per joiner within ninety days), pays (whether the pool
        brought in more than it cost in its first 24 months).
    """
    truth = truth_of_known(brand)
    return {"rules": scoring.rules(), "truth": pd.DataFrame({"gain": [truth.gain], "pays": [truth.pays]})}


def exercises(brand: Any, tables: dict[str, pd.DataFrame]) -> tuple[Exercise, ...]:
    """The two questions on scoring, with their answers on the known brand."""
    gain, pays = float(tables["truth"]["gain"].iloc[0]), bool(tables["truth"]["pays"].iloc[0])
    return _interval(gain), _brier(pays)


def truth_of_known(brand: Any) -> scoring.Truth:
    """What is true of one of the three known brands, from its truth.yml."""
    told = brand.truth()
    if told is None:
        raise ValueError(f"{brand.id} has no truth: choose an invented brand.")
    recipe = RECIPES[told["recipe"]]
    selection = "lot" if recipe.invitations else recipe.selection
    return scoring.truth_of_world(told, float(brand.table("pool_costs")["amount"].sum()), selection, brand.id)


def _interval(gain: float) -> Exercise:
    low, high = SETTINGS["low"], SETTINGS["high"]
    width, miss = high - low, max(low - gain, gain - high, 0.0)
    level = SETTINGS["level"]
    return Exercise(
        "interval_score", scoring.interval_score(low, high, gain, level), "orders per customer", 0.005,
        Words(
            "窄而不准，罚得最重：宽度只占得分的一小部分，其余都是没盖住真值的代价。",
            "Narrow and wrong is what costs most: the width is a small part of the score, the miss is the rest.",
        ),
        Words(
            "两部分相加：区间的宽度；真值落在区间外时，再加“差多少”乘以二除以显著性水平（一减置信水平）。",
            "Two parts added up: the width of the interval and, where the truth lies outside, by how much it is "
            "missed, times two over one less the level.",
        ),
        (
            WrongAnswer("width_alone", width, Words(
                "只算了宽度。区间没有盖住真值，这一次失手也要计分。",
                "That is the width alone. The interval misses the truth, which counts as well.",
            )),
            WrongAnswer("miss_without_its_weight", width + miss, Words(
                "失手的部分没有乘权重：差一单位要按二除以“一减置信水平”来罚，否则把区间说得越窄越划算。",
                "The miss has no weight: each unit of it costs two over one less the level, else the narrowest "
                "interval would always pay.",
            )),
            WrongAnswer("weight_of_one_side", width + miss / (1 - level), Words(
                "权重少了一半：两头各留一半的概率，所以分子是二，不是一。",
                "Half the weight is missing: half of the probability is left on either side, so the numerator is two.",
            )),
        ),
    )  # fmt: skip


def _brier(pays: bool) -> Exercise:
    said = SETTINGS["probability"]
    return Exercise(
        "brier_score", scoring.brier_score(said, pays), "", 0.001,
        Words(
            "说得越满，错了罚得越重；说一半对一半，永远不会错得离谱，也拿不到高分。",
            "The surer the claim, the dearer the error; fifty-fifty is never far wrong and never earns much.",
        ),
        Words(
            "结果划算记一，不划算记零。概率和它的差，取平方。先看 truth 表里这个品牌的私域划算不划算。",
            "The outcome is one if the pool pays and zero if not. Take the difference of the probability and square "
            "it. Look into the table truth whether this pool paid.",
        ),
        (
            WrongAnswer("wrong_outcome", scoring.brier_score(said, not pays), Words(
                "结果看反了：再看一眼 truth 表的 pays。",
                "The outcome is the wrong way round: look at pays in the table truth again.",
            )),
            WrongAnswer("not_squared", abs(said - float(pays)), Words(
                "差没有取平方。不取平方，最划算的就是只报零和一，不管心里有多少把握。",
                "The difference is not squared. Without that it would pay to say zero or one, however sure one is.",
            )),
        ),
    )  # fmt: skip


# --- the brand of the class ---


def open_brand(name: int | str, data_root: str | os.PathLike | None = None) -> Any:
    """Make the brand of a class, unless it is there already, and open it.

    Parameters
    ----------
    name : int or str
        Number of the class, 1 to 9999, or its name.
    data_root : path, optional
        See `new_brands.data_folder`.

    Returns
    -------
    Brand
    """
    folder = new_brands.make(name, data_root)
    return brands.load(folder.name, folder.parent)


def facts_of(brand: Any, seed: int = 1) -> Facts:
    """Run the library over a brand: evidence for the effect, the pool's value, the verdict, growth of the cost.

    Brand  ->  Facts

    Parameters
    ----------
    brand : Brand
    seed : int
        Of the draws, as on the pages.
    """
    orders, until, has = brand.scan("orders"), brand.observed_until, fit_views.tables_of(brand)
    facts = {name: market.load(name) for name in fit_views.MARKET}
    currency, margin = brand.config["currency"], brand.config["gross_margin"]
    evidence = pool_effect.brand_evidence(
        orders, has, until, margin, brand.history, level=LEVEL, seed=seed, horizons=(scoring.HORIZON_DAYS, 180)
    )
    own = industry_fit.brand_inputs(
        orders, until, known=evidence.histories, trials_effects=evidence.effects, identified=evidence.gain_level,
        late=evidence.late, level=LEVEL, seed=seed, gross_margin=margin, channels=brand.config["channels"],
        industry=brand.config["industry"], industries=facts["industries"], assumptions=facts["pool_assumptions"],
        currency=currency, rate_per_cny=fit_views.rate_per_cny(facts["exchange_rates"], currency, until),
        **{name: has[name] for name in ("members", "messages", "accounts", "pool_costs", "spend")},
    )  # fmt: skip
    value = industry_fit.pool_value(own.inputs, scoring.MONTHS, DRAWS, seed, LEVEL)
    often = pool_effect.frequency_verdict(evidence.frequency)
    messages = pool_effect.best_frequency(evidence.frequency)
    fixed = decision_brief.repaired(own.inputs, often, messages)
    decision = decision_brief.decide(
        value, effect_level=fit_views.evidence_level(evidence), own=own.own, frequency=often, level=LEVEL,
        fixed_value=industry_fit.pool_value(fixed, scoring.MONTHS, DRAWS, seed, LEVEL) if fixed else None,
    )  # fmt: skip
    growth, ends = _costs(brand, has["spend"], orders, until)
    apart = pool_effect.members_against_others(evidence.histories, scoring.HORIZON_DAYS, LEVEL)
    return Facts(brand, evidence, own, value, decision, apart, growth, ends, messages)


def _costs(brand: Any, spend: Any, orders: Any, until: Any) -> tuple[Estimate | Refused, tuple[float, float]]:
    """Growth of the paid acquisition cost, and that cost in the first and the last three months."""
    if spend is None:
        none = Refused("spend", 0, 1, "没有投放费用表。", "There is no table of spend.")
        return none, (float("nan"), float("nan"))
    paid = acquisition_cost.cost_table(spend, orders, until, "month", "paid", level=LEVEL, **brand.history)
    growth = acquisition_cost.growth(acquisition_cost.trend(paid, LEVEL))
    sums = [part[["spend", "new_customers"]].sum() for part in (paid.head(3), paid.tail(3))]
    return growth, tuple(float(part["spend"] / max(part["new_customers"], 1)) for part in sums)


def naive_form(facts: Facts) -> dict[str, Any]:
    """The brief that takes every figure at face value: members against others, first against last months, no doubt."""
    gain, ratio = facts.apart["orders_difference"], facts.apart["orders_ratio"]
    uplift = ratio.value - 1 if isinstance(ratio, Estimate) else 0.0
    inputs = facts.own.inputs.replaced(uplift=max(uplift, -1.0))
    pays = industry_fit.pool_value(inputs, scoring.MONTHS, DRAWS, 1, LEVEL).value.value > 0
    first, last = facts.ends
    growth = (last / first) ** (12 / 33) - 1 if first > 0 and last > 0 else 0.0  # between the middles of both quarters
    return {
        "verdict": "build" if pays else "do not",
        "gain": (gain.value, gain.low, gain.high) if isinstance(gain, Estimate) else (0.0, 0.0, 0.0),
        "growth": (growth, growth - 0.01, growth + 0.01),
        "probability": 0.95 if pays else 0.05,
        "evidence": "strong",
        "messages": _sent(facts),
        "find_out": "", "trade_off": "",
    }  # fmt: skip


def workbook_form(facts: Facts) -> dict[str, Any]:
    """The brief that writes down what pages 01, 04, 05 and 06 say, and no more."""
    level = facts.evidence.gain_level
    best = facts.messages["best_per_month"]
    return {
        "verdict": facts.decision.verdict,
        "gain": _gain(facts),
        # Where nothing can be told a wide range is honest: from a fall by a tenth to a rise by two fifths.
        "growth": tuple(getattr(facts.growth, end, other) for end, other in
                        (("value", 0.15), ("low", -0.1), ("high", 0.4))),
        "probability": facts.decision.probability_now.value if facts.decision.probability_now else 0.5,
        "evidence": level if level in brief_form.EVIDENCE else "not identified here",
        "messages": min(best.value, 60.0) if isinstance(best, Estimate) else _sent(facts),
        "find_out": "", "trade_off": "",
    }  # fmt: skip


def _gain(facts: Facts) -> tuple[float, float, float]:
    """Gain in orders as page 04 states it; not identified, the range that page 05 assumes: from none to face value."""
    of_lot = (facts.evidence.late or {}).get("orders") if isinstance(facts.evidence.late, Mapping) else None
    trials = facts.evidence.effects.get(scoring.HORIZON_DAYS)
    found = of_lot if of_lot is not None and not isinstance(of_lot, Refused) else None
    if found is None:
        found = trials["orders"] if trials is not None and not isinstance(trials, Refused) else None
    if found is None or isinstance(found, Refused):
        return 0.0, 0.0, 0.0
    if facts.evidence.identified:
        return float(found.value), float(found.low), float(found.high)
    high = max(float(found.high), 0.0)
    return min(max(float(found.value) / 2, 0.0), high), min(float(found.low), 0.0), high


def _sent(facts: Facts) -> float:
    """Promotions a month that are sent today, as page 05 counts them."""
    return float(min(industry_fit.typical_of(facts.own.inputs.messages_per_month), 60.0))


# --- what is shown ---

FACTS = {
    "apart": Words("九十天订单：私域客户比其他客户多", "Orders in 90 days: customers in the pool less all others"),
    "trials": Words(
        "九十天订单：加入者减同一周相近的客户", "Orders in 90 days: joiners less like customers, same week"
    ),
    "lot": Words("九十天订单：因抽签受邀而加入的人多下的", "Orders in 90 days: added for those who join as invited"),
    "first": Words("投放获客成本：最早三个月", "Paid acquisition cost: first three months"),
    "last": Words("投放获客成本：最近三个月", "Paid acquisition cost: last three months"),
    "growth": Words("投放获客成本的趋势，剔除季节", "Paid acquisition cost: trend, season taken out"),
    "value": Words("私域二十四个月的净值（按 05 页的假设）", "Net value of the pool over 24 months (as on page 05)"),
    "sent": Words("现在每月发的促销消息", "Promotions sent a month today"),
    "best": Words("按抽签留白算，最合适的条数", "Best number of promotions, by the holdout drawn by lot"),
}
NO_LOT = Words("没有抽签邀请", "no invitation by lot")
STILL = Words("还不能揭晓。", "Not to be revealed yet. ")
COMPLETE = Words("填好了，可以揭晓。", "Complete: the truth can be revealed.")


def facts_table(facts: Facts) -> pd.DataFrame:
    """The numbers from which a brief can be written, good ones beside tempting ones, as texts in both languages.

    Facts  ->  table (fact): fact_zh, fact_en, number_zh, number_en
    """
    currency, messages = facts.brand.config["currency"], facts.messages
    trials, late = facts.evidence.effects.get(scoring.HORIZON_DAYS), facts.evidence.late
    cost = [fit_views.in_unit(end, None, "money", currency) for end in facts.ends]
    numbers = {
        "apart": fit_views.stated(facts.apart["orders_difference"], currency),
        "trials": _effect_text(trials, currency),
        "lot": _effect_text(late, currency) if isinstance(late, Mapping) else tuple(NO_LOT),
        "first": cost[0], "last": cost[1],
        "growth": fit_views.stated(facts.growth, currency),
        "value": fit_views.stated(facts.value.value, currency),
        "sent": fit_views.in_unit(_sent(facts), None, "messages a month", currency),
        "best": fit_views.stated(messages["best_per_month"], currency),
    }  # fmt: skip
    rows = [(*FACTS[name], *number) for name, number in numbers.items()]
    return pd.DataFrame(rows, columns=["fact_zh", "fact_en", "number_zh", "number_en"])


def _effect_text(effects: Any, currency: str) -> tuple[str, str]:
    if not isinstance(effects, Mapping) or isinstance(effects["orders"], Refused):
        return ("说不清", "not known")
    found = effects["orders"]
    return fit_views.in_unit(found.value, (found.low, found.high), "orders per customer", currency)


def show_facts(ledger: Ledger, facts: Facts) -> None:
    """Show the facts of the class's brand, and the checks of each way of measuring the effect."""
    name = facts.brand.config["name"]
    shown_tables.show(
        ledger, facts_table(facts),
        {"fact": ("是什么", "What", "text"), "number": ("数（九成把握的区间）", "Number (90% interval)", "text")},
        caption_zh=f"{name['zh']}：写简报用的数", caption_en=f"{name['en']}: numbers to write the brief from",
    )  # fmt: skip
    shown_tables.show(
        ledger, effect_views.rule_rows(facts.evidence.verdicts),
        {
            "design": ("哪种比法", "Comparison", "text"), "rule": ("检查什么", "Check", "text"),
            "seen": ("看到", "Seen", "text"), "needed": ("要求", "Asked for", "text"),
            "passed": ("结果", "Result", "text"),
        },
        caption_zh="加入的效果：各种比法的检查", caption_en="The effect of joining: checks of every comparison",
    )  # fmt: skip


def show_rules(ledger: Ledger) -> None:
    """Show how the form is scored."""
    shown_tables.show(
        ledger, scoring.rules().rename(columns={"zh": "name_zh", "en": "name_en"}),
        {"name": ("项目", "Item", "text"), "most": ("分", "Points", "number"), "rule": ("怎么计分", "Rule", "text")},
        caption_zh="计分规则", caption_en="How the brief is scored",
    )  # fmt: skip


def show_missing(ledger: Ledger, form: Mapping[str, Any]) -> bool:
    """Say what the form still lacks, or that it is complete; returns whether it is."""
    found = brief_form.complaints(form)
    for lang in ledger.languages:
        said = [each.text(lang) for each in found.values()] or [COMPLETE.text(lang)]
        ledger.emit(lang, "form", "".join(f'<p class="siyu-form">{escape(text)}</p>' for text in said))
    return not found


def reveal(ledger: Ledger, name: int | str, form: Mapping[str, Any], facts: Facts) -> None:
    """Reveal the truth and score a form against it, beside the two answers to compare it with.

    As long as the form is not complete, says what is missing instead, and works out nothing.

    Parameters
    ----------
    ledger : Ledger
        Of the class's brand.
    name : int or str
        Number or name of the class.
    form : dict
        See `brief_form.complaints`.
    facts : Facts
        Of the class's brand, for the two answers to compare it with.
    """
    if brief_form.complaints(form):
        for lang in ledger.languages:
            ledger.emit(lang, "form", f'<p class="siyu-form">{escape(STILL.text(lang))}</p>')
        show_missing(ledger, form)
        return
    truth, settings = new_brands.truth_of(name), new_brands.settings_of(name)
    show_truth(ledger, truth, settings)
    made = scoring.score(form, truth, ledger.currency).rename(columns={"zh": "name_zh", "en": "name_en"})
    shown_tables.show(
        ledger, made,
        {
            "name": ("项目", "Item", "text"), "answer": ("你的答案", "Your answer", "text"),
            "truth": ("真相", "Truth", "text"), "points": ("得分", "Points", "mean"),
            "most": ("满分", "Of", "mean"), "why": ("为什么", "Why", "text"),
        },
        caption_zh=f"得分：{scoring.total(made)}，满分一百", caption_en=f"Points: {scoring.total(made)} of 100",
    )  # fmt: skip
    standings(ledger, name, {TEAM: form}, facts)


def show_truth(ledger: Ledger, truth: scoring.Truth, settings: new_brands.Settings) -> None:
    """Say what was true of the brand all along."""
    effect, selection = EFFECT_WORDS[settings.effect], scoring.SELECTION_WORDS[truth.selection]
    gain, net, growth = (
        [words.value_text(number, unit, lang, ledger.currency) for lang in words.LANGUAGES]
        for number, unit in ((truth.gain, "orders per customer"), (truth.net, "money"), (truth.growth or 0.0, "growth"))
    )  # fmt: skip
    said = {
        "zh": f"真相：加入的效果{effect.zh}（九十天里每位加入者多下 {gain[0]}）；{selection.zh}；"
        f"投放获客成本每年 {growth[0]}；私域头二十四个月的净值是 {net[0]}；"
        f"没有私域，会少来 {truth.new_customers} 位新客。",
        "en": f"The truth: joining does {effect.en} ({gain[1]} per joiner within 90 days); {selection.en}; the paid "
        f"acquisition cost moves by {growth[1]} a year; over its first 24 months the pool was worth {net[1]}; without "
        f"it {truth.new_customers} new customers would not have come.",
    }
    for lang in ledger.languages:
        ledger.emit(lang, "truth", f'<p class="siyu-form">{escape(said[lang])}</p>')


EFFECT_WORDS = {
    "none": Words("几乎没有", "almost nothing"),
    "small": Words("小", "little"),
    "as usual": Words("中等", "a fair amount"),
    "large": Words("大", "much"),
}


def standings(ledger: Ledger, name: int | str, forms: Mapping[str, Mapping[str, Any]], facts: Facts) -> None:
    """Points of several teams side by side, with the answer at face value and that of the workbook; best first.

    A form that is not complete is left blank; where none is complete, nothing is worked out.
    """
    if not any(not brief_form.complaints(form) for form in forms.values()):
        for lang in ledger.languages:
            ledger.emit(lang, "form", f'<p class="siyu-form">{escape(STILL.text(lang))}</p>')
        return
    all_forms = {**forms, FACE_VALUE: naive_form(facts), WORKBOOK: workbook_form(facts)}
    made = scoring.compare(all_forms, new_brands.truth_of(name))
    both = made["name"].str.split(" / ", n=1)
    made = made.drop(columns="name").assign(name_zh=both.str[0], name_en=both.str[-1])
    columns = {item: (*brief_form.ITEMS[item], "mean") for item in made.columns if item in brief_form.POINTS}
    shown_tables.show(
        ledger, made, {"name": ("谁", "Who", "text"), "points": ("总分", "Total", "mean"), **columns},
        caption_zh="各组得分，从高到低", caption_en="Points of every team, best first",
        blank=("没填完", "not complete"),
    )  # fmt: skip
