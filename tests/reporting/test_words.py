"""Words: how numbers read in both languages."""

import math

import pytest

from siyu_helpers.analysis.repurchase_cohorts import BLOCK_DAYS
from siyu_helpers.reporting import words


@pytest.mark.parametrize(
    ("value", "unit", "currency", "zh", "en"),
    [
        (0.4567, "share", "CNY", "45.7%", "45.7%"),
        (0.00042, "share", "CNY", "0.04%", "0.04%"),
        (0.00094, "share", "CNY", "0.09%", "0.09%"),
        (0.00095, "share", "CNY", "0.1%", "0.1%"),
        (-0.000996, "share", "CNY", "-0.1%", "-0.1%"),
        (0.0, "share", "CNY", "0.0%", "0.0%"),
        (1.0, "share", "CNY", "100.0%", "100.0%"),
        (23570, "customers", "CNY", "23,570 位客户", "23,570 customers"),
        (1, "customers", "CNY", "1 位客户", "1 customer"),
        (44, "days", "CNY", "44 天", "44 days"),
        (2.5, "orders per customer", "CNY", "2.5 笔/人", "2.5 orders per customer"),
        (1.5, "percentage points a year", "CNY", "1.50 个百分点/年", "1.50 percentage points a year"),
        (-0.0007, "correlation", "CNY", "0.00", "0.00"),
        (2.0, "purchases", "CNY", "2 次购买", "2 purchases"),
        (35.391, "money", "CNY", "35.39 元", "CNY 35.39"),
        (35.391, "money per customer", "USD", "每位客户 35.39 美元", "$35.39 per customer"),
        (2500315.63, "money", "USD", "2,500,316 美元", "$2,500,316"),
        (-12.5, "money", "CNY", "-12.50 元", "-CNY 12.50"),
        (12.5, "money", "SGD", "12.50 SGD", "SGD 12.50"),
        (math.inf, "days", "CNY", "尚未达到", "not reached yet"),
        (1.0001, "days", "CNY", "1 天", "1 day"),
        (0.00123, "orders per customer", "CNY", "0.0012 笔/人", "0.0012 orders per customer"),
        (99.999, "days", "CNY", "100 天", "100 days"),
        (999.999, "money", "CNY", "1,000 元", "CNY 1,000"),
        (0.083, "growth a year", "CNY", "每年 +8.3%", "+8.3% a year"),
        (-0.0501, "growth", "CNY", "-5.0%", "-5.0%"),
        (-0.000001, "growth", "CNY", "0.0%", "0.0%"),
        (0.62, "elasticity", "CNY", "0.62", "0.62"),
        (0.974, "probability", "CNY", "97%", "97%"),
        (0.9996, "probability", "CNY", "99% 以上", "over 99%"),
        (0.0004, "probability", "CNY", "不到 1%", "under 1%"),
        (77.4, "RMB per buyer", "USD", "每位买家 77.40 元", "RMB 77.40 per buyer"),
        (238, "customers a month", "CNY", "238 位客户/月", "238 customers a month"),
        (1, "customers a month", "CNY", "1 位客户/月", "1 customer a month"),
        (0.031, "customers per customer", "CNY", "每百位客户 3.1 位", "3.1 per 100 customers"),
        (2000, "customers per account", "CNY", "2,000 位客户/账号", "2,000 customers per account"),
        (15, "accounts", "CNY", "15 个账号", "15 accounts"),
        (120, "orders a month", "CNY", "120 笔/月", "120 orders a month"),
        (13500, "money a month", "CNY", "每月 13,500 元", "CNY 13,500 a month"),
        (0.05, "money per message", "USD", "每条消息 0.05 美元", "$0.05 per message"),
        (300, "money per account", "CNY", "每个账号 300.00 元", "CNY 300.00 per account"),
        (180, "money per order", "CNY", "每笔订单 180.00 元", "CNY 180.00 per order"),
        (13, "months", "CNY", "13 个月", "13 months"),
        (2.5, "times", "CNY", "2.5 倍", "2.5 times"),
        (90, "minutes", "CNY", "90 分钟", "90 minutes"),
        (7.5, "minutes a day", "CNY", "7.5 分钟/天", "7.5 minutes a day"),
        (1, "hours", "CNY", "1 小时", "1 hour"),
        (3, "kilometres", "CNY", "3 公里", "3 kilometres"),
        (3.25, "contacts a visit", "CNY", "3.25 contacts a visit", "3.25 contacts a visit"),
    ],
)
def test_a_value_with_its_unit(value, unit, currency, zh, en):
    assert words.value_text(value, unit, "zh", currency) == zh
    assert words.value_text(value, unit, "en", currency) == en


@pytest.mark.parametrize(
    ("low", "high", "unit", "zh", "en"),
    [
        (0.1, 0.2, "share", "（10.0% 至 20.0%）", " (10.0% to 20.0%)"),
        (9.5, 1234.0, "money", "（10 至 1,234 元）", " (CNY 10 to CNY 1,234)"),
        (-0.02, 0.113, "growth a year", "（-2.0% 至 +11.3%）", " (-2.0% to +11.3%)"),
        (9000, 13500, "money a month", "（9,000 至 13,500 元）", " (CNY 9,000 to CNY 13,500)"),
        (180, 238, "customers a month", "（180 至 238 位客户/月）", " (180 to 238 customers a month)"),
        (40, 52, "days", "（40 至 52 天）", " (40 to 52 days)"),
        (40, math.inf, "days", "（40 天或更多）", " (40 days or more)"),
    ],
)
def test_an_interval_says_its_unit_once(low, high, unit, zh, en):
    assert words.interval_text(low, high, unit, "zh", "CNY") == zh
    assert words.interval_text(low, high, unit, "en", "CNY") == en


def test_every_fixed_word_is_there_in_both_languages():
    for key, both in [*words.PAGE.items(), *words.CURRENCIES.items()]:
        assert set(both) == {"zh", "en"}, key
        assert all(both.values()), key
    for axis in words.PERIOD_AXIS.values():
        assert {len(pair) for pair in axis.values()} == {2}


def test_the_axis_of_a_cohort_grid_says_the_days_of_its_blocks():
    for period, days in BLOCK_DAYS.items():
        zh, en = words.PERIOD_AXIS[period]["block"]
        assert f"每段 {days} 天" in zh
        assert f"each {days} days" in en


def test_evidence_is_graded_in_the_words_of_page_04():
    from siyu_helpers.analysis.effect import verdict_words

    assert set(words.EVIDENCE) - {""} <= set(verdict_words.LEVEL_WORDS)
    for grade in set(words.EVIDENCE) - {""}:
        both = verdict_words.LEVEL_WORDS[grade]
        assert words.EVIDENCE[grade] == {"zh": both.zh, "en": both.en.lower()}


def test_index_words_come_in_both_languages():
    for both in [*words.INDEX.values(), *words.CAUSES.values(), words.NO_CAUSE]:
        assert set(both) == {"zh", "en"}
        assert all(both.values())
    assert "顾客" not in str(words.INDEX)
