"""Truth of invented brands and lift tests, brought into the form that page 03 takes. Nothing here estimates."""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from siyu_helpers.analysis import channel_attribution
from siyu_helpers.analysis.estimates import Estimate, Words
from siyu_helpers.reporting.attribution_views import listed, name_of, rule_of
from siyu_helpers.reporting.names import Names

#: What a lift test says of a channel, the most telling first.
KINDS = ("differs", "no effect seen", "agrees")
UNDERSTATED = Words("功劳低估了它", "credit understates it")
OVERSTATED = Words("功劳高估了它", "credit overstates it")
#: A true share below this is not worth a sentence.
WORTH_SAYING = 0.01

#: Key of the truth by channel, and of its total, by what is attributed.
TRUTH_OF = {"new_customers": ("new_customers", "customers"), "all_orders": ("orders", "orders")}


def base_of(known: Mapping[str, Any], conversions_of: str) -> int:
    """All orders, or new customers, of an invented brand."""
    return int(known[TRUTH_OF[conversions_of][1]])


def against_truth(compared: pd.DataFrame, known: Mapping[str, Any], conversions_of: str) -> pd.DataFrame:
    """Credit beside the truth of an invented brand, both as shares of all orders of the kind that is attributed."""
    base = base_of(known, conversions_of)
    of = TRUTH_OF[conversions_of][0]
    return channel_attribution.credit_against_truth(compared, known["orders_lost_without"], base, of, base=base)


def seen(against: pd.DataFrame) -> pd.DataFrame:
    """Rows of channels that some journey shows; no rule can credit the others.

    >>> table = pd.DataFrame({"channel": ["feed", "referral"], "rule": "last"})
    >>> table.attrs["never_touched"] = ["referral"]
    >>> seen(table)["channel"].tolist()
    ['feed']
    """
    return against[~against["channel"].isin(against.attrs["never_touched"])]


def unseen(against: pd.DataFrame, called: Names) -> dict[str, Any]:
    """Channels that no journey shows, as a sentence takes them, with the one that matters most; empty without any."""
    channels = against.attrs["never_touched"]
    if not channels:
        return {}
    truth = against[against["channel"].isin(channels)].groupby("channel")["incremental_share"].first()
    found = {"never": listed(channels, called)}
    largest = truth.idxmax() if truth.notna().any() else None
    if largest is not None and truth[largest] >= WORTH_SAYING:
        facts = channel_attribution.channel_against_truth(against, against["rule"].iloc[0], largest)
        found |= {"largest": name_of(largest, called), "largest_lost": facts["incremental_share"]}
    return found


def truth_words(marks: Mapping[str, Any], worst: Mapping[str, Any], called: Names, ruled: Names) -> dict[str, Words]:
    """Rule and channel of the sentence on truth; empty where rules do not differ, or no channel gets too little."""
    if marks["nearest_rule"] is None or worst["channel"] is None:
        return {}
    if worst["difference"].value >= 0 or math.isclose(marks["nearest_error"].value, marks["farthest_error"].value):
        return {}
    return {"worst": name_of(worst["channel"], called), "nearest_rule": rule_of(marks["nearest_rule"], ruled)}


def window(
    touches: Any, orders: Any, test: Mapping[str, Any], conversions_of: str, counted: Mapping[str, Any]
) -> pd.DataFrame:
    """Journeys that end in the days of a lift test."""
    days = {"ended_from": test["from"], "observed_until": test["until"]}
    return channel_attribution.journeys(
        touches, orders, conversions_of=conversions_of, ages=True, **(dict(counted) | days)
    )


def tested(calibrated: pd.DataFrame, called: Names, tests: list[dict]) -> dict[str, Any]:
    """The tested channel that says most: kind, said, and caused_cost; empty where no test calibrates a channel.

    kind : "differs" (the effect is seen and is not the credit), then "no effect seen", then "agrees"; among several of
    the first kind the one whose credit the test corrects most.
    """
    found = {}
    for channel in calibrated.loc[calibrated["is_calibrated"], "channel"]:
        facts = channel_attribution.calibration_facts(calibrated, channel)
        said = {f"test_{key}": facts[key] for key in ("credited", "incremental", "factor")}
        if not all(isinstance(number, Estimate) for number in said.values()):
            continue
        factor, kind = facts["factor"], "agrees"
        if facts["incremental"].low <= 0:
            kind = "no effect seen"
            del said["test_factor"]
        elif not factor.low <= 1 <= factor.high:
            kind = "differs"
            said["verdict"] = UNDERSTATED if factor.low > 1 else OVERSTATED
        its = [test for test in tests if test["channel"] == channel]
        days = {"test_from": str(min(one["from"] for one in its)), "test_until": str(max(one["until"] for one in its))}
        one = {"kind": kind, "said": {"tested_channel": name_of(channel, called)} | days | said}
        cost = channel_attribution.cost_in_test(its[0], calibrated.attrs["level"]) if len(its) == 1 else None
        if isinstance(cost, Estimate) and kind != "no effect seen":
            one["caused_cost"] = cost
        found[KINDS.index(kind), -abs(factor.value - 1), channel] = one
    return found[min(found)] if found else {}


def tested_rows(
    calibrated: pd.DataFrame, tests: list[dict], known: Mapping[str, Any] | None, conversions_of: str, level: float
) -> pd.DataFrame:
    """Tested channels of `calibrate`, with the cost in the test and, for an invented brand, the truth."""
    table = calibrated[calibrated["is_calibrated"]].reset_index(drop=True)
    for channel in table["channel"]:
        its = [channel_attribution.cost_in_test(test, level) for test in tests if test["channel"] == channel]
        at = table["channel"] == channel
        for end, name in (("", "value"), ("_low", "low"), ("_high", "high")):
            # Of several tests each has its own cost: none is shown.
            table.loc[at, f"cost{end}"] = getattr(its[0], name, math.nan) if len(its) == 1 else math.nan
    lost = (known or {}).get("orders_lost_without", {})
    of = TRUTH_OF[conversions_of][0]
    return table.assign(truth=[lost.get(channel, {}).get(of, math.nan) for channel in table["channel"]])


def truth_column(known: Mapping[str, Any] | None) -> dict[str, tuple[str, str, str]]:
    """Head of the column with the truth, for an invented brand."""
    return {"truth": ("真值", "Truth", "number")} if known else {}


def truth_inside(
    calibrated: pd.DataFrame, known: Mapping[str, Any], conversions_of: str, called: Names
) -> dict[str, Any]:
    """Truth, calibrated number and credit of the tested channel that its test corrects most, for a sentence."""
    table = calibrated[calibrated["is_calibrated"]].dropna(subset=["calibrated_low", "factor"])
    lost, of = known["orders_lost_without"], TRUTH_OF[conversions_of][0]
    table = table[[channel in lost for channel in table["channel"]]]
    if table.empty:
        return {}
    channel = table.loc[(table["factor"] - 1).abs().idxmax(), "channel"]
    facts = channel_attribution.calibration_facts(calibrated, channel)
    if not isinstance(facts["calibrated"], Estimate):
        return {}
    count = channel_attribution.true_loss(lost, channel, of)
    inside = facts["calibrated"].low <= count.value <= facts["calibrated"].high
    verdict = (
        Words("区间包含真值", "an interval that contains it")
        if inside
        else Words("区间没有包含真值", "an interval that misses it")
    )
    return {
        "truth_channel": name_of(channel, called), "truth_count": count, "calibrated_count": facts["calibrated"],
        "credited_count": facts["conversions"], "verdict_inside": verdict,
    }  # fmt: skip


def why_not(calibrated: pd.DataFrame) -> Words:
    """Why no test calibrates any channel."""
    refused = calibrated.attrs.get("refused", [])
    if refused:
        return Words(refused[0]["zh"], refused[0]["en"])
    return Words(
        "增量实验的渠道在实验期内没有分到功劳，无法校准。",
        "The tested channels have no credit in the days of their tests.",
    )
