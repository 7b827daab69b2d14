"""Verdicts: what is kept is whole and plain, and the card says in a word, a shape and a colour the same."""

import json
import math

import pytest

from siyu_helpers.analysis.estimates import Words
from siyu_helpers.reporting import verdict_cards, words

RECORD = {
    "verdict": "build", "words": {"zh": "建", "en": "Build"}, "probability": 0.93,
    "value": [412345.0, -20111.0, 903456.0], "payback": [13, 11, math.inf],
    "evidence": "suggestive", "currency": "CNY", "months": 24,
}  # fmt: skip


def test_what_is_kept_is_plain_and_comes_back_from_json_the_same():
    kept = verdict_cards.checked(RECORD)
    assert kept["payback"] == [13.0, 11.0, "inf"]
    assert kept["probability_of"] == words.PROBABILITY_OF
    assert verdict_cards.checked(json.loads(json.dumps(kept, allow_nan=False))) == kept


def test_a_verdict_may_be_written_as_the_decision_has_it():
    from siyu_helpers.analysis.brief.decisions import VERDICTS

    found = [verdict_cards.checked(RECORD | {"verdict": verdict})["verdict"] for verdict in VERDICTS]
    assert found == list(verdict_cards.ICONS)


def test_a_verdict_without_figures_is_whole_too():
    nothing = {"probability": None, "value": None, "payback": None, "evidence": ""}
    kept = verdict_cards.checked(RECORD | nothing | {"words": Words("判断不了", "cannot be judged")})
    assert (kept["words"]["en"], kept["value"], kept["probability"]) == ("cannot be judged", None, None)
    blank = verdict_cards.checked(RECORD | {"value": [1.0, math.nan, math.nan]})
    assert blank["value"] == [1.0, None, None]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"verdict": "perhaps"}, "use one of build, pilot"),
        ({"words": "建"}, "words="),
        ({"words": {"zh": "建", "en": 3}}, "words="),
        ({"probability": 93}, "0 to 1"),
        ({"probability": math.nan}, "use a number"),
        ({"probability": True}, "use a number"),
        ({"value": 412345.0}, r"\[value, low, high\]"),
        ({"value": [None, 1, 2]}, "the value is blank"),
        ({"value": ["much", 1, 2]}, "use a number"),
        ({"value": [10**400, 1, 2]}, "use a number"),
        ({"months": math.inf}, "months="),
        ({"evidence": "good"}, "evidence="),
        ({"currency": None}, "currency="),
        ({"customer": "SECRET"}, "a verdict needs"),
    ],
)
def test_anything_else_is_refused(wrong, said):
    with pytest.raises(ValueError, match=said):
        verdict_cards.checked(RECORD | wrong)


@pytest.mark.parametrize("record", [None, [], {}, "build"])
def test_what_is_no_record_is_refused(record):
    with pytest.raises(ValueError, match="a verdict needs"):
        verdict_cards.checked(record)


def test_the_card_says_it_in_a_word_a_shape_and_a_colour():
    shapes = set()
    for verdict in verdict_cards.ICONS:
        html = verdict_cards.card_html(verdict_cards.checked(RECORD | {"verdict": verdict}), "en", "because")
        assert f'class="siyu-verdict {verdict}"' in html
        assert "<span>Build</span>" in html
        shapes.add(html.split("<circle")[1].split("</svg>")[0])
    assert len(shapes) == 5
    zh = verdict_cards.card_html(verdict_cards.checked(RECORD), "zh", "因为")
    assert "私域划算的可能性：<strong>93%</strong>" in zh
    assert "有一定证据" in zh
    assert "href" not in zh
    assert 'href="#n-chance"' in verdict_cards.card_html(verdict_cards.checked(RECORD), "zh", "因为", "chance")


def test_names_on_a_card_are_escaped():
    hostile = {"zh": "<script>", "en": "<b>"}
    html = verdict_cards.card_html(
        verdict_cards.checked(RECORD | {"words": hostile, "probability_of": hostile}), "en", ""
    )
    assert "<b>" not in html
    assert html.count("&lt;b&gt;") == 2


def test_the_colours_of_all_verdicts_are_in_the_style():
    from siyu_helpers.reporting.pages import TEMPLATES

    style = (TEMPLATES / "page" / "style.css").read_text("utf-8")
    index = (TEMPLATES / "index" / "index.css").read_text("utf-8")
    for verdict in set(verdict_cards.ICONS) - {"cannot_be_judged"}:
        assert f".siyu-verdict.{verdict} {{" in style
    for verdict in set(verdict_cards.ICONS) - {"pilot"}:  # which has the colour of a link
        assert f".decided .{verdict} {{" in index
