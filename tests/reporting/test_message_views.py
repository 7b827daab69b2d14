"""Tables and words of page 04 about messages: every stage, rate and verdict has a name."""

import math
import re

import pandas as pd
import pytest

from siyu_helpers.analysis.effect import message_funnel, wake_up
from siyu_helpers.analysis.estimates import Estimate, Refused, Words
from siyu_helpers.reporting import message_views as views

REFUSED = Refused("lot", 0, 1, "没有抽签。", "There was no lot.")


@pytest.mark.parametrize(
    ("called", "keys"),
    [
        (views.STAGES, message_funnel.STAGES),
        (views.RATES, wake_up.ORDER),
        (views.FREQUENCY, ("too many", "too few", "in range", "not settled")),
    ],
)
def test_every_key_is_named_in_its_language(called, keys):
    assert set(called) == set(keys)
    for zh, en in called.values():
        assert re.search(r"[\u4e00-\u9fff]", zh)
        assert not re.search(r"[\u4e00-\u9fff]", en)


def test_channels_in_sentences():
    config = {"channel_names": {"wecom": {"zh": "企业微信", "en": "WeCom"}}}
    assert views.channel_name("wecom", config) == Words("企业微信", "WeCom")
    assert views.channel_name("fax", config).en == "fax"


def test_rates_stand_under_their_windows():
    rates = pd.DataFrame(
        [
            ("per_message", 7.0, 0.1, 0.05, 0.15), ("per_message", 30.0, 0.2, 0.1, 0.3),
            ("ordered_ever", math.nan, 0.5, 0.4, 0.6),
        ],
        columns=["definition", "window_days", "rate", "rate_low", "rate_high"],
    )  # fmt: skip
    rows = views.rate_rows(rates).set_index("definition")
    assert rows.loc["per_message", ["within_7", "within_30"]].tolist() == [0.1, 0.2]
    assert math.isnan(rows.loc["ordered_ever", "within_7"])
    assert rows.loc["ordered_ever", ["within_30", "within_30_low", "within_30_high"]].tolist() == [0.5, 0.4, 0.6]
    assert list(views.rate_columns(rates)) == ["within_7", "within_30"]


def test_bands_of_pressure_are_named_by_their_ends_and_few_messages_have_no_rate():
    table = pd.DataFrame({"pressure_from": [0.0, 5.0], "pressure_to": [5.0, math.inf], "messages": [100, 99]})
    rates = {name: [2.0, 3.0] for name in ("per_thousand", "per_thousand_low", "per_thousand_high")}
    rows = views.pressure_rows(table.assign(**rates))
    assert rows["band"].tolist() == [("0 至 5", "0 to 5"), ("5 及以上", "5 and more")]
    assert rows["per_thousand"].tolist()[0] == 2.0
    assert rows[list(rates)].loc[1].isna().all()


def test_messages_that_were_sent():
    funnel = pd.DataFrame({"stage": ["sent", "ordered"], "messages": [30.0, 3.0]})
    assert views.sent(funnel) == 30
    assert views.sent(funnel[1:]) == 0


def test_what_is_said_of_the_wake_up_follows_its_interval():
    clear, open_ = (Estimate(0.1, low, 0.2, 0.9, 300, "share", Words("手算", "by hand"), "f") for low in (0.01, -0.01))
    assert views.woken_words(clear) != views.woken_words(open_)
    assert views.woken_words(open_) == views.woken_words(REFUSED)
