"""Names of listed platforms, of their periods and of the two ratios, in both languages of the pages."""

from __future__ import annotations

from siyu_helpers.analysis.estimates import Words

#: Names of the companies in both languages; one that is not here keeps the name of the table.
COMPANIES = {
    "Alibaba": Words("阿里巴巴", "Alibaba"),
    "Gaotu (GSX)": Words("高途（原跟谁学）", "Gaotu (GSX)"),
    "JD.com": Words("京东", "JD.com"),
    "JD.com (restated)": Words("京东（重述口径）", "JD.com (restated)"),
    "Kidswant": Words("孩子王", "Kidswant"),
    "Kuaishou": Words("快手", "Kuaishou"),
    "Luckin Coffee": Words("瑞幸咖啡", "Luckin Coffee"),
    "Meituan": Words("美团", "Meituan"),
    "New Oriental": Words("新东方", "New Oriental"),
    "PDD": Words("拼多多", "PDD"),
    "Pagoda": Words("百果园", "Pagoda"),
    "Pop Mart": Words("泡泡玛特", "Pop Mart"),
    "TAL Education": Words("好未来", "TAL Education"),
    "Three Squirrels": Words("三只松鼠", "Three Squirrels"),
    "Vipshop": Words("唯品会", "Vipshop"),
    "Yatsen (Perfect Diary)": Words("逸仙电商（完美日记）", "Yatsen (Perfect Diary)"),
}
MEASURES = {
    "per_net_new": Words("每净增一位活跃买家的销售与市场费用", "sales and marketing per net new active buyer"),
    "per_active": Words("每位活跃买家的销售与市场费用", "sales and marketing per active buyer"),
}
GUARDS = {
    "": Words("可读", "may be read"),
    "stalled": Words(
        "净增不足上年末活跃买家的 3%，比值没有意义，留空",
        "net adds below 3% of last year's active buyers: the ratio means nothing, blank",
    ),
    "shrinking": Words(
        "活跃买家减少，没有净增可除，留空", "active buyers fell: there are no net adds to divide by, blank"
    ),
    "first year": Words("序列的第一年，没有上年数，留空", "first year of the series, no earlier count, blank"),
    "not known": Words("上年活跃买家数未知，留空", "count of the year before not known, blank"),
}
# What a company publishes instead of what is needed here.
INSTEAD = {
    "enrolments_m": Words("报名人次（不是买家人数）", "enrolments, which are not people"),
    "dau_m": Words("日活（不是买家）", "daily users, who need not buy"),
    "avg_monthly_customers_m": Words("月均交易客户", "average monthly customers"),
    "members_m": Words("注册会员累计数", "registered members, cumulative"),
}


def name(company: str, language: str) -> str:
    """Name of a company or series in "zh" or "en"; one that is not in `COMPANIES` keeps its own.

    Example
    -------
    >>> name("JD.com (restated)", "zh"), name("Acme", "zh")
    ('京东（重述口径）', 'Acme')
    """
    return COMPANIES.get(company, Words(company, company)).text(language)


def period_name(period: str, language: str) -> str:
    """A period in words: "2018 年" / "2018", "2018 财年" / "FY2018".

    Example
    -------
    >>> period_name("FY2018", "zh"), period_name("2018", "en")
    ('2018 财年', '2018')
    """
    if language == "en":
        return str(period)
    return f"{str(period).removeprefix('FY')} {'财年' if str(period).startswith('FY') else '年'}"


def place_name(company: str, period: str, language: str) -> str:
    """A company and a period as a sentence names them.

    Example
    -------
    >>> place_name("PDD", "2018", "zh"), place_name("JD.com (restated)", "2016", "zh"), place_name("PDD", "2018", "en")
    ('拼多多 2018 年', '京东（重述口径）2016 年', 'PDD 2018')
    """
    said = name(company, language)
    return said + ("" if said.endswith("）") else " ") + period_name(period, language)
