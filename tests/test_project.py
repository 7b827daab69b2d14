"""The house itself: one dependency list, a lock without hosts, imports that point down, nothing in git by mistake."""

import re
import subprocess
import sys
import tomllib

import pytest
import yaml
from conftest import PROJECT

PYPROJECT = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))


def tracked():
    """Files git tracks or would track."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=PROJECT, capture_output=True, text=True
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [PROJECT / line for line in listed.stdout.splitlines() if (PROJECT / line).exists()]


def names(requirements):
    return {re.match(r"[\w.-]+", line).group().lower().replace("_", "-") for line in requirements}


def test_environment_yml_installs_the_one_dependency_list():
    environment = yaml.safe_load((PROJECT / "environment.yml").read_text(encoding="utf-8"))
    conda = [item for item in environment["dependencies"] if isinstance(item, str)]
    pip = next(item["pip"] for item in environment["dependencies"] if isinstance(item, dict))
    assert conda == [f"python{PYPROJECT['project']['requires-python']}", "pip"]
    assert pip == ["-e .[test]"]


def test_what_the_project_promises_to_keep_is_there():
    extras = PYPROJECT["project"]["optional-dependencies"]
    listed = names(PYPROJECT["project"]["dependencies"]) | names(extras["test"])
    assert {"jupyterlab", "pandas", "statsmodels", "seaborn", "papermill", "nbval"} <= listed


def test_the_lock_pins_every_dependency_with_hashes_and_names_no_host():
    lock = (PROJECT / "requirements.lock").read_text(encoding="utf-8")
    pinned = {}
    for block in re.split(r"\n(?=\S)", lock):
        found = re.match(r"([\w.-]+)==(\S+)", block)
        if found:
            pinned.setdefault(found.group(1).lower(), []).append(block)
    wanted = names(PYPROJECT["project"]["dependencies"]) | names(PYPROJECT["project"]["optional-dependencies"]["test"])
    assert wanted <= {re.sub(r"\[.*", "", name) for name in pinned}
    assert all("--hash=sha256:" in block for blocks in pinned.values() for block in blocks)
    assert "://" not in lock
    assert "--index" not in lock


def test_no_machine_path_or_host_name_in_what_is_committed():
    forbidden = re.compile(
        "|".join(["/ro" + "ot/", "/wo" + "rk/", "/ho" + r"me/\w+/", "pypi" + r"\.org", "files\\.python" + "hosted"])
    )
    for path in tracked():
        if path.suffix in (".png", ".parquet") or path.name == "requirements.lock":
            continue
        found = forbidden.search(path.read_text(encoding="utf-8"))
        assert not found, f"{path.relative_to(PROJECT)}: {found.group()}"


def test_nothing_generated_is_in_git():
    for path in tracked():
        relative = path.relative_to(PROJECT).as_posix()
        assert not relative.startswith(("private/", ".cache/", ".venv/")), relative
        assert not re.match(r"reports/(?!README\.md$)", relative), relative


def test_every_module_has_its_test_file():
    for floor in ("data", "analysis", "reporting"):
        top = PROJECT / "siyu_helpers" / floor
        for module in top.rglob("[a-z]*.py"):
            there = PROJECT / "tests" / floor / module.relative_to(top).with_name(f"test_{module.name}")
            assert there.exists(), f"no {there.relative_to(PROJECT)}"


def test_no_dumping_grounds():
    for path in (PROJECT / "siyu_helpers").rglob("*.py"):
        assert path.stem not in {"utils", "helpers", "common", "misc", "base"}


def test_imports_point_down():
    run = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c(['--no-cache'])"],
        cwd=PROJECT, capture_output=True, text=True,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout


def test_public_functions_say_what_they_are():
    """Public functions and classes of the library have a docstring whose first line stands alone."""
    import ast

    for path in (PROJECT / "siyu_helpers").rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
                said = ast.get_docstring(node)
                assert said, f"{path.name}: {node.name} has no docstring"
                assert said.splitlines()[0].strip(), f"{path.name}: {node.name}"


def test_the_readmes_map_every_notebook():
    for readme in ("README.md", "README.zh.md"):
        text = (PROJECT / readme).read_text(encoding="utf-8")
        for notebook in (PROJECT / "notebooks").glob("[0-9]*.ipynb"):
            assert notebook.stem in text, f"{readme} does not name {notebook.stem}"


@pytest.mark.parametrize(
    "readme", ["README.md", "README.zh.md", "CONTRIBUTING.md", "CHANGELOG.md", "reports/README.md"]
)
def test_links_and_named_files_of_the_first_pages_exist(readme):
    text = (PROJECT / readme).read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", text):
        assert (PROJECT / readme).parent.joinpath(target).exists(), f"{readme} links to {target}"


def test_make_help_lists_the_commands():
    said = subprocess.run(["make", "-s", "help"], cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    for command in ("reports", "report", "test", "lab", "bench", "calibrate", "help"):
        assert re.search(rf"^make {command}\b", said, re.M), f"make help does not list {command}"
