"""`siyu`: the only door for people.

Exit codes: 0 all is well; 1 the data have problems, or a page is stale; 2 the command was used wrongly.
"""

import datetime
import importlib
import os
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from siyu_helpers.data import brands, cache, manifest
from siyu_helpers.data.contract import DataProblems

app = typer.Typer(
    help="Private-domain traffic workbook: from a brand's order export to pages a strategist can read.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
CONSOLE = Console()
DataRoot = Annotated[
    Path | None, typer.Option("--data", metavar="DIR", help="Folder of brands; data/raw unless told otherwise.")
]


@app.command()
def new(brand: Annotated[str, typer.Argument(help="Name of the folder: a-z, 0-9, _ and -.")], data: DataRoot = None):
    """Make the folder of a new brand, with a commented brand.yml and the headers of all tables."""
    try:
        folder = brands.new(brand, data)
    except brands.UnknownBrandError as error:
        _refuse(str(error), 2)
    except FileExistsError:
        _refuse(f"There is a folder {brand} already; nothing was changed.", 2)
    except OSError as error:
        _refuse(f"{error.filename}: {error.strerror}. Name a folder that can be written with --data.", 2)
    typer.echo(f"Made {folder}. Fill in brand.yml and orders.csv, then run: siyu check {brand}")


@app.command()
def sample(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[BRAND]...", help="xiaoman, yunzuo, sanli; all unless told.")
    ] = None,
    force: Annotated[bool, typer.Option(help="Also make again what is as it should be.")] = False,
    data: DataRoot = None,
):
    """Make the invented brands, whose truth is known, in the folder of brands."""
    # Imported here: other commands do without the libraries that simulating takes.
    from siyu_helpers.data import samples

    try:
        made = samples.make(names, data, force=force, progress=CONSOLE.print)
    except ValueError as error:
        _refuse(str(error), 2)
    except (FileExistsError, ChildProcessError) as error:
        _refuse(str(error), 1)
    except OSError as error:
        _refuse(
            f"{error.filename}: {error.strerror}. Check that the folder can be written and the disk is not full.", 1
        )
    for name, what in made.items():
        CONSOLE.print(f"{name}: {what}", style="dim" if what == "unchanged" else None)


@app.command()
def check(
    names: Annotated[list[str] | None, typer.Argument(metavar="[BRAND]...", help="All brands unless told.")] = None,
    data: DataRoot = None,
):
    """Print an account of a brand's data: rows, period, gaps, duplicates, what each notebook can do."""
    # The printing part is imported here, because most commands never need it.
    from siyu_helpers.data import checkup

    console, code = Console(), 0
    names = names or brands.list_brands(data)
    if not names:
        _refuse(f"There is no brand in {data or cache.default_data_root()}. Make one with: siyu new BRAND", 2)
    for place, name in enumerate(names):
        if place:
            console.rule()
        try:
            checkup.print_account(brands.load(name, data), notebook_needs(), console)
        except brands.UnknownBrandError as error:
            typer.echo(str(error), err=True)
            code = 2
        except DataProblems as problems:
            typer.echo(str(problems), err=True)
            code = max(code, 1)
        except OSError as error:
            told = "The brand's folder has to be readable, and the folder for the cache (SIYU_HOME) writable."
            typer.echo(f"{error.filename}: {error.strerror}. {told}", err=True)
            code = max(code, 1)
    raise typer.Exit(code)


@app.command()
def render(
    brands: Annotated[
        list[str] | None, typer.Argument(help="Brand folders; none: all of them.", show_default=False)
    ] = None,
    notebook: Annotated[
        list[str] | None, typer.Option(help="Number or name, such as 02; repeat for several.", show_default=False)
    ] = None,
    lang: Annotated[list[str] | None, typer.Option(help="zh or en; none: both.", show_default=False)] = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option("-p", metavar="NAME=VALUE", help="A parameter of the notebook.", show_default=False),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Also rerun what has not changed.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the pages; reports/ by default.", show_default=False)
    ] = None,
    data: DataRoot = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Pages made side by side; as many as there are cores unless told, at most 4. Fewer need less memory.",
            show_default=False,
        ),
    ] = None,
    plain: Annotated[
        bool, typer.Option("--plain", help="Start each kernel from nothing: slower, the same pages.")
    ] = False,
) -> None:
    """Render notebooks for brands into pages, in Chinese and English.

    Makes only what has changed since: the brand's files, the notebook and the
    code it uses, the parameters, the software. A page is replaced as a whole
    or not at all. Numbers that differ from the run before are listed, with
    the reason, on the brand's index page and in moved.csv beside it.

    Exit code 0: all pages are up to date. 1: some could not be made, and
    their old pages are untouched. 2: used wrongly. 130: stopped by Ctrl-C.
    """
    from siyu_helpers.reporting import render as rendering
    from siyu_helpers.reporting import terminal, workers
    from siyu_helpers.reporting.parameters import ParameterError
    from siyu_helpers.reporting.records import in_a_line

    # A polite kill, or a terminal that is closed, is answered like Ctrl-C: the kernels stop, the temporary folder goes.
    for number in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
        if signal.getsignal(number) == signal.SIG_DFL:  # not under nohup
            signal.signal(number, signal.default_int_handler)
    try:
        os.getcwd()
    except OSError:
        _refuse("The folder this was run in is gone: change to another one (cd) and run it again.", 2)
    try:
        with terminal.Telling(CONSOLE, jobs or workers.usual_jobs()) as telling:
            records = rendering.render(
                brands, notebook, lang or ("zh", "en"), _named_values(parameter or []),
                out=out, data_root=data, force=force, progress=telling, jobs=jobs, plain=plain,
            )  # fmt: skip
    except ParameterError as error:
        _refuse(str(error), 2)
    except OSError as error:
        _refuse(in_a_line(error), 1)
    except KeyboardInterrupt:
        _refuse("Stopped; the pages of before are untouched.", 130)
    terminal.summary(records, out or rendering.REPORTS, CONSOLE)
    if parameter and out is None and any(record.status == "rendered" for record in records):
        CONSOLE.print("These pages replace the standard ones; siyu render brings those back. To keep both: --out DIR")
    states = {record.status for record in records}
    raise typer.Exit(130 if "interrupted" in states else 1 if "failed" in states or not records else 0)


@app.command()
def course(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the course: new, empty, or one made before.")],
    lang: Annotated[list[str] | None, typer.Option(help="zh or en; none: both.", show_default=False)] = None,
    lesson: Annotated[
        list[str] | None, typer.Option(help="Number or name, such as 04; repeat for several.", show_default=False)
    ] = None,
    track: Annotated[str, typer.Option(help="short or half_day: only its lessons.", show_default=False)] = "",
    brand: Annotated[str, typer.Option(help="Invented brand that the lessons are held on.")] = "xiaoman",
    data: DataRoot = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Lessons made side by side; as many as cores, at most 4.")
    ] = None,
    plain: Annotated[bool, typer.Option("--plain", help="Start each kernel from nothing: slower.")] = False,
) -> None:
    """Make the course: of each lesson student's and trainer's copies, slides and a handout.

    Everything is made of the lesson's one notebook in notebooks/training. What
    is finished appears whole; what somebody has changed in DIR is not written
    over. Open DIR/index.html.

    Exit code 0: all lessons are there. 1: some could not be made. 2: used wrongly. 130: stopped by Ctrl-C.
    """
    from siyu_helpers.reporting.records import in_a_line
    from siyu_helpers.teaching import course as courses
    from siyu_helpers.teaching.sources import CourseError

    def tell(record: courses.Record) -> None:
        told = f"made in {record.seconds:.0f} s" if record.status == "made" else f"not made: {record.error}"
        other = f", on {record.brand}" if record.brand not in ("", brand) else ""
        CONSOLE.print(f"{record.stem}: {told}{other}", markup=False, highlight=False, soft_wrap=True)

    for number in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)
    try:
        records = courses.make(
            out, lang or (), lesson or (), track, brand, data_root=data, jobs=jobs, plain=plain, progress=tell
        )
    except CourseError as error:
        _refuse(str(error), 2)
    except OSError as error:
        _refuse(in_a_line(error), 1)
    except KeyboardInterrupt:
        _refuse("Stopped; lessons that are finished are in place.", 130)
    made = [record for record in records if record.status == "made"]
    if made:
        CONSOLE.print(f"Open {out / 'index.html'}", markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(0 if len(made) == len(records) else 1)


@app.command()
def codebook(
    check_only: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 when the page is stale.")] = False,
    data: DataRoot = None,
):
    """Write README.md of the data folder from brand.yml and the manifests."""
    page = (data or cache.default_data_root()) / "README.md"
    try:
        text = manifest.codebook(data)
        if check_only and (not page.is_file() or page.read_bytes() != text.encode()):
            _refuse(f"{page} is stale. Run: siyu codebook", 1)
        if not check_only:
            page.write_bytes(text.encode())
    except manifest.UnreadableManifestError as error:
        _refuse(str(error), 1)
    except OSError as error:
        _refuse(f"{error.filename}: {error.strerror}.", 1)
    typer.echo(f"{page} is up to date." if check_only else f"Wrote {page}.")


@app.command("list")
def list_customers(
    brand: Annotated[str, typer.Argument(help="Brand folder.")],
    which: Annotated[str, typer.Argument(metavar="holdout|win-back", help="Which list.")],
    share: Annotated[
        float | None, typer.Option(help="holdout: share that is held out; 0.1 unless told.", show_default=False)
    ] = None,
    control: Annotated[
        float | None, typer.Option(help="win-back: share that gets no message; 0.1 unless told.", show_default=False)
    ] = None,
    of: Annotated[
        str | None,
        typer.Option(
            metavar="non-members|members",
            help="holdout: who is held out, and so not invited or written to; non-members unless told.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the lot.")] = 0,
    active_within_days: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="holdout of non-members: last order at most so many days ago; 365 unless told.",
            show_default=False,
        ),
    ] = None,
    dormant_after_days: Annotated[
        int | None,
        typer.Option(
            min=1, help="win-back: more days than this without an order; brand.yml's or 180.", show_default=False
        ),
    ] = None,
    dormant_at_most_days: Annotated[
        int | None, typer.Option(min=1, help="win-back: and at most so many days.", show_default=False)
    ] = None,
    experiment: Annotated[
        str | None,
        typer.Option(help="Its name in assignments; who stands there already is not drawn.", show_default=False),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(metavar="YYYY-MM-DD", help="Last day to go by; observed_until unless told.", show_default=False),
    ] = None,
    data: DataRoot = None,
) -> None:
    """Draw a list by lot, with the brand's own customer ids, into private/BRAND/.

    holdout: customers outside the pool who are not invited for a while (--of members: members who get no promotions).
    win-back: dormant customers, some of them marked to get no message. Beside each list stand the rows to keep in the
    table assignments, without which its effect cannot be measured. The same seed gives the same list.

    Exit code 0: the list is there. 1: it could not be made, or another list of that name is there. 2: used wrongly.
    """
    from siyu_helpers.reporting import lists

    if which not in ("holdout", "win-back"):
        _refuse(f"There is no list {which!r}; there are: holdout, win-back.", 2)
    of_holdout = {"--share": share, "--of": of, "--active-within-days": active_within_days}
    of_win_back = {
        "--control": control,
        "--dormant-after-days": dormant_after_days,
        "--dormant-at-most-days": dormant_at_most_days,
    }
    for name, value in (of_win_back if which == "holdout" else of_holdout).items():
        if value is not None:  # left unsaid, a share meant for the one list would silently be that of the other
            _refuse(f"{name} is no option of {which}. See: siyu list --help", 2)
    whom = (of or "non-members").replace("-", "_")
    if whom not in lists.OF:
        _refuse(f"--of {of}: write --of non-members or --of members.", 2)
    if whom == "members" and active_within_days is not None:
        _refuse("--active-within-days is for non-members only.", 2)
    for name, value in (("--share", share), ("--control", control)):
        if value is not None and not 0 < value < 1:
            _refuse(f"{name} {value:g}: write a share between 0 and 1, such as 0.1.", 2)
    last = _day(until) if until else None
    try:
        shop = brands.load(brand, data)
        if which == "holdout":
            found = lists.holdout(shop, share or 0.1, seed, whom, experiment, last, active_within_days or 365)
        else:
            days = (dormant_after_days, dormant_at_most_days)
            found = lists.win_back(shop, control or 0.1, seed, *days, experiment, last)
    except brands.UnknownBrandError as error:
        _refuse(str(error), 2)
    except (DataProblems, lists.ListError) as error:
        _refuse(str(error), 1)
    except OSError as error:
        _refuse(f"{error.filename}: {error.strerror}. The private folder (SIYU_HOME) has to be writable.", 1)
    typer.echo(lists.account(found, shop))


def notebook_needs() -> list[tuple[str, dict, dict]]:
    """What each notebook needs and uses, from REQUIRES and USES of the analysis module that shares its stem."""
    needs = []
    for path in sorted((cache.PROJECT / "notebooks").glob("[0-9][0-9]_*.ipynb")):
        try:
            module = importlib.import_module(f"siyu_helpers.analysis.{path.stem[3:]}")
        except ModuleNotFoundError as error:
            if not str(error.name).startswith("siyu_helpers.analysis"):
                raise
            continue
        needs.append((path.stem, getattr(module, "REQUIRES", {}), getattr(module, "USES", {})))
    return needs


def _day(text: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        _refuse(f"--until {text}: write a day as 2024-06-30.", 2)


def _named_values(given: list[str]) -> dict[str, str]:
    named = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            _refuse(f"-p {text}: write it as -p name=value", 2)
        if name.strip() in named:
            _refuse(f"-p {name.strip()} is given twice", 2)
        named[name.strip()] = value
    return named


def _refuse(message: str, code: int) -> None:
    typer.echo(message, err=True)
    raise typer.Exit(code)


def main() -> None:
    """Entry point of the `siyu` command."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:  # a job that was started with it closed: a pipe opened later would be taken for it
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    for stream in filter(None, (sys.stdout, sys.stderr)):
        # A terminal without Chinese shows \\u escapes rather than ending the command.
        stream.reconfigure(errors="backslashreplace")
    app()


if __name__ == "__main__":
    main()
