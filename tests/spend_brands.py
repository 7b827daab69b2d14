"""Small brands with spend, written as folders that the workbook loads: daily or monthly, with a pool, with touches."""

import numpy as np
import pandas as pd
import yaml

CHANNELS = {"feed": "public", "search": "public", "notes": "semi", "direct": "public", "wecom": "private"}
CONFIG = {
    "id": "tiny", "name": {"zh": "小满", "en": "Tiny"}, "industry": "beauty", "currency": "CNY",
    "timezone": "Asia/Shanghai", "history": "complete", "synthetic": True, "source": "invented for a test",
    "gross_margin": 0.5, "channels": CHANNELS,
}  # fmt: skip
#: Settings of a brand with touches: a channel that nobody is seen to touch, and a lift test of one that many touch.
TOUCHED = {
    "channels": CHANNELS | {"referral": "private"},
    "lift_tests": [{
        "channel": "feed", "from": "2025-03-01", "until": "2025-08-31", "of": "new_customers", "incremental": 90.0,
        "standard_error": 9.0,
    }],
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


def with_touches(made, seed=2):
    """The tables with all that page 03 can use: touches, claimed conversions, joining before the first order, truth.

    Before each order one to three touches; the last is that of the channel that brought a new customer, and the pool
    closes six of ten orders of those who come back. For each order one visitor comes and does not buy. Ids of visitors
    are SECRETVISITOR and a number, which no page may show.
    """
    rng = np.random.default_rng(seed)
    orders = made["orders"].sort_values("ordered_at", kind="stable")
    again = orders.duplicated("customer_id").to_numpy()
    close = np.where(again & (rng.uniform(size=len(orders)) < 0.6), "wecom", orders["acquired_through"])
    visitor = "SECRETVISITOR" + orders["customer_id"].str[-5:]
    hours = rng.exponential(20, len(orders))
    parts = [_touches(visitor, orders["ordered_at"], hours / 24, close, orders["customer_id"])]
    for share in (0.6, 0.3):
        earlier = rng.uniform(size=len(orders)) < share
        hours = hours + rng.exponential(150, len(orders))
        channel = rng.choice(["feed", "search", "notes", "direct"], len(orders), p=[0.5, 0.2, 0.2, 0.1])
        mine = _touches(visitor, orders["ordered_at"], hours / 24, channel, orders["customer_id"])
        parts.append(mine[earlier])
    shift = pd.to_timedelta(rng.integers(-10, 10, len(orders)), "D")
    channel = rng.choice(["feed", "search", "notes", "direct", "wecom"], len(orders), p=[0.4, 0.2, 0.2, 0.15, 0.05])
    lost = "SECRETVISITOR9" + pd.Series(range(len(orders)), index=orders.index).astype(str)
    parts += [_touches(lost, orders["ordered_at"] + shift, days, channel, None) for days in (0.0, 3.0)]
    touches = pd.concat(parts, ignore_index=True).sort_values("touched_at", kind="stable")
    touches = touches[touches["touched_at"].between("2023-01-01", orders["ordered_at"].max())]
    found = made | {"touchpoints": touches, "truth": _truth(orders[~again], len(orders))}
    if "spend" in made:
        claimed = (made["spend"]["visitors"] / 10).round().astype(int)
        found["spend"] = made["spend"].assign(claimed_conversions=claimed)
    if "members" in made:
        before = np.where(np.arange(len(made["members"])) % 2, 5, 0)
        joined = made["members"]["joined_at"] - pd.to_timedelta(before, "D")
        found["members"] = made["members"].assign(joined_at=joined.clip(lower=pd.Timestamp("2023-01-01")))
    return found


def _touches(visitor, end, days, channel, customer):
    """One touch for each end of a journey, some days before it."""
    at = (end - pd.to_timedelta(days, "D")).dt.floor("s")
    return pd.DataFrame({"visitor_id": visitor, "touched_at": at, "channel": channel, "customer_id": customer})


def _truth(first, orders):
    """A made-up truth: the feed causes more orders than it closes, other channels fewer; nobody saw the referrals."""
    brought = first["acquired_through"].value_counts() * 4 // 5
    lost = {name: int(brought.get(name, 0)) for name in CHANNELS} | {"referral": len(first) // 20}
    lost |= {"feed": 2 * lost["feed"], "notes": len(first) // 10}
    return {
        "customers": len(first),
        "orders": orders,
        "orders_lost_without": {
            name: {"orders": count, "share_of_orders": count / orders, "new_customers": count, "contribution": 9.0}
            for name, count in lost.items()
        },
    }


def write(root, made, **config):
    """Write the tables as the brand "tiny", its truth as truth.yml; settings of None are left out of its brand.yml."""
    folder = root / "tiny"
    folder.mkdir()
    days = [
        pd.to_datetime(made[name][day]) for name, day in (("orders", "ordered_at"), ("spend", "date")) if name in made
    ]
    last = max(day.max() for day in days)
    period = {"observed_from": "2023-01-01", "observed_until": str((last + pd.offsets.MonthEnd(0)).date())}
    said = {name: value for name, value in (CONFIG | period | config).items() if value is not None}
    (folder / "brand.yml").write_text(yaml.safe_dump(said, allow_unicode=True), encoding="utf-8")
    for name, table in made.items():
        if name == "truth":
            (folder / "truth.yml").write_text(yaml.safe_dump(table, allow_unicode=True), encoding="utf-8")
        else:
            table.to_csv(folder / f"{name}.csv", index=False)
    return folder
