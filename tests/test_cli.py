"""`siyu new`, `siyu check`, `siyu render`, `siyu codebook`: what they print and how they exit."""

import os
import re
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from siyu_helpers import cli
from siyu_helpers.data import cache

BRAND = """\
id: acme
name: {zh: 某品牌, en: Acme}
industry: cosmetics
currency: CNY
timezone: Asia/Shanghai
observed_from: 2024-01-01
observed_until: 2024-06-30
history: complete
source: invented
"""


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("SIYU_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def acme(tmp_path):
    """A data root with one good brand."""
    folder = tmp_path / "raw" / "acme"
    folder.mkdir(parents=True)
    (folder / "brand.yml").write_text(BRAND, "utf-8")
    (folder / "orders.csv").write_text("order_id,customer_id,ordered_at,amount\nA1,ana,2024-01-05,10\n")
    return folder.parent


def siyu(*arguments):
    return CliRunner().invoke(cli.app, [str(argument) for argument in arguments])


def test_check_prints_an_account_and_exits_0(acme):
    said = siyu("check", "acme", "--data", acme)
    assert said.exit_code == 0, said.output
    assert "orders" in said.stdout
    assert "What each notebook can do" in said.stdout


def test_check_of_bad_data_exits_1_names_the_place_and_writes_nothing(acme, own_home):
    (acme / "acme" / "orders.csv").write_text("order_id,customer_id,ordered_at,amount\nA1,SECRET-7,2024-02-30,x\n")
    said = siyu("check", "acme", "--data", acme)
    assert said.exit_code == 1
    assert "orders.csv, column ordered_at\n  line 2: '2024-02-30'" in said.stderr
    assert "orders.csv, column amount\n  line 2: 'x' is not a number" in said.stderr
    assert "SECRET-7" not in said.output
    assert "Traceback" not in said.output
    assert not own_home.exists()


def test_check_goes_on_after_a_bad_brand(acme):
    (acme / "bad").mkdir()
    (acme / "bad" / "brand.yml").write_text("id: bad\n")
    said = siyu("check", "--data", acme)
    assert said.exit_code == 1
    assert "acme: Acme" in said.stdout
    assert "files of brand bad" in said.stderr


@pytest.mark.parametrize("name", ["nobody", "../acme", "acme/", "ACME"])
def test_check_of_no_brand_exits_2(name, acme):
    said = siyu("check", name, "--data", acme)
    assert said.exit_code == 2
    assert "acme" in said.stderr or "cannot be a brand" in said.stderr


def test_new_makes_a_folder_once(tmp_path):
    assert siyu("new", "fresh", "--data", tmp_path).exit_code == 0
    assert (tmp_path / "fresh" / "brand.yml").is_file()
    again = siyu("new", "fresh", "--data", tmp_path)
    assert again.exit_code == 2
    assert "nothing was changed" in again.stderr
    assert siyu("new", "../fresh", "--data", tmp_path).exit_code == 2
    assert siyu("check", "fresh", "--data", tmp_path).exit_code == 1


def test_new_says_what_is_wrong_with_the_folder(tmp_path):
    (tmp_path / "file").touch()
    said = siyu("new", "fresh", "--data", tmp_path / "file")
    assert said.exit_code == 2
    assert "--data" in said.stderr
    assert isinstance(said.exception, SystemExit)


def test_a_new_brand_is_told_what_to_fill_in_and_loads_once_it_is(tmp_path):
    siyu("new", "fresh", "--data", tmp_path)
    said = siyu("check", "fresh", "--data", tmp_path)
    assert "industry\n  line 10: '<slug>' is still to be filled in.\n  -> Replace <...> with the value" in said.stderr
    assert "dates as 2024-12-31." in said.stderr
    assert "Copy your export over it, keeping a header line." in said.stderr
    settings = tmp_path / "fresh" / "brand.yml"
    text = settings.read_text("utf-8").replace("from: <YYYY-MM-DD>", "from: 2024-01-01")
    text = text.replace("until: <YYYY-MM-DD>", "until: 2024-06-30").replace("<slug>", "cosmetics")
    settings.write_text(re.sub("<.*>", "X", text), "utf-8")
    with (tmp_path / "fresh" / "orders.csv").open("a") as orders:
        orders.write("A1,ana,2024-01-05,10\n")
    assert siyu("check", "fresh", "--data", tmp_path).exit_code == 0


def test_check_of_a_folder_without_brands_exits_2(tmp_path):
    for folder in (tmp_path, tmp_path / "nowhere"):
        said = siyu("check", "--data", folder)
        assert said.exit_code == 2
        assert "siyu new" in said.stderr


def test_check_names_a_home_it_cannot_write_to(acme, own_home):
    own_home.write_text("a file, not a folder")
    said = siyu("check", "acme", "--data", acme)
    assert said.exit_code == 1
    assert "SIYU_HOME" in said.stderr


def test_a_brand_yml_that_cannot_be_opened_is_a_problem(acme, monkeypatch):
    def refuse(self):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr("pathlib.Path.read_bytes", refuse)
    said = siyu("check", "acme", "--data", acme)
    assert said.exit_code == 1
    assert "brand.yml\n  The file cannot be opened (Permission denied)." in said.stderr


def test_codebook_that_cannot_be_written_exits_1(acme):
    (acme / "README.md").mkdir()
    said = siyu("codebook", "--data", acme)
    assert said.exit_code == 1
    assert "README.md" in said.stderr


def test_codebook_writes_and_checks(acme):
    assert siyu("codebook", "--check", "--data", acme).exit_code == 1
    assert siyu("codebook", "--data", acme).exit_code == 0
    assert siyu("codebook", "--check", "--data", acme).exit_code == 0
    (acme / "README.md").write_text("edited")
    assert siyu("codebook", "--check", "--data", acme).exit_code == 1


def test_the_committed_codebook_is_up_to_date():
    assert siyu("codebook", "--check").exit_code == 0


def test_a_wrong_option_exits_2():
    assert siyu("check", "--no-such-option").exit_code == 2


def test_the_needs_of_notebooks_come_from_their_modules():
    stems = {stem for stem, _, _ in cli.notebook_needs()}
    assert stems <= {path.stem for path in (cache.PROJECT / "notebooks").glob("*.ipynb")}


def test_render_says_what_it_does_and_nothing_runs_twice(acme, tmp_path):
    out = tmp_path / "pages"
    said = siyu("render", "acme", "--data", acme, "--out", out)
    assert said.exit_code == 0, said.output
    pages = len(list((cache.PROJECT / "notebooks").glob("[0-9]*.ipynb")))
    lines = said.stdout.splitlines()
    assert any(line.startswith("brand") and line.rstrip().endswith("pages") for line in lines)
    assert f"{pages} rendered. Open {out / 'index.html'}" in said.stdout
    again = siyu("render", "acme", "--data", acme, "--out", out, "--jobs", "2")
    assert again.exit_code == 0
    assert f"{pages} unchanged." in again.stdout


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["nobody"], "acme"),
        (["acme", "--notebook", "02", "-p", "perid=week"], "period"),
        (["acme", "-p", "period"], "name=value"),
        (["acme", "--lang", "fr"], "zh or en"),
        (["acme", "--jobs", "0"], "--jobs"),
    ],
)
def test_render_refuses_a_wrong_call(acme, tmp_path, given, said):
    result = siyu("render", *given, "--data", acme, "--out", tmp_path / "pages")
    assert result.exit_code == 2
    assert said in result.output
    assert not (tmp_path / "pages").exists()


def test_render_into_what_is_no_folder_says_what_to_do(acme, tmp_path):
    (tmp_path / "pages").write_text("a file")
    result = siyu("render", "acme", "--data", acme, "--out", tmp_path / "pages")
    assert result.exit_code == 1
    assert "Check that the folder can be written" in result.stderr


def run_main(script, closed=""):
    """Exit code of a process of its own that prepares something and calls the command, some streams closed."""
    source = f"import os, signal, sys\nfrom siyu_helpers import cli\n{script}\ncli.main()"
    return subprocess.run(["sh", "-c", f'exec "$0" -c "$1" {closed}', sys.executable, source]).returncode


@pytest.mark.skipif(os.name == "nt", reason="POSIX shell")
@pytest.mark.parametrize("closed", ["<&-", ">&-", "<&- >&- 2>&-"])
def test_streams_that_are_closed_are_opened_on_nothing(closed):
    """Or a pipe, or a file, opened later would be taken for one of them, here or in a process started from here."""
    assert run_main("cli.app = lambda: sys.exit(7 * all(map(os.get_inheritable, range(3))))", closed) == 7


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize(("before", "code"), [("SIG_DFL", 130), ("SIG_IGN", 1)])
def test_a_terminal_that_is_closed_stops_a_render_in_good_order_but_not_under_nohup(before, code):
    script = f"""
from siyu_helpers.reporting import render
signal.signal(signal.SIGHUP, signal.{before})
render.render = lambda *_, **__: os.kill(os.getpid(), signal.SIGHUP) or []
sys.argv[1:] = ["render"]"""
    assert run_main(script, ">/dev/null 2>&1") == code


@pytest.mark.skipif(os.name == "nt", reason="a folder in use stays there")
def test_a_render_from_a_folder_that_is_gone_says_so(acme, tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    said = siyu("render", "acme", "--data", acme, "--out", tmp_path / "pages")
    assert said.exit_code == 2
    assert "is gone: change to another one" in said.output
