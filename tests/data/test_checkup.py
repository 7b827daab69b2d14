"""Checkup: gaps, repeats, newcomers who are old, and what notebooks can do."""

import datetime
import io

import numpy as np
import polars as pl
import pytest
from rich.console import Console

from siyu_helpers.analysis.repurchase_cohorts import time_to_next_order
from siyu_helpers.data import brands, checkup

moment, date = datetime.datetime.fromisoformat, datetime.date


def orders_on(*days: str) -> pl.LazyFrame:
    return pl.LazyFrame({"ordered_at": [moment(day) for day in days]})


def account(brand, notebooks=()) -> str:
    page = io.StringIO()
    checkup.print_account(brand, notebooks, Console(file=page, width=80))
    return page.getvalue()


def test_quiet_spells_count_the_ends_of_the_period():
    spells = checkup.quiet_spells(
        orders_on("2024-01-05", "2024-01-06", "2024-01-07"), date(2024, 1, 1), date(2024, 1, 10)
    )
    assert spells.rows() == [(date(2024, 1, 1), date(2024, 1, 4), 4), (date(2024, 1, 8), date(2024, 1, 10), 3)]


def test_a_shop_that_sells_weekly_is_not_told_about_every_week():
    weekly = [str(date(2024, 1, 1) + datetime.timedelta(days=7 * k)) for k in range(20)]
    assert checkup.quiet_spells(orders_on(*weekly), date(2024, 1, 1), date(2024, 5, 14)).is_empty()
    with_hole = weekly[:8] + weekly[12:]
    assert checkup.quiet_spells(orders_on(*with_hole), date(2024, 1, 1), date(2024, 5, 14))["days"].to_list() == [34]


def test_months_without_orders():
    found = checkup.months_without_orders(orders_on("2024-01-31", "2024-04-01"), date(2024, 1, 15), date(2024, 5, 2))
    assert found == ["2024-02", "2024-03", "2024-05"]


def test_repeats_on_six_orders_that_can_be_checked_by_hand():
    frame = pl.LazyFrame({
        "customer_id": [1, 1, 1, 2, None, None],
        "ordered_at": [moment(f"2024-01-0{day} 10:00") for day in (1, 1, 2, 1, 1, 1)],
        "amount": [5.0, 5.0, 0.0, 5.0, 0.0, 1.0],
    })  # fmt: skip
    assert checkup.repeats(frame) == {
        "orders": 6, "without_customer": 2, "free": 2, "customers": 2, "busiest": 3, "same_day": 1, "twins": 1
    }  # fmt: skip


def simulated(seed: int, growth: float) -> tuple[pl.DataFrame, date, date]:
    """Five years of a brand of which the file shows the last two; `old` is the truth about every customer."""
    random = np.random.default_rng(seed)
    begin, years = date(2019, 1, 2), 5
    people = 36_000
    # Arrivals: even over time, or growing by the given factor a year.
    places = random.uniform(0, 1, people)
    share = places if growth == 1 else np.log1p(places * (growth**years - 1)) / (years * np.log(growth))
    arrived = share * years * 365
    rate, alive = random.gamma(0.8, 1 / 120, people), random.exponential(500, people)
    counts = random.poisson(rate * np.minimum(alive, years * 365 - arrived))
    who = np.repeat(np.arange(people), counts)
    later = arrived[who] + random.uniform(0, 1, counts.sum()) * np.minimum(alive, years * 365 - arrived)[who]
    days = np.concatenate([arrived, later]).astype(int)
    frame = pl.DataFrame({"customer_id": np.concatenate([np.arange(people), who]), "day": days})
    frame = frame.with_columns(ordered_at=pl.lit(begin).cast(pl.Datetime("us")) + pl.duration(days="day"))
    frame = frame.with_columns(old=(pl.col("day").min().over("customer_id") < 3 * 365))
    start = begin + datetime.timedelta(days=3 * 365)
    shown = frame.filter(pl.col("day") >= 3 * 365)
    return shown, start, begin + datetime.timedelta(days=years * 365 - 1)


@pytest.mark.parametrize("growth", [1.0, 1.3, 2.0])
def test_likely_old_is_near_the_truth(growth):
    for seed in (1, 2, 3):
        orders, start, end = simulated(seed, growth)
        first = orders.sort("ordered_at").group_by("customer_id", maintain_order=True).first()
        truth = first.group_by(month=pl.col("ordered_at").dt.strftime("%Y-%m")).agg(true_share=pl.col("old").mean())
        told = checkup.likely_old(orders.lazy(), start, end).join(truth, on="month").sort("month")
        assert told["looks_new"].sum() == first.height
        # The first month is mostly old customers, and the estimate says so; at the end hardly anybody is.
        assert told["true_share"][0] > 0.5
        assert told["share"][0] > 0.5
        assert told["share"][-1] < 0.05
        large = told.filter(pl.col("looks_new") >= 400)
        assert large.height >= 12
        assert (large["share"] - large["true_share"]).abs().max() < 0.06, told


def test_the_share_of_old_customers_by_hand():
    # Four orders of the last 90 days: a first one, and three whose customer was silent for 1, 5 and 10 days. Watched
    # for 5 days, the silence of 5 days is seen through; only the first order and that after 10 days look new.
    shares = checkup._share_old(pl.Series([None, 1, 5, 10]), pl.Series([0, 5, 9, 10]))
    assert shares["old"].to_list() == [3 / 4, 1 / 2, 1 / 2, 0.0]


def test_known_first_orders_are_counted_instead_of_estimated():
    orders, start, end = simulated(1, 1.0)
    truth = orders.group_by("customer_id").agg(pl.col("old").first()).with_columns(
        first_order_at=pl.when("old").then(moment("2018-01-01")).otherwise(moment("2022-06-01"))
    )  # fmt: skip
    told = checkup.likely_old(orders.lazy(), start, end, truth.lazy())
    assert told["likely_old"].sum() == truth["old"].sum()


def test_a_short_or_small_file_gives_no_estimate():
    orders, start, end = simulated(1, 1.0)
    assert checkup.likely_old(orders.lazy(), end - datetime.timedelta(days=100), end) is None
    assert checkup.likely_old(orders.head(150).lazy(), start, end) is None


def test_readiness_names_missing_tables_columns_and_blank_columns(make_brand):
    root = make_brand({
        "orders.csv": "order_id,customer_id,ordered_at,amount,cost\nA1,ana,2024-01-05,1,\n",
        "spend.csv": "date,channel,spend\n2024-01-01,sms,1\n",
    })  # fmt: skip
    loaded = brands.load("acme", root)
    needs = [
        ("01_a", {"spend": ["date", "spend"]}, {"orders": ["cost", "refunded"]}),
        ("02_b", {"orders": ["cost"], "members": ["joined_at"], "accounts": []}, {}),
    ]
    assert checkup.readiness(loaded, needs).rows() == [
        ("01_a", True, "", "orders.cost, orders.refunded"),
        ("02_b", False, "orders.cost, members.joined_at, accounts", ""),
    ]
    page = account(loaded, needs)
    assert "01_a: ready (works without: orders.cost, orders.refunded)" in " ".join(page.split())
    assert "missing: orders.cost, members.joined_at, accounts" in " ".join(page.split())


def test_the_account_is_readable_and_names_nobody(make_brand):
    people = "\n".join(f"buyer-{k:03d},1380013{k:04d},{k % 5}" for k in range(60))
    members = "\n".join(f"stranger-{k:03d},2024-02-01" for k in range(30))
    lines = "\n".join(f"B{k},buyer-{k % 40:03d},2024-0{1 + k % 6}-0{1 + k % 7},{k % 3},x" for k in range(200))
    lines += "\n" + "\n".join(f"C{k},guest,2024-03-02,1,x" for k in range(30)) + "\n,,,,\nD1,,2024-05-05,2,\n"
    root = make_brand(
        {
            "orders.csv": f"order_id,customer_id,ordered_at,amount,note\n{lines}",
            "customers.csv": f"customer_id,phone,tier\n{people}\n",
            "members.csv": f"customer_id,joined_at\n{members}\n",
            "oders.csv": "x",
        },
        {"unknown_customer": '[""]', "name": "{zh: 某, en: '[red]Acme[/red]'}", "history": "truncated"},
    )
    page = account(brands.load("acme", root))
    words = " ".join(page.split())
    assert "[red]Acme[/red]" in page
    assert max(map(len, page.splitlines())) <= 80
    for expected in (
        "orders: 1 dropped: lines with nothing but commas",
        "not in the contract, left out: note",
        "kept as traits of customers: tier",
        "personal, kept as integers only: phone",
        "0.4% of orders have no customer key",
        "One customer has 30 orders",
        "members: 0 of 30 customers occur in orders",
        "oders.csv is not read; did you mean orders.csv?",
        "too short or too small to say",
    ):
        assert expected in words, page
    assert not any(secret in page for secret in ("buyer-", "stranger-", "guest,", "1380013"))


def test_with_a_truncated_history_every_month_is_listed(make_brand):
    orders, start, end = simulated(1, 1.0)
    text = orders.select(
        order_id=pl.int_range(pl.len()), customer_id="customer_id", ordered_at="ordered_at", amount=pl.lit(1)
    )
    root = make_brand(
        {"orders.csv": text.write_csv()}, {"observed_from": start, "observed_until": end, "history": "truncated"}
    )
    page = account(brands.load("acme", root))
    words = " ".join(page.split())
    assert "How many 'new' customers are probably old Older customers exist" in words
    assert "too high if growth has slowed, too low if it has quickened" in words
    assert "At least" not in words
    assert "after 365 days without an order" in words
    assert "2022-01" in page
    # Where first orders are known, the rule of the first days does not apply.
    (root / "acme" / "customers.csv").write_text("customer_id,first_order_at\n0,2019-01-02\n")
    assert "days without an order" not in " ".join(account(brands.load("acme", root)).split())


TRUNCATED = {"history": "truncated", "observed_from": "2024-01-01", "observed_until": "2024-06-30"}


@pytest.mark.parametrize(
    ("tables", "changes", "told"),
    [
        ({}, {"burn_in_days": 90},
         "no cohort of new customers before 2024-03-31 can be stated (the first 90 days only tell old from new)"),
        ({}, {"burn_in_days": 1},
         "no cohort of new customers before 2024-01-02 can be stated (the first day only tells old from new)"),
        ({}, {"burn_in_days": 181}, "before 2024-06-30 can be stated"),
        ({}, {"burn_in_days": 182}, "no new customer can be told from an old one: the export covers 182 days, and the "
         "first 182 days only tell old from new. What helps: an export that begins earlier, or first_order_at"),
        ({}, {}, "first 365 days only tell old from new. What helps"),
        ({}, {"burn_in_days": 0}, None),
        ({}, {"history": "complete"}, None),
        ({"customers.csv": "customer_id,city_tier\nana,1\n"}, {}, "What helps"),
        ({"customers.csv": "customer_id,first_order_at\nana,2023-01-01\n"}, {}, None),
    ],
)  # fmt: skip
def test_every_ready_notebook_says_from_when_on_newcomers_can_be_told(tables, changes, told, make_brand):
    brand = brands.load("acme", make_brand(tables, TRUNCATED | changes))
    page = account(brand, [("02_a", {"orders": ["amount"]}, {}), ("03_b", {"spend": ["date"]}, {}), ("04_c", {}, {})])
    listed = " ".join(page.split()).split("What each notebook can do ")[1]
    limit = checkup.limit_of_newcomers(brand)
    assert (limit is None) == (told is None)
    assert told is None or told in limit
    said = f" {limit}" if limit else ""
    missing = "03_b: cannot answer in full; missing: spend.date"
    assert listed == f"02_a: ready{said} {missing} 04_c: ready{said}"


def test_the_last_day_on_which_nobody_is_told_apart_is_that_of_the_analysis(make_brand):
    # Ben's first order is of 10 February, 40 days after the export begins.
    for days, new in ((40, 1), (41, 0)):
        brand = brands.load("acme", make_brand({}, TRUNCATED | {"burn_in_days": days}))
        curve = time_to_next_order(brand.scan("orders"), brand.observed_until, **brand.history)
        assert curve["at_risk"].max() == new if new else curve.empty
        assert ("before 2024-02-10" in checkup.limit_of_newcomers(brand)) == bool(new)
