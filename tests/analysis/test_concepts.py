"""The door of page 00: every name it promises, and sliders that move a parameter of their model."""

import inspect

import pytest

from siyu_helpers.analysis import concepts
from siyu_helpers.analysis.estimates import Estimate, Refused

SLIDERS = {
    "pond": concepts.POND_SLIDER, "dinner": concepts.DINNER_SLIDER, "toll_road": concepts.TOLL_ROAD_SLIDER,
    "paid_pond": concepts.PAID_POND_SLIDER, "house": concepts.HOUSE_SLIDER,
}  # fmt: skip


def test_the_door_has_what_it_lists():
    assert [name for name in concepts.__all__ if not hasattr(concepts, name)] == []
    assert len(concepts.__all__) == len(set(concepts.__all__))


@pytest.mark.parametrize("name", SLIDERS)
def test_every_slider_moves_its_model(name):
    slider, model = SLIDERS[name], getattr(concepts, name)
    assert slider.parameter in inspect.signature(model).parameters
    assert list(slider.values) == sorted(set(slider.values))
    given = {"stewards": 4000.0} if name == "house" else {}
    found = [model(**given, **{slider.parameter: value}) for value in slider.values]
    for made in found:
        assert all(isinstance(figure, Estimate | Refused) for figure in made.figures.values())
    # Something that the picture or its sentence shows is different from one end of the slider to the other.
    ends = [
        {key: figure.value for key, figure in made.figures.items() if isinstance(figure, Estimate)}
        for made in (found[0], found[-1])
    ]
    assert any(ends[0].get(key) != value for key, value in ends[1].items())


@pytest.mark.parametrize(
    ("name", "told", "moved"),
    [
        ("dinner", "dinner_entry", "entry"),
        ("toll_road", "toll_road_moved", "moved"),
        ("paid_pond", "paid_pond_bid", "bid"),
    ],
)
def test_a_model_says_where_its_slider_stands(name, told, moved):
    assert getattr(concepts, name)(**{moved: 0.5}).figures[told].value == 0.5
