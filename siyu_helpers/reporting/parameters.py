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


#: The words of a help that make a text parameter a quantity.
QUANTITY = "a number or low,typical,high"
HOW_TO_WRITE = "use a number (0.05, not 5%; 8000, not 8,000), or low,typical,high (0.02,0.05,0.1), the lowest first"


class ParameterError(ValueError):
    """A parameter that the notebook does not have, or a value it cannot take."""


@dataclass(frozen=True)
class Parameter:
    """One line of a parameters cell: name, default and what its comment allows.

    The comment after `#` is its help, "Chinese / English"; in it "one of a, b, c" lists the only values allowed, and
    "from A to B" or "A or more" gives a range, each behind a semicolon. "a number or low,typical,high" there makes a
    text a quantity: empty, a number, or three in order, each within the range.
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
        least = re.search(r"; [^;]*?([-\d.]+) or more", self.help)
        if least and not found:
            return float(least.group(1)), math.inf
        return (float(found.group(1)), float(found.group(2))) if found else None

    @property
    def is_quantity(self) -> bool:
        """Whether it takes a number or a range, and may be left empty."""
        return QUANTITY in self.help and self.default == ""

    def read(self, value: Any) -> Any:
        """A value as the notebook takes it: text is read as the default's type, anything else must be of it.

        >>> Parameter("months", 6).read("12"), Parameter("period", "month", "one of month, week").read("week")
        (12, 'week')
        """
        if self.is_quantity:
            return self._quantity(value)
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
            raise ParameterError(f"{self.name}={read!r}: use a value {self._bounds()}")

    def _bounds(self) -> str:
        low, high = self.range
        return f"of {low:.12g} or more" if math.isinf(high) else f"from {low:.12g} to {high:.12g}"

    def _quantity(self, value: Any) -> str:
        """A quantity as text of one form, whatever way it was written."""
        told = ",".join(map(str, value)) if isinstance(value, list | tuple) else value
        try:
            parts = _parts(value)
        except (TypeError, ValueError):
            raise ParameterError(f"{self.name}={told!r}: {HOW_TO_WRITE}") from None
        for part in parts:
            if self.range and not self.range[0] <= part <= self.range[1]:
                raise ParameterError(f"{self.name}={told!r}: use numbers {self._bounds()}; {part:.12g} is not")
        return ",".join(_plain(part) for part in parts)

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


def quantities(**given: Any) -> dict[str, float | tuple[float, float, float]]:
    """Inputs given by hand, as the models take them; those left empty are left out.

    Raises
    ------
    ParameterError
        Something that is neither a number nor three in order.

    >>> quantities(uplift="0.05", staff_cost="0,8000,12000", margin="")
    {'uplift': 0.05, 'staff_cost': (0.0, 8000.0, 12000.0)}
    """
    found = {}
    for name, value in given.items():
        parts = [float(part) for part in Parameter(name, "", QUANTITY).read(value).split(",") if part]
        if parts:
            found[name] = parts[0] if len(parts) == 1 else tuple(parts)
    return found


def _parts(value: Any) -> list[float]:
    """The numbers of a quantity: none, one or three in order; ValueError or TypeError where it is none of these."""
    if isinstance(value, str):
        value = [part.strip() for part in value.replace("，", ",").split(",")] if value.strip() else []
    every = list(value) if isinstance(value, list | tuple) else [value]
    if any(isinstance(part, bool) or not isinstance(part, str | int | float) for part in every):
        raise TypeError
    parts = [_number(part) for part in every]
    if len(parts) not in (0, 1, 3) or parts != sorted(parts):
        raise ValueError
    return parts[:1] if len(set(parts)) == 1 else parts


def _number(part: str | float) -> float:
    if isinstance(part, str) and not re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,3})?", part):
        raise ValueError
    number = float(part)
    if not math.isfinite(number):
        raise ValueError
    return number + 0.0  # without the sign of a negative zero


def _plain(number: float) -> str:
    """A number as short as it can be written without losing any of it.

    >>> _plain(8000.0), _plain(0.05), _plain(1e-05)
    ('8000', '0.05', '1e-05')
    """
    return repr(number).removesuffix(".0")


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
