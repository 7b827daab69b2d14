"""Hand-overs counted by hand, against the chain of channels, and against plain loops over the paths."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siyu_helpers.analysis.attribution import hand_overs
from siyu_helpers.analysis.attribution.chains import transition_matrix
from siyu_helpers.analysis.estimates import Estimate, Refused, wilson

DOMAINS = {"feed": "public", "search": "public", "notes": "semi", "wecom": "private", "sms": "private"}


def table(*rows):
    """Rows of (path text, conversions, nulls) as a table of journeys."""
    made = pd.DataFrame(rows, columns=["path", "conversions", "nulls"])
    return made.assign(path=[tuple(path.split()) for path in made["path"]], value=made["conversions"] * 10.0)


#: 100 orders. 60 closed in the pool, 50 of them after an outside touch; 40 of these 50 began with feed.
SHOP = table(
    ("feed feed wecom", 30, 10),
    ("feed notes sms wecom", 10, 0),
    ("notes wecom", 10, 5),
    ("wecom", 10, 0),
    ("wecom feed", 20, 2),
    ("search", 20, 100),
)


def channels_and_paths(draw_from=("feed", "search", "notes", "wecom", "sms")):
    path = st.lists(st.sampled_from(draw_from), min_size=1, max_size=5).map(tuple)
    count = st.sampled_from([0.0, 0.5, 1.0, 2.0, 40.0])
    return st.lists(st.tuples(path, count, count), min_size=1, max_size=12).map(
        lambda rows: pd.DataFrame(rows, columns=["path", "conversions", "nulls"])
    )


def test_matrix_counted_by_hand():
    counts = hand_overs.hand_over_counts(SHOP, DOMAINS).set_index(["from", "to"])["n"]
    assert counts["(start)", "public"] == 40 + 10 + 120
    assert counts["(start)", "semi"] == 15
    assert counts["(start)", "private"] == 10 + 22
    assert counts["public", "public"] == 40  # feed to feed
    assert counts["public", "private"] == 40
    assert counts["public", "semi"] == 10
    assert counts["public", "(order)"] == 40
    assert counts["public", "(null)"] == 102
    assert counts["semi", "private"] == 25
    assert counts["private", "private"] == 10
    assert counts["private", "public"] == 22
    assert counts["private", "(order)"] == 60
    assert counts["private", "(null)"] == 15
    matrix = hand_overs.hand_over(SHOP, DOMAINS)
    assert matrix.loc["private", "(order)"] == pytest.approx(60 / 107)
    assert list(matrix.index) == ["(start)", "public", "semi", "private"]
    assert list(matrix.columns) == ["public", "semi", "private", "(order)", "(null)"]


@settings(max_examples=60, deadline=None)
@given(channels_and_paths(), st.sets(st.sampled_from(sorted(DOMAINS))))
def test_steps_are_those_of_the_chain_of_channels_lumped(journeys, named):
    """The same transitions that the Markov chain of order 1 solves, added up by domain."""
    domains = {name: DOMAINS[name] for name in named}
    chain = transition_matrix(journeys, counts=True)
    called = {name: domains.get(name, "unknown") for name in DOMAINS} | {"(conversion)": "(order)"}
    lumped = chain.rename(index=called, columns=called).groupby(level=0).sum().T.groupby(level=0).sum().T
    found = hand_overs.hand_over_counts(journeys, domains)
    wide = found.pivot(index="from", columns="to", values="n").reindex_like(lumped)
    pd.testing.assert_frame_equal(wide, lumped, check_names=False)
    assert found["n"].sum() == pytest.approx(chain.to_numpy().sum())


@settings(max_examples=40, deadline=None)
@given(channels_and_paths(), st.randoms())
def test_neither_order_nor_splitting_of_rows_matters_nor_names_within_a_domain(journeys, random):
    rows = list(range(len(journeys)))
    random.shuffle(rows)
    halves = journeys.assign(conversions=journeys["conversions"] / 2, nulls=journeys["nulls"] / 2)
    other = {"feed": "zebra", "search": "ape", "notes": "(start)", "wecom": "b", "sms": "(null)"}
    renamed = journeys.assign(path=[tuple(other[step] for step in path) for path in journeys["path"]])
    domains = {other[name]: domain for name, domain in DOMAINS.items()}
    plain = hand_overs.hand_over_counts(journeys, DOMAINS)
    for again in (
        hand_overs.hand_over_counts(journeys.iloc[rows], DOMAINS),
        hand_overs.hand_over_counts(pd.concat([halves, halves]), DOMAINS),
        hand_overs.hand_over_counts(renamed, domains),
    ):
        pd.testing.assert_frame_equal(plain, again)
    roles = hand_overs.feeders_and_closers(journeys, DOMAINS)
    again = hand_overs.feeders_and_closers(renamed.iloc[rows], domains)
    again["channel"] = again["channel"].map({new: old for old, new in other.items()})
    again = again.sort_values("channel", ignore_index=True).astype({"channel": "str"})
    pd.testing.assert_frame_equal(roles, again)


@settings(max_examples=60, deadline=None)
@given(channels_and_paths())
def test_intervals_hold_their_share_and_rows_add_up(journeys):
    counts = hand_overs.hand_over_counts(journeys, DOMAINS)
    known = counts.dropna(subset=["share"])
    assert (known["share_low"] <= known["share"] + 1e-12).all()
    assert (known["share"] <= known["share_high"] + 1e-12).all()
    assert known[["share_low", "share_high"]].notna().all().all()
    assert known.groupby("from")["share"].sum().to_numpy() == pytest.approx(1)


def test_interval_of_one_step_a_journey_is_wilsons():
    """Where every journey is there once, steps are independent and the clustered interval is the plain one."""
    journeys = table(("feed wecom", 30, 10), ("feed", 0, 60))
    row = hand_overs.hand_over_counts(journeys, DOMAINS).set_index(["from", "to"]).loc["public", "private"]
    low, high = wilson([40], [100])
    assert row["share_low"] == pytest.approx(low[0])
    assert row["share_high"] == pytest.approx(high[0])


def test_steps_of_one_journey_do_not_count_as_independent():
    """Half of the journeys stay in the pool for ten touches, half go to public ten times: 20 journeys, 200 steps."""
    back_and_forth = " ".join(["wecom", "feed"] * 10)
    journeys = table((" ".join(["wecom"] * 11), 10, 0), (back_and_forth, 10, 0))
    row = hand_overs.hand_over_counts(journeys, DOMAINS).set_index(["from", "to"]).loc["private", "private"]
    plain = wilson([row["n"]], [210])
    assert row["n"] == 100
    assert row["journeys"] == 20
    assert row["share_high"] - row["share_low"] > 2 * (plain[1] - plain[0])[0]


def test_feeders_and_closers_by_hand():
    made = hand_overs.feeders_and_closers(SHOP, DOMAINS).set_index("channel")
    assert made.loc["feed", ["opens", "feeds", "closes"]].tolist() == pytest.approx([0.4, 30 / 50, 0.2])
    assert made.loc["notes", ["opens", "feeds", "closes"]].tolist() == pytest.approx([0.1, 20 / 50, 0.0])
    assert made.loc["search", ["opens", "feeds", "closes"]].tolist() == pytest.approx([0.2, 0, 0.2])
    assert made.loc["wecom", ["opens", "closes"]].tolist() == pytest.approx([0.3, 0.6])
    assert np.isnan(made.loc["wecom", "feeds"])
    assert np.isnan(made.loc["sms", "feeds_low"])
    assert made["role"].to_dict() == {
        "feed": "feeder",
        "notes": "feeder",
        "search": "between",  # opens and closes 20 of 100
        "sms": "between",
        "wecom": "closer",
    }
    assert set(made["n"]) == {100}
    assert set(made["n_fed"]) == {50}
    assert (made.loc["feed", "feeds_low"], made.loc["feed", "feeds_high"]) == pytest.approx(
        tuple(end[0] for end in wilson([30], [50]))
    )


def test_roles_by_opening_closing_and_feeding():
    """Feed opens 180 and closes 100 of 200; search the other way round; notes feeds 10 of 10, or 1 of 21."""
    shop = table(("feed search", 90, 0), ("feed", 90, 0), ("search feed", 10, 0), ("notes wecom", 10, 0))
    roles = hand_overs.feeders_and_closers(shop, DOMAINS).set_index("channel")["role"]
    assert roles.to_dict() == {"feed": "opener", "search": "closer", "notes": "feeder", "wecom": "closer"}
    both = table(("feed search", 90, 0), ("search wecom", 4, 0), ("wecom", 100, 0))
    roles = hand_overs.feeders_and_closers(both, DOMAINS).set_index("channel")["role"]
    assert roles.to_dict() == {"feed": "opener", "search": "both", "wecom": "between"}
    few = table(("feed wecom", 20, 0), ("notes wecom", 1, 0), ("notes", 60, 0), ("sms feed", 40, 0))
    made = hand_overs.feeders_and_closers(few, DOMAINS).set_index("channel")
    assert made.loc["notes", "feeds"] < 0.05
    assert made.loc["notes", "role"] == "between"
    assert hand_overs.feeders_and_closers(few, DOMAINS, at_least=0.01).set_index("channel").loc["notes", "role"] == (
        "feeder"
    )
    assert made.loc["sms", "role"] == "opener"  # channels of the pool open and close, and never feed


def test_roles_without_any_way_into_the_pool():
    made = hand_overs.feeders_and_closers(table(("feed search", 90, 3), ("search", 5, 0)), DOMAINS)
    assert made["role"].tolist() == ["opener", "closer"]
    assert made["feeds"].isna().all()


@settings(max_examples=60, deadline=None)
@given(channels_and_paths())
def test_shares_equal_a_loop_over_the_paths(journeys):
    made = hand_overs.feeders_and_closers(journeys, DOMAINS).set_index("channel")
    orders = journeys["conversions"].sum()
    opens, closes, feeds, _fed = (dict.fromkeys(DOMAINS, 0.0) for _ in range(4))
    total_fed = 0.0
    for path, k in zip(journeys["path"], journeys["conversions"], strict=True):
        opens[path[0]] += k
        closes[path[-1]] += k
        inside = [at for at, name in enumerate(path) if DOMAINS[name] == "private"]
        if inside and inside[0] > 0:
            feeds[path[inside[0] - 1]] += k
            total_fed += k
    for name in made.index:
        if orders:
            assert made.loc[name, "opens"] == pytest.approx(opens[name] / orders)
            assert made.loc[name, "closes"] == pytest.approx(closes[name] / orders)
        if total_fed and DOMAINS[name] != "private":
            assert made.loc[name, "feeds"] == pytest.approx(feeds[name] / total_fed)
    if not orders:
        assert made["opens"].isna().all()
        assert made["role"].isna().all()


def test_numbers_for_sentences():
    first = hand_overs.paid_first_share(SHOP, DOMAINS, ["feed", "search", "sms"])
    assert first.value == pytest.approx(40 / 60)
    assert first.n == 60
    assert first.unit == "share"
    assert hand_overs.paid_first_share(SHOP, DOMAINS, ["wecom", "sms"]).value == 0  # paid, but not upstream
    found = hand_overs.private_orders(SHOP, DOMAINS)
    assert (found["closed"].value, found["touched"].value) == (0.6, 0.8)
    assert found["fed"].value == pytest.approx(50 / 60)
    counts = hand_overs.hand_over_counts(SHOP, DOMAINS)
    step = hand_overs.hand_over_share(counts, "public", "private")
    assert step.value == pytest.approx(40 / 232)
    assert step.n == 192
    assert "私域" in step.definition_in("zh")
    roles = hand_overs.feeders_and_closers(SHOP, DOMAINS)
    assert hand_overs.channel_share(roles, "feed", "feeds").n == 50
    assert hand_overs.channel_share(roles, "wecom").gate == "outside the pool"


def test_few_orders_are_refused():
    few = table(("feed wecom", 12, 5), ("feed", 5, 0))
    assert isinstance(hand_overs.paid_first_share(few, DOMAINS, ["feed"]), Refused)
    assert {type(number) for number in hand_overs.private_orders(few, DOMAINS).values()} == {Refused}
    roles = hand_overs.feeders_and_closers(few, DOMAINS)
    refused = hand_overs.channel_share(roles, "feed")
    assert refused.seen == 12
    assert refused.needed == 30
    assert isinstance(hand_overs.hand_over_share(hand_overs.hand_over_counts(few, DOMAINS), "semi", "(order)"), Refused)


def test_unknown_channels_are_said_and_kept():
    journeys = table(("radio wecom", 40, 3), ("feed", 1, 1))
    matrix = hand_overs.hand_over(journeys, DOMAINS)
    assert matrix.attrs["unknown"] == ["radio"]
    assert matrix.loc["unknown", "private"] == 1
    roles = hand_overs.feeders_and_closers(journeys, DOMAINS)
    assert roles.attrs["unknown"] == ["radio"]
    assert roles.set_index("channel").loc["radio", ["domain", "feeds", "role"]].tolist() == ["unknown", 1.0, "feeder"]


@pytest.mark.parametrize(
    "journeys",
    [
        table(("feed", 40, 0)),
        table(("feed wecom", 0, 40), ("sms", 0, 3)),
        table(("feed wecom", 0.25, 0), ("sms", 40.5, 0)),
        table(("feed", 1, 1)).iloc[:0],
    ],
    ids=["one channel", "all null", "fractions", "empty"],
)
def test_odd_tables_give_blanks_not_errors(journeys):
    matrix = hand_overs.hand_over(journeys, DOMAINS)
    assert not np.isinf(matrix.to_numpy(dtype=float)).any()
    roles = hand_overs.feeders_and_closers(journeys, DOMAINS)
    assert len(roles) == len({step for path in journeys["path"] for step in path})
    for found in (
        *hand_overs.private_orders(journeys, DOMAINS).values(),
        hand_overs.paid_first_share(journeys, DOMAINS, ["feed"]),
    ):
        assert isinstance(found, Estimate | Refused)


def test_forty_channels_one_of_them_called_start():
    names = ["(start)", "(order)", *(f"c{at}" for at in range(38))]
    journeys = pd.DataFrame({"path": [(name, "c0") for name in names], "conversions": 2, "nulls": 1})
    domains = dict.fromkeys(names, "public") | {"c0": "private"}
    matrix = hand_overs.hand_over(journeys, domains)
    assert matrix.loc["public", "private"] == 1
    assert matrix.loc["private", "(order)"] == pytest.approx(80 / 123)
    assert len(hand_overs.feeders_and_closers(journeys, domains)) == 40


def test_mistakes_are_named():
    with pytest.raises(ValueError, match="domain of 'feed'"):
        hand_overs.hand_over(SHOP, {"feed": "pubic"})
    with pytest.raises(ValueError, match="several names"):
        hand_overs.paid_first_share(SHOP, DOMAINS, "feed")
    with pytest.raises(ValueError, match="no cell"):
        hand_overs.hand_over_share(hand_overs.hand_over_counts(SHOP, DOMAINS), "public", "orders")
    with pytest.raises(ValueError, match="did you mean 'wecom'"):
        hand_overs.channel_share(hand_overs.feeders_and_closers(SHOP, DOMAINS), "wecon")
    with pytest.raises(ValueError, match="level"):
        hand_overs.feeders_and_closers(SHOP, DOMAINS, level=90)
