"""Touches tied to persons, against cases worked by hand, a plain loop, and other engines."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from touch_logs import ENGINES

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.attribution import touches

START = pd.Timestamp("2024-01-01")


def touched(*rows):
    """Touches from (visitor, hours since the start, channel, customer) rows."""
    frame = pd.DataFrame(list(rows), columns=["visitor_id", "hours", "channel", "customer_id"])
    at = (START + pd.to_timedelta(frame.pop("hours").astype(float), "h")).astype("datetime64[us]")
    return frame.assign(touched_at=at)


def told(made):
    """Linked touches as (customer or None, hours, channel), person by person."""
    hours = (made.at - (START - pd.Timestamp(0)) // pd.Timedelta(1, "us")) / 3.6e9
    names = [None if code < 0 else made.customers[code] for code in made.customer]
    return list(zip(names, hours.tolist(), [made.channels[code] for code in made.channel], strict=True))


def test_a_blank_touch_belongs_to_the_next_known_customer_else_to_the_last():
    made = touches.linked(
        touched(
            ("v", 1, "a", None), ("v", 2, "b", "ana"), ("v", 3, "c", None), ("v", 4, "d", "ben"), ("v", 5, "e", None)
        )
    )
    assert told(made) == [
        ("ana", 1, "a"), ("ana", 2, "b"), ("ben", 3, "c"), ("ben", 4, "d"), ("ben", 5, "e"),
    ] or told(made) == [
        ("ben", 3, "c"), ("ben", 4, "d"), ("ben", 5, "e"), ("ana", 1, "a"), ("ana", 2, "b"),
    ]  # fmt: skip
    assert made.counts["visitors_read"] == made.counts["visitors_linked"] == 1


def test_a_visitor_who_never_becomes_known_is_a_person_of_its_own():
    made = touches.linked(touched(("v", 2, "a", None), ("w", 1, "a", None), ("v", 1, "b", None), ("x", 1, "a", "ana")))
    assert sorted(map(str, told(made))) == sorted(
        map(str, [("ana", 1.0, "a"), (None, 1.0, "b"), (None, 2.0, "a"), (None, 1.0, "a")])
    )
    assert len(np.unique(made.person)) == 3
    assert (made.counts["visitors_read"], made.counts["visitors_linked"]) == (3, 1)


def test_two_customers_of_one_visitor_at_one_moment_tell_nothing():
    rows = [("v", 1, "a", None), ("v", 2, "b", "ana"), ("v", 2, "b", "ben"), ("v", 3, "c", "ben")]
    assert ("ben", 1, "a") in told(touches.linked(touched(*rows)))  # the next moment that tells
    assert (None, 1, "a") in told(touches.linked(touched(*rows[:3])))


def test_a_touch_of_the_same_moment_tells_and_a_customer_needs_no_visitor():
    made = touches.linked(
        touched(("v", 1, "a", None), ("v", 1, "b", "ana"), (None, 2, "c", "ana"), (None, 3, "d", None))
    )
    assert told(made) == [("ana", 1, "a"), ("ana", 1, "b"), ("ana", 2, "c")]
    assert made.counts["touches_without_person"] == 1


def test_nothing_is_known_from_after_the_last_day():
    rows = touched(("v", 1, "a", None), ("v", 23.99, "b", None), ("v", 24, "c", "ana"))
    made = touches.linked(rows, "2024-01-01")
    assert told(made) == [(None, 1, "a"), (None, 23.99, "b")]
    assert made.counts["touches_later"] == 1
    assert made.channels == ["a", "b"]
    assert touches.linked(rows, "2024-01-02").customer.tolist() == [0, 0, 0]


def test_blank_channels_and_blank_texts_of_ids_are_blank():
    made = touches.linked(
        touched(("v", 1, None, "x"), ("v", 2, " ", "x"), ("", 3, "a", " "), ("v", 4, "a", ""), ("w", 5, "a", None))
    )
    assert made.counts["touches_without_channel"] == 2
    assert made.counts["touches_without_person"] == 1
    assert told(made)[0][0] is None
    assert len(np.unique(made.person)) == 2


def test_touches_of_one_moment_are_read_from_public_to_private_then_by_frequency_then_by_name():
    rows = touched(("v", 1, "z", "ana"), ("v", 1, "y", "ana"), ("v", 1, "x", "ana"), ("w", 1, "y", None))
    order = [channel for _, _, channel in told(touches.linked(rows))][:3]
    assert order == ["y", "x", "z"]
    domains = {"x": "private", "y": "semi", "z": "public"}
    assert [channel for _, _, channel in told(touches.linked(rows, domains=domains))][:3] == ["z", "y", "x"]
    with pytest.raises(ValueError, match="the domain of 'x' must be one of 'public'"):
        touches.linked(rows, domains={"x": "publc"})


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_and_any_order_of_rows_give_the_same_touches(engine):
    rng = np.random.default_rng(1)
    n = 300
    customer = pd.Series(rng.integers(1, 30, n)).astype("Int64").mask(rng.random(n) < 0.6)
    frame = pd.DataFrame(
        {
            "visitor_id": [f"v{number}" for number in rng.integers(0, 60, n)],
            "touched_at": START.as_unit("us") + pd.to_timedelta(rng.integers(0, 10**12, n), "us"),
            "channel": rng.choice(["a", "b", "c"], n),
            "customer_id": customer,
        }
    )
    expected = touches.linked(frame)
    made = touches.linked(ENGINES[engine](frame.sample(frac=1, random_state=2)))
    assert sorted(map(str, told(made))) == sorted(map(str, told(expected)))
    assert made.counts == expected.counts


def test_a_column_of_floats_with_blanks_holds_the_same_customers_as_one_of_whole_numbers():
    made = touches.linked(touched(("v", 1, "a", None), ("v", 2, "b", 7), ("w", 2, "b", 9)))
    assert made.customers.dtype == np.int64
    assert sorted(made.customers) == [7, 9]


def test_a_time_zone_keeps_its_own_clock():
    rows = touched(("v", 20, "a", "ana"))
    zoned = rows.assign(touched_at=rows["touched_at"].dt.tz_localize("Asia/Shanghai"))
    np.testing.assert_array_equal(touches.linked(zoned).at, touches.linked(rows).at)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.drop(columns="channel"), "there is no column 'channel'"),
        (lambda f: f.rename(columns={"visitor_id": "visitor"}), "did you mean 'visitor'"),
        (lambda f: f.assign(touched_at=f["touched_at"].astype(str)), "touched_at must hold dates"),
        (lambda f: f.assign(touched_at=f["touched_at"].where(f.index > 0)), "1 touches have no touched_at"),
    ],
)
def test_what_cannot_be_read_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        touches.linked(change(touched(("v", 1, "a", "ana"), ("v", 2, "b", None))))


@pytest.mark.parametrize("bring", [lambda f: f, pl.from_pandas])
def test_an_empty_table_has_no_touches(bring):
    made = touches.linked(bring(touched(("v", 1, "a", "x")).head(0)))
    assert (len(made.person), made.channels, len(made.customers), made.bounds.tolist()) == (0, [], 0, [0])
    assert not any(made.counts.values())


# --- random touches ---

ROWS = st.lists(
    st.tuples(
        st.sampled_from(["u", "v", "w", None]), st.integers(0, 6), st.sampled_from("abc"),
        st.sampled_from([None, None, "ana", "ben", "cy"]),
    ),
    max_size=12,
)  # fmt: skip


def plainly(rows):
    """Whose touch each is, by a loop: a customer, or ("visitor", id)."""
    owners = []
    for visitor, at, channel, customer in rows:
        if customer is None and visitor is not None:
            moments = {}
            for other, when, _, who in rows:
                if other == visitor and who is not None:
                    moments.setdefault(when, set()).add(who)
            tells = {when: next(iter(who)) for when, who in moments.items() if len(who) == 1}
            following = [when for when in sorted(tells) if when >= at]
            if tells:
                customer = tells[following[0] if following else max(tells)]
        if visitor is not None or customer is not None:
            owners.append((customer, float(at), channel))
    return owners


@given(ROWS)
@settings(max_examples=80, deadline=None)
def test_a_plain_loop_finds_the_same_persons(rows):
    made = touches.linked(touched(*rows))
    assert sorted(map(str, told(made))) == sorted(map(str, plainly(rows)))
    assert (np.diff(made.person) >= 0).all()
    same = np.diff(made.person) == 0
    assert (np.diff(made.at)[same] >= 0).all()


@given(st.lists(st.tuples(st.integers(0, 2**40), st.integers(-(2**45), 2**45), st.integers(0, 40)), max_size=30))
@settings(max_examples=60, deadline=None)
def test_sorting_in_one_number_and_by_keys_agree(rows):
    for scale in (1, 1_000_000):
        columns = np.array(rows, dtype=np.int64).reshape(-1, 3) * [1, scale, 1]
        small = columns % [7, 2**62, 64]
        for keys in (columns, small):
            made = np.stack(touches.in_order(*keys.T), axis=1)
            np.testing.assert_array_equal(made, np.array(sorted(map(tuple, keys.tolist()))).reshape(-1, 3))


@pytest.mark.parametrize("far", [1, 10**15 + 7])
def test_small_and_large_numbers_are_numbered_alike_in_one_chunk_or_many(far):
    ids = pl.Series([5 * far, None, 3 * far, 5 * far], dtype=pl.Int64)
    for series in (ids, pl.concat([ids.head(2), ids.tail(2)], rechunk=False)):
        home = order_log.lazy(series.to_frame("id").lazy()).collect("pyarrow")["id"]
        codes, values = touches.numbered(home)
        assert [touches.values_of(values)[code] if code >= 0 else None for code in codes] == ids.to_list()
    names = order_log.lazy(pl.DataFrame({"id": ["b", None, "a", "b"]})).collect("pyarrow")["id"]
    codes, values = touches.numbered(names)
    assert [touches.values_of(values)[code] if code >= 0 else None for code in codes] == ["b", None, "a", "b"]
