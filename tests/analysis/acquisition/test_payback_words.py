"""The sentences of payback: both languages, no digit without its sense, nothing infinite."""

import pandas as pd

from siyu_helpers.analysis.acquisition import payback_words as say

MADE = {"by": None, "customers": "all", "contribution": "margin", "gross_margin": 0.5, "variant": "paid"}
ROW = pd.Series(
    {"group": "all", "within_days": 365, "months": 2, "first_month": "2024-01", "last_month": "2024-02"}
    | {"share_paid_back": 0.8}
)


def test_a_reason_names_the_earliest_step_only_where_there_is_one():
    assert "step 11" in say.not_paid_back(ROW, 11.0).reason_en
    assert "第 11 个 30 天" in say.not_paid_back(ROW, 11.0).reason_zh
    never = say.not_paid_back(ROW, float("inf"))
    assert "inf" not in never.reason_en + never.reason_zh
    assert "80%" in never.reason_en


def test_a_definition_says_whose_cost_and_which():
    paid = say.months(MADE | {"customers": "paid"}, ROW)
    assert "channels with spend, 2 months of 2024-01 to 2024-02" in paid.en
    assert "media spend alone" in paid.en
    loaded = say.missing(MADE | {"by": "channel", "variant": "fully_loaded"}, ROW)
    assert "new customers of all" in loaded.en
    assert "the pool's and the messages' cost" in loaded.en
    one = say.WORDS["contribution"](MADE, ROW, 3.0)
    assert "over a target of 3 times" in one.en
    for words in (
        paid,
        loaded,
        one,
        say.WORDS["headroom"](MADE, ROW, 1.0),
        say.WORDS["share_paid_back"](MADE, ROW, 1.0),
    ):
        assert words.zh.endswith("。")
        assert words.en.endswith(".")
        assert "{" not in words.zh + words.en
