"""`siyu course`: what lies in the folder afterwards, what is refused, what a lesson that fails leaves alone."""

import json
import re
import shutil

import nbformat
import pytest
import yaml
from typer.testing import CliRunner

from siyu_helpers import cli
from siyu_helpers.data import brands
from siyu_helpers.reporting import publishing
from siyu_helpers.reporting.loads import refuse_loads
from siyu_helpers.teaching import course, one_lesson, sources
from siyu_helpers.teaching.course import Record
from siyu_helpers.teaching.sources import CourseError

GOOD, BAD = "04_repurchase_cohorts", "01_public_and_private"


@pytest.fixture(scope="module")
def lessons(tmp_path_factory):
    """A course of two lessons, the second of which has a cell that fails."""
    folder = tmp_path_factory.mktemp("training")
    shutil.copy(sources.LESSONS / f"{GOOD}.ipynb", folder)
    notebook = nbformat.read(sources.LESSONS / f"{BAD}.ipynb", 4)
    notebook.cells[-1:-1] = [nbformat.v4.new_code_cell("1 / 0")]
    nbformat.write(notebook, folder / f"{BAD}.ipynb")
    minutes = dict.fromkeys(sources.PARTS, 5)
    tracks = {"short": {"name_zh": "短", "name_en": "Short", "minutes": 90, "lessons": [BAD, GOOD]}}
    content = {"lessons": {BAD: minutes, GOOD: minutes}, "tracks": tracks}
    (folder / "course.yml").write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), "utf-8")
    return folder


@pytest.fixture(scope="module")
def made(lessons, tmp_path_factory):
    """The course made once; its records, what was told on the way, and its folder."""
    out, told = tmp_path_factory.mktemp("made") / "out", []
    records = course.make(out, folder=lessons, progress=told.append)
    return records, told, out


def files(out):
    return {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}


def test_a_lesson_that_fails_leaves_the_others_whole(made):
    records, told, out = made
    assert [(record.stem, record.status) for record in records] == [(BAD, "failed"), (GOOD, "made")]
    assert "ZeroDivisionError" in records[0].error
    assert sorted(record.stem for record in told) == [BAD, GOOD]
    wanted = {f"{lang}/{kind}/{GOOD}.{ending}" for lang in ("zh", "en") for kind, ending in one_lesson.OUTPUTS.items()}
    assert files(out) == wanted | {"index.html", "zh/guide.html", "en/guide.html", "course.json"}
    assert not list(out.glob(".*"))


def test_the_copies_are_notebooks_without_outputs_and_the_pages_load_nothing(made):
    _, _, out = made
    for path in out.rglob("*.ipynb"):
        notebook = nbformat.read(path, 4)
        nbformat.validate(notebook)
        assert not any(cell.get("outputs") for cell in notebook.cells)
    for path in out.rglob("*.html"):
        refuse_loads(path.read_text("utf-8"))


def test_the_slides_show_the_lesson_in_their_language(made):
    _, _, out = made
    zh, en = ((out / lang / "slides" / f"{GOOD}.html").read_text("utf-8") for lang in ("zh", "en"))
    notes = re.compile(r'<aside class="notes">.*?</aside>', re.S)
    assert "siyu-mistakes" not in notes.sub("", zh)
    assert "siyu-mistakes" in " ".join(notes.findall(zh))
    assert "data:image/png" in zh
    assert "小满" in zh
    assert "Invented brand" in en
    assert not re.search(r"[\u4e00-\u9fff]", re.sub(r"<script>.*?</script>|<style>.*?</style>", "", en, flags=re.S))


def test_the_index_leads_to_everything_that_is_there(made):
    _, _, out = made
    html = (out / "index.html").read_text("utf-8")
    for target in re.findall(r'href="([^"#]+)"', html):
        assert (out / target).is_file(), target
    assert html.count(f"{GOOD}.") == 8
    assert f"{BAD} <span" in html, "what is not there is named without a link"
    assert "60 minutes of lessons in 90 minutes" in html


def test_the_guide_gives_minutes_talking_points_and_mistakes_with_values(made):
    _, _, out = made
    guide = (out / "en" / "guide.html").read_text("utf-8")
    assert guide.count("5 minutes") == len(sources.PARTS)
    assert "0:25–0:30" in guide
    assert guide.count("siyu-mistakes") == 3 + guide.count(".siyu-mistakes")
    assert "Question two" in guide
    assert re.search(r"\d+\.\d%", guide)
    assert not re.search(r"[\u4e00-\u9fff]", guide.partition("</style>")[2])


def test_made_again_it_is_the_same_and_one_language_leaves_the_other(made, lessons):
    _, _, out = made
    before = {path: (out / path).read_bytes() for path in files(out)}
    english = out / "en" / "student" / f"{GOOD}.ipynb"
    kept = english.stat().st_mtime_ns
    records = course.make(out, ["zh"], ["04"], folder=lessons)
    assert [record.status for record in records] == ["made"]
    assert {path: (out / path).read_bytes() for path in files(out)} == before
    assert english.stat().st_mtime_ns == kept


def test_what_somebody_has_changed_is_not_written_over(made, lessons, tmp_path):
    _, _, made_out = made
    out = shutil.copytree(made_out, tmp_path / "out")
    mine = out / "en" / "student" / f"{GOOD}.ipynb"
    mine.write_text("my answers", "utf-8")
    with pytest.raises(CourseError, match="was changed since it was made"):
        course.make(out, folder=lessons)
    assert mine.read_text("utf-8") == "my answers"
    assert not list(out.glob(".*"))


@pytest.mark.parametrize("content", [None, "{", '{"made_by": "somebody"}', "[]", '{"made_by": "siyu course"}'])
def test_a_folder_of_other_things_is_refused(tmp_path, content):
    (tmp_path / "thesis.txt").write_text("mine", "utf-8")
    if content is not None:
        (tmp_path / "course.json").write_text(content, "utf-8")
    before = files(tmp_path)
    with pytest.raises(CourseError, match="not of a course"):
        course.make(tmp_path, lessons=["04"])
    assert files(tmp_path) == before
    with pytest.raises(CourseError, match="is a file"):
        course.make(tmp_path / "thesis.txt")


def test_a_brand_that_is_not_there_is_to_be_made_first(tmp_path, data_root):
    with pytest.raises(CourseError, match=r"siyu sample xiaoman --data"):
        course.make(tmp_path / "out", lessons=["04"], data_root=data_root)
    with pytest.raises(CourseError, match="Did you mean xiaoman"):
        course.make(tmp_path / "out", lessons=["04"], brand="xiaomn")
    assert not (tmp_path / "out").exists()


def test_a_lesson_that_cannot_be_held_on_a_brand_is_held_on_its_own_first(monkeypatch):
    monkeypatch.setattr(brands, "load", lambda *given: None)
    lesson = sources.read_course().lessons
    chosen = [lesson[GOOD], lesson[BAD]]
    assert course._brands_of(chosen, "yunzuo", "") == ({GOOD: "xiaoman", BAD: "yunzuo"}, [])


def test_when_a_move_fails_the_files_of_before_are_still_there(made, lessons, tmp_path, monkeypatch):
    _, _, made_out = made
    out = shutil.copytree(made_out, tmp_path / "out")
    before = {path: (out / path).read_bytes() for path in files(out)}

    def full(moved, temporary):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(publishing, "publish", full)
    with pytest.raises(OSError, match="No space left"):
        course.make(out, ["zh"], ["04"], folder=lessons)
    assert {path: (out / path).read_bytes() for path in files(out)} == before
    assert not list(out.glob(".*"))


def command(*given):
    return CliRunner().invoke(cli.app, ["course", *given])


@pytest.mark.parametrize(
    ("records", "code"),
    [
        ([Record(GOOD, "made", "xiaoman", 3.2)], 0),
        ([Record(GOOD, "made", "sanli", 3.2), Record(BAD, "failed", error="cell 3: [red] KeyError")], 1),
        ([Record(BAD, "failed", error="cell 3")], 1),
    ],
)
def test_the_command_tells_what_became_of_each_lesson(monkeypatch, tmp_path, records, code):
    def make(out, *given, progress, **options):
        for record in records:
            progress(record)
        return records

    monkeypatch.setattr(course, "make", make)
    run = command("--out", str(tmp_path))
    assert run.exit_code == code
    assert ("index.html" in run.output) == (records[0].status == "made")
    if len(records) == 2:
        assert "made in 3 s, on sanli" in run.output
        assert "not made: cell 3: [red] KeyError" in run.output


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--lesson", "04_repurchase_cohort"), "Did you mean 04_repurchase_cohorts"),
        (("--track", "shorts"), "Did you mean short"),
        (("--lang", "cn"), "There are: zh, en"),
        (("--brand", "xiaomn", "--lesson", "04"), "Did you mean xiaoman"),
    ],
)
def test_the_command_used_wrongly_ends_with_two(tmp_path, given, said):
    run = command("--out", str(tmp_path / "out"), *given)
    assert run.exit_code == 2
    assert said in run.output
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("raised", "code", "said"),
    [(PermissionError(13, "Permission denied", "x"), 1, "denied"), (KeyboardInterrupt(), 130, "Stopped")],
)
def test_a_folder_that_cannot_be_written_and_ctrl_c(monkeypatch, tmp_path, raised, code, said):
    def make(*given, **options):
        raise raised

    monkeypatch.setattr(course, "make", make)
    run = command("--out", str(tmp_path))
    assert run.exit_code == code
    assert said in run.output


def test_course_json_says_what_is_there_and_holds_no_path_of_this_machine(made):
    _, _, out = made
    noted = json.loads((out / "course.json").read_text("utf-8"))
    assert set(noted["files"]) == files(out) - {"course.json"}
    assert noted["lessons"][GOOD]["brands"]["zh"]["id"] == "xiaoman"
    assert str(out) not in json.dumps(noted)
