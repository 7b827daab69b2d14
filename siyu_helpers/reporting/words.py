"""How numbers, units and the fixed words of a page read in Chinese and in English.

Nothing here computes: a value comes in, text goes out, in one of the two languages.
"""

import math
import re
from typing import Any

LANGUAGES = ("zh", "en")

#: Currencies with a sign or a name a reader knows; any other is written with its ISO code.
CURRENCIES = {
    "CNY": {"zh": "{} 元", "en": "CNY {}"},
    "USD": {"zh": "{} 美元", "en": "${}"},
    "EUR": {"zh": "{} 欧元", "en": "€{}"},
    "GBP": {"zh": "{} 英镑", "en": "£{}"},
    "HKD": {"zh": "{} 港元", "en": "HK${}"},
    "JPY": {"zh": "{} 日元", "en": "JPY {}"},
}

#: What a spreadsheet takes for the beginning of a formula.
FORMULA_BEGINS = ("=", "+", "-", "@", "\t")

#: Unit code of an Estimate -> what follows the number: Chinese, English for one, English for several.
COUNTED = {
    "customers": (" 位客户", " customer", " customers"),
    "new customers": (" 位新客", " new customer", " new customers"),
    "orders": (" 笔订单", " order", " orders"),
    "days": (" 天", " day", " days"),
    "months": (" 个月", " month", " months"),
    "cohorts": (" 个同期群", " cohort", " cohorts"),
    "orders per customer": (" 笔/人", " order per customer", " orders per customer"),
    "purchases": (" 次购买", " purchase", " purchases"),
    "purchases per customer": (" 次/人", " purchase per customer", " purchases per customer"),
    "percentage points": (" 个百分点", " percentage point", " percentage points"),
    "percentage points a year": (" 个百分点/年", " percentage point a year", " percentage points a year"),
    "times": (" 倍", " time", " times"),
    "claims": (" 条", "", ""),
    "casts": (" 竿", " cast", " casts"),
    "terms": (" 个词", " term", " terms"),
    "metrics": (" 个指标", " metric", " metrics"),
    "variants": (" 种算法", " variant", " variants"),
    "contradictions": (" 处", "", ""),
    "channels": (" 个", " channel", " channels"),
    "inputs": (" 项", "", ""),
    "rules": (" 条", "", ""),
    "industries": (" 个行业", " industry", " industries"),
    "km": (" 公里", " km", " km"),
    "years": (" 年", " year", " years"),
    "touches": (" 次触达", " touch", " touches"),
    "messages": (" 条", " message", " messages"),
    "messages a month": (" 条/月", " message a month", " messages a month"),
    "messages per customer": (" 条/人", " message per customer", " messages per customer"),
    "messages per purchase": (" 条/次购买", " message per purchase", " messages per purchase"),
    "people": (" 人", " person", " people"),
    "weeks": (" 周", " week", " weeks"),
    "minutes": (" 分钟", " minute", " minutes"),
    "hours": (" 小时", " hour", " hours"),
    "kilometres": (" 公里", " kilometre", " kilometres"),
    "accounts": (" 个账号", " account", " accounts"),
    "customers a month": (" 位客户/月", " customer a month", " customers a month"),
    "customers per customer": (" 位", " per 100 customers", " per 100 customers"),  # read per hundred: far below one
    "customers per account": (" 位客户/账号", " customer per account", " customers per account"),
    "orders a month": (" 笔/月", " order a month", " orders a month"),
    "minutes a day": (" 分钟/天", " minute a day", " minutes a day"),
    "standard deviations": (" 个标准差", " standard deviation", " standard deviations"),
}

#: Units read in whole numbers, and in tenths, wherever the number reaches 1 or 0.1.
WHOLE = ("customers", "customers a month", "customers per account", "minutes")
TENTHS = ("months", "messages a month", "messages per purchase", "accounts")

#: Units of which a sentence may leave out the "per": what is then left.
AMOUNTS = {
    "money per customer": "money",
    "money per order": "money",
    "money per message": "money",
    "money a month": "money",
    "RMB per buyer": "RMB",
}

#: Grades of the evidence for an effect, as page 04 gives them; "" where nothing could be graded.
EVIDENCE = {
    "strong": {"zh": "证据充分", "en": "strong"},
    "suggestive": {"zh": "有一定证据", "en": "suggestive"},
    "not identified here": {"zh": "凭这些数据无法判定", "en": "not identified here"},
    "": {"zh": "", "en": ""},
}

#: What the probability on a verdict's card is of, unless the verdict says otherwise.
PROBABILITY_OF = {"zh": "私域划算的可能性", "en": "Probability that the pool pays"}

#: Units that are a change in percent, and what follows the number: Chinese before it, English behind it.
GROWTH = {"growth": ("", ""), "growth a year": ("每年 ", " a year")}

#: The fixed words of a page.
PAGE = {
    "findings": {"zh": "主要发现", "en": "Findings"},
    "no_findings": {
        "zh": "本页暂无结论：数据还不够，原因写在下面各节。",
        "en": "No finding: the data do not reach far enough; the sections below say what is missing.",
    },
    "contents": {"zh": "目录", "en": "Contents"},
    "definitions": {"zh": "指标口径", "en": "Definitions"},
    "parameters": {"zh": "本页参数", "en": "Parameters of this page"},
    "parameter": {"zh": "参数", "en": "parameter"},
    "setting": {"zh": "取值", "en": "value"},
    "provenance": {"zh": "出处与复现", "en": "Provenance, and how to repeat this"},
    "show_code": {"zh": "显示代码", "en": "Show the code"},
    "numbers_file": {"zh": "下载本页全部数字（CSV）", "en": "All numbers of this page (CSV)"},
    "synthetic": {"zh": "虚构品牌：数据由程序生成", "en": "Invented brand: the data were simulated"},
    "skip": {"zh": "跳到正文", "en": "Skip to the findings"},
    "table_behind": {"zh": "查看图中数据", "en": "The numbers behind the chart"},
    "source": {"zh": "来源", "en": "Source"},
    "public_facts": {"zh": "公开财报与公告", "en": "Public filings and releases"},
    "our_tables": {"zh": "本手册的登记表", "en": "The workbook's own register"},
    "model": {
        "zh": "按本节所列假设由模型算出，不是观测数据",
        "en": "computed by a model from the inputs given in this section, not observed",
    },
    "unit": {"zh": "单位", "en": "Unit"},
    "inputs": {"zh": "输入文件", "en": "Input files"},
    "file": {"zh": "文件", "en": "file"},
    "rows": {"zh": "行数", "en": "rows"},
    "versions": {"zh": "软件版本", "en": "Software"},
    "command": {"zh": "重新生成本页的命令", "en": "Command that makes this page again"},
    "code_hash": {"zh": "代码指纹", "en": "Fingerprint of the code"},
    "all_brands": {"zh": "全部品牌", "en": "All brands"},
    "brand_pages": {"zh": "本品牌各页", "en": "Pages of this brand"},
    "other_language": {"zh": "English", "en": "中文"},
    "not_stated": {"zh": "暂不给出：", "en": "Not stated: "},
    "ranges": {
        "zh": "括号内为 {level} 置信区间：{explain}",
        "en": "Ranges in brackets are {level} confidence intervals: {explain}",
    },
    "ranges_explain": {
        "zh": "反复抽样时，按同一方法算出的区间约有 {level} 会包含真实值。",
        "en": "over repeated samples, about {level} of intervals computed this way contain the true value.",
    },
    "where_from": {"zh": "每个数字从哪里来", "en": "Where each number comes from"},
    "title": {"zh": "私域流量研究手册", "en": "Private-domain traffic workbook"},
    "brand": {"zh": "品牌", "en": "Brand"},
    "page": {"zh": "页面", "en": "Page"},
    "period": {"zh": "数据期间", "en": "Period"},
    "search": {"zh": "查找", "en": "Search"},
    "any": {"zh": "全部", "en": "all"},
    "show_all": {"zh": "显示全部", "en": "Show all"},
    "rows_shown": {"zh": "显示：{n} / {N} 行", "en": "Shown: {n} of {N} rows"},
    "words_here": {"zh": "本节用到的词", "en": "Words of this section"},
    "formula": {"zh": "公式", "en": "Formula"},
    "computed_on": {"zh": "计算见", "en": "Computed in"},
    "swipe": {"zh": "左右滑动看全图", "en": "Swipe sideways to see the whole chart"},
    "swipe_table": {"zh": "左右滑动看全表", "en": "Swipe sideways to see the whole table"},
    "meaning": {"zh": "含义", "en": "meaning"},
    "choose": {
        "zh": "选一个品牌，看它的结论。",
        "en": "Choose a brand to read what its own orders say.",
    },
    "warnings": {"zh": "数据提醒", "en": "About the data"},
    "verdict": {"zh": "结论", "en": "Verdict"},
    "evidence": {"zh": "私域效果的证据", "en": "Evidence for the effect"},
    "not_given": {"zh": "未另给", "en": "not given"},
    "failed": {"zh": "最近一次生成失败，这里是上一次的页面", "en": "the last run failed; this is the page before it"},
    "failed_first": {"zh": "生成失败，还没有可看的页面", "en": "failed; there is no page yet"},
}

#: The fixed words of the index pages.
INDEX = {
    "customers": {"zh": "客户", "en": "Customers"},
    "pages": {"zh": "页数", "en": "Pages"},
    "until": {"zh": "数据截至", "en": "Data until"},
    "made": {"zh": "生成于", "en": "Made on"},
    "state": {"zh": "状态", "en": "State"},
    "fresh": {"zh": "已是最新", "en": "up to date"},
    "older_data": {"zh": "数据已更新，页面仍是旧数据", "en": "made from older data"},
    "older_code": {"zh": "代码已更新，页面未重新生成", "en": "made by older code"},
    "altered": {"zh": "页面文件缺失或被改动", "en": "a file is missing or was altered"},
    "invented": {"zh": "虚构品牌", "en": "Invented brand"},
    "decided": {"zh": "结论", "en": "Verdict"},
    "value": {"zh": "期内净值", "en": "Value over the horizon"},
    "payback": {"zh": "回本（月）", "en": "Payback, months"},
    "chance": {"zh": "划算的可能性", "en": "Probability that it pays"},
    "graded": {"zh": "效果的证据", "en": "Evidence"},
    "no_brief": {"zh": "未生成", "en": "not rendered"},
    "scenario": {"zh": "另给参数", "en": "parameters given"},
    "over": {"zh": "{} 个月", "en": "{} months"},
    "currencies": {
        "zh": "金额按各品牌的货币列出；排序时先按货币分组，不作换算。",
        "en": "Amounts are in each brand's own currency; sorting groups them by currency and converts nothing.",
    },
    "as_of": {"zh": "核对于", "en": "checked"},
    "only_zh": {"zh": "仅中文页", "en": "Chinese page only"},
    "only_en": {"zh": "仅英文页", "en": "English page only"},
    "checked": {
        "zh": "状态是核对那一刻的情况；之后数据若有变动，请重新运行 siyu render。",
        "en": "The state is that of the time it was checked; if the data have changed since, run siyu render again.",
    },
    "moved": {"zh": "与上次相比变动的数字", "en": "Numbers that moved since the last run"},
    "moved_file": {"zh": "下载变动明细（CSV）", "en": "All of them (CSV)"},
    "number": {"zh": "数字（口径）", "en": "Number, in words"},
    "before": {"zh": "上次", "en": "Before"},
    "after": {"zh": "本次", "en": "Now"},
    "why": {"zh": "可能的原因", "en": "Possible reason"},
    "digits": {"zh": "变动在未显示的小数位", "en": "moved in digits not shown"},
    "number_added": {"zh": "上次没有", "en": "not there"},
    "number_gone": {"zh": "本次没有", "en": "no longer there"},
    "compared": {"zh": "{before} 与 {after} 两次生成相比", "en": "Pages of {after} against {before}"},
}

#: What may have moved a number, by the part of a page's origin that changed.
CAUSES = {
    "data": {"zh": "数据有变动", "en": "the data changed"},
    "code": {"zh": "代码有变动", "en": "the code changed"},
    "parameters": {"zh": "参数不同", "en": "other parameters"},
    "software": {"zh": "软件版本有变动", "en": "software versions changed"},
}
NO_CAUSE = {"zh": "原因不明：输入没有变动", "en": "not known: no input changed"}


def causes_text(causes: list[str], lang: str) -> str:
    """Why a number may have moved, in words.

    >>> causes_text(["data", "code"], "en"), causes_text([], "zh")
    ('the data changed; the code changed', '原因不明：输入没有变动')
    """
    if not causes:
        return NO_CAUSE[lang]
    return ("；" if lang == "zh" else "; ").join(CAUSES[name][lang] for name in causes if name in CAUSES)


def cell_text(text: str) -> str:
    """A text as a spreadsheet's cell: one that begins like a formula would be run, an apostrophe makes it text.

    A carriage return, which would end the row, becomes a space.

    >>> cell_text("=1+1"), text_of_cell("'=1+1"), cell_text("share")
    ("'=1+1", '=1+1', 'share')
    """
    text = text.replace("\r", " ")
    return f"'{text}" if text[:1] in FORMULA_BEGINS else text


def text_of_cell(text: str) -> str:
    """The text that `cell_text` made safe."""
    return text[1:] if text[:1] == "'" and text[1:2] in FORMULA_BEGINS else text


def page_words(lang: str) -> dict[str, str]:
    """The fixed words of a page in one language, by key."""
    return {key: both[lang] for key, both in PAGE.items()}


def text_in(text: Any, lang: str) -> str:
    """One language of a bilingual text; a plain string serves both.

    >>> text_in({"zh": "客户", "en": "customer"}, "zh")
    '客户'
    """
    if hasattr(text, "_asdict"):
        text = text._asdict()
    return str(text[lang]) if isinstance(text, dict) else str(text)


def level_text(level: float) -> str:
    """An interval's level as a reader knows it.

    >>> level_text(0.9), level_text(0.975)
    ('90%', '97.5%')
    """
    return f"{level * 100:.6g}%"


def value_text(value: float, unit: str, lang: str, currency: str = "CNY", n: int | None = None) -> str:
    """A number with its unit, rounded for reading only.

    Shares get one decimal (two where the number is too small for that), counts none, money two decimals below 1,000.

    >>> value_text(0.4567, "share", "en"), value_text(35.391, "money per customer", "en", "USD")
    ('45.7%', '$35.39 per customer')
    >>> value_text(1, "days", "en"), value_text(23570, "customers", "zh")
    ('1 day', '23,570 位客户')
    >>> value_text(0.083, "growth a year", "en"), value_text(77.4, "RMB per buyer", "zh", "USD")
    ('+8.3% a year', '每位买家 77.40 元')
    """
    if math.isinf(value):
        return {"zh": "尚未达到", "en": "not reached yet"}[lang]
    if unit == "share":
        return _percent(value)
    if unit.startswith("money"):
        return _money(value, unit, lang, currency)
    if unit in ("correlation", "elasticity"):
        return f"{value:.2f}".replace("-0.00", "0.00")
    if unit == "probability":
        return _probability(value, lang)
    if unit in GROWTH:
        before, behind = GROWTH[unit]
        return before + _growth(value) if lang == "zh" else _growth(value) + behind
    if unit.startswith("RMB"):  # the filings' currency, whatever the brand's own is
        amount = _money(value, "money", lang, "CNY").replace("CNY", "RMB")  # as filings write it
        if unit == "RMB":
            return amount
        return f"每位买家 {amount}" if lang == "zh" else f"{amount} per buyer"
    if unit == "percentage points a year" and abs(value) < 100:
        chinese, _, several = COUNTED[unit]
        return f"{value:.2f}".replace("-0.00", "0.00") + (chinese if lang == "zh" else several)
    if unit == "customers per customer":
        number = _short(100 * value) if value else "0"
        return ("每百位客户 " if lang == "zh" else "") + number + COUNTED[unit][0 if lang == "zh" else 2]
    whole = float(value).is_integer() or abs(value) >= 100 or (unit in WHOLE and abs(value) >= 1)
    tenth = unit in TENTHS and abs(value) >= 0.1
    number = f"{value:,.0f}" if whole else f"{value:,.1f}".removesuffix(".0") if tenth else _short(value)
    if unit in COUNTED:
        chinese, one, several = COUNTED[unit]
        return number + (chinese if lang == "zh" else one if number == "1" else several)
    return f"{number} {unit}".strip()


def _short(value: float) -> str:
    """Two decimals, or as many as a small number needs to show two digits; no trailing zeros."""
    decimals = 2 if abs(value) >= 0.1 else 1 - math.floor(math.log10(abs(value)))
    return f"{value:,.{decimals}f}".rstrip("0").rstrip(".")


def _growth(value: float) -> str:
    """A change in percent, with its sign.

    >>> _growth(0.083), _growth(-0.12), _growth(0.0)
    ('+8.3%', '-12.0%', '0.0%')
    """
    text = f"{abs(value) * 100:.1f}%"
    sign = "" if not float(text.rstrip("%")) else "+" if value > 0 else "-"
    return sign + text


def _probability(value: float, lang: str) -> str:
    """A chance in whole percent; near its ends as a bound, for no method knows it closer.

    >>> _probability(0.974, "en"), _probability(0.9999, "en"), _probability(0.0001, "zh")
    ('97%', 'over 99%', '不到 1%')
    """
    if value > 0.99:
        return {"zh": "99% 以上", "en": "over 99%"}[lang]
    if value < 0.01:
        return {"zh": "不到 1%", "en": "under 1%"}[lang]
    return f"{value:.0%}"


def _percent(value: float) -> str:
    # Rounded before it is judged: 0.0996% is "0.1%" like its neighbours, not "0.10%".
    decimals = 1 if float(f"{abs(value) * 100:.2f}") >= 0.1 or value == 0 else 2
    return f"{value * 100:.{decimals}f}%".replace("-0.00%", "0.00%")


def _money(value: float, unit: str, lang: str, currency: str) -> str:
    number = f"{abs(value):,.2f}" if abs(value) < 999.995 else f"{abs(value):,.0f}"
    pattern = CURRENCIES.get(currency, {"zh": "{} " + currency, "en": currency + " {}"})[lang]
    text = ("-" if value < 0 else "") + pattern.format(number)
    of = unit.removeprefix("money").strip()
    per = {
        "per customer": "每位客户",
        "per order": "每笔订单",
        "per member": "每位成员",
        "per month": "每月",
        "per message": "每条消息",
        "per purchase": "每次购买",
        "per account": "每个账号",
        "a month": "每月",
        "a year": "每年",
    }
    if not of:
        return text
    return f"{per.get(of, of)} {text}" if lang == "zh" else f"{text} {of}"


def currency_name(currency: str) -> str:
    """A currency as Chinese readers name it; its ISO code where it has no name here.

    >>> currency_name("CNY"), currency_name("SGD")
    ('元', 'SGD')
    """
    return CURRENCIES[currency]["zh"].format("").strip() if currency in CURRENCIES else currency


def swipe_hint(lang: str, what: str = "chart") -> str:
    """The line under a chart or table that a phone cannot show whole; hidden on wider screens and on paper."""
    return f'<p class="siyu-swipe">{PAGE["swipe" if what == "chart" else "swipe_table"][lang]}</p>'


def interval_text(low: float, high: float, unit: str, lang: str, currency: str = "CNY") -> str:
    """An interval in brackets, its unit said once.

    >>> interval_text(0.451, 0.462, "share", "en"), interval_text(40, float("inf"), "days", "en")
    (' (45.1% to 46.2%)', ' (40 days or more)')
    >>> interval_text(88.88, 92.97, "money per customer", "zh", "USD")
    '（88.88 至 92.97 美元）'
    >>> interval_text(-0.02, 0.11, "growth a year", "en")
    ' (-2.0% to +11.0%)'
    """
    short = "money" if unit.startswith("money") else "growth" if unit in GROWTH else unit
    ends = [value_text(end, short, lang, currency) for end in (low, high)]
    if short == "money" and not math.isinf(high) and max(abs(low), abs(high)) >= 999.995:
        # The smaller end is as whole as the larger one.
        ends = [re.sub(r"\.\d\d", "", value_text(round(end), short, lang, currency)) for end in (low, high)]
    if unit == "customers per customer":
        ends = [end.removeprefix("每百位客户 ") for end in ends]
        ends = [_number_of(ends[0]), ends[1] if lang == "zh" else _number_of(ends[1])]
    if math.isinf(high):
        return f"（{ends[0]}或更多）" if lang == "zh" else f" ({ends[0]} or more)"
    if lang == "zh":
        return f"（{_number_of(ends[0])} 至 {ends[1]}）"
    return f" ({ends[0] if short == 'money' else _number_of(ends[0])} to {ends[1]})"


def _number_of(text: str) -> str:
    """The number of a value text without the unit that follows it: the other end of the interval carries it."""
    return re.match(r"[-+]?[\d,.]+%?|.*", text).group() if text[:1].isdigit() or text[:1] in "-+" else text


def estimate_text(estimate: Any, lang: str, currency: str) -> str:
    """An estimate as it stands in a sentence: the value with its unit and, where it has one, its interval."""
    text = value_text(estimate.value, estimate.unit, lang, currency)
    if math.isnan(estimate.low) or math.isnan(estimate.high):
        return text
    return text + interval_text(estimate.low, estimate.high, estimate.unit, lang, currency)


def _period_axis(zh: str, en: str, days: int) -> dict[str, tuple[str, str]]:
    return {
        "cohort": (f"首购{zh}", f"{en.capitalize()} of first order"),
        "age": (
            f"首购后第几个自然{zh}（首购当{zh}为 0）",
            f"Calendar {en}s since the first order's {en}",
        ),
        "block": (f"首购后天数（每段 {days} 天的起始日）", f"Days since the first order (start of each {days} days)"),
    }


#: Axis labels of a cohort grid, (Chinese, English), by the period customers are grouped by. The days are those of
#: `repurchase_cohorts.BLOCK_DAYS`, which a test holds; importing it would load statsmodels to write two index pages.
PERIOD_AXIS = {
    "month": _period_axis("月", "month", 30),
    "week": _period_axis("周", "week", 7),
    "quarter": _period_axis("季", "quarter", 90),
}
