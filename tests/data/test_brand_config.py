"""brand.yml: what is read, what is refused, and on which line."""

import datetime
import zoneinfo

import polars as pl
import pytest

from siyu_helpers.data import brand_config

GOOD = """\
id: acme
name: {zh: 某品牌, en: "Acme <b>$x$</b> =cmd()"}
industry: cosmetics
currency: CNY
timezone: Asia/Shanghai
observed_from: 2024-01-01
observed_until: "2024-06-30"
history: truncated
source: |
  an export,
  on two lines
"""


def read(tmp_path, text: str):
    path = tmp_path / "brand.yml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return brand_config.read(path, "acme")


def test_a_good_file_is_read_with_every_default(tmp_path):
    reading = read(tmp_path, GOOD)
    assert reading.problems == []
    config = reading.config
    assert set(config) == set(brand_config.REQUIRED) | set(brand_config.DEFAULTS) | {"channel_names"}
    # Hostile text stays as it is: escaping belongs to the output.
    assert config["name"] == {"zh": "某品牌", "en": "Acme <b>$x$</b> =cmd()"}
    assert (config["observed_from"], config["observed_until"]) == (
        datetime.date(2024, 1, 1),
        datetime.date(2024, 6, 30),
    )
    assert (config["burn_in_days"], config["synthetic"], config["channels"]) == (365, False, {})


def test_optional_settings_keep_their_types(tmp_path):
    text = GOOD + (
        "burn_in_days: 180\ngross_margin: 0.4\ndormant_after_days: 90\nsynthetic: true\nunknown_customer: ['', '***']\n"
        "channels: {douyin: public, wecom: private}\ncolumns: {单号: order_id, orders: {实付: amount}}\n"
        "scenarios: []\n"
    )
    config = read(tmp_path, text).config
    assert config["gross_margin"] == 0.4
    assert config["unknown_customer"] == ["", "***"]
    assert config["columns"] == {"单号": "order_id", "orders": {"实付": "amount"}}


LIFT_TEST = """\
lift_tests:
  - channel: douyin
    from: 2024-02-01
    until: 2024-03-15
    of: new_customers
    incremental: 180
    standard_error: 25.5
channels: {douyin: public}
"""


def test_a_lift_test_is_read_wherever_the_channels_stand(tmp_path):
    """Numbers become floats; the first test has the six keys that are needed, the second all nine, and a loss."""
    more = "    method: geo holdout\n    spend: 9000\n    source: report of 2 April 2024\n"
    second = LIFT_TEST.splitlines(keepends=True)[1:7]
    second = "".join(second).replace("180", "-3.5").replace("2024-", "2025-")
    text = LIFT_TEST.replace("channels:", second + more + "channels:")
    reading = read(tmp_path, GOOD + text)
    assert reading.problems == []
    first, later = reading.config["lift_tests"]
    days = {"from": datetime.date(2024, 2, 1), "until": datetime.date(2024, 3, 15)}
    assert first == {"channel": "douyin", **days, "of": "new_customers", "incremental": 180.0, "standard_error": 25.5}
    days = {name: day.replace(year=2025) for name, day in days.items()}
    assert later == first | days | {
        "incremental": -3.5, "method": "geo holdout", "spend": 9000.0, "source": "report of 2 April 2024",
    }  # fmt: skip
    assert tuple(later) == brand_config.LIFT_TEST + brand_config.LIFT_TEST_MORE


@pytest.mark.parametrize(
    ("old", "new", "line", "column", "wrong", "remedy"),
    [
        ("channel: douyin", "channel: douyn", 13, "lift_tests.channel", "'douyn' is not one of", "mean douyin?"),
        ("{douyin: public}", "", 13, "lift_tests.channel", "not one of the channels", "List the channel"),
        ("channel: douyin", "channel: no", 13, "lift_tests.channel", "true or false", "quotation marks"),
        ("incremental:", "incrementl:", 17, "lift_tests", "'incrementl' is not known", "Did you mean incremental?"),
        ("    standard_error: 25.5\n", "", 13, "lift_tests", "has no standard_error", "siyu new"),
        ("standard_error: 25.5", "standard_error: 0", 18, "lift_tests.standard_error", "not above 0", "interval"),
        ("incremental: 180", "incremental: many", 17, "lift_tests.incremental", "not a number", "plain number"),
        ("incremental: 180", "incremental: .inf", 17, "lift_tests.incremental", "not a number", "plain number"),
        ("incremental: 180", "incremental: yes", 17, "lift_tests.incremental", "not a number", "plain number"),
        ("incremental: 180", "spend: -1", 17, "lift_tests.spend", "below 0", "cost in the days"),
        ("of: new_customers", "of: customers", 16, "lift_tests.of", "'customers' is not one of", "new_customers"),
        ("from: 2024-02-01", "from: 2024-02-31", 14, "lift_tests.from", "not in the calendar", "Correct"),
        ("until: 2024-03-15", "until: 2024-01-15", 13, "lift_tests", "before it begins", "Correct the days"),
        ("  - channel: douyin", "  - channel: douyin\n    channel: x", 14, "lift_tests", "given twice", "Keep one"),
    ],
)
def test_a_lift_test_that_cannot_be_is_named_by_its_line(old, new, line, column, wrong, remedy, tmp_path):
    assert LIFT_TEST.count(old) == 1
    problems = read(tmp_path, GOOD + LIFT_TEST.replace(old, new)).problems
    told = [p for p in problems if p.line == line and p.column == column and wrong in p.wrong and remedy in p.remedy]
    assert told, [str(problem) for problem in problems]


@pytest.mark.parametrize(
    ("more", "lines"),
    [
        ("", {19}),
        ("from: 2024-03-15, until: 2024-03-20", {19}),  # the last day of the first
        ("from: 2024-03-16, until: 2024-03-20", set()),
        ("of: orders", set()),  # one experiment may count both
        ("channel: weibo", set()),
    ],
)
def test_two_lift_tests_of_a_channel_may_not_share_days(more, lines, tmp_path):
    keys = dict(line.strip(" -").split(": ") for line in LIFT_TEST.splitlines()[1:7])
    keys |= dict(part.split(": ") for part in more.split(", ") if part)
    second = "  - {" + ", ".join(f"{name}: {value}" for name, value in keys.items()) + "}\n"
    text = LIFT_TEST.replace("channels: {", second + "channels: {weibo: public, ")
    problems = read(tmp_path, GOOD + text).problems
    assert {problem.line for problem in problems} == lines
    assert all("share days" in problem.wrong and "Keep one" in problem.remedy for problem in problems)


def test_problems_of_every_lift_test_are_told_at_once(tmp_path):
    tests = "lift_tests:\n  - {channel: a}\n  - {channel: b, of: x}\n"
    assert {problem.line for problem in read(tmp_path, GOOD + tests).problems} == {13, 14}


@pytest.mark.parametrize(
    ("line", "number", "column", "wrong", "remedy"),
    [
        ("industri: x", 12, None, "'industri' is not known", "industry"),
        ("id: again", 12, "id", "given twice (first on line 1)", "Keep one"),
        ("gross_margin: 35", 12, "gross_margin", "not a share", "0.35"),
        ("gross_margin: .nan", 12, "gross_margin", "not a share", "0.35"),
        ("gross_margin: yes", 12, "gross_margin", "not a number", "plain number"),
        ("burn_in_days: -1", 12, "burn_in_days", "not a whole number", "at least 0"),
        ("dormant_after_days: 0", 12, "dormant_after_days", "not a whole number", "at least 1"),
        ("burn_in_days: '365'", 12, "burn_in_days", "not a number", "without quotation marks"),
        ("synthetic: 1", 12, "synthetic", "neither true nor false", "synthetic: true"),
        ("channels: {douyin: publc}", 12, "channels.douyin", "'publc'", "Did you mean public?"),
        ("channels: {no: public}", 12, "channels", "true or false", "quotation marks"),
        ("channels: [douyin]", 12, "channels", "`name: value` lines", "Indent"),
        ("columns: {单号: order}", 12, "columns", "'order' is not a column", "Did you mean order_id?"),
        ("columns: {order: {单号: order_id}}", 12, "columns", "no table 'order'", "Did you mean orders?"),
        ("columns:\n  x: amount\n  x: amount", 14, "columns", "given twice", "Keep one"),
        ("unknown_customer: '***'", 12, "unknown_customer", "A list is expected", "[ ]"),
        ("lift_tests: [1]", 12, "lift_tests", "group of", "- name: value"),
        ("scenarios: !x []", 12, None, "Tags", "Delete the tag"),
        ("scenarios: &a []", 12, None, "Anchors", "Write the value out"),
        ("scenarios: [*a]", 12, None, "Anchors", "Write the value out"),
        ("scenarios: [", 13, None, "not valid YAML", "Indent with spaces"),
        ("lift_tests: []\nscenarios: [\a]", 13, None, "control character", "Type the line again"),
        ("columns: {orders: {x: spend}}", 12, "columns", "'spend' is not a column of orders", "their header first"),
        ("<<: {a: b}", 12, None, "'<<' is not known", "Known keys"),
        ("? [a]\n: b", 12, None, "not a word", "lines such as"),
        ("--- \nid: x", 12, None, "not valid YAML", "Indent"),
    ],
)
def test_a_bad_line_is_named(line, number, column, wrong, remedy, tmp_path):
    problems = read(tmp_path, GOOD + line + "\n").problems
    told = [p for p in problems if p.line == number and p.column == column and wrong in p.wrong and remedy in p.remedy]
    assert told, [str(problem) for problem in problems]


@pytest.mark.parametrize(
    ("old", "new", "column"),
    [
        ("id: acme", "id: no", "id"),
        ("id: acme", "id: 007", "id"),
        ("id: acme", "id: Acme", "id"),
        ("id: acme", "id: ../acme", "id"),
        ("id: acme", "id:", "id"),
        ("id: acme", "id: [a]", "id"),
        ("zh: 某品牌", "zh: 2024-01-01", "name.zh"),
        ("zh: 某品牌, ", "", "name"),
        ("zh: 某品牌", 'zh: "a\\x07"', "name.zh"),
        ("zh: 某品牌", 'zh: "a\\u202eb"', "name.zh"),
        ("zh: 某品牌", "zh: 某, fr: x", "name"),
        ("currency: CNY", "currency: rmb", "currency"),
        ("timezone: Asia/Shanghai", "timezone: UTC+8", "timezone"),
        ("timezone: Asia/Shanghai", "timezone: localtime", "timezone"),
        ("2024-01-01", "2024-02-30", "observed_from"),
        ("2024-01-01", "2024-01-01 10:00:00", "observed_from"),
        ("2024-01-01", "1024-01-01", "observed_from"),
        ("2024-01-01", "2024-12-01", "observed_until"),
        ("truncated", "partial", "history"),
        ("industry: cosmetics", "industry: Face Cream", "industry"),
        ("source: |\n  an export,\n  on two lines\n", "", "source"),
        ("en: \"Acme <b>$x$</b> =cmd()\"", "en: <name>", "name.en"),
    ],
)  # fmt: skip
def test_a_bad_value_is_named_by_its_key(old, new, column, tmp_path):
    assert old in GOOD
    problems = read(tmp_path, GOOD.replace(old, new)).problems
    assert [problem.column for problem in problems] == [column], [str(problem) for problem in problems]


def test_all_problems_come_together_and_the_rest_is_still_read(tmp_path):
    text = GOOD.replace("CNY", "rmb").replace("truncated", "x") + "columns: {a: amount, b: amonut, c: spnd}\n"
    reading = read(tmp_path, text)
    assert [problem.column for problem in reading.problems] == ["history", "columns", "columns", "currency"]
    assert reading.config["columns"] == {"a": "amount"}


@pytest.mark.parametrize(
    "text", ["", "- a", "just words", b"id: \xff", "[" * 1200 + "]" * 1200, "\x00", "id: " + "9" * 6000]
)
def test_what_is_no_settings_file_is_refused_without_a_crash(text, tmp_path):
    assert read(tmp_path, text).problems


def test_every_time_zone_that_is_accepted_can_be_computed_with(tmp_path):
    noon = pl.Series([0]).cast(pl.Datetime("us", "UTC"))
    for zone in zoneinfo.available_timezones():
        if not read(tmp_path, GOOD.replace("Asia/Shanghai", zone)).problems:
            noon.dt.convert_time_zone(zone)


def test_a_giant_file_is_refused(tmp_path):
    assert "1 MB" in read(tmp_path, "#" * 1_100_000).problems[0].wrong
