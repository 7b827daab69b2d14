"""Invented cost tables by week or month: spend that follows a season and moves by itself, customers that respond."""

import datetime

import numpy as np
import pandas as pd

from siyu_helpers.data.simulation.seasons import Season

PEAKS = {"618": 1.7, "double_11": 2.1, "double_12": 1.2, "spring_festival": 0.65}


def costs(rng, period="week", number=156, elasticity=0.6, customers=30, follows=1.0, shocks=0.3, scatter=0.15,
          resemblance=0.4, hidden=0.0, unpaid=0, late=0.0, channel="feed"):  # fmt: skip
    """A cost table with `customers` per period on average; its `attrs["mean"]` are the expected ones.

    follows : exponent of spend on the season. shocks : weekly moves of spend for no reason of demand. hidden : moves of
    demand that recur in no year and that spend follows. unpaid : customers of a channel without spend. late : share of
    the customers who order later, five days on average.
    """
    start = datetime.date(2022, 1, 3) if period == "week" else datetime.date(2022, 1, 1)
    end = datetime.date(2022 + number // 12, 1 + number % 12, 1)
    days = 7 * number if period == "week" else (end - start).days
    day = np.arange(days)
    week = day // 7
    season, apart, demand = Season(start, days, PEAKS, 1.1).level, *rng.normal(0, 1, (2, week[-1] + 1))
    for place in range(1, len(apart)):
        apart[place] = resemblance * apart[place - 1] + np.sqrt(1 - resemblance**2) * apart[place]
    demand = season * np.exp(hidden * demand)[week]
    own = rng.normal(0, shocks, week[-1] + 1)[week]
    spend = 1000 * 1.2 ** (day / 365.25) * season**follows * (demand / season) * np.exp(own)
    mean = demand * 1.1 ** (-day / 365.25) * (spend / 1000) ** elasticity * np.exp(scatter * apart)[week]
    mean *= customers * number / mean.sum()
    delay = np.exp(-np.arange(30) / 5)
    mean = (1 - late) * mean + late * np.convolve(mean, delay / delay.sum())[:days]
    dates = pd.Timestamp(start) + pd.to_timedelta(day, unit="D")
    daily = pd.DataFrame({period: names(dates, period), "spend": spend, "mean": mean, "demand": demand})
    sums = daily.groupby(period, as_index=False, sort=False).sum()
    made = sums[[period]].assign(channel=channel, spend=sums["spend"].round(2), new_customers=rng.poisson(sums["mean"]))
    if unpaid:
        others = rng.poisson(unpaid * sums["demand"] / sums["demand"].mean())
        made = pd.concat([made, made.assign(channel="direct", spend=0.0, new_customers=others)], ignore_index=True)
    made.attrs["mean"] = sums["mean"].tolist()
    return made


def names(dates, period):
    """Names of the months or weeks of dates."""
    if period == "month":
        return dates.strftime("%Y-%m")
    iso = dates.isocalendar()
    return (iso["year"].astype("str") + "-W" + iso["week"].astype("str").str.zfill(2)).to_numpy()
