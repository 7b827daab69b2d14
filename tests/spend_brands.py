"""Small brands with spend, written as folders that the workbook loads: daily or monthly, with a pool or without."""

import numpy as np
import pandas as pd
import yaml

CHANNELS = {"feed": "public", "search": "public", "notes": "semi", "direct": "public", "wecom": "private"}
CONFIG = {
    "id": "tiny", "name": {"zh": "小满", "en": "Tiny"}, "industry": "beauty", "currency": "CNY",
    "timezone": "Asia/Shanghai", "history": "complete", "synthetic": True, "source": "invented for a test",
    "gross_margin": 0.5, "channels": CHANNELS,
}  # fmt: skip


def tables(months=36, customers=1500, paid=("feed", "search"), monthly=False, pool=False, seed=1):
    """Tables of a brand that begins in January 2023: customers follow spend with elasticity 0.6, half come back once.

    Ids of customers are SECRETPERSON and a number, which no page may show.
    """
    rng = np.random.default_rng(seed)
    start = pd.Timestamp("2023-01-01")
    dates = pd.date_range(start, start + pd.DateOffset(months=months), inclusive="left")
    week = np.arange(len(dates)) // 7
    channels = [*paid, *(name for name in ("direct", "wecom") if name not in paid)]
    mean, firsts, spend = customers / len(dates) / len(channels), [], []
    for channel in channels:
        move = np.exp(rng.normal(0, 0.35, week[-1] + 1))[week]
        came = dates.repeat(rng.poisson(mean * move**0.6))
        firsts.append(pd.DataFrame({"ordered_at": came, "acquired_through": channel}))
        if channel in paid:
            money = (40 * mean * move * 1.1 ** (np.arange(len(dates)) / 365)).round(2)
            spend.append(pd.DataFrame({"date": dates, "channel": channel, "spend": money}))
    first = pd.concat(firsts, ignore_index=True)
    first.insert(0, "customer_id", [f"SECRETPERSON{number:05d}" for number in range(len(first))])
    again = first[rng.uniform(size=len(first)) < 0.5]
    again = again.assign(ordered_at=again["ordered_at"] + pd.to_timedelta(rng.integers(5, 300, len(again)), "D"))
    orders = pd.concat([first, again], ignore_index=True)
    orders["ordered_at"] += pd.to_timedelta(rng.integers(0, 86_400, len(orders)), "s")
    orders = orders[orders["ordered_at"] < dates[-1] + pd.Timedelta(days=1)].sort_values("ordered_at")
    orders["amount"] = rng.gamma(4, 25, len(orders)).round(2)
    orders.insert(0, "order_id", range(1, len(orders) + 1))
    spend = pd.concat(spend, ignore_index=True)
    spend = spend.assign(impressions=(20 * spend["spend"]).astype(int) + 1, clicks=(spend["spend"] / 2).astype(int) + 1,
                         visitors=(spend["spend"] / 3).astype(int) + 1)  # fmt: skip
    if monthly:
        first_days = spend["date"].dt.to_period("M").dt.to_timestamp()
        spend = spend.assign(date=first_days).groupby(["date", "channel"], as_index=False).sum()
        spend["spend"] = spend["spend"].round(2)
    made = {"orders": orders, "spend": spend}
    return made | (_pool(first, dates) if pool else {})


def _pool(first, dates):
    """Members, costs and messages of a pool that every third customer joins with the first order."""
    joined = first[::3][["customer_id", "ordered_at"]]
    costs = [
        (month, item, amount)
        for month in pd.Series(dates.strftime("%Y-%m")).unique()
        for item, amount in (("staff", 300.0), ("tools", 40.0), ("incentives", 20.0))
    ]
    return {
        "members": joined.rename(columns={"ordered_at": "joined_at"}),
        "pool_costs": pd.DataFrame(costs, columns=["month", "item", "amount"]),
        "messages": joined.rename(columns={"ordered_at": "sent_at"}).assign(channel="wecom", cost=0.05),
    }


def write(root, made, **config):
    """Write the tables as the brand "tiny"; settings of None are left out of its brand.yml."""
    folder = root / "tiny"
    folder.mkdir()
    ordered = pd.to_datetime(made["orders"]["ordered_at"])
    last = max(ordered.max(), made["spend"]["date"].max())
    period = {"observed_from": "2023-01-01", "observed_until": str((last + pd.offsets.MonthEnd(0)).date())}
    said = {name: value for name, value in (CONFIG | period | config).items() if value is not None}
    (folder / "brand.yml").write_text(yaml.safe_dump(said, allow_unicode=True), encoding="utf-8")
    for name, table in made.items():
        table.to_csv(folder / f"{name}.csv", index=False)
    return folder
