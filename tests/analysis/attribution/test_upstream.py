"""Upstream spend worked by hand, against plain loops, against a bootstrap, and where the truth is known."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siyu_helpers.analysis.acquisition.cost_comparisons import side_by_side
from siyu_helpers.analysis.acquisition.costs import compare_domains
from siyu_helpers.analysis.attribution import upstream
from siyu_helpers.analysis.estimates import Refused

DOMAINS = {"feed": "public", "search": "public", "notes": "semi", "wecom": "private", "sms": "private"}
NAMES = {"feed": "zebra", "search": "ape", "notes": "(start)", "wecom": "b", "sms": "(null)"}


def table(*rows):
    made = pd.DataFrame(rows, columns=["path", "conversions"])
    return made.assign(path=[tuple(path.split()) for path in made["path"]])


def money(**spend):
    return pd.DataFrame({"date": pd.Timestamp("2024-01-01"), "channel": list(spend), "spend": [*spend.values()]})


#: feed: 60 + 40/2 = 80 shares for 1,600; notes: 20/2 = 10 for 300; wecom: 20 + 10 + 30 = 60 for 120; radio: none.
SHOP = table(("feed", 60), ("feed feed wecom", 40), ("notes wecom", 20), ("wecom", 30))
SPEND = money(feed=1600.0, notes=300.0, wecom=120.0, radio=50.0)

journeys_drawn = st.lists(
    st.tuples(
        st.lists(st.sampled_from(sorted(DOMAINS)), min_size=1, max_size=4).map(tuple),
        st.sampled_from([0.0, 0.5, 1.0, 3.0, 40.0]),
    ),
    min_size=1,
    max_size=10,
).map(lambda rows: pd.DataFrame(rows, columns=["path", "conversions"]))
spend_drawn = st.dictionaries(st.sampled_from([*sorted(DOMAINS), "radio"]), st.integers(1, 9999).map(float)).map(
    lambda spend: money(**spend) if spend else money(feed=0.0)
)


def test_by_hand():
    made = upstream.upstream_spend(SHOP, SPEND, DOMAINS).set_index("domain")
    assert made["conversions"].to_dict() == {"public": 60, "semi": 0, "private": 90, "unknown": 0}
    assert made["media_spend"].to_dict() == {"public": 1600, "semi": 300, "private": 120, "unknown": 50}
    assert made["upstream_spend"].tolist() == [0, 0, 700, 0]  # 40/2 of feed's 80 shares at 20 each; all of notes
    assert made["lent_spend"].tolist() == [400, 300, 0, 0]
    assert made["shared_spend"].tolist() == [1200, 0, 820, 0]
    assert made["cost_last_touch"].tolist()[:3] == pytest.approx([1600 / 60, np.nan, 120 / 90], nan_ok=True)
    assert made["cost_shared"].tolist()[:3] == pytest.approx([20, np.nan, 820 / 90], nan_ok=True)
    assert made.attrs["spend_without_conversion"] == {"radio": 50}
    assert made.attrs["unknown"] == ["radio"]
    assert made.attrs["carried"]["private"]["public"][0] == pytest.approx(0.25)
    assert made.attrs["carried"]["public"]["public"][0] == pytest.approx(0.75)
    assert made.attrs["carried"]["unknown"]["unknown"] == [1, 1, 1]  # carried by no order: it stays


def test_by_channel_by_hand():
    made = upstream.upstream_spend(SHOP, SPEND, DOMAINS, by="channel").set_index("channel")
    assert made["domain"].to_dict() == {"feed": "public", "notes": "semi", "radio": "unknown", "wecom": "private"}
    assert made["shared_spend"].to_dict() == {"feed": 1200, "notes": 0, "radio": 0, "wecom": 820}
    assert made["upstream_spend"].to_dict() == {"feed": 0, "notes": 0, "radio": 0, "wecom": 700}


def test_last_touch_moves_nothing_and_first_touch_all():
    last = upstream.upstream_spend(SHOP, SPEND, DOMAINS, rule="last").set_index("domain")
    assert last["upstream_spend"].sum() == 0
    assert last.loc["private", "shared_spend"] == last.loc["private", "media_spend"] == 120
    first = upstream.upstream_spend(SHOP, SPEND, DOMAINS, rule="first").set_index("domain")
    assert first.loc["private", "shared_spend"] == pytest.approx(1600 * 40 / 100 + 300 + 120)


@settings(max_examples=40, deadline=None)
@given(journeys_drawn, spend_drawn, st.sampled_from(["linear_unique", "linear", "position", "first"]))
def test_equals_a_loop_over_orders_and_loses_no_money(journeys, spend, rule):
    made = upstream.upstream_spend(journeys, spend, DOMAINS, rule=rule).set_index("domain")
    paid = spend[spend["spend"] > 0].set_index("channel")["spend"].to_dict()
    weight = {"linear_unique": _unique, "linear": _linear, "position": _position, "first": _first}[rule]
    credit, carried = dict.fromkeys(paid, 0.0), {}
    orders = [(path, k, weight(path)) for path, k in journeys.itertuples(index=False)]
    for _, k, parts in orders:
        for name in set(parts) & set(paid):
            credit[name] += k * parts[name]
    for path, k, parts in orders:
        cost = sum(paid[name] * k * parts[name] / credit[name] for name in set(parts) & set(paid) if credit[name])
        carried[DOMAINS[path[-1]]] = carried.get(DOMAINS[path[-1]], 0) + cost
    for domain in made.index:
        assert made.loc[domain, "shared_spend"] == pytest.approx(carried.get(domain, 0))
    lost = sum(made.attrs["spend_without_conversion"].values())
    assert made["shared_spend"].sum() + lost == pytest.approx(sum(paid.values()))
    assert made["media_spend"].sum() == pytest.approx(sum(paid.values()))
    assert made["upstream_spend"].sum() == pytest.approx(made["lent_spend"].sum())
    ends = made[["shared_spend_low", "shared_spend", "shared_spend_high"]].dropna().to_numpy()
    assert (np.diff(ends, axis=1) >= -1e-6).all()
    assert not np.isinf(made.to_numpy(dtype=float)).any()


def _unique(path):
    return dict.fromkeys(path, 1 / len(set(path)))


def _linear(path):
    return {name: path.count(name) / len(path) for name in path}


def _first(path):
    return {path[0]: 1.0}


def _position(path):
    shares = {1: [1.0], 2: [0.5, 0.5]}.get(len(path), [0.4, *[0.2 / max(len(path) - 2, 1)] * (len(path) - 2), 0.4])
    return {name: sum(s for s, step in zip(shares, path, strict=True) if step == name) for name in path}


@settings(max_examples=20, deadline=None)
@given(journeys_drawn, spend_drawn, st.randoms())
def test_neither_order_nor_splitting_of_rows_matters_nor_names(journeys, spend, random):
    rows = list(range(len(journeys)))
    random.shuffle(rows)
    halves = journeys.assign(conversions=journeys["conversions"] / 2)
    renamed = journeys.assign(path=[tuple(NAMES[step] for step in path) for path in journeys["path"]])
    plain = upstream.upstream_spend(journeys, spend, DOMAINS)
    for again in (
        upstream.upstream_spend(journeys.iloc[rows], spend.iloc[::-1], DOMAINS),
        upstream.upstream_spend(pd.concat([halves, halves]), spend, DOMAINS),
        upstream.upstream_spend(
            renamed.iloc[rows],
            spend.assign(channel=spend["channel"].replace(NAMES)),
            {NAMES[name]: domain for name, domain in DOMAINS.items()},
        ),
    ):
        pd.testing.assert_frame_equal(plain, again, atol=1e-6, check_exact=False)


def test_every_private_order_follows_a_paid_touch():
    """Truth known: the pool pays nothing at last touch, and half of the feed's money for each of its orders.

    1,000 orders begin with feed at 30 each; chance closes 4 of 10 in the pool. By shares, an order closed in the pool
    carries half as much as one closed by feed: x + x/2 with x = 30,000 / (600 + 400 / 2) = 37.5, so 18.75.
    """
    rng = np.random.default_rng(3)
    pool = int(rng.binomial(1000, 0.4))
    journeys = table(("feed", 1000 - pool), ("feed wecom", pool))
    found = upstream.pool_upstream(journeys, money(feed=30_000.0), DOMAINS)
    assert found["cost_last_touch"].value == 0
    assert found["cost_last_touch"].is_exact
    assert found["cost_shared"].low <= 18.75 <= found["cost_shared"].high
    assert found["outside_share"].low <= 0.25 <= found["outside_share"].high
    assert found["money"].value == pytest.approx(30_000 * found["outside_share"].value)
    assert found["orders"].value == pool


def test_intervals_agree_with_a_bootstrap_over_journeys():
    """The delta method against 300 Poisson draws of the orders of each path."""
    rng = np.random.default_rng(1)
    found = upstream.pool_upstream(SHOP, SPEND, DOMAINS)
    shares, costs = [], []
    for orders in rng.poisson(SHOP["conversions"], (300, len(SHOP))):
        row = upstream.pool_upstream(SHOP.assign(conversions=orders), SPEND, DOMAINS)
        shares.append(row["outside_share"].value)
        costs.append(row["cost_shared"].value)
    for name, drawn in (("outside_share", shares), ("cost_shared", costs)):
        width = np.diff(np.quantile(drawn, [0.05, 0.95]))[0]
        assert found[name].high - found[name].low == pytest.approx(width, rel=0.15)


def test_days_of_the_journeys_are_the_days_of_the_spend():
    spend = pd.DataFrame({"date": pd.date_range("2024-01-01", "2024-03-31"), "channel": "feed", "spend": 10.0})
    journeys = table(("feed wecom", 40))
    journeys.attrs = {"first_day": "2024-02-01", "last_day": "2024-02-29"}
    made = upstream.upstream_spend(journeys, spend, DOMAINS)
    assert made["media_spend"].sum() == 290
    assert (made.attrs["first_day"], made.attrs["last_day"]) == ("2024-02-01", "2024-02-29")
    assert upstream.upstream_spend(table(("feed", 1)), spend, DOMAINS)["media_spend"].sum() == 910
    with pytest.raises(ValueError, match="spend covers"):
        upstream.upstream_spend(table(("feed", 1)), spend, DOMAINS, first_day="2023-12-01", last_day="2024-01-31")


def test_pool_numbers_name_their_unit():
    journeys = SHOP.copy()
    journeys.attrs = {"conversions_of": "new_customers"}
    found = upstream.pool_upstream(journeys, SPEND, DOMAINS)
    assert found["orders"].unit == "new customers"
    assert found["cost_shared"].unit == "money per customer"
    assert found["outside_share"].value == pytest.approx(700 / 1950)  # radio's 50 are outside the pool too
    assert "归因" not in found["money"].definition_in("en")
    assert "linear" not in found["money"].definition_in("zh")


def test_few_orders_and_no_spend_are_refused():
    few = upstream.pool_upstream(table(("feed wecom", 29), ("feed", 500)), SPEND, DOMAINS)
    assert {type(number) for number in few.values()} == {Refused}
    assert few["money"].seen == 29
    none = upstream.pool_upstream(SHOP, money(wecom=10.0), DOMAINS)
    assert none["outside_share"].gate == "spend outside the pool"
    assert none["money"].gate == "spend outside the pool"
    assert none["cost_last_touch"].value == pytest.approx(10 / 90)


@pytest.mark.parametrize("journeys", [SHOP.iloc[:0], SHOP.assign(conversions=0.0)], ids=["empty", "all null"])
def test_without_orders_all_spend_is_without_a_conversion(journeys):
    made = upstream.upstream_spend(journeys, SPEND, DOMAINS)
    assert sum(made.attrs["spend_without_conversion"].values()) == 2070
    assert made["shared_spend"].sum() == 0
    assert made["cost_shared"].isna().all()


def test_mistakes_are_named():
    with pytest.raises(ValueError, match="rule must be"):
        upstream.upstream_spend(SHOP, SPEND, DOMAINS, rule="liner")
    with pytest.raises(ValueError, match="by must be"):
        upstream.upstream_spend(SHOP, SPEND, DOMAINS, by="channels")
    with pytest.raises(ValueError, match="negative"):
        upstream.upstream_spend(SHOP, money(feed=-1.0), DOMAINS)
    with pytest.raises(ValueError, match="no option"):
        upstream.upstream_spend(SHOP, SPEND, DOMAINS, half_life_days=3)


# --- taken over into notebook 01 ---


def compared_by_hand():
    orders = pd.DataFrame({"customer_id": range(100), "amount": 9.0, "ordered_at": pd.Timestamp("2024-01-20")})
    orders["acquired_through"] = ["feed"] * 50 + ["notes"] * 10 + ["wecom"] * 40
    pool = pd.DataFrame({"month": [pd.Timestamp("2024-01-01")], "item": ["staff"], "amount": [800.0]})
    return compare_domains(money(feed=1600.0, notes=300.0), orders, "2024-01-31", DOMAINS, pool)


def test_compared_domains_by_hand():
    """A quarter of the public spend and all of the semi-private are upstream of the pool, by SHOP."""
    made = upstream.compare_domains_with_upstream(compared_by_hand(), upstream.upstream_spend(SHOP, SPEND, DOMAINS))
    rows = made.set_index(["charge", "domain"])
    assert list(dict.fromkeys(made["charge"])) == [
        "media", "media_shared", "new_customers", "new_customers_shared", "private", "private_shared",
    ]  # fmt: skip
    assert rows.loc["media_shared", "spend"].to_dict() == {"private": 700, "public": 1200, "semi": 0}
    assert rows.loc["private_shared", "spend"].to_dict() == {"private": 1500, "public": 1200, "semi": 0}
    assert rows.loc[("private_shared", "private"), "cac"] == pytest.approx(1500 / 40)
    assert np.isnan(rows.loc[("media", "private"), "cac"])
    sums = made.groupby("charge")["spend"].sum()
    for charge in ("media", "new_customers", "private"):
        assert sums[f"{charge}_shared"] == pytest.approx(sums[charge])
    known = made.dropna(subset=["cac"])
    assert (known["cac_low"] < known["cac"]).all()
    assert (known["cac"] < known["cac_high"]).all()
    assert made.attrs["months"] == ["2024-01"]
    wide = side_by_side(made)
    assert wide.set_index("domain").loc["private", "cac_media_shared"] == pytest.approx(17.5)


def test_cost_with_upstream_as_a_number():
    made = upstream.compare_domains_with_upstream(compared_by_hand(), upstream.upstream_spend(SHOP, SPEND, DOMAINS))
    cost = upstream.cost_with_upstream(made, "private")
    assert (cost.value, cost.n, cost.unit) == (17.5, 40, "money per customer")
    assert cost.low < 17.5 < cost.high
    full = upstream.cost_with_upstream(made, "private", "private_shared")
    assert full.value == pytest.approx(1500 / 40)
    assert full.definition != cost.definition
    assert upstream.cost_with_upstream(made, "private", "media").gate == "spend and new customers"
    with pytest.raises(ValueError, match="did you mean 'media_shared'"):
        upstream.cost_with_upstream(made, "private", "media_share")


def test_domains_that_the_journeys_do_not_know_keep_their_spend():
    only = upstream.upstream_spend(table(("feed wecom", 50), ("feed", 50)), money(feed=10.0), DOMAINS)
    made = upstream.compare_domains_with_upstream(compared_by_hand(), only).set_index(["charge", "domain"])
    assert made.loc[("media_shared", "semi"), "spend"] == 300
    assert made.loc["media_shared", "spend"].sum() == pytest.approx(1900)


def test_interval_of_a_shared_cost_is_wider_than_that_of_the_customers():
    compared = compared_by_hand()
    made = upstream.compare_domains_with_upstream(compared, upstream.upstream_spend(SHOP, SPEND, DOMAINS))
    rows = made.set_index(["charge", "domain"])
    plain, shared = rows.loc[("media", "public")], rows.loc[("media_shared", "public")]
    assert shared["cac_low"] / shared["cac"] < plain["cac_low"] / plain["cac"]
    assert shared["cac_high"] / shared["cac"] > plain["cac_high"] / plain["cac"]


def test_what_is_not_such_a_table_is_refused():
    by_channel = upstream.upstream_spend(SHOP, SPEND, DOMAINS, by="channel")
    with pytest.raises(ValueError, match="by='domain'"):
        upstream.compare_domains_with_upstream(compared_by_hand(), by_channel)
    with pytest.raises(ValueError, match="no charge 'media'"):
        upstream.compare_domains_with_upstream(
            compared_by_hand().iloc[:0], upstream.upstream_spend(SHOP, SPEND, DOMAINS)
        )
