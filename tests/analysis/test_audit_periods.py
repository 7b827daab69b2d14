"""Periods of the audit against pandas' own calendar, and the number of a day against the engine's."""

import datetime

import pandas as pd
import pytest
from audit_logs import ENGINES, FROM, UNTIL, log
from hypothesis import given
from hypothesis import strategies as st

from siyu_helpers.analysis import audit_periods, order_log
from siyu_helpers.analysis.audit_periods import facts_by_period, number_of_day, periods

DAYS = st.dates(datetime.date(1900, 1, 1), datetime.date(2100, 12, 31))
RULE = st.sampled_from(audit_periods.RULES)


@given(DAYS, DAYS, RULE, st.integers(1, 800))
def test_periods_tile_the_range_and_each_day_knows_its_own(one, other, rule, length):
    first, last = sorted((one, other))
    if rule == "trailing" and (last - first).days > 400 * length:
        first = last - datetime.timedelta(days=400 * length)
    made = periods(first, last, rule, length)
    begins, ends = (pd.to_datetime(made[name]) for name in ("first_day", "last_day"))
    assert (begins.iloc[1:].to_numpy() == (ends.iloc[:-1] + pd.Timedelta(days=1)).to_numpy()).all()
    assert begins.iloc[0] <= pd.Timestamp(first) <= ends.iloc[0]
    assert begins.iloc[-1] <= pd.Timestamp(last) <= ends.iloc[-1]
    assert (made["complete"] == ((begins >= pd.Timestamp(first)) & (ends <= pd.Timestamp(last)))).all()
    assert made["number"].diff().dropna().eq(1).all()
    until = order_log.day_number(last, "until")
    for day, at in ((first, 0), (last, -1)):
        assert number_of_day(order_log.day_number(day, "day"), until, rule, length) == made["number"].iloc[at]
    if rule == "trailing":
        assert ends.iloc[-1] == pd.Timestamp(last)
        assert ((ends - begins).dt.days + 1 == length).all()
    elif rule != "half":
        unit = pd.PeriodIndex(begins, freq={"year": "Y", "quarter": "Q"}[rule])
        assert (unit.end_time.normalize() == pd.DatetimeIndex(ends)).all()
        assert made["period"].tolist() == [str(name).replace("Q", "-Q") for name in unit]


def test_half_years_and_names():
    made = periods("2023-02-01", "2024-06-30", "half")
    assert made["period"].tolist() == ["2023-H1", "2023-H2", "2024-H1"]
    assert made["complete"].tolist() == [False, True, True]
    assert made["last_day"].tolist() == ["2023-06-30", "2023-12-31", "2024-06-30"]
    two_years = periods("2023-01-01", "2024-12-30", "trailing", 365)  # 730 days, 2024 being a leap year
    assert two_years["period"].tolist() == ["2023-01-01/2023-12-31", "2024-01-01/2024-12-30"]
    assert two_years["complete"].all()


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("rule", audit_periods.RULES)
def test_engines_count_the_period_as_python_does(engine, rule):
    days = ["2022-01-01", "2022-06-30", "2022-07-01", "2023-12-31 23:59:59", "2024-02-29", "2024-12-31"]
    orders = log(*((1, day, 1) for day in days))
    facts, listed = facts_by_period(ENGINES[engine](orders), UNTIL, rule, 90, "net", FROM)
    made = facts.select("day", "period").collect("pandas").to_native().sort_values("day")
    until = order_log.day_number(UNTIL, "until")
    assert made["period"].tolist() == [number_of_day(day, until, rule, 90) for day in made["day"].tolist()]
    assert set(made["period"]) <= set(listed["number"])


def test_impossible_periods_are_refused():
    with pytest.raises(ValueError, match="period must be one of"):
        periods(FROM, UNTIL, "month")
    with pytest.raises(ValueError, match="trailing_days"):
        periods(FROM, UNTIL, "trailing", 0)
    with pytest.raises(ValueError, match="observed_from lies after"):
        periods(UNTIL, FROM)
