"""Small invented brands with a pool, whose tables a test may cut or bend before they are written as a folder."""

import functools
import tempfile
from pathlib import Path
from unittest import mock

import pandas as pd
import yaml

from siyu_helpers.data.simulate import simulate
from siyu_helpers.data.simulation import files, truth

#: Column of each table that says when; text, so that it can be compared and cut.
TIMES = {
    "orders": "ordered_at", "members": "joined_at", "messages": "sent_at", "assignments": "assigned_at",
    "touchpoints": "touched_at", "spend": "date", "pool_costs": "month",
}  # fmt: skip


def truth_of_joining(simulation):
    """A truth.yml with nothing but the effect of joining, which takes one more simulation and not thirty."""
    told = {"average_treatment_effect_on_treated": truth.effect_of_joining(simulation.life)}
    return yaml.safe_dump({files.MADE_BY: files.version()} | told)


@functools.cache
def _made(name, customers, seed, settings):
    with tempfile.TemporaryDirectory() as folder, mock.patch.object(files, "_truth_yml", truth_of_joining):
        made = simulate(name, customers=customers, seed=seed, **dict(settings)).write(Path(folder) / "made")
        found = {path.stem: pd.read_csv(path, dtype=str, keep_default_na=False) for path in made.glob("*.csv")}
        return found, (made / "brand.yml").read_text("utf-8"), (made / "truth.yml").read_text("utf-8")


def tables(*left_out, name="xiaoman", customers=700, seed=5, **settings):
    """Tables of an invented brand as text, less those named, its settings, and what is true of it.

    Ids of customers are SECRETPERSON and a number, which no page may show.
    """
    found, config, told = _made(name, customers, seed, tuple(sorted(settings.items())))
    made = {key: table.copy() for key, table in found.items() if key not in left_out}
    for table in made.values():
        for column in {"customer_id", "referrer_id"} & set(table.columns):
            table[column] = table[column].where(table[column] == "", "SECRETPERSON" + table[column])
    return made | {"brand.yml": yaml.safe_load(config), "truth.yml": told}


def write(root, made):
    """Write the tables as the brand "tiny"; settings of None are left out of its brand.yml."""
    folder = root / "tiny"
    folder.mkdir()
    config = {key: value for key, value in (made["brand.yml"] | {"id": "tiny"}).items() if value is not None}
    (folder / "brand.yml").write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    if made.get("truth.yml"):
        (folder / "truth.yml").write_text(made["truth.yml"], encoding="utf-8")
    for name, table in made.items():
        if isinstance(table, pd.DataFrame):
            table.to_csv(folder / f"{name}.csv", index=False)
    return folder
