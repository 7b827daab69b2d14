"""The copies: what a student must not see, what a trainer must, and that both say what the source says."""

import ast
import copy
import re

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from training import COURSE, LANGUAGES, STEMS, source

from siyu_helpers.teaching import copies, sources
from siyu_helpers.teaching.sources import tags

EVERY_COPY = pytest.mark.parametrize(("stem", "lang"), [(stem, lang) for stem in STEMS for lang in LANGUAGES])
CHINESE = re.compile(r"[\u3400-\u9fff]")


def student(stem, lang):
    return copies.student_copy(source(stem), lang, "xiaoman")


def trainer(stem, lang):
    return copies.trainer_copy(source(stem), COURSE.lessons[stem], lang, "xiaoman")


def code(notebook, leave_out=()):
    """The code of a notebook without comments, cell by cell; not that of its parameters."""
    left = {"parameters", *leave_out}
    return [
        ast.dump(ast.parse(cell.source))
        for cell in notebook.cells
        if cell.cell_type == "code" and not tags(cell) & left
    ]


def solutions(stem):
    """The lines of the model solutions of a lesson, those that say something."""
    found = []
    for cell in source(stem).cells:
        if "answer" in tags(cell):
            inside = cell.source.partition(sources.BEGIN)[2].partition(sources.END)[0]
            found += [line.strip() for line in inside.splitlines() if len(line.strip()) > 6]
    return found


@EVERY_COPY
def test_a_student_copy_holds_no_answer(stem, lang):
    made = student(stem, lang)
    text = nbformat.writes(made)
    lines = {line.strip() for cell in made.cells for line in cell.source.splitlines()}
    shown = [line for line in solutions(stem) if line in lines]
    assert shown == []
    assert solutions(stem)
    for word in ("SOLUTION", "mistakes(", "hidden", *(name.text(lang) for name in (copies.FOR_TRAINERS,))):
        assert word not in text
    assert not any("trainer" in tags(cell) for cell in made.cells)


@EVERY_COPY
def test_a_student_copy_has_nothing_of_what_only_trainers_see(stem, lang):
    texts = " ".join(cell.source for cell in student(stem, lang).cells)
    for cell in source(stem).cells:
        if "trainer" in tags(cell):
            for sentence in re.split(r"[。.\n]", cell.source):
                assert len(sentence) < 12 or sentence not in texts


@EVERY_COPY
def test_a_student_copy_keeps_checks_and_a_place_for_each_answer(stem, lang):
    made = student(stem, lang)
    blank = f"answer = ...  # {copies.ANSWER_HERE.text(lang)}"
    answers = [cell for cell in made.cells if "answer" in tags(cell)]
    wanted = [cell for cell in source(stem).cells if "answer" in tags(cell)]
    assert len(answers) == len(wanted) > 0
    assert all(blank in cell.source for cell in answers)
    kept = [cell.source for cell in made.cells if "check" in tags(cell)]
    assert kept == [cell.source for cell in source(stem).cells if "check" in tags(cell)]


@EVERY_COPY
def test_a_copy_is_in_one_language_and_has_no_outputs(stem, lang):
    for made in (student(stem, lang), trainer(stem, lang)):
        nbformat.validate(made)
        for cell in made.cells:
            assert not tags(cell) & set(LANGUAGES)
            assert cell.cell_type != "code" or (cell.outputs == [] and cell.execution_count is None)
            comments = [line.partition("#")[2] for line in cell.source.splitlines() if cell.cell_type == "code"]
            if lang == "en":
                assert cell.cell_type == "code" or not CHINESE.search(cell.source), cell.source[:60]
                assert not any(CHINESE.search(text.rpartition('"')[2]) for text in comments)
        parameters = next(cell.source for cell in made.cells if "parameters" in tags(cell))
        assert f'lang = "{lang}"' in parameters
        assert 'brand = "xiaoman"' in parameters


@EVERY_COPY
def test_a_trainer_copy_runs_the_code_of_the_source(stem, lang):
    assert code(trainer(stem, lang)) == code(source(stem))
    kept = ("answer", "trainer")
    assert code(student(stem, lang), kept) == code(source(stem), kept)


@EVERY_COPY
def test_a_trainer_copy_tells_the_time_of_each_part(stem, lang):
    lesson = COURSE.lessons[stem]
    made = trainer(stem, lang)
    begun = {part: cell.source for cell in made.cells if (part := sources.part_begun(cell, lang))}
    assert list(begun) == list(sources.PARTS)
    for part, span in lesson.clock().items():
        second = begun[part].splitlines()[2]
        assert second == f"*{copies.timing(lesson.minutes[part], span, lang)}*"
    marked = [cell for cell in made.cells if cell.cell_type == "markdown" and "trainer" in tags(cell)]
    assert marked
    assert all(cell.source.startswith(f"> **{copies.FOR_TRAINERS.text(lang)}**") for cell in marked)


def test_the_source_is_left_as_it_was():
    before = copy.deepcopy(source("04_repurchase_cohorts"))
    student("04_repurchase_cohorts", "en")
    trainer("04_repurchase_cohorts", "en")
    assert source("04_repurchase_cohorts") == before


def cell(code, *marked):
    return nbformat.v4.new_code_cell(code, metadata={"tags": list(marked)})


def test_what_stands_around_an_answer_is_kept():
    text = "before = 1\nif before:\n    ### BEGIN SOLUTION\n    answer = 2\n    ### END SOLUTION\nafter = answer"
    made = copies.student_copy(nbformat.v4.new_notebook(cells=[cell(text, "answer")]), "en", "xiaoman")
    assert made.cells[0].source == "before = 1\nif before:\n    answer = ...  # your answer here\nafter = answer"


def test_two_answers_in_one_cell_are_both_taken_out():
    region = "### BEGIN SOLUTION\nanswer = {}\n### END SOLUTION"
    text = f"{region.format(41)}\nfirst = answer\n{region.format(43)}"
    made = copies.student_copy(nbformat.v4.new_notebook(cells=[cell(text, "answer")]), "zh", "xiaoman").cells[0].source
    assert made.count("answer = ...") == 2
    assert not re.search(r"4[13]", made)
    assert "first = answer" in made


@pytest.mark.parametrize("brand", ["sanli", 'a"b', "c\\1d"])
def test_parameters_are_set_whatever_they_hold(brand):
    text = 'brand = "xiaoman"  # 品牌 / brand\nlang = "both"  # 语言 / language\ndata_root = ""  # 目录 / folder'
    made = copies.student_copy(nbformat.v4.new_notebook(cells=[cell(text, "parameters")]), "en", brand, "C:\\数据")
    names = {}
    exec(made.cells[0].source, names)
    assert (names["brand"], names["lang"], names["data_root"]) == (brand, "en", "C:\\数据")
    assert made.cells[0].source.endswith("# folder")


@pytest.mark.parametrize(
    ("text", "zh", "en"),
    [
        ("a = 1  # 甲 / b / c", "a = 1  # 甲", "a = 1  # b / c"),
        ("# 甲/乙 / b", "# 甲/乙", "# b"),
        ("a = 1 / 2  # half", "a = 1 / 2  # half", "a = 1 / 2  # half"),
        ('a = "# 甲 / b"', 'a = "# 甲 / b"', 'a = "# 甲 / b"'),
        ("### BEGIN SOLUTION", "### BEGIN SOLUTION", "### BEGIN SOLUTION"),
    ],
)
def test_comments_are_reduced_to_one_language(text, zh, en):
    assert (copies.comments_in(text, "zh"), copies.comments_in(text, "en")) == (zh, en)


@given(st.lists(st.integers(1, 40), min_size=6, max_size=6))
def test_the_clock_runs_on_without_a_gap(minutes):
    lesson = sources.Lesson("01_a", None, dict(zip(sources.PARTS, minutes, strict=True)))
    told = [copies.timing(lesson.minutes[part], span, "en") for part, span in lesson.clock().items()]
    ends = [re.search(r"(\d+):(\d\d)–(\d+):(\d\d)$", text).groups() for text in told]
    assert [end[:2] for end in ends[1:]] == [end[2:] for end in ends[:-1]]
    assert int(ends[-1][2]) * 60 + int(ends[-1][3]) == sum(minutes)


def test_the_same_copy_gives_the_same_bytes(tmp_path):
    for name in ("a.ipynb", "b.ipynb"):
        copies.write(student("04_repurchase_cohorts", "zh"), tmp_path / name)
    assert (tmp_path / "a.ipynb").read_bytes() == (tmp_path / "b.ipynb").read_bytes()
