"""The lessons as the tests of the course see them: sources, copies run in this process, right answers as texts."""

import ast
import functools
import re

from siyu_helpers.teaching import sources

COURSE = sources.read_course()
STEMS = list(COURSE.lessons)
LANGUAGES = ("zh", "en")


@functools.cache
def source(stem):
    """The notebook of a lesson as it is in the project; not to be changed."""
    return sources.read_lesson(COURSE.lessons[stem])


def run(notebook, skip=()):
    """Execute the code cells of a copy here; returns its names and the values of the cells' last expressions."""
    names, values = {}, []
    for at, cell in enumerate(notebook.cells):
        if cell.cell_type != "code" or sources.tags(cell) & set(skip):
            continue
        tree, last = ast.parse(cell.source), None
        if tree.body and isinstance(tree.body[-1], ast.Expr):
            last = ast.Expression(tree.body.pop().value)
        exec(compile(tree, f"cell {at}", "exec"), names)
        if last is not None:
            values.append(eval(compile(last, f"cell {at}", "eval"), names))
    return names, values


def checks(notebook):
    """The check cells of a copy by the name of their exercise."""
    return {sources.exercise_key(cell): cell.source for cell in notebook.cells if "check" in sources.tags(cell)}


def numbers_in(answer):
    """The numbers that an answer consists of."""
    if isinstance(answer, dict):
        return [float(number) for number in answer.values()]
    return [] if isinstance(answer, str | tuple) else [float(answer)]


def texts_of(answer):
    """What an answer may look like in a text; a number of fewer than three digits could be anything and is left out."""
    if isinstance(answer, tuple):
        return {join.join(answer) for join in (", ", "、", "', '", '", "')}
    found = set()
    for number in numbers_in(answer):
        for digits in range(7):
            for shown in (number, 100 * number):
                found |= {f"{shown:.{digits}f}", f"{shown:,.{digits}f}"}
        found.add(repr(number))
    return {text for text in found if len(re.sub(r"\D", "", text).lstrip("0")) >= 3}


def holds(text, answer):
    """Which looks of an answer a text holds, as a number of its own and not inside of a longer one."""
    return [look for look in texts_of(answer) if re.search(rf"(?<![\d.,]){re.escape(look)}(?!\d|[.,]\d)", text)]
