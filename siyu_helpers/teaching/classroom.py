"""The classroom: what a lesson's notebook talks to. It hands out tables, checks answers and shows cases.

room = classroom.open_lesson("04_repurchase_cohorts", brand, lang, data_root)
orders = room.tables["orders"]
room.check("average_retention", answer)
"""

import importlib
import os
from html import escape
from typing import Any

from siyu_helpers.analysis.estimates import Words
from siyu_helpers.data import brands
from siyu_helpers.reporting import words
from siyu_helpers.reporting.ledger import Ledger
from siyu_helpers.teaching import cases
from siyu_helpers.teaching.exercises import Exercise, Reply

MARKS = {"right": "✔", "recognised": "✘", "not yet": "✘", "no answer": "…"}
COLOURS = {"right": "#2e7d32", "recognised": "#b3541e", "not yet": "#b3541e", "no answer": "#6b7280"}
RIGHT_SO_FAR = Words("已答对 {} 题，共 {} 题。", "Right so far: {} of {}.")
FOR_TRAINERS = Words("常见错误（只在讲师版）", "Common mistakes (trainer's copy only)")
MISTAKE = Words("错误 {}", "Mistake {}")
RIGHT_ANSWER = Words("正确答案", "Right answer")
WITHIN = Words("误差不超过 {} 都算对", "right within {}")
HEADS = {"answer": Words("答案", "Answer"), "why": Words("怎么来的，怎么讲", "Where it comes from, what to say")}


class Classroom:
    """One lesson on one brand: its tables, its exercises and what has been answered.

    Parameters
    ----------
    stem : str
        Name of the lesson's notebook and module, such as "04_repurchase_cohorts".
    brand : Brand
        As `brands.load` returns it.
    lang : "zh", "en" or "both"
        Languages of what is shown.
    data_root : path, optional
        Where the public facts are; data/raw unless told otherwise.
    """

    def __init__(self, stem: str, brand: Any, lang: str = "both", data_root: str | os.PathLike | None = None):
        self._data_root = data_root
        self.lesson = lesson_module(stem)
        self.brand, self.ledger = brand, Ledger(brand, f"training/{stem}", lang)
        self.settings: dict[str, Any] = dict(getattr(self.lesson, "SETTINGS", {}))
        self.tables: dict[str, Any] = self.lesson.tables(brand)
        self._exercises: dict[str, Exercise] = {}
        self._right: set[str] = set()

    @property
    def exercises(self) -> dict[str, Exercise]:
        """The lesson's exercises by key, worked out for this brand when first asked for."""
        if not self._exercises:
            self._exercises = {made.key: made for made in self.lesson.exercises(self.brand, self.tables)}
        return self._exercises

    def check(self, key: str, answer: Any) -> None:
        """Say whether an answer is right; recognises the common mistakes and explains them.

        Raises
        ------
        ValueError
            The lesson has no exercise of that name.
        """
        reply = self.reply(key, answer)
        self._right = self._right | {key} if reply.kind == "right" else self._right - {key}
        for lang in self.ledger.languages:
            so_far = RIGHT_SO_FAR.text(lang).format(len(self._right), len(self.exercises))
            told = f"<strong>{MARKS[reply.kind]}</strong> {escape(reply.text.text(lang))} <small>{so_far}</small>"
            style = f"border-left:4px solid {COLOURS[reply.kind]};padding-left:.8em"
            self.ledger.emit(lang, "reply", f'<p class="siyu-reply" style="{style}">{told}</p>')

    def reply(self, key: str, answer: Any) -> Reply:
        """What `check` would say, as data."""
        return self._exercise(key).check(answer)

    def hint(self, key: str) -> None:
        """Show the hint of an exercise."""
        hint = self._exercise(key).hint
        for lang in self.ledger.languages:
            self.ledger.emit(lang, "reply", f'<p class="siyu-reply">{escape(hint.text(lang))}</p>')

    def mistakes(self, key: str) -> None:
        """Show the right answer and the common mistakes with their values; for the trainer's copy."""
        exercise = self._exercise(key)
        for lang in self.ledger.languages:
            rows = [
                (
                    RIGHT_ANSWER.text(lang),
                    exercise.right,
                    self._leeway(exercise, lang) + exercise.confirmation.text(lang),
                )
            ]
            rows += [
                (MISTAKE.text(lang).format(at), wrong.value, wrong.explanation.text(lang))
                for at, wrong in enumerate(exercise.wrong, 1)
            ]
            cells = "".join(
                f"<tr><th scope='row'>{escape(name)}</th><td>{escape(self._shown(exercise, value, lang))}</td>"
                f"<td>{escape(why)}</td></tr>"
                for name, value, why in rows
            )
            heads = "".join(f"<th scope='col'>{escape(head.text(lang))}</th>" for head in HEADS.values())
            caption = f"<caption>{escape(FOR_TRAINERS.text(lang))}</caption>"
            html = f'<table class="siyu-mistakes">{caption}<tr><th scope="col"></th>{heads}</tr>{cells}</table>'
            self.ledger.emit(lang, "mistakes", html)

    def case(self, id: str) -> None:
        """Show a published claim or figure as a card: what is said, by whom, with which evidence, tested how.

        Parameters
        ----------
        id : str
            A line of data/raw/market/claims.csv ("cl026"), or of private_domain_benchmarks.csv.

        Raises
        ------
        ValueError
            There is no such line.
        """
        card = cases.card(id, self._data_root)
        for lang in self.ledger.languages:
            self.ledger.emit(lang, "case", cases.card_html(card, lang))

    def _exercise(self, key: str) -> Exercise:
        if key not in self.exercises:
            raise ValueError(f"This lesson has no exercise {key!r}; it has: {', '.join(self.exercises)}.")
        return self.exercises[key]

    def _leeway(self, exercise: Exercise, lang: str) -> str:
        if isinstance(exercise.right, str | tuple):
            return ""
        unit = "percentage points" if exercise.unit in ("share", "probability") else exercise.unit
        size = exercise.tolerance * (100 if unit != exercise.unit else 1)
        within = WITHIN.text(lang).format(words.value_text(size, unit, lang, self.ledger.currency))
        return f"{within}{'。' if lang == 'zh' else '. '}"

    def _shown(self, exercise: Exercise, value: Any, lang: str) -> str:
        if isinstance(value, str):
            return value
        if isinstance(value, tuple):
            return ("、" if lang == "zh" else ", ").join(value)
        if isinstance(value, dict):
            return "; ".join(f"{name} {self._shown(exercise, number, lang)}" for name, number in value.items())
        return words.value_text(float(value), exercise.unit, lang, self.ledger.currency)


def open_lesson(
    stem: str, brand: str = "xiaoman", lang: str = "both", data_root: str | os.PathLike | None = None
) -> Classroom:
    """Open the classroom of one lesson on one brand.

    Parameters
    ----------
    stem : str
        Name of the lesson's notebook, such as "04_repurchase_cohorts".
    brand : str
        Folder of the brand; the lessons are made for the invented ones.
    lang : "zh", "en" or "both"
    data_root : path, optional
        Folder of brands; data/raw unless told otherwise.

    Raises
    ------
    ValueError
        There is no such lesson.
    UnknownBrandError, DataProblems
        As `brands.load`.
    """
    lesson_module(stem)
    return Classroom(stem, brands.load(brand, data_root or None), lang, data_root or None)


def lesson_module(stem: str) -> Any:
    """The module of a lesson, by the name of its notebook: "04_repurchase_cohorts" is lessons/repurchase_cohorts.py.

    >>> lesson_module("04_repurchase_cohorts").__name__
    'siyu_helpers.teaching.lessons.repurchase_cohorts'
    """
    name = f"siyu_helpers.teaching.lessons.{stem.partition('_')[2]}"
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise ValueError(f"There is no lesson {stem!r}; they are in notebooks/training.") from None
