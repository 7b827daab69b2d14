"""Flow pictures: every column holds all journeys, ribbons are as wide as they are common, names do not touch."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from siyu_helpers.analysis.estimates import Refused
from siyu_helpers.reporting import charts
from siyu_helpers.reporting.charts import flow_charts

NAMES = {
    "feed": ("抖音信息流（千川）", "Douyin feed ads"), "search": ("天猫搜索推广（原直通车）", "Tmall search ads"),
    "notes": ("小红书种草", "Xiaohongshu notes"), "wecom": ("企业微信", "WeCom"), "sms": ("短信", "Text messages"),
}  # fmt: skip
DOMAINS = {"feed": "public", "search": "public", "notes": "semi", "wecom": "private", "sms": "private"}
TABLE = pd.DataFrame(
    [
        (("feed", "feed", "wecom"), 40, 60),
        (("feed", "search", "notes", "wecom"), 20, 0),
        (("search",), 30, 130),
        (("notes", "search"), 8, 10),
        (("sms", "wecom"), 2, 0),
    ],
    columns=["path", "conversions", "nulls"],
)


def flows(ledger, table=TABLE, **more):
    how = {"n": 100, "names": NAMES, "domains": DOMAINS, "steps": 3} | more
    charts.flows(ledger, table, title_zh="下单路径", title_en="Journeys to an order", **how)


def nodes(figure):
    """(column's place, height as a share of all, colour) of each node, from top to bottom."""
    boxes = [patch for patch in figure.axes[0].patches if isinstance(patch, Rectangle)]
    columns = {}
    for box in boxes:
        columns.setdefault(round(box.get_x(), 3), []).append((box.get_height(), to_hex(box.get_facecolor())))
    return [columns[x] for x in sorted(columns)]


def labels(figure):
    """Names beside nodes by column, as boxes on the canvas."""
    texts = [t for t in figure.axes[0].texts if "%" in t.get_text()]
    columns = {}
    for text in texts:
        columns.setdefault(round(text.get_position()[0], 3), []).append(text.get_window_extent())
    return columns.values()


def test_a_flow_picture_is_complete_and_tells_the_commonest_journeys(shown, drawn, book, read, complete):
    flows(book(), source="orders")
    complete("下单路径", "Journeys to an order", 100)
    alt, rows = read(shown[1][0])
    assert alt == (
        "Flow picture, from left to right 3 columns of touches. First touch: Douyin feed ads 60.0%, Tmall search ads "
        "30.0%, Xiaohongshu notes 8.0%; Last touch: WeCom 62.0%, Tmall search ads 38.0%. Commonest journeys: "
        "Douyin feed ads → WeCom → Order 40.0%; Tmall search ads → Order 30.0%; "
        "Douyin feed ads → Tmall search ads → WeCom → Order 20.0%."
    )
    assert rows[:3] == [
        ["Journey, as drawn", "Journeys", "Share"],
        ["Douyin feed ads → WeCom → Order", "40", "40.0%"],
        ["Tmall search ads → Order", "30", "30.0%"],
    ]
    assert "末次触点：企业微信 62.0%" in read(shown[0][0])[0]


def test_touches_of_one_channel_in_a_row_are_one_and_the_note_says_so(shown, drawn, book):
    flows(book("en"))
    assert any("in a row are one" in text for text in drawn[0].texts_seen)
    assert any("touches in between left out" in text.replace("\n", " ") for text in drawn[0].texts_seen)
    flows(book("en"), TABLE[TABLE["path"].map(len) < 3])
    assert not any("touches in between left out" in text.replace("\n", " ") for text in drawn[1].texts_seen)


def test_two_columns_say_that_what_lies_between_is_not_drawn(shown, drawn, book):
    flows(book(), steps=2)
    for figure, said in zip(drawn, ("中间的触点不画", "touches in between are not drawn"), strict=True):
        assert any(said in text.replace("\n", " " if said[0] == "t" else "") for text in figure.texts_seen)
    flows(book("en"), TABLE[TABLE["path"].map(len) < 3], steps=2)
    assert not any("not drawn" in text for text in drawn[2].texts_seen)


def test_first_and_last_columns_hold_all_journeys_and_heights_are_shares(shown, drawn, book):
    flows(book("en"))
    first, _, last = nodes(drawn[0])
    total = sum(height for height, _ in last)
    assert [round(height / total, 3) for height, _ in last] == [0.38, 0.62]
    assert sum(height for height, _ in first) == pytest.approx(total)
    public, semi, private = (flow_charts.LOOKS[domain][0] for domain in ("public", "semi", "private"))
    assert [colour for _, colour in last] == [public, private]
    assert [colour for _, colour in first] == [public, public, semi, private]


def test_ribbons_leave_and_arrive_within_their_nodes(shown, drawn, book):
    """Between two columns the ribbons' widths add up to all journeys, on both sides."""
    flows(book("en"), nulls="nulls", n=300)
    scale = sum(height for height, _ in nodes(drawn[0])[0])
    collections = [c for c in drawn[0].axes[0].collections if isinstance(c, PathCollection)]
    assert len(collections) == 3
    for ribbons in collections:
        wide = [path.vertices[9, 1] - path.vertices[0, 1] for path in ribbons.get_paths()]
        arriving = [path.vertices[5, 1] - path.vertices[4, 1] for path in ribbons.get_paths()]
        assert sum(wide) == pytest.approx(scale)
        assert wide == pytest.approx(arriving)
        for top, bottom in ((0, 9), (4, 5)):
            ends = sorted((path.vertices[top, 1], path.vertices[bottom, 1]) for path in ribbons.get_paths())
            assert all(above[1] <= below[0] + 1e-9 for above, below in pairwise(ends)), "ribbons lie on each other"


def test_journeys_without_an_order_are_shown_where_they_are_asked_for(shown, drawn, book, read):
    flows(book("en"), nulls="nulls", n=300)
    assert "Order 33%" in drawn[0].texts_seen
    assert {"No order 67%", "No order\n67%"} & set(drawn[0].texts_seen)
    assert read(shown[0][0])[0].endswith("Outcome: Order 33.3%, No order 66.7%.")
    assert any("% of all journeys" in text for text in drawn[0].texts_seen)
    flows(book("en"))
    assert "Outcome" not in drawn[1].texts_seen
    assert any("% of journeys with an order" in text for text in drawn[1].texts_seen)


def test_domains_are_told_apart_without_colours(shown, drawn, book):
    flows(book("en"))
    hatches = {patch.get_hatch() for patch in drawn[0].axes[0].patches}
    assert len(hatches) == 3
    swatches = drawn[0].axes[0].get_legend().get_patches()
    assert [swatch.get_hatch() for swatch in swatches] == [look[1] for look in flow_charts.LOOKS.values()]
    assert {"Public", "Semi-public", "Private"} <= set(drawn[0].texts_seen)


def test_what_the_table_leaves_out_is_one_grey_ribbon(shown, drawn, book, read):
    flows(book("en"), rest=(100, 0), n=200)
    assert any("Other journeys" in text and "50%" in text for text in drawn[0].texts_seen)
    assert ["Other journeys → Order", "100", "50.0%"] in read(shown[0][0])[1]


def test_small_channels_are_drawn_together_by_domain(shown, drawn, book):
    small = [((f"p{i}",), 4, 0) for i in range(4)] + [((f"w{i}",), 1, 0) for i in range(2)] + [(("feed",), 100, 0)]
    domains = {f"p{i}": "public" for i in range(4)} | {f"w{i}": "private" for i in range(2)} | {"feed": "public"}
    flows(book(), pd.DataFrame(small, columns=TABLE.columns), names=NAMES, domains=domains, most=1)
    assert {"其他公域 14%", "其他 2%"} <= {text.replace("\n", "") for text in drawn[0].texts_seen}
    assert {"Other public 14%", "Other 2%"} <= {text.replace("\n", " ") for text in drawn[1].texts_seen}


def test_a_channel_below_three_percent_is_not_drawn_alone_however_many_may_be(shown, drawn, book):
    table = pd.DataFrame([((f"p{i}",), 2) for i in range(4)] + [(("feed",), 92)], columns=["path", "conversions"])
    flows(book("en"), table, domains=dict.fromkeys([*(f"p{i}" for i in range(4)), "feed"], "public"), most=10)
    assert {"Other public 8%", "Douyin feed ads 92%"} <= {text.replace("\n", " ") for text in drawn[0].texts_seen}


def test_labels_move_apart_and_stay_in_the_picture():
    """By hand: the second gives way to the first, the last is lifted to the bottom and lifts the one above it."""
    high, bottom = 0.2, flow_charts.HIGH + 0.05
    placed = flow_charts._apart([0.0, 0.15, 4.2, 4.3], [high] * 4)
    assert placed == pytest.approx([0.08, 0.28, bottom - 0.3, bottom - 0.1])


def test_a_single_small_channel_keeps_its_name(shown, drawn, book):
    flows(book("en"))
    assert any(text.replace("\n", " ") == "Text messages 2%" for text in drawn[0].texts_seen)


@pytest.mark.parametrize(("steps", "nulls"), [(2, None), (3, None), (4, None), (2, "nulls"), (3, "nulls")])
def test_names_neither_touch_nor_leave_a_phone_with_forty_channels(shown, drawn, book, steps, nulls):
    draw = np.random.default_rng(5)
    keys = [f"k{i}" for i in range(40)]
    paths = {tuple(draw.choice(keys[: 5 + i % 36], 1 + i % 6)) for i in range(400)}
    table = pd.DataFrame({"path": sorted(paths)}).assign(conversions=1.5, nulls=2)
    names = {key: (f"天猫搜索推广第{i}渠道", f"Channel of a long name {i}") for i, key in enumerate(keys)}
    domains = {key: ("public", "semi", "private")[i % 3] for i, key in enumerate(keys)}
    flows(book(), table, names=names, domains=domains, steps=steps, nulls=nulls, most=7)
    for figure in drawn:
        assert figure.box_seen.width <= 5.6
        for column in labels(figure):
            boxes = sorted(column, key=lambda box: -box.y1)
            assert all(high.y0 >= low.y1 - 1.5 for high, low in pairwise(boxes)), "names touch"
        right = max(t.get_window_extent().x1 for t in figure.findobj(Text) if t.get_text() and t.get_visible())
        assert right <= figure.axes[0].get_window_extent().x1 + 0.1 * figure.dpi


def test_the_order_of_rows_changes_nothing(shown, book):
    flows(book(), nulls="nulls")
    flows(book(), TABLE.sample(frac=1, random_state=3), nulls="nulls")
    assert shown[:2] == shown[2:]


def test_one_channel_is_a_picture_and_a_name_that_begins_like_a_state_is_a_name(shown, drawn, book):
    table = pd.DataFrame({"path": [("(start)",)], "conversions": [3.5]})
    flows(book("en"), table, names=None, domains=None)
    assert "(start) 100%" in drawn[0].texts_seen


def test_no_journey_is_a_sentence(shown, book):
    flows(book("en"), TABLE.head(0))
    assert "has nothing to show yet" in shown[0][0]
    flows(book("en"), TABLE.assign(conversions=0))
    assert "<img" not in shown[1][0]
    empty = TABLE.head(0)
    empty.attrs["refused"] = Refused("journeys", 0, 1, "没有路径。", "No journeys.")
    flows(book("en"), empty)
    assert "No journeys." in shown[2][0]


def test_hostile_names_are_text(shown, book, hostile):
    table = pd.DataFrame({"path": [hostile, hostile[:1]], "conversions": [3, 4]})
    flows(book(), table, names=None, domains={}, order_words=("下单 $1$", "Order $1$"))
    assert len(shown) == 2
    assert all("<script>" not in piece for piece, _ in shown)
    assert "Order $1$" in shown[1][0]


@pytest.mark.parametrize(("steps", "nulls"), [(1, None), (5, None), (4, "nulls")])
def test_more_columns_than_a_phone_shows_are_refused(book, steps, nulls):
    with pytest.raises(ValueError, match="2 to 4 columns"):
        flows(book(), steps=steps, nulls=nulls)
