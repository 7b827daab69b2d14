"""Write every lesson's trainer's copy, in one language, into a folder: `tests/run` has nbval run them.

The source notebooks hold the same code (tests/teaching/test_copies.py), so that they need not be run besides.
"""

import sys
from pathlib import Path

from siyu_helpers.data import cache, samples
from siyu_helpers.data.simulate import RECIPES
from siyu_helpers.teaching import classroom, copies, sources

if __name__ == "__main__":
    missing = [name for name in RECIPES if not (cache.default_data_root() / name).exists()]
    if missing:
        samples.make(missing)
    for lesson in sources.read_course().choose():
        brand = classroom.lesson_module(lesson.stem).BRANDS[0]
        made = copies.trainer_copy(sources.read_lesson(lesson), lesson, "en", brand)
        copies.write(made, Path(sys.argv[1]) / f"{lesson.stem}.ipynb")
