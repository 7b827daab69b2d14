"""Colours: dark enough on white, told apart by colour-blind eyes, and from light to dark where they mean time."""

import itertools

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from siyu_helpers.reporting.charts import colours

# Machado, Oliveira and Fernandes (2009), IEEE TVCG 15(6), table 1 (severity 1.0): protanopia and deuteranopia.
SEEN = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
}


def linear(colour):
    rgb = np.array(to_rgb(colour))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def luminance(colour):
    return linear(colour) @ [0.2126, 0.7152, 0.0722]


def contrast(a, b):
    """Of WCAG 2.1."""
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colour", [*colours.SERIES, colours.FAINT, colours.INK])
def test_lines_and_letters_stand_out_on_white(colour):
    assert contrast(colour, "white") >= 4.5


def test_ink_is_readable_on_the_darkest_shade_of_a_heat_map():
    assert contrast(colours.INK, colours.SHADE) >= 4.5


@pytest.mark.parametrize("eyes", SEEN)
def test_two_or_three_lines_and_rise_and_fall_differ_to_all_eyes(eyes):
    """Distance in linear light: the first three series, of which most charts have no more, and the waterfall's."""
    for a, b in [*itertools.combinations(colours.SERIES[:3], 2), (colours.RISE, colours.FALL)]:
        assert np.linalg.norm(SEEN[eyes] @ (linear(a) - linear(b))) > 0.08


@pytest.mark.parametrize("count", [2, 6, 36])
def test_time_runs_from_light_to_dark(count):
    light = [luminance(colour) for colour in colours.sequence(count)]
    assert all(np.diff(light) < 0)
    assert contrast(colours.sequence(count)[0], "white") > 1.4


def test_a_single_cohort_has_the_accent():
    assert colours.sequence(1) == [colours.ACCENT]
