"""Every notebook on brands that are small, empty-handed or odd: it says so in a sentence, it never crashes.

The cells run in this process, with a stand-in for the notebook's display, so that a brand costs a second and not six.
"""

import re
import warnings

import pandas as pd
import pool_brands
import pytest
import spend_brands
from conftest import HOSTILE, PROJECT
from notebook_cells import run, visible

from siyu_helpers.reporting import sliders
from siyu_helpers.reporting.charts import frame
from siyu_helpers.reporting.parameters import parameters_of

NOTEBOOKS = sorted((PROJECT / "notebooks").glob("[0-9]*.ipynb"))
HEAD = "order_id,customer_id,ordered_at,amount\n"


def rows(*orders):
    return HEAD + "".join(f"{number},{','.join(order)}\n" for number, order in enumerate(orders, 1))


ODD = {
    "one order": rows(("a", "2024-05-05", "10")),
    "ten customers who never return": rows(*((f"c{i}", f"2024-0{1 + i % 9}-10", "10") for i in range(10))),
    "one customer a hundred times": rows(
        *(("a", f"2024-{1 + i % 12:02d}-{1 + i // 12:02d}", "10") for i in range(100))
    ),
    "all on one day": rows(*((f"c{i % 40}", "2024-03-03 10:00:00", "10") for i in range(120))),
    "all amounts zero": rows(*((f"c{i % 60}", f"2024-{1 + i % 12:02d}-05", "0") for i in range(300))),
    "all on the last day": rows(*((f"c{i}", "2024-12-31 23:59:59", "10") for i in range(150))),
    "everybody returns next day": rows(
        *((f"c{i}", f"2024-01-{1 + day:02d}", "10") for i in range(200) for day in (0, 1))
    ),
}


def one_picture(ledger, model, fixed, *, moved, values, chart, default=None, **rest):
    chart(ledger, model(**fixed, **{moved: values[len(values) // 2] if default is None else default}))


@pytest.fixture(autouse=True)
def undrawn(monkeypatch):
    """Charts are laid out, texts and all, but no picture is painted: half the time, and no test here looks at one."""
    monkeypatch.setattr(frame, "_png", lambda figure, box: ("", 600))
    # A slider's model knows nothing of the brand: one of its pictures shows all that a brand could spoil.
    monkeypatch.setattr(sliders, "slide", one_picture)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
@pytest.mark.parametrize("orders", ODD.values(), ids=ODD)
def test_an_odd_brand_gets_a_page(path, orders, write_brand, data_root, shown):
    write_brand(orders=orders)
    sent = run(path, shown, brand="tiny", data_root=str(data_root))
    text = " ".join(re.sub(r"<img[^>]*>|<[^>]+>", " ", html) for html, _ in sent)
    assert not re.search(r"\b(nan|None|inf|NaT)\b", text), re.findall(r".{40}\b(?:nan|None|inf|NaT)\b.{20}", text)
    assert {metadata["lang"] for _, metadata in sent} == {"zh", "en"}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
@pytest.mark.parametrize("until", ["2024-01-01", "2024-06-15", "2024-12-31"])
def test_an_earlier_report_date_gets_a_page(path, until, write_brand, data_root, shown):
    write_brand()
    run(path, shown, brand="tiny", data_root=str(data_root), observed_until=until)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_truncated_history_gets_a_page(path, write_brand, data_root, shown):
    folder = write_brand()
    config = (folder / "brand.yml").read_text(encoding="utf-8")
    (folder / "brand.yml").write_text(config.replace("history: complete", "history: truncated"), encoding="utf-8")
    sent = run(path, shown, brand="tiny", data_root=str(data_root))
    if path.stem[:2] == "02":  # no spend, no touches, no members: the other pages say nothing of who is new
        assert any("does not show earlier orders" in html for html, meta in sent if meta["lang"] == "en")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_names_from_a_brand_never_become_markup(path, write_brand, data_root, shown):
    write_brand(name=HOSTILE, source=HOSTILE)
    for html, _ in run(path, shown, brand="tiny", data_root=str(data_root)):
        assert "<script" not in html
        assert "SECRETPERSON" not in html


# ---- brands with spend, on the page of acquisition cost --------------------------------------------------------------

COST_PAGE = PROJECT / "notebooks" / "01_acquisition_cost.ipynb"
ATTRIBUTION_PAGE = PROJECT / "notebooks" / "03_channel_attribution.ipynb"


def without(made, table, rows):
    """The tables, less the rows that a function marks."""
    return made | {table: made[table][~rows(made[table])]}


def unproductive():
    """Money goes to a channel that never brings anybody; customers come by others."""
    made = spend_brands.tables(months=26, paid=("feed",))
    return made | {"spend": made["spend"].assign(channel="notes")}


def channel_that_stops():
    """Monthly amounts; search ends in April 2024, and so do its customers."""
    made = spend_brands.tables(monthly=True)
    made = without(made, "spend", lambda spend: (spend["channel"] == "search") & (spend["date"] > "2024-04-30"))
    late = pd.Timestamp("2024-05-01")
    return without(made, "orders", lambda o: (o["acquired_through"] == "search") & (o["ordered_at"] >= late))


def nobody_new():
    """Spend goes on for two years; all new customers came in the first month."""
    return without(spend_brands.tables(months=24), "orders", lambda orders: orders["ordered_at"] >= "2023-02-01")


def spend_that_ends_early():
    """The table of spend ends half a year before the orders; no margin, no cost: no contribution."""
    return without(spend_brands.tables(months=26, pool=True), "spend", lambda spend: spend["date"] > "2024-08-31")


def unlabelled():
    """Orders that do not say which channel brought them."""
    made = spend_brands.tables(months=14)
    return made | {"orders": made["orders"].drop(columns="acquired_through")}


def free_of_charge():
    """A table of spend in which nothing was spent."""
    made = spend_brands.tables(months=14)
    return made | {"spend": made["spend"].assign(spend=0.0)}


OTHERWISE = {"observed_until": "2025-10-17", "lag_days": 30, "value_days": 90, "level": 0.8, "plan_change": -0.5}
WITH_SPEND = {
    "eleven months": (lambda: spend_brands.tables(months=11, customers=600, pool=True), {}, {}),
    "five months of one channel": (lambda: spend_brands.tables(5, 200, paid=("feed",)), {}, {}),
    "history too short to know who is new": (lambda: spend_brands.tables(11), {"history": "truncated"}, {}),
    "truncated, in dollars, other settings": (
        lambda: spend_brands.tables(pool=True), {"history": "truncated", "currency": "USD"}, OTHERWISE,
    ),
    "spend without customers": (unproductive, {}, {}),
    "a channel that stops": (channel_that_stops, {}, {}),
    "nobody new after a month": (nobody_new, {}, {}),
    "spend ends early, no margin": (spend_that_ends_early, {"gross_margin": None}, {}),
    "orders without channel": (unlabelled, {}, {}),
    "nothing spent": (free_of_charge, {}, {}),
}  # fmt: skip


# What a page must say of such a brand in English, and what it must not.
SAID = {
    "history too short to know who is new": ("does not show earlier orders", "no spend lately"),
    "truncated, in dollars, other settings": ("(USD)", "CNY"),
    "spend without customers": ("Spend without customers", "no spend lately"),
    "a channel that stops": ("no spend lately", "Channels started"),
    "nobody new after a month": ("Not stated", "no spend lately"),
    "spend ends early, no margin": ("contribution is not known", "Channels stopped"),
    "orders without channel": ("Unknown", "no spend lately"),
}


TOUCHED_CHANNELS = spend_brands.TOUCHED["channels"]


def read(path, data_root, shown, capfd, least, **given):
    """The page of the brand that was written: no warning, no blank number, no id; returns what it shows."""
    shown.clear()
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        warnings.simplefilter("error", FutureWarning)
        warnings.simplefilter("error", UserWarning)
        sent = run(path, shown, brand="tiny", data_root=str(data_root), **given)
    assert capfd.readouterr().err == ""
    for lang in ("zh", "en"):
        text = visible(sent, lang)
        blanks = r"\b(?:nan|None|inf|NaT|NA|Refused|Estimate)\b|&lt;NA&gt;|[-−]0(?:\.0+)?%?(?![\d.,%-])"
        assert not re.search(blanks, text), re.findall(rf".{{60}}(?:{blanks}).{{20}}", text)
        assert "SECRET" not in text
        assert len(text) > least
    return sent


@pytest.mark.parametrize("name", WITH_SPEND)
def test_an_odd_brand_with_spend_gets_a_page(name, data_root, shown, capfd):
    make, config, given = WITH_SPEND[name]
    spend_brands.write(data_root, make(), **config)
    sent = read(COST_PAGE, data_root, shown, capfd, 5_000, **given)  # the market part is there in any case
    must, must_not = SAID.get(name, ("PDD", "SECRET"))
    text = visible(sent, "en")
    assert must in text
    assert must_not not in text


# ---- brands with touches, on the page of attribution -----------------------------------------------------------------


def touched(*left_out, **given):
    """A small brand with touches, spend and a pool of two years, less the tables named."""
    made = spend_brands.with_touches(spend_brands.tables(**{"months": 24, "customers": 600, "pool": True} | given))
    return {name: table for name, table in made.items() if name not in left_out}


def but(table, **columns):
    """The brand with some columns of a table set to something else; a function is given the table."""
    made = touched()
    return made | {table: made[table].assign(**columns)}


def without_names():
    """Touches of visitors whom nobody ties to customers, in a table without the optional column."""
    made = touched()
    return made | {"touchpoints": made["touchpoints"].drop(columns="customer_id")}


def bare():
    """No members, no truth, no messages; platforms claim nothing."""
    made = touched("members", "truth", "messages", "pool_costs")
    return made | {"spend": made["spend"].drop(columns="claimed_conversions")}


def unlabelled_with_touches():
    """Touches say who came by what, orders do not."""
    made = touched()
    return made | {"orders": made["orders"].drop(columns="acquired_through")}


def all_touches_after_orders():
    """Every customer is first seen the day after the last order."""
    made = touched()
    last = made["orders"].groupby("customer_id")["ordered_at"].max()
    touches = made["touchpoints"].dropna(subset="customer_id")
    touches = touches.assign(touched_at=touches["customer_id"].map(last) + pd.Timedelta(days=1))
    return made | {"touchpoints": touches[touches["touched_at"] < last.max()]}


def twenty_orders():
    """Twenty customers, hardly any of whom comes back."""
    return touched(months=8, customers=20)


def one_order():
    """A single order, and spend of eight months."""
    made = twenty_orders()
    return made | {"orders": made["orders"][:1], "members": made["members"][:1], "messages": made["messages"][:1]}


def renamed():
    """Channels that are called as markup, as states of the chain, and as a path."""
    names = {"feed": HOSTILE, "wecom": "(start)", "direct": "(order)", "search": "a > b"}
    made = touched("truth")
    for table, column in (("touchpoints", "channel"), ("spend", "channel"), ("messages", "channel"),
                          ("orders", "acquired_through")):  # fmt: skip
        made[table] = made[table].assign(**{column: made[table][column].replace(names)})
    return made


def forty_channels():
    """Touches of forty channels, none of which is one that money was spent on."""
    made = touched("truth")
    numbers = pd.Series(range(len(made["touchpoints"])), index=made["touchpoints"].index) * 7919 % 40
    return made | {"touchpoints": made["touchpoints"].assign(channel="c" + numbers.astype(str))}


def spend_on_other_days():
    """Money was spent a year after the last order."""
    made = touched("truth", months=6, customers=200)
    return made | {"spend": made["spend"].assign(date=made["spend"]["date"] + pd.Timedelta(days=600))}


def lift(**its):
    """Settings of a brand with one lift test; `begin` and `end` are its days."""
    days = {"from": its.pop("begin", "2024-03-01"), "until": its.pop("end", "2024-09-30")}
    return {"lift_tests": [spend_brands.TOUCHED["lift_tests"][0] | days | its]}


def only(domain):
    """Settings of a brand all of whose channels are of one domain."""
    return {"channels": dict.fromkeys(TOUCHED_CHANNELS, domain)}


STATES = {HOSTILE: "public", "(start)": "private", "(order)": "public", "a > b": "public", "notes": "semi"}
FORTY = {f"c{number}": ("public", "semi", "private")[number % 3] for number in range(40)} | TOUCHED_CHANNELS
EXTREME = {
    "lookback_days": 1, "half_life_days": 1, "markov_order": 3, "draws": 50, "level": 0.999, "direct_channel": "feed",
    "conversions_of": "all_orders",
}  # fmt: skip
NO_JOURNEY, NO_RULES = ("No journey ends with an order",), "Who gets the credit"
NO_POOL = ("Who gets the credit", "No touch of a private channel is recorded")
MIDDLE = {"history": "truncated"}
# What makes the brand, its settings beside those of TOUCHED, parameters, and what the page must say and must not.
WITH_TOUCHES = {
    "all there is": (touched, lift(), {}, ("In the lift test of", "upstream", "the truth is known"), "Not stated"),
    "no spend": (lambda: touched("spend"), {}, {}, ("Who gets the credit",), "cost CNY"),
    "hardly anything else": (bare, {}, {}, ("Who gets the credit",), "the truth is known"),
    "visitors without names": (without_names, {}, {}, NO_JOURNEY, NO_RULES),
    "names blank on every line": (lambda: but("touchpoints", customer_id=None), {}, {}, NO_JOURNEY, NO_RULES),
    "all touches after the orders": (all_touches_after_orders, {}, {}, NO_JOURNEY, NO_RULES),
    "orders without channel": (unlabelled_with_touches, {}, {}, ("Who gets the credit",), "Unknown"),
    "one channel": (lambda: but("touchpoints", channel="feed"), {}, {}, ("100.0%",), "Farthest apart is"),
    "no channel is private": (touched, only("public"), {}, NO_POOL, "Semi-public"),
    "channels not in brand.yml": (touched, {"channels": {}, "lift_tests": []}, {}, NO_POOL, "Semi-public"),
    "twenty orders": (twenty_orders, {}, {}, ("fewer than",), "times its credit"),
    "one order": (one_order, {}, {}, ("fewer than",), "times its credit"),
    "names that are not names": (renamed, {"channels": STATES, "lift_tests": []}, {}, ("a &gt; b",), "<script"),
    "forty channels": (forty_channels, {"channels": FORTY, "lift_tests": []}, {}, ("c38",), "CNY 0.00"),
    "eleven months from the middle": (lambda: touched(months=11), MIDDLE, {}, NO_JOURNEY, NO_RULES),
    "by month, from the middle": (lambda: touched(monthly=True), MIDDLE, {}, ("does not show earlier",), "2023-12-01"),
    "spend on other days": (spend_on_other_days, {}, {}, ("Who gets",), "Farthest apart is"),
    "parameters at their ends": (touched, lift(of="orders"), EXTREME, ("look-back window 1 days",), "90 days"),
    "the first day": (touched, lift(), {"observed_until": "2023-01-01"}, ("fewer than",), "the truth is known"),
    "a test of a hidden channel": (touched, lift(channel="referral"), {}, ("lift test",), "In the lift test of"),
    "a test that found nothing": (touched, lift(incremental=-5.0), {}, ("saw no effect of",), "times its credit"),
    "a test before the data": (
        touched, lift(begin="2020-01-01", end="2020-02-01"), {}, ("outside the days of the data",), "In the lift test",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WITH_TOUCHES)
def test_an_odd_brand_with_touches_gets_a_page(name, data_root, shown, capfd):
    make, config, given, must, must_not = WITH_TOUCHES[name]
    spend_brands.write(data_root, make(), **spend_brands.TOUCHED | config)
    sent = read(ATTRIBUTION_PAGE, data_root, shown, capfd, 800, **given)
    text = visible(sent, "en")
    for said in must:
        assert said in text
    assert must_not not in text


@pytest.mark.parametrize(
    ("make", "shared"),
    [(touched, True), (without_names, False), (forty_channels, False)],
    ids=["touches", "visitors without names", "touches of channels without spend"],
)
def test_upstream_spend_is_shared_on_the_cost_page_only_where_touches_tell(make, shared, data_root, shown, capfd):
    spend_brands.write(data_root, make(), channels=FORTY)
    text = visible(read(COST_PAGE, data_root, shown, capfd, 5_000), "en")
    assert ("once that part is taken off" in text) == shared
    assert ("upstream spend is not in" in text) != shared
    assert "carry all of the pool" in text


# ---- brands with a pool, on the page of its effect -------------------------------------------------------------------

POOL_PAGE = PROJECT / "notebooks" / "04_pool_effect.ipynb"
QUICK = {"controls_per_joiner": 3}


def bare_pool():
    """Orders, members and messages with the columns that are required, and nothing else; no margin."""
    made = pool_brands.tables("customers", "touchpoints", "assignments", "accounts", "spend", "pool_costs")
    made["orders"] = made["orders"][["order_id", "customer_id", "ordered_at", "amount"]]
    made["members"] = made["members"][["customer_id", "joined_at"]]
    made["messages"] = made["messages"][["customer_id", "sent_at", "channel"]]
    config = made["brand.yml"] | {"gross_margin": None, "dormant_after_days": None, "lift_tests": None}
    return made | {"brand.yml": config, "truth.yml": ""}


def members_who_never_ordered():
    """The pool is full of people of whom no order is known."""
    made = pool_brands.tables("accounts")
    strangers = [f"SECRETSTRANGER{number}" for number in range(len(made["members"]))]
    return made | {"members": made["members"].assign(customer_id=strangers).drop(columns="account_id")}


def few_members(number):
    """The first members only."""
    made = pool_brands.tables()
    return made | {"members": made["members"][:number]}


def joined_on_one_day():
    """A list was imported: everybody is said to have joined at one moment."""
    made = pool_brands.tables()
    members = made["members"].drop_duplicates("customer_id").assign(joined_at="2024-06-05 10:00:00", left_at="")
    return made | {"members": members}


def everybody_joins():
    """Ten days after the first order every customer is in the pool: nobody is left to compare with."""
    made = pool_brands.tables()
    first = made["orders"].drop_duplicates("customer_id")
    joined = pd.to_datetime(first["ordered_at"]) + pd.Timedelta(days=10)
    members = pd.DataFrame({"customer_id": first["customer_id"], "joined_at": joined.astype(str)})
    return made | {"members": members[joined < "2025-12-31"]}


def dates_only():
    """An export without times, which begins in the middle; a stay is a day."""
    made = pool_brands.tables()
    for table, column in pool_brands.TIMES.items():
        made[table] = made[table].assign(**{column: made[table][column].str[:10]})
    made["members"] = made["members"].drop(columns="left_at").drop_duplicates(["customer_id", "joined_at"])
    return made | {"brand.yml": made["brand.yml"] | {"history": "truncated"}}


def two_months():
    """Sixty days of everything."""
    made = pool_brands.tables("accounts", "customers")
    first, last = "2025-03-01", "2025-04-29 23:59:59"
    for table, column in pool_brands.TIMES.items():
        made[table] = made[table][made[table][column].between(first, last)]
    made["members"] = made["members"][["customer_id", "joined_at"]]
    made["orders"] = made["orders"].drop(columns="referrer_id")
    period = {"observed_from": "2025-03-01", "observed_until": "2025-04-29", "history": "truncated", "lift_tests": None}
    return made | {"brand.yml": made["brand.yml"] | period, "truth.yml": ""}


def lots(chosen):
    """Only those rows of the table of lots that a function marks."""
    made = pool_brands.tables()
    return made | {"assignments": made["assignments"][chosen(made["assignments"])]}


def roll_out():
    """A brand whose eight stores open their pool one after another, in the bounds of a small test."""
    return pool_brands.tables(name="sanli", customers=2500, stores=8, roll_out_days=240)


AT_ENDS = {"level": 0.5, "horizon_days": 30, "recency_at_most_days": 30, "take_up": 0.01, "holdout_share": 0.9}
OTHER = {"level": 0.99, "horizon_days": 180, "wake_channel": "fax", "dormant_after_days": 700}
EFFECT, NO_EFFECT = "had they not joined", "joiners would have made"
LOT, NO_COMPARISON = "were invited and", "the data allow no comparison but members against others"
# What makes the brand, parameters, what the page must say of it in English, and what it must not.
WITH_A_POOL = {
    "all there is": (pool_brands.tables, {}, (EFFECT, "the true effect is known", LOT), NO_COMPARISON),
    "hardly anything": (bare_pool, {}, (EFFECT, "Nobody was left out at random"), "the true effect is known"),
    "members who never ordered": (members_who_never_ordered, {}, ("Below is only how",), NO_EFFECT),
    "one member": (lambda: few_members(1), {}, ("Inviting new customers by lot",), NO_EFFECT),
    "sixty members": (lambda: few_members(60), {}, ("Immortal time",), "the true effect is known"),
    "joined on one day": (joined_on_one_day, {}, ("Immortal time",), LOT),
    "everybody joins": (everybody_joins, {}, (NO_COMPARISON,), NO_EFFECT),
    "dates only, at the ends": (dates_only, AT_ENDS, (EFFECT,), NO_COMPARISON),
    "two months": (two_months, {}, (NO_COMPARISON,), NO_EFFECT),
    "a lot about messages only": (
        lambda: lots(lambda rows: rows["experiment"] == "wake_up_sms"), OTHER, ("no promotion by fax",), LOT,
    ),
    "fifty invited": (
        lambda: lots(lambda rows: (rows["experiment"] == "invitation").cumsum() <= 50), {}, ("Immortal time",), LOT,
    ),
    "stores one after another": (roll_out, {}, ("Where stores open one after another", EFFECT), NO_COMPARISON),
    "the middle of the data": (pool_brands.tables, {"observed_until": "2024-06-15"}, (NO_COMPARISON,), NO_EFFECT),
}  # fmt: skip
#: Names of the library, of its columns and of settings are no words of a Chinese page, but in its notes on origin.
KEY = r"\b[a-z]+(?:_[a-z0-9]+)+\b"
NAMED = {"store_id", "pool_costs", "gross_margin", "brand_yml", "opted_out"}  # as a reader finds them in the contract


@pytest.mark.parametrize("name", WITH_A_POOL)
def test_an_odd_brand_with_a_pool_gets_a_page(name, data_root, shown, capfd):
    make, given, must, must_not = WITH_A_POOL[name]
    pool_brands.write(data_root, make())
    sent = read(POOL_PAGE, data_root, shown, capfd, 2_000, **QUICK | given)
    text = visible(sent, "en")
    for said in must:
        assert said in text
    assert must_not not in text
    read_by_people = [(html, metadata) for html, metadata in sent if metadata["role"] != "numbers"]
    assert set(re.findall(KEY, visible(read_by_people, "zh"))) <= NAMED


# ---- brands with a pool, on the pages of its economics and of the decision -------------------------------------------

FIT_PAGE = PROJECT / "notebooks" / "05_industry_fit.ipynb"
BRIEF_PAGE = PROJECT / "notebooks" / "06_decision_brief.ipynb"


def with_config(*left_out, **config):
    """A brand of a pool less some tables, with other settings."""
    made = pool_brands.tables(*left_out)
    return made | {"brand.yml": made["brand.yml"] | config}


def everybody_left():
    """A pool that nobody is in any more."""
    made = pool_brands.tables()
    left = made["members"]["left_at"].where(made["members"]["left_at"] != "", "2025-12-30 10:00:00")
    return made | {"members": made["members"].assign(left_at=left)}


def without_contribution():
    """Nothing says what an order leaves; months of the pool's costs are the first only."""
    made = with_config(gross_margin=None)
    costs = made["pool_costs"][made["pool_costs"]["month"] == made["pool_costs"]["month"].min()]
    return made | {"orders": made["orders"].drop(columns=["cost", "platform_fee"]), "pool_costs": costs}


def nothing_is_paid():
    """Every order is free, no message costs anything, every account was banned half a year ago."""
    made = pool_brands.tables()
    free = dict.fromkeys(("amount", "list_amount", "refunded", "cost", "platform_fee"), "0")
    return made | {
        "orders": made["orders"].assign(**free), "messages": made["messages"].assign(cost="0"),
        "accounts": made["accounts"].assign(banned_at="2025-06-30 10:00:00"),
    }  # fmt: skip


GIVEN = {
    "uplift": "-0.2",
    "margin": "-0.1,0.2,0.5",
    "churn": "1",
    "staff_cost": "0,8000,12000",
    "months": 1,
    "draws": 100,
}
NO_RATE, CANNOT = "no figure in EUR for what the pool costs", "Cannot be judged from these tables"
# What makes the brand, parameters, what page 05 must say of it in English, the verdict of the brief.
WITH_ECONOMICS = {
    "hardly anything": (bare_pool, {}, "tables record no private pool", CANNOT),
    "one member": (lambda: few_members(1), {}, "the table of industries", "Do not"),
    "members who never ordered": (members_who_never_ordered, {}, "built from nothing", "Do not"),
    "everybody left": (everybody_left, {}, "built from nothing", "Do not"),
    "dates only, at the ends": (dates_only, {"level": 0.5, "months": 60}, "built from nothing", "Do not"),
    "no contribution, one month of costs": (without_contribution, {}, "built from nothing", "Do not"),
    "nothing is paid": (nothing_is_paid, {}, "built from nothing", "Do not"),
    "no costs, and no rate of exchange": (
        lambda: with_config("pool_costs", "spend", currency="EUR"), {}, NO_RATE, CANNOT,
    ),
    "given by hand": (lambda: pool_brands.tables("assignments"), GIVEN, "provided", "Do not"),
}  # fmt: skip


@pytest.mark.parametrize("name", WITH_ECONOMICS)
def test_an_odd_brand_gets_its_economics_and_a_verdict(name, data_root, shown, capfd):
    make, given, must, verdict = WITH_ECONOMICS[name]
    pool_brands.write(data_root, make())
    pages = {}
    for path, least in ((FIT_PAGE, 5_000), (BRIEF_PAGE, 1_000)):
        sent = list(read(path, data_root, shown, capfd, least, **{"draws": 300} | given))
        read_by_people = [(html, metadata) for html, metadata in sent if metadata["role"] != "numbers"]
        pages[path] = visible(sent, "en")
        assert set(re.findall(KEY, visible(read_by_people, "zh"))) <= NAMED | set(parameters_of(path))
    assert must.lower() in (pages[FIT_PAGE] + pages[BRIEF_PAGE]).lower()
    assert verdict in pages[BRIEF_PAGE]
