"""What each published acquisition cost is held against: company, years and the reason, decided once and for all to see.

Only the choice is written here. The figures are computed from the filings by `claims.claims_register`.
"""

from __future__ import annotations

from typing import NamedTuple

from siyu_helpers.analysis.acquisition.filings import RESTATED
from siyu_helpers.analysis.estimates import Words


class Match(NamedTuple):
    """What a claim is held against: RMB per net new buyer of a company in one or more periods; None: nothing there."""

    company: str | None
    periods: tuple[str, ...]
    why: Words


_NEXT_FISCAL = Words(
    "原页把截至次年 3 月的财年记作当年。", "The page labels a fiscal year by the calendar year in which it begins."
)
_BOTH_FISCAL = Words(
    "财年截至 3 月，所称年份跨两个财年，都比。", "Fiscal years end in March, so both that share the year are tried."
)
_METHOD_UNKNOWN = Words("原文没有交代算法。", "The source does not say how it was worked out.")
_SELF = Words(
    "本数据集自己的推算，只说明算术无误，不是旁证。",
    "Derived in this data set: it checks the arithmetic and is no evidence.",
)
_BUDGET = Words("说的是预算总额，不是单客成本。", "A total budget, not a cost per customer.")
_FOLKLORE = Words(
    "倍数没有数据出处，年报也不分新客与老客。", "A multiple without data; filings do not split new and old customers."
)
NO_FILING = Words("这一口径在年报里没有对应的数。", "No filing publishes what it measures.")


def both(first: Words, second: Words) -> Words:
    """Two remarks after one another, in both languages."""
    return Words(first.zh + second.zh, f"{first.en} {second.en}")


_SAME_YEAR_CLAIMS = Words(
    "另有一条同年的京东数字相差数倍，两条不可能是同一比率。",
    "Another claim for JD.com and the same year differs several times over: they cannot both be this ratio.",
)
_RESTATED_EXPENSE = Words("用重述后的营销开支。", "With the restated marketing expense.")
MATCHES = {
    "cac01": Match("Alibaba", ("FY2013", "FY2014"), both(_METHOD_UNKNOWN, _BOTH_FISCAL)),
    "cac02": Match("Alibaba", ("FY2017", "FY2018"), both(_METHOD_UNKNOWN, _BOTH_FISCAL)),
    "cac03": Match("Alibaba", ("FY2016",), _NEXT_FISCAL),
    "cac04": Match("Alibaba", ("FY2017",), _NEXT_FISCAL),
    "cac05": Match("Alibaba", ("FY2019",), _NEXT_FISCAL),
    "cac06": Match("JD.com" + RESTATED, ("2016",), _RESTATED_EXPENSE),
    "cac07": Match("JD.com" + RESTATED, ("2018",), _SAME_YEAR_CLAIMS),
    "cac08": Match("Alibaba", ("FY2018", "FY2019"), both(_METHOD_UNKNOWN, _BOTH_FISCAL)),
    "cac09": Match("JD.com" + RESTATED, ("2018",), both(_METHOD_UNKNOWN, _SAME_YEAR_CLAIMS)),
    "cac10": Match("Vipshop", ("2018",), both(_METHOD_UNKNOWN, Words(
        "唯品会当年只公布季度活跃客户。", "Vipshop published active customers of quarters only."))),
    "cac11": Match("PDD", ("2018",), _METHOD_UNKNOWN),
    "cac12": Match("Alibaba", ("FY2017", "FY2018"), both(Words("券商估算。", "A broker's estimate."), _BOTH_FISCAL)),
    "cac13": Match("Alibaba", ("FY2019", "FY2020"), both(Words("券商估算。", "A broker's estimate."), _BOTH_FISCAL)),
    "cac14": Match(None, (), Words("代理商指数，构成未公布。", "An agency's index whose make-up is not published.")),
    "cac19": Match(None, (), Words(
        "公司自算，并计入留存、扩科和转介绍；年报口径只有报名人次，营收真实性也受过质疑。",
        "Company-derived, weighted with retention and referral; only enrolments are published, and its revenue was "
        "disputed.")),
    "cac20": Match(None, (), Words("只是数量级。", "An order of magnitude only.")),
    "cac21": Match(None, (), Words(
        "推算自转化率，没有公司披露。", "Worked out from a conversion rate; no company discloses it.")),
    "cac22": Match(None, (), Words("一位前员工的说法。", "One former employee's word.")),
    "cac23": Match(None, (), Words(
        "疑似机器撰写的复盘文，公司未上市。", "A text that reads as machine-written; the firm is not listed.")),
    "cac24": Match(None, (), _BUDGET),
    "cac25": Match(None, (), _BUDGET),
    "cac26": Match(None, (), Words("编程课里的举例。", "An example in a programming course.")),
    "cac29": Match(None, (), Words("厂商软文，没有分母。", "Vendor marketing without a denominator.")),
    "cac30": Match(None, (), Words("个别商家的说法。", "The word of some merchants.")),
    "cac31": Match(None, (), _FOLKLORE),
    "cac32": Match(None, (), _FOLKLORE),
    "cac33": Match(None, (), _FOLKLORE),
    "cac34": Match(None, (), Words(
        "说的是客均收入，不是获客成本；年报数据没有拆出自有渠道收入。",
        "Revenue per customer, not a cost; the filings here do not split out the revenue of its own channels.")),
    "cac37": Match("PDD", ("2019",), _SELF),
    "cac38": Match("JD.com", ("2015",), _SELF),
}  # fmt: skip
