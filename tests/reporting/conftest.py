"""A renderer in the test's own folders, small notebooks, and kernels of both kinds."""

import json
import sys

import pytest

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux only")


@pytest.fixture
def go(tmp_path, data_root):
    """Render with the test's own folders of brands, notebooks and pages."""
    from siyu_helpers.reporting.render import render

    def run(brands=None, **options):
        given = {"out": tmp_path / "out", "data_root": data_root, "notebook_folder": tmp_path / "notebooks", **options}
        return render(brands, **given)

    return run


@pytest.fixture
def notebook(tmp_path):
    def write(*code):
        cells = [
            {"cell_type": "code", "metadata": {"tags": ["parameters"]} if i == 0 else {}, "source": source,
             "outputs": [], "execution_count": None, "id": f"c{i}"}
            for i, source in enumerate(("months = 6", *code))
        ]  # fmt: skip
        path = tmp_path / "01_x.ipynb"
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        path.write_text(json.dumps({"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}))
        return path

    return write


@pytest.fixture(params=["plain", pytest.param("warm", marks=LINUX)])
def context(request):
    from siyu_helpers.reporting import warm

    return warm.context(plain=request.param == "plain")
