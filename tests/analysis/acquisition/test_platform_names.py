"""Names of platforms: every company of the facts has one in Chinese, and every guard and measure has words."""

from pathlib import Path

import pandas as pd

from siyu_helpers.analysis.acquisition import filings, platform_names

FILE = Path(__file__).resolve().parents[3] / "data" / "raw" / "market" / "filings.csv"


def test_every_company_and_series_has_a_chinese_name():
    table = pd.read_csv(FILE)
    wanted = set(table["company"]) | set(filings.filings_ratios(table)["company"])
    assert wanted <= set(platform_names.COMPANIES)
    assert all(words.zh != words.en for words in platform_names.COMPANIES.values() if words.en != "PDD")
    assert platform_names.name("PDD", "zh") == "拼多多"


def test_every_guard_and_measure_has_words():
    ratios = filings.filings_ratios(pd.read_csv(FILE))
    assert set(ratios["guard"]) | {"stalled", "shrinking"} <= set(platform_names.GUARDS)
    assert set(platform_names.MEASURES) == {"per_net_new", "per_active"}
    words = [text for pair in (*platform_names.GUARDS.values(), *platform_names.MEASURES.values()) for text in pair]
    assert all(words)
    assert not any("顾客" in text for text in words)


def test_periods_and_places_in_both_languages():
    assert platform_names.period_name("FY2017", "zh") == "2017 财年"
    assert platform_names.period_name("FY2017", "en") == "FY2017"
    assert platform_names.place_name("Alibaba", "FY2017", "zh") == "阿里巴巴 2017 财年"
    assert platform_names.place_name("Acme", "2017", "en") == "Acme 2017"
