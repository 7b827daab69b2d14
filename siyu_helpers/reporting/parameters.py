"""Parameters of a notebook: what it accepts, read from its own parameters cell, and the check of what is asked of it.

Papermill only warns of an unknown name, writes names into the notebook unescaped and changes types silently, so
nothing reaches it that this module has not accepted.
"""

import ast
import difflib
import json
import math
import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

#: The six every notebook begins with. Those the renderer sets itself cannot be given by -p.
STANDARD = ("brand", "lang", "data_root", "observed_until", "level", "seed")
SET_BY_RENDERER = {
    "brand": "name the brand after the command: siyu render BRAND",
    "lang": "use --lang zh or --lang en",
    "data_root": "use --data DIR",
}


class ParameterError(ValueError):
    """A parameter that the notebook does not have, or a value it cannot take."""


@dataclass(frozen=True)
class Parameter:
    """One line of a parameters cell: name, default and what its comment allows.

    The comment after `#` is its help, "Chinese / English"; in it "one of a, b, c" lists the only values allowed and
    "from A to B" gives a range, each behind a semicolon.
    """

    name: str
    default: Any
    help: str = ""

    def meaning(self, lang: str) -> str:
        """What the parameter means, in one language.

        >>> Parameter("months", 6, "月数 / months shown; from 1 to 60").meaning("zh")
        '月数'
        """
        zh, _, en = self.help.split(";")[0].rpartition(" / ")
        return (zh or en) if lang == "zh" else en

    @property
    def allowed(self) -> list[str]:
        found = re.search(r"\bone of ([^;]+)", self.help)
        return [value.strip(" .") for value in found.group(1).split(",")] if found else []

    @property
    def range(self) -> tuple[float, float] | None:
        found = re.search(r"\bfrom ([-\d.]+) to ([-\d.]+)", self.help)
        return (float(found.group(1)), float(found.group(2))) if found else None

    def read(self, value: Any) -> Any:
        """A value as the notebook takes it: text is read as the default's type, anything else must be of it.

        >>> Parameter("months", 6).read("12"), Parameter("period", "month", "one of month, week").read("week")
        (12, 'week')
        """
        read = self._from_text(value) if isinstance(value, str) else self._same_type(value)
        for item in read if isinstance(read, list) else [read]:
            self._check(item)
        return read

    def _check(self, read: Any) -> None:
        if self.allowed and str(read) not in self.allowed:
            near = difflib.get_close_matches(str(read), self.allowed, 1)
            raise ParameterError(
                f"{self.name}={read!r}: use one of {', '.join(self.allowed)}" + (f" ({near[0]}?)" if near else "")
            )
        if self.name == "observed_until" and read and not _is_day(read):
            raise ParameterError(f"{self.name}={read!r}: not a day of the calendar written as YYYY-MM-DD")
        if self.range and not self.range[0] <= read <= self.range[1]:
            raise ParameterError(f"{self.name}={read!r}: use a value from {self.range[0]:g} to {self.range[1]:g}")

    def _same_type(self, value: Any) -> Any:
        wanted = type(self.default)
        if wanted is float and type(value) is int:
            value = float(value)
        if type(value) is not wanted or (wanted is float and not math.isfinite(value)):
            raise ParameterError(f"{self.name}={value!r}: use {_kind(self.default)}, such as {self.default!r}")
        return value

    def _from_text(self, text: str) -> Any:
        wrong = ParameterError(f"{self.name}={text!r}: use {_kind(self.default)}, such as {self.default!r}")
        try:
            if isinstance(self.default, bool):
                return {"true": True, "false": False}[text.lower()]
            if isinstance(self.default, int):
                if not re.fullmatch(r"[-+]?\d+", text):
                    raise wrong
                return int(text)
            if isinstance(self.default, float):
                return self._same_type(float(text))
            if isinstance(self.default, list):
                return self._list(text)
        except (KeyError, ValueError):
            raise wrong from None
        if not text.isprintable():
            raise ParameterError(f"{self.name}: line breaks and control characters cannot be used")
        return text

    def _list(self, text: str) -> list[Any]:
        item = Parameter(self.name, self.default[0] if self.default else "")
        return [item.read(part.strip()) for part in text.split(",") if part.strip()]


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _kind(default: Any) -> str:
    kinds = {bool: "true or false", int: "a whole number", float: "a number", list: "a list separated by commas"}
    return kinds.get(type(default), "text")


def parameters_of(notebook: Path) -> dict[str, Parameter]:
    """The parameters of a notebook, by name, from the cell tagged `parameters`.

    Raises
    ------
    ParameterError
        No such cell, or a line in it that is not `name = literal`: a value computed there would keep its default.
    """
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    source = next(("".join(c["source"]) for c in cells if "parameters" in c["metadata"].get("tags", [])), None)
    if source is None:
        raise ParameterError(f"{notebook.name} has no cell tagged 'parameters'")
    found = {}
    for line in source.splitlines():
        code, _, comment = line.partition("#")
        if not code.strip():
            continue
        try:
            assign = ast.parse(code.strip()).body[0]
            found[assign.targets[0].id] = Parameter(
                assign.targets[0].id, ast.literal_eval(assign.value), comment.strip()
            )
        except (SyntaxError, ValueError, AttributeError, IndexError):
            raise ParameterError(f"{notebook.name}, parameters cell: {line.strip()!r} is not `name = value`") from None
    return found


def accept(notebook: Path, asked: dict[str, Any]) -> dict[str, Any]:
    """What is asked of a notebook, checked against its own parameters and read as their types.

    Raises
    ------
    ParameterError
        An unknown name (the nearest is suggested), a name the renderer sets itself, a value of the wrong type.
    """
    known = parameters_of(notebook)
    accepted = {}
    for name, value in asked.items():
        if name in SET_BY_RENDERER:
            raise ParameterError(f"{name} is not given with -p: {SET_BY_RENDERER[name]}")
        if name not in known:
            begun = [other for other in known if other.startswith(f"{name}_")]  # plan, for plan_change
            near = begun or difflib.get_close_matches(name, known, 1)
            hint = (
                f"did you mean {near[0]}?" if near else f"it has {', '.join(sorted(set(known) - set(SET_BY_RENDERER)))}"
            )
            raise ParameterError(f"{notebook.stem} has no parameter {name!r}: {hint}")
        accepted[name] = known[name].read(value)
    return accepted
