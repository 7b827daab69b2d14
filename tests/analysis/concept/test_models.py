"""What the small models share: a parameter is a number within its range, or a clear error."""

import pytest

from siyu_helpers.analysis.concept import dinner, house, models, paid_pond, pond, toll_road

MODELS = {"pond": pond, "dinner": dinner, "toll_road": toll_road, "paid_pond": paid_pond, "house": house}


@pytest.mark.parametrize("value", [None, "many", float("nan"), float("inf"), -0.1, 1.1])
def test_a_parameter_that_is_no_number_of_its_range(value):
    with pytest.raises(ValueError, match="leaving must be a number, from 0 to 1"):
        models.number("leaving", value, most=1)


@pytest.mark.parametrize("name", MODELS)
def test_every_value_of_the_slider_makes_a_picture(name):
    module = MODELS[name]
    model, slider = getattr(module, name), module.SLIDER
    assert len(slider.values) == 11
    assert list(slider.values) == sorted(slider.values)
    found = [model(**{slider.parameter: value}) for value in slider.values]
    assert {tuple(one.table.columns) for one in found} == {tuple(module.COLUMNS)}
    assert {tuple(one.figures) for one in found} == {module.FIGURES}
    if name != "house":  # without tables there is nothing to move
        assert len({str([getattr(fact, "value", None) for fact in one.figures.values()]) for one in found}) == 11


@pytest.mark.parametrize("name", MODELS)
def test_every_figure_has_words_in_both_languages(name):
    module = MODELS[name]
    for key, fact in getattr(module, name)().figures.items():
        assert key.startswith(name)
        if hasattr(fact, "definition"):
            assert "{" not in fact.definition.zh + fact.definition.en
            assert not fact.definition.zh.endswith("。")
        else:
            assert fact.reason_zh
            assert fact.reason_en
