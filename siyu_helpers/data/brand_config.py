"""brand.yml: what a brand says about itself, read strictly and with line numbers.

The file is read as plain YAML: no tags, anchors or aliases, no key twice, no key the workbook does not know. A value
of the wrong type is refused rather than guessed at, because YAML reads `no` as false and `007` as 7.
"""

import datetime
import math
import re
import unicodedata
import zoneinfo
from dataclasses import dataclass
from pathlib import Path

import yaml

from siyu_helpers.data.contract import TABLES, Problem, nearest, quoted

FILE = "brand.yml"
#: Beside it in the folder of an invented brand: what is true of it.
TRUTH = "truth.yml"
SLUG = re.compile(r"[a-z0-9_-]{1,40}")
EARLIEST_DAY = datetime.date(1990, 1, 1)
LARGEST_FILE = 1_000_000

REQUIRED = ("id", "name", "industry", "currency", "timezone", "observed_from", "observed_until", "history", "source")
DEFAULTS = {
    "burn_in_days": 365,
    "gross_margin": None,
    "dormant_after_days": None,
    "channels": {},
    "columns": {},
    "unknown_customer": [],
    "lift_tests": [],
    "scenarios": [],
    "synthetic": False,
}
# What `siyu new` leaves to be filled in.
UNFILLED = ("<品牌名>", "<name>", "<slug>", "<YYYY-MM-DD>", "<which system, exported when and by whom>")
# What a missing or unfilled key might say.
EXAMPLES = {
    "id": "acme",
    "name": "{zh: 某品牌, en: Acme}",
    "name.zh": "某品牌",
    "name.en": "Acme",
    "industry": "cosmetics",
    "currency": "CNY",
    "timezone": "Asia/Shanghai",
    "observed_from": "2023-01-01",
    "observed_until": "2024-12-31",
    "history": "truncated",
    "source": "ERP export of 5 January 2025",
}
_LISTS = ("unknown_customer", "scenarios")
_WORDS = {
    "history": ("complete", "truncated"),
    "domain": ("public", "semi", "private"),
    "lift_tests.of": ("new_customers", "orders"),
}
#: Keys of a lift test: those it must have, and those it may have.
LIFT_TEST = ("channel", "from", "until", "of", "incremental", "standard_error")
LIFT_TEST_MORE = ("method", "spend", "source")


@dataclass(frozen=True)
class Reading:
    """What was read from a brand.yml: the settings, and the problems met on the way.

    A setting that could not be read is None, so that the tables can still be checked and all problems told together.
    """

    config: dict
    problems: list[Problem]


class _Wrong(Exception):  # noqa: N818 - never leaves this module
    """A node that does not hold what its key asks for; `partial` is the part of it that could be read."""

    def __init__(self, node: yaml.Node, key: str | None, wrong: str, remedy: str):
        self.problems = [Problem(FILE, node.start_mark.line + 1, key, wrong, remedy)]
        self.partial = None
        super().__init__(wrong)


def read(path: Path, folder_name: str) -> Reading:
    """Read a brand.yml into a plain dictionary with every default filled in.

    Parameters
    ----------
    path : Path
        The file.
    folder_name : str
        Name of the brand's folder, which `id` has to repeat.

    Returns
    -------
    Reading
        `.config` has one entry per key of `REQUIRED` and `DEFAULTS`, and `channel_names`; days are `datetime.date`,
        `name` is ``{"zh": ..., "en": ...}``, `columns` is as written, `channels` is name -> domain, and `channel_names`
        is name -> ``{"zh": ..., "en": ...}``, the name itself where no other is given. `lift_tests` is a list of
        dictionaries with the keys of `LIFT_TEST`, and those of `LIFT_TEST_MORE` that are given; two of one channel that
        count the same thing may not share days. `.problems` is empty when all is well.
    """
    try:
        text = path.read_bytes()[: LARGEST_FILE + 1].decode("utf-8-sig")
    except OSError as error:
        wrong = f"The file cannot be opened ({error.strerror})."
        return Reading(_blank(), [Problem(FILE, None, None, wrong, "Check who may read it.")])
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        return Reading(_blank(), [Problem(FILE, line, None, "The file is not UTF-8 text.", "Save it as UTF-8.")])
    if len(text.encode()) > LARGEST_FILE:
        return Reading(_blank(), [Problem(FILE, None, None, "The file is larger than 1 MB.", "Keep settings only.")])
    try:
        root, problems = _plain_yaml(text)
        return Reading(_blank(), problems) if problems else _settings(root, folder_name)
    except RecursionError:
        return Reading(
            _blank(), [Problem(FILE, None, None, "Brackets are nested too deeply.", "Keep settings simple.")]
        )


def _blank() -> dict:
    return dict.fromkeys(REQUIRED) | {key: _copy(value) for key, value in DEFAULTS.items()} | {"channel_names": {}}


def _copy(value):
    return value.copy() if isinstance(value, dict | list) else value


def _plain_yaml(text: str) -> tuple[yaml.Node | None, list[Problem]]:
    """The root mapping of the file, refusing what plain settings never need."""
    problems = []
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            line = event.start_mark.line + 1
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                problems.append(
                    Problem(
                        FILE,
                        line,
                        None,
                        "Anchors (&) and aliases (*) are not read.",
                        "Write the value out, or quote a text that begins with & or *.",
                    )
                )
            elif getattr(event, "tag", None):
                problems.append(
                    Problem(
                        FILE,
                        line,
                        None,
                        "Tags (a word beginning with !) are not read.",
                        "Delete the tag, or quote a text that begins with !.",
                    )
                )
        root = None if problems else yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        return None, [*problems, _not_yaml(error, text)]
    if not problems and not isinstance(root, yaml.MappingNode):
        problems = [Problem(FILE, 1, None, "The file has no settings.", "Write lines such as `id: acme`.")]
    return (None if problems else root), problems


def _not_yaml(error: yaml.YAMLError, text: str) -> Problem:
    if isinstance(error, yaml.reader.ReaderError):
        line = text.count("\n", 0, error.position) + 1
        return Problem(FILE, line, None, "The line holds a control character.", "Type the line again, without pasting.")
    line = error.problem_mark.line + 1 if error.problem_mark else None
    wrong = f"The file is not valid YAML ({error.problem})."
    remedy = "Indent with spaces, put quotation marks around a text that holds a colon, or start from `siyu new`."
    return Problem(FILE, line, None, wrong, remedy)


def _settings(root: yaml.MappingNode, folder_name: str) -> Reading:
    config, problems, lines = _blank(), [], {}
    for key_node, node in root.value:
        try:
            key = _key(key_node, [*REQUIRED, *DEFAULTS], lines)
            config[key] = _value(key, node)
        except _Wrong as wrong:
            problems += wrong.problems
            config[key] = wrong.partial if wrong.partial is not None else config.get(key)
    channels = config["channels"] or {}
    config["channel_names"] = {
        name: {lang: known.get(lang, name) for lang in ("zh", "en")} for name, known in channels.items()
    }
    config["channels"] = {name: known["domain"] for name, known in channels.items()}
    for key in REQUIRED:
        if key not in lines:
            remedy = f"Add a line `{key}: {EXAMPLES[key]}`."
            problems.append(Problem(FILE, None, key, f"The key {key} is missing.", remedy))
    problems += _tests_of_unknown_channels(root, config["channels"])
    problems += _together(config, lines, folder_name)
    if any(problem.column in ("observed_from", "observed_until") for problem in problems):
        # A period that contradicts itself would make every order wrong as well.
        config["observed_from"] = config["observed_until"] = None
    return Reading(config, problems)


def _key(node: yaml.Node, known: list[str], seen: dict) -> str:
    if not isinstance(node, yaml.ScalarNode):
        raise _Wrong(node, None, "A key is not a word.", "Write lines such as `id: acme`.")
    name = node.value
    shown = quoted(name)
    if name in seen:
        raise _Wrong(node, name, f"The key {shown} is given twice (first on line {seen[name]}).", "Keep one of them.")
    if name not in known:
        near = nearest(name, known)
        remedy = f"Did you mean {near}?" if near else f"Known keys: {', '.join(known)}."
        raise _Wrong(node, None, f"The key {shown} is not known.", remedy)
    seen[name] = node.start_mark.line + 1
    return name


def _value(key: str, node: yaml.Node):
    """The value of one top-level key, checked; raises _Wrong."""
    if key == "name":
        return _mapping(node, key, lambda name, child: _text(child, f"name.{name}"), required=("zh", "en"))
    if key == "channels":
        return _mapping(node, key, _channel)
    if key == "columns":
        return _mapping(node, key, _header)
    if key == "lift_tests":
        return _lift_tests(node)
    if key in _LISTS:
        return _sequence(node, key)
    if key in ("observed_from", "observed_until"):
        return _day(node, key)
    if key == "history":
        return _word(node, key, _WORDS["history"])
    if key in ("burn_in_days", "dormant_after_days", "gross_margin", "synthetic"):
        return _amount_or_switch(node, key)
    return _text(node, key)


def _scalar(node: yaml.Node):
    """What YAML makes of a scalar: text, number, bool, day or None."""
    try:
        return yaml.SafeLoader("").construct_object(node, deep=True)
    except (ValueError, yaml.YAMLError, OverflowError):
        return node.value


def _text(node: yaml.Node, key: str, blank: bool = False) -> str:
    value = _scalar(node) if isinstance(node, yaml.ScalarNode) else None
    if not isinstance(node, yaml.ScalarNode):
        raise _Wrong(node, key, "A text is expected here.", "Write one line of text.")
    if not isinstance(value, str):
        if not node.value:
            raise _Wrong(node, key, "The value is missing.", f"Write it after `{key}:`.")
        raise _Wrong(node, key, f"YAML reads {quoted(node.value)} as {_yaml_name(value)}, not as text.",
                     "Put quotation marks around it.")  # fmt: skip
    if any(unicodedata.category(c) in ("Cc", "Cs") or c in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
           for c in value.replace("\n", "")):  # fmt: skip
        raise _Wrong(node, key, "The text holds control characters.", "Type the text again, without pasting.")
    if value in UNFILLED:
        example = f" Example: {EXAMPLES[key]}." if key in EXAMPLES else ""
        remedy = f"Replace <...> with the value; dates as 2024-12-31.{example}"
        raise _Wrong(node, key, f"{quoted(value)} is still to be filled in.", remedy)
    if not value.strip() and not blank:
        raise _Wrong(node, key, "The text is blank.", "Write something, or delete the line if it is optional.")
    return value


def _yaml_name(value) -> str:
    names = {bool: "true or false", int: "a number", float: "a number", datetime.date: "a day", type(None): "nothing"}
    return names.get(type(value), "a date")


def _word(node: yaml.Node, key: str, allowed: tuple[str, ...]) -> str:
    value = _text(node, key)
    if value not in allowed:
        near = nearest(value, allowed)
        remedy = f"Did you mean {near}?" if near else f"Write one of: {', '.join(allowed)}."
        raise _Wrong(node, key, f"{quoted(value)} is not one of {', '.join(allowed)}.", remedy)
    return value


def _day(node: yaml.Node, key: str) -> datetime.date:
    value = _scalar(node) if isinstance(node, yaml.ScalarNode) else None
    if value in UNFILLED:
        _text(node, key)
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        try:
            value = datetime.date.fromisoformat(value)
        except ValueError:
            raise _Wrong(node, key, f"{quoted(value)} is not in the calendar.", "Correct the day.") from None
    if type(value) is not datetime.date:
        raise _Wrong(node, key, "This is not a day.", "Write YYYY-MM-DD, such as 2024-12-31.")
    if not EARLIEST_DAY <= value <= datetime.date(9000, 1, 1):
        raise _Wrong(node, key, f"{value} is not a plausible day for an export.", "Correct the year.")
    return value


def _amount_or_switch(node: yaml.Node, key: str):
    value = _scalar(node) if isinstance(node, yaml.ScalarNode) else "?"
    if key == "synthetic":
        if not isinstance(value, bool):
            raise _Wrong(node, key, "This is neither true nor false.", "Write `synthetic: true` or `synthetic: false`.")
        return value
    if value is None and DEFAULTS[key] is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _Wrong(node, key, "This is not a number.", "Write a plain number without quotation marks.")
    if key == "gross_margin":
        if not 0 < value <= 1:
            raise _Wrong(node, key, f"{value} is not a share between 0 and 1.", "Write 35% as 0.35.")
        return float(value)
    least = 0 if key == "burn_in_days" else 1
    if not isinstance(value, int) or not least <= value <= 36_500:
        raise _Wrong(node, key, f"{value} is not a whole number of days.", f"Write a whole number, at least {least}.")
    return value


def _mapping(node: yaml.Node, key: str, value_of, required: tuple[str, ...] = ()) -> dict:
    if isinstance(node, yaml.ScalarNode) and _scalar(node) is None and not required:
        return {}
    if not isinstance(node, yaml.MappingNode):
        raise _Wrong(node, key, "A list of `name: value` lines is expected here.", "Indent such lines below the key.")
    found, wrongs = {}, []
    for name_node, child in node.value:
        try:
            name = _text(name_node, key)
            if name in found:
                raise _Wrong(name_node, key, f"{quoted(name)} is given twice.", "Keep one of them.")
            if required and name not in required:
                raise _Wrong(name_node, key, f"{quoted(name)} is not known here.", f"Write {' and '.join(required)}.")
            found[name] = value_of(name, child)
        except _Wrong as wrong:
            wrongs.append(wrong)
    for name in required:
        if name not in found and not wrongs:
            wrongs.append(_Wrong(node, key, f"{key} has no {name}.", f"Write {key}: {{zh: ..., en: ...}}."))
    if wrongs:
        wrongs[0].problems = [problem for wrong in wrongs for problem in wrong.problems]
        wrongs[0].partial = found
        raise wrongs[0]
    return found


def _channel(name: str, node: yaml.Node) -> dict:
    """One entry of `channels`: a domain, or a domain with the channel's name in Chinese and English."""
    if not isinstance(node, yaml.MappingNode):
        return {"domain": _word(node, f"channels.{name}", _WORDS["domain"])}

    def part(key: str, child: yaml.Node) -> str:
        if key == "domain":
            return _word(child, f"channels.{name}.domain", _WORDS["domain"])
        if key not in ("zh", "en"):
            raise _Wrong(child, "channels", f"{quoted(key)} is not known here.", "Write domain, zh and en.")
        return _text(child, f"channels.{name}.{key}")

    found = _mapping(node, f"channels.{name}", part)
    if "domain" not in found:
        raise _Wrong(node, "channels", f"{quoted(name)} has no domain.", "Write {domain: public, zh: ..., en: ...}.")
    return found


def _header(name: str, node: yaml.Node):
    """One entry of `columns`: their header -> our name, or a table -> such entries."""
    if isinstance(node, yaml.MappingNode):
        if name not in TABLES:
            near = nearest(name, TABLES)
            remedy = f"Did you mean {near}?" if near else f"Tables: {', '.join(TABLES)}."
            raise _Wrong(node, "columns", f"There is no table {quoted(name)}.", remedy)
        return _mapping(node, f"columns.{name}", lambda header, child: _our_name(child, [name]))
    return _our_name(node, list(TABLES))


def _our_name(node: yaml.Node, tables: list[str]) -> str:
    value = _text(node, "columns")
    known = dict.fromkeys(column.name for table in tables for column in TABLES[table].columns)
    if value not in known:
        near = nearest(value, known)
        remedy = f"Did you mean {near}?" if near else "Write their header first, then our name of the column."
        place = tables[0] if len(tables) == 1 else "the contract"
        raise _Wrong(node, "columns", f"{quoted(value)} is not a column of {place}.", remedy)
    return value


def _lift_tests(node: yaml.Node) -> list[dict]:
    """The list of lift tests; every problem of every test is told at once."""
    found, problems = [], []
    for child in _items(node, "lift_tests"):
        try:
            test = _lift_test(child)
            _no_overlap(test, found, child)
            found.append(test)
        except _Wrong as wrong:
            problems += wrong.problems
    if problems:
        wrong = _Wrong(node, "lift_tests", "", "")
        wrong.problems = problems
        raise wrong
    return found


def _lift_test(node: yaml.MappingNode) -> dict:
    """One lift test: what a channel was found to cause, in which days, and how sure that is."""
    known = (*LIFT_TEST, *LIFT_TEST_MORE)

    def part(name: str, child: yaml.Node):
        key = f"lift_tests.{name}"
        if name not in known:
            near = nearest(name, known)
            remedy = f"Did you mean {near}?" if near else f"Write {', '.join(known)}."
            raise _Wrong(child, "lift_tests", f"{quoted(name)} is not known here.", remedy)
        if name in ("from", "until"):
            return _day(child, key)
        if name == "of":
            return _word(child, key, _WORDS[key])
        return _text(child, key) if name in ("channel", "method", "source") else _measured(child, key)

    found = _mapping(node, "lift_tests", part)
    for name in LIFT_TEST:
        if name not in found:
            remedy = f"Write {', '.join(LIFT_TEST)}; `siyu new` shows an example."
            raise _Wrong(node, "lift_tests", f"A lift test has no {name}.", remedy)
    if found["from"] > found["until"]:
        wrong = f"A lift test ends ({found['until']}) before it begins ({found['from']})."
        raise _Wrong(node, "lift_tests", wrong, "Correct the days.")
    return found


def _no_overlap(test: dict, others: list[dict], node: yaml.Node) -> None:
    """Raise where two tests count the same thing of one channel in days they share: it would count twice."""
    for other in others:
        same = test["channel"] == other["channel"] and test["of"] == other["of"]
        if same and test["from"] <= other["until"] and other["from"] <= test["until"]:
            days = f"{other['from']} to {other['until']}, and {test['from']} to {test['until']}"
            wrong = f"Two lift tests of {quoted(test['channel'])} share days: {days}."
            raise _Wrong(node, "lift_tests", wrong, "Keep one of them, or correct the days.")


def _measured(node: yaml.Node, key: str) -> float:
    """A number of a lift test: the effect may be negative, its standard error is above 0, spend is 0 or more."""
    value = _scalar(node) if isinstance(node, yaml.ScalarNode) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _Wrong(node, key, "This is not a number.", "Write a plain number without quotation marks.")
    if key == "lift_tests.standard_error" and not value > 0:
        remedy = "Write the standard error of `incremental`; a 90% interval is 3.29 of them wide."
        raise _Wrong(node, key, f"{value} is not above 0.", remedy)
    if key == "lift_tests.spend" and value < 0:
        raise _Wrong(node, key, f"{value} is below 0.", "Write what the channel cost in the days of the test.")
    return float(value)


def _tests_of_unknown_channels(root: yaml.MappingNode, channels: dict) -> list[Problem]:
    """Lift tests of a channel that is not listed, wherever in the file the channels stand."""
    problems = []
    lists = [node for key, node in root.value if key.value == "lift_tests" and isinstance(node, yaml.SequenceNode)]
    tests = [child for node in lists for child in node.value if isinstance(child, yaml.MappingNode)]
    for name, node in [pair for child in tests for pair in child.value]:
        if name.value != "channel" or not isinstance(node, yaml.ScalarNode) or not isinstance(_scalar(node), str):
            continue
        if node.value not in channels and node.value.strip():
            near = nearest(node.value, channels)
            remedy = f"Did you mean {near}?" if near else "List the channel under channels, with its domain."
            wrong = f"{quoted(node.value)} is not one of the channels."
            problems.append(Problem(FILE, node.start_mark.line + 1, "lift_tests.channel", wrong, remedy))
    return problems


def _sequence(node: yaml.Node, key: str) -> list:
    children = _items(node, key, groups=key != "unknown_customer")
    if key == "unknown_customer":
        return [_text(child, key, blank=True) for child in children]
    return [_plain(child, key) for child in children]


def _items(node: yaml.Node, key: str, groups: bool = True) -> list[yaml.Node]:
    """The nodes of a list, none where nothing is written; with `groups` each is a group of `name: value` lines."""
    if isinstance(node, yaml.ScalarNode) and _scalar(node) is None:
        return []
    if not isinstance(node, yaml.SequenceNode):
        raise _Wrong(node, key, "A list is expected here.", "Write the items in [ ], or one a line after a dash.")
    for child in node.value:
        if groups and not isinstance(child, yaml.MappingNode):
            raise _Wrong(child, key, "Every item is a group of `name: value` lines.", "Write `- name: value`.")
    return node.value


def _plain(node: yaml.Node, key: str):
    """Nested lists and mappings as Python has them; texts are checked for control characters."""
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, key, lambda name, child: _plain(child, f"{key}.{name}"))
    if isinstance(node, yaml.SequenceNode):
        return [_plain(child, key) for child in node.value]
    value = _scalar(node)
    return _text(node, key, blank=True) if isinstance(value, str) else value


def _together(config: dict, lines: dict, folder_name: str) -> list[Problem]:
    """What can only be seen with the settings side by side, or against the outside world."""
    problems = []

    def add(key: str, wrong: str, remedy: str) -> None:
        problems.append(Problem(FILE, lines.get(key), key, wrong, remedy))

    identity, currency, zone = config["id"], config["currency"], config["timezone"]
    if identity and not SLUG.fullmatch(identity):
        add("id", "The id has characters that a folder name should not have.", "Use a-z, 0-9, _ and -, at most 40.")
    elif identity and identity != folder_name:
        add("id", f"The id {identity} differs from the folder's name {quoted(folder_name)}.", "Make the two equal.")
    if config["industry"] and not SLUG.fullmatch(config["industry"]):
        wrong = f"{quoted(config['industry'])} is not the key of an industry."
        add("industry", wrong, "Write it with a-z, 0-9, _ and -, such as cosmetics.")
    if currency and not re.fullmatch("[A-Z]{3}", currency):
        add("currency", f"{quoted(currency)} is not a currency code.", "Write three capitals, such as CNY.")
    # Names without a place, such as EST or localtime, mean different things on different machines.
    zones = {name for name in zoneinfo.available_timezones() if "/" in name} | {"UTC"}
    if zone and zone not in zones:
        near = nearest(zone, zones)
        perhaps = f", or did you mean {near}?" if near else "."
        add("timezone", f"{quoted(zone)} is not a time zone.", f"For China write Asia/Shanghai{perhaps}")
    start, end = config["observed_from"], config["observed_until"]
    if start and end and start > end:
        add("observed_until", f"observed_until {end} is before observed_from {start}.", "Correct the days.")
    return problems
