"""Lesson 11, grading claims: how good the evidence is, what is missing to test it, and what its own numbers imply."""

from typing import Any

import numpy as np
import pandas as pd

from siyu_helpers.analysis.estimates import Words
from siyu_helpers.analysis.evidence_register import SOURCES, dormant_base
from siyu_helpers.data import market
from siyu_helpers.teaching.exercises import Exercise, WrongAnswer

BRANDS = ("xiaoman", "sanli", "yunzuo")
#: Vipshop's figures as an article and its annual report of 2021 have them; then what the last question takes.
SETTINGS = {
    "registered": 400_000_000,
    "active": 93_900_000,
    "told_rate": 0.5,
    "asleep_days": 30,
    "within_days": 90,
    "watched_days": 365,
}
GRADES = ("A", "B", "C", "D")
#: The five claims to be graded, in the order in which they are handed out, with what each names as its source.
NAMED = {
    "cl009": "",
    "pd49": "公司自己给投资者的材料 / the company's own presentation to investors",
    "cl008": "",
    "cl022": "",
    "pd57": "财经网站转述年报 / a financial news site, on the annual report",
}
EXACT = ("cl009", "pd49", "cl022", "pd57")  # those with a figure
OWN = ("pd49",)  # those whose source is a document of the party itself


def tables(brand: Any) -> dict[str, pd.DataFrame]:
    """What the students are handed: five claims without their grades, and a brand's dormant customers.

    Returns
    -------
    dict
        "claims" (one claim): id, claim_zh, claim_en; articles (how many of the four articles say it; 0: found
        elsewhere); named_source (what is named as the source, blank: nothing); own_document (that source is a document
        of the party itself); seller ("none", "publisher": the site that published it sells a tool for it, "named
        product": what it recommends is being sold); exact (it states a figure).
        "sleepers" (one customer without an order in the thirty days up to a date one year before the end of the data):
        on_list (got a promotion in those thirty days: so it was known before the counting begins who is written to);
        days_to_order (days from that date to the next order, from 1 on; blank where none came until the end).
    """
    return {"claims": _claims(), "sleepers": _sleepers(brand)}


def exercises(brand: Any, tables: dict[str, pd.DataFrame]) -> tuple[Exercise, ...]:
    """The lesson's four questions with their answers on this brand."""
    return _grades(tables["claims"]), _testable(), _woken(), _alone(tables["sleepers"])


def grades() -> dict[str, str]:
    """Grades of the five claims as the registers hold them."""
    return {id: row["grade"] for id, row in _rows().items()}


def _rows() -> dict[str, pd.Series]:
    listed = {name: market.load(name).set_index("id") for name in ("claims", "private_domain_benchmarks")}
    return {id: listed["claims" if id.startswith("cl") else "private_domain_benchmarks"].loc[id] for id in NAMED}


def _claims() -> pd.DataFrame:
    rows = _rows()
    return pd.DataFrame({
        "id": list(rows),
        "claim_zh": [row["claim_zh"] for row in rows.values()],
        "claim_en": [row["claim_en"] for row in rows.values()],
        "articles": [len(set(row.get("sources", "").split(";")) & set(SOURCES)) for row in rows.values()],
        "named_source": list(NAMED.values()),
        "own_document": [id in OWN for id in rows],
        "seller": [row.get("seller", "none") for row in rows.values()],
        "exact": [id in EXACT for id in rows],
    })  # fmt: skip


def _sleepers(brand: Any) -> pd.DataFrame:
    orders, messages = brand.table("orders"), brand.table("messages")
    begin = pd.Timestamp(brand.observed_until) - pd.Timedelta(SETTINGS["watched_days"], unit="D")
    day = orders["ordered_at"].dt.normalize()
    last = day[day <= begin].groupby(orders["customer_id"]).max()
    asleep = last.index[last <= begin - pd.Timedelta(SETTINGS["asleep_days"], unit="D")]
    back = day[day > begin].groupby(orders["customer_id"]).min().reindex(asleep)
    sent = messages["sent_at"].dt.normalize()
    # Whether somebody is written to is taken from before the date: whoever returns may join and be written to later.
    lately = (sent <= begin) & (sent > begin - pd.Timedelta(SETTINGS["asleep_days"], unit="D"))
    written = messages.loc[lately & (messages["kind"] == "promotion"), "customer_id"].unique()
    return pd.DataFrame({"on_list": asleep.isin(written), "days_to_order": (back - begin).dt.days.to_numpy()})


def _grades(claims: pd.DataFrame) -> Exercise:
    right = tuple(grades()[id] for id in claims["id"])
    named, own, said = (claims[name] for name in ("named_source", "own_document", "articles"))
    by_figure = _graded((claims["exact"], "A"), (named != "", "B"))
    by_voices = _graded((own, "A"), ((named != "") | (said > 1), "B"))
    unasked = _graded((own, "A"), (named != "", "B"))
    any_source = _graded((named != "", "A"), (claims["seller"] != "none", "D"))
    return Exercise(
        "grades", right, "", 0.0,
        Words(
            "等级看的是出处和利益，不看数字多细、有多少人说。低等级不等于假，只是还不能拿来做决定。",
            "A grade is about the source and who gains, not about decimals or how many say it. A low grade is not "
            "false; it only cannot carry a decision yet.",
        ),
        Words(
            "逐条问：写明出处了吗？出处是当事方自己的文件，还是别人转述？没有出处的，有没有人靠它卖东西？",
            "Ask of each: is a source named? Is it the party's own document or somebody's word? If none is named, does "
            "anybody sell by it?",
        ),
        (
            WrongAnswer("exact_is_true", by_figure, Words(
                "数字说得再细，也不是出处。先问这个数是谁、怎么数出来的；编一个精确的数，和编一个大概的数一样容易。",
                "A figure, however exact, is not a source. Ask who counted and how; an exact figure is as easily made "
                "up as a rough one.",
            )),
            WrongAnswer("many_repeat_it", by_voices, Words(
                "几篇文章互相抄，算一个出处；都没写出处，就是一个出处也没有。重复的次数不是证据。",
                "Articles that copy one another are one source, and where none of them names one, there is none. How "
                "often it is repeated is no evidence.",
            )),
            WrongAnswer("seller_not_asked", unasked, Words(
                "有一条，文章推荐的产品正好是要卖的东西。没有出处，再加上有人靠它卖货，要再降一级。",
                "In one of them what is recommended is just what is being sold. Without a source, and with somebody "
                "selling by it, it goes down one more.",
            )),
            WrongAnswer("a_named_source_is_the_party", any_source, Words(
                "写明了出处，可以去查；可媒体转述，不是当事方自己的文件。再看 own_document 这一列。",
                "A source is named and can be looked up; but what a news site passes on is not a document of the "
                "party itself. Look at own_document.",
            )),
        ),
        GRADES,
    )  # fmt: skip


def _graded(*rules: tuple[pd.Series, str]) -> tuple[str, ...]:
    """Grades by rules asked in order; C where none holds."""
    return tuple(np.select([where for where, _ in rules], [grade for _, grade in rules], "C").tolist())


def _testable() -> Exercise:
    return Exercise(
        "testable", "d", "", 0.0,
        Words(
            "分母、窗口、对照三样都有了。这句话可以是错的，所以可以检验。",
            "Denominator, window and comparison are all there. The sentence could turn out wrong, so it can be tested.",
        ),
        Words(
            "一句话要能检验，得说清三样：谁在分母里、多少天之内、和谁比。",
            "To be testable, a sentence must say three things: who is in the denominator, within how many days, and "
            "compared with whom.",
        ),
        (
            WrongAnswer("more_decimals", "a", Words(
                "多了一位小数，没多一点内容：沉睡多久算沉睡？几天之内？点开算不算唤醒？",
                "A decimal more and nothing else: asleep for how long, within how many days, and does opening the "
                "message count?",
            )),
            WrongAnswer("more_voices", "b", Words(
                "说的人多了，口径还是没有。四篇都没写分母，合起来也拼不出一个分母。",
                "More voices, still no definition. Four articles without a denominator do not add up to one.",
            )),
            WrongAnswer("nobody_to_compare_with", "c", Words(
                "分母和窗口有了，缺了对照：不发短信，这些人里也有一些会自己回来。",
                "There is a denominator and a window, but no comparison: without a message some of them return too.",
            )),
        ),
        ("a", "b", "c", "d"),
    )  # fmt: skip


def _woken() -> Exercise:
    registered, active, rate = (float(SETTINGS[name]) for name in ("registered", "active", "told_rate"))
    asleep = registered - active
    return Exercise(
        "woken_over_active", dormant_base().figures["dormant_base_times"].value, "times", 0.01,
        Words(
            "叫醒的人比全年下单的客户还多，不可能。要么只发给了一小部分人，要么“叫醒”不是下单：分母不写清，数就没法用。",
            "More would be woken than ordered in the whole year, which cannot be. Either only some were written to, or "
            "woken is not ordering: without its denominator the rate is of no use.",
        ),
        Words(
            "先算沉睡的有多少人：注册用户减全年活跃。乘上说的唤醒率，再除以全年活跃客户。",
            "First, how many are asleep: registered less active. Times the rate that is told, over the active "
            "customers of the year.",
        ),
        (
            WrongAnswer("everybody_asleep", rate * registered / active, Words(
                "把注册用户全算成沉睡了。这一年活跃过的人没有睡，先减掉。",
                "All registered users are taken to be asleep. Those active in the year are not: take them off first.",
            )),
            WrongAnswer("rate_left_out", asleep / active, Words(
                "这是沉睡的人是活跃客户的几倍。题目问的是叫醒的人，还要乘唤醒率。",
                "That is how many times the active customers are asleep. Asked for are those woken: the rate is "
                "missing.",
            )),
            WrongAnswer("over_registered", rate * asleep / registered, Words(
                "除以了注册用户。题目要和全年活跃客户比。",
                "Over the registered users. Compare with the customers active in the year.",
            )),
        ),
    )  # fmt: skip


def _alone(sleepers: pd.DataFrame) -> Exercise:
    back = sleepers["days_to_order"] <= SETTINGS["within_days"]
    quiet = ~sleepers["on_list"]
    return Exercise(
        "back_anyway", back[quiet].mean(), "share", 0.001,
        Words(
            "不在群发名单上，他们也回来了。任何“唤醒率”都要先和这个数比；要算出消息的作用，得随机抽签，留一组不发。",
            "They were on no list and returned. Any wake-up rate is to be held against this first; what messages do "
            "takes a group, drawn at random, that gets none.",
        ),
        Words(
            "分母：不在名单上的沉睡客户。分子：其中在 within_days 天之内下单的。空格是没有再来，留在分母里。",
            "Below: dormant customers who are not on the list. Above: those of them who ordered within within_days. A "
            "blank did not return and stays in the denominator.",
        ),
        (
            WrongAnswer("messages_take_the_credit", back[~quiet].mean(), Words(
                "这是名单上的人里下单的占比，供应商报的就是它。名单上的人本来就买得勤，里面也有不发也会来的人。",
                "That is the share among those on the list, which is what sellers report. They buy more often to begin "
                "with, and some of them would have come anyway.",
            )),
            WrongAnswer("all_sleepers", back.mean(), Words(
                "分母里混进了名单上的人。题目问的是不在名单上的。",
                "Those on the list are in it too. Asked for are those who are not.",
            )),
            WrongAnswer("no_window", sleepers.loc[quiet, "days_to_order"].notna().mean(), Words(
                "没有窗口，一直数到数据的最后一天。等得越久，“唤醒率”越高，发不发都一样。",
                "There is no window: it counts to the last day of the data. The longer one waits, the higher the rate, "
                "with or without messages.",
            )),
            WrongAnswer("among_those_who_returned", quiet[back].mean(), Words(
                "分母成了回来的人：这是回来的人里不在名单上的占比，不是不在名单上的人里回来的占比。",
                "The denominator became those who returned: this is the share of them who are not on the list, not the "
                "share of those not on the list who returned.",
            )),
        ),
    )  # fmt: skip
