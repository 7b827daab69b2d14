"""Formulas broken into lines: nothing is lost, no line is too wide where it can be helped, short ones stay."""

import re
from xml.etree import ElementTree

import latex2mathml.converter
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siyu_helpers.teaching import formulas

LONG = (
    r"\text{profit} = \text{traffic} \times \text{conversion} \times (\text{order value} \times "
    r"\text{contribution rate} \times \text{orders per customer} - \text{acquisition cost}) - \text{fixed cost}"
)


def shown(html):
    return re.sub(r"\s+", "", "".join(ElementTree.fromstring(html).itertext()))


def mathml(latex, display="block"):
    return latex2mathml.converter.convert(latex, display=display)


def test_a_long_formula_stands_in_lines_that_begin_with_a_sign():
    made = formulas.broken_formulas(f"<p>before {mathml(LONG)} after</p>")
    assert made.startswith("<p>before <math")
    assert made.endswith("</math> after</p>")
    lines = re.findall(r"<mtr>(.*?)</mtr>", made)
    assert len(lines) >= 2
    assert all(re.match(r'<mtd[^>]*><mo form="infix" rspace="0.25em">[−×]', line) for line in lines[1:])


@pytest.mark.parametrize(
    "latex", [r"a = \frac{b}{c}", r"S = (u - l) + \frac{2}{\alpha} m", r"\text{留存率} = \frac{\text{人}}{\text{人数}}"]
)
def test_a_short_one_stays_as_it_is(latex):
    assert formulas.broken_formulas(mathml(latex)) == mathml(latex)


def test_one_in_the_middle_of_a_sentence_stays_as_it_is():
    inline = mathml(LONG, display="inline")
    assert formulas.broken_formulas(inline) == inline


def test_what_cannot_be_read_or_broken_is_left():
    assert formulas.broken_formulas('<math display="block"><mi>a</math>') == '<math display="block"><mi>a</math>'
    word = mathml(rf"\text{{{'x' * 200}}}")
    assert shown(formulas.broken_formulas(word)) == "x" * 200


WORD = st.text("abcdefgh 客户", min_size=1, max_size=30).filter(str.strip)


@given(st.lists(st.tuples(st.sampled_from([r"\times", "+", "-", "="]), WORD), min_size=1, max_size=12), WORD)
def test_nothing_is_lost_and_no_line_is_wider_than_it_need_be(terms, first):
    latex = rf"\text{{{first}}}" + "".join(rf" {sign} \text{{{word}}}" for sign, word in terms)
    before = mathml(latex)
    after = formulas.broken_formulas(before)
    assert shown(after) == shown(before)
    rows = ElementTree.fromstring(after).iter(f"{{{formulas.MATHML}}}mtd")
    assert all(formulas.width(list(row)) <= formulas.WIDEST for row in rows)


def test_brackets_are_broken_last():
    latex = r"\text{value of a year} = \text{a long name here} + (\text{another long name} - \text{yet one more})"
    lines = re.findall(r"<mtr>(.*?)</mtr>", formulas.broken_formulas(mathml(latex)))
    assert len(lines) == 2
    assert re.sub(r"<[^>]+>", "", lines[1]).startswith("+(")
