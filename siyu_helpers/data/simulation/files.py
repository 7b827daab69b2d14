"""An invented brand as a folder: brand.yml, one CSV a table, truth.yml."""

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

import pandas as pd
import polars as pl
import yaml

from siyu_helpers.data import brand_config
from siyu_helpers.data.cache import is_running
from siyu_helpers.data.contract import TABLES
from siyu_helpers.data.simulation import lift_tests

TRUTH = brand_config.TRUTH
MADE_BY = "simulated_by"


def write(simulation, folder: Path) -> Path:
    """Write all files into a folder beside it, then put that in its place; see `Simulation.write`."""
    if folder.exists() and not is_invented(folder):
        raise FileExistsError(f"{folder} is there and does not hold an invented brand; nothing was changed.")
    if not brand_config.SLUG.fullmatch(folder.name):
        raise ValueError(f"{folder.name!r} cannot be the name of a brand: use a-z, 0-9, _ and -, at most 40.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    for left in folder.parent.glob(f".{folder.name}-[0-9]*-*"):
        if not is_running(left.name.rsplit("-", 2)[1]):
            shutil.rmtree(left, ignore_errors=True)  # of a run that was killed
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-{os.getpid()}-", dir=folder.parent))
    try:
        made = beside / "new"
        made.mkdir()
        (made / brand_config.FILE).write_text(_brand_yml(simulation, folder.name), "utf-8")
        for name in simulation.tables:
            # Each table is made, written and forgotten: ten million orders come with far more touches and messages.
            table = simulation.tables.fresh(name)
            # A brand that wrote to nobody has no table of messages, rather than one without rows.
            if len(table) or name == "orders":
                _write_table(table, made / f"{name}.csv")
        (made / TRUTH).write_text(_truth_yml(simulation), "utf-8")
        if folder.exists():
            os.replace(folder, beside / "old")
        os.replace(made, folder)
    finally:
        if (beside / "old").exists() and not folder.exists():
            os.replace(beside / "old", folder)
        shutil.rmtree(beside, ignore_errors=True)
    return folder


def is_invented(folder: Path) -> bool:
    """Whether a folder holds an invented brand, which may be made again at any time, and nothing else."""
    ours = {brand_config.FILE, TRUTH, *(f"{name}.csv" for name in TABLES)}
    try:
        nothing_else = {path.name for path in folder.iterdir()} <= ours
        return nothing_else and MADE_BY in yaml.safe_load((folder / TRUTH).read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, TypeError):
        return False


def version() -> str:
    """Hash of the simulator's code: a brand made by other code is made again."""
    total = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        total.update(path.name.encode() + b"\0" + path.read_bytes())
    return total.hexdigest()[:16]


def made_by(folder: Path) -> str:
    """Which version of the simulator made the brand in a folder; empty when none did."""
    try:
        return str(yaml.safe_load((folder / TRUTH).read_text("utf-8"))[MADE_BY])
    except (OSError, UnicodeDecodeError, yaml.YAMLError, TypeError, KeyError):
        return ""


def _write_table(table: pd.DataFrame, path: Path) -> None:
    """A table as CSV: times to the second, money with two decimals, blanks where nothing is known."""
    times = {name: table[name].astype("datetime64[us]") for name in table.select_dtypes("datetime64")}
    frame = pl.from_pandas(table.assign(**times), nan_to_null=True)
    frame = frame.with_columns(pl.col(name).cast(pl.Date) for name in ("date", "month") if name in frame.columns)
    # A chance is not money: 0.125 stays what it is.
    frame = frame.with_columns(pl.col(name).cast(pl.String) for name in ("probability",) if name in frame.columns)
    frame.write_csv(path, datetime_format="%Y-%m-%d %H:%M:%S", float_precision=2)


def _brand_yml(simulation, folder_name: str) -> str:
    recipe = simulation.recipe
    tests = lift_tests.results(simulation.life.market)
    settings = {
        "id": folder_name,
        "name": recipe.name,
        "industry": recipe.industry,
        "currency": recipe.currency,
        "timezone": recipe.timezone,
        "observed_from": recipe.observed_from,
        "observed_until": recipe.observed_until,
        "history": recipe.history,
        "gross_margin": recipe.gross_margin,
        **({"dormant_after_days": recipe.sms_after} if recipe.sms_after else {}),
        "channels": {name: {"domain": channel.domain} | channel.name for name, channel in recipe.channels.items()},
        **({"lift_tests": tests} if tests else {}),
        "synthetic": True,
        "source": f"由程序模拟生成 / simulated: siyu_helpers.data.simulate, recipe {recipe.id}, seed {simulation.seed}",
    }
    head = f"# {recipe.note['zh']}\n# {recipe.note['en']}\n# What is true of this brand: truth.yml\n"
    return head + yaml.safe_dump(settings, allow_unicode=True, sort_keys=False, width=120)


def _truth_yml(simulation) -> str:
    head = (
        "# What is true of this invented brand, found by simulating it again with the same random numbers and one\n"
        "# cause switched off. Shares and growth rates are plain numbers (0.08 is 8%).\n"
    )
    content = {MADE_BY: version()} | simulation.truth
    return head + yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=120)
