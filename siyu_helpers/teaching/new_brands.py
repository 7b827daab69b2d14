"""New invented brands for the final exercise: made from the number of a class, their truth kept back until the end.

>>> settings = settings_of(42)
>>> settings == settings_of(42), settings.id, 1 <= number_of("Class A, spring") <= MOST
(True, 'class-0042', True)

A class agrees on a number (or a name, which stands for one). The number decides everything: kind of business, what
joining the pool does, who joins, how many promotions are sent, what the pool costs. The folder that the students get
is that of any brand, without truth.yml; the truth is worked out again from the number when the class asks for it, so
that there is no sealed file to open early. The program decides, hence the same code gives the same brand everywhere.
"""

import dataclasses
import functools
import hashlib
import numbers
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import yaml

from siyu_helpers.data import cache
from siyu_helpers.data.simulate import RECIPES, Recipe, Simulation, simulate
from siyu_helpers.data.simulation import files, truth, world
from siyu_helpers.teaching.scoring import HORIZON_DAYS, Truth, truth_of_world

MOST = 9999
CUSTOMERS = {"xiaoman": 6_000, "yunzuo": 6_000, "sanli": 4_500}
#: The pool opens two years before the tables end: what is true of it is true of its first 24 months.
POOL_OPENS = 365
EFFECTS = {"none": 0.0, "small": 0.4, "as usual": 1.0, "large": 1.8}
SELECTIONS = ("lot", "observed", "hidden")
#: What the pool costs is set about what such a pool brings in, so that either may be more.
COSTS = {"xiaoman": 0.9, "yunzuo": 0.35, "sanli": 0.5}
#: Promotions a month of which the truth tells what the brand would have been left with.
FREQUENCIES = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
STEMS = (
    ("青禾", "Qinghe"), ("云杉", "Yunshan"), ("木棉", "Mumian"), ("竹里", "Zhuli"), ("南枝", "Nanzhi"),
    ("知夏", "Zhixia"), ("远舟", "Yuanzhou"), ("晴川", "Qingchuan"), ("半山", "Banshan"), ("鹿野", "Luye"),
    ("松间", "Songjian"), ("汀兰", "Tinglan"),
)  # fmt: skip
KINDS = {
    "xiaoman": (("母婴", "Baby"), ("纸尿裤、湿巾和洗护用品", "Nappies, wipes and baby care")),
    "yunzuo": (("智能马桶盖", "Smart Seats"), ("智能马桶盖", "Smart toilet seats")),
    "sanli": (("茶食", "Tea"), ("两家门店的茶饮和轻食", "Tea and light meals in two shops")),
}
MARK = "# 课堂练习 / class exercise: "


@dataclass(frozen=True)
class Settings:
    """What a class's number stands for; whoever reads it knows the answers.

    number : of the class. recipe : of the three invented brands, the one that it is made after. name : Chinese and
    English. effect : key of `EFFECTS`. selection : "lot" (who joins depends on past orders, and some were invited by
    lot), "observed" (on past orders alone) or "hidden" (also on what no table holds). promotions : a month. inflation :
    added to every channel's cost inflation. costs : times the recipe's running costs. holdout : share of members sent
    no promotions, by lot.
    """

    number: int
    recipe: str
    name: tuple[str, str]
    effect: str
    selection: str
    promotions: float
    inflation: float
    costs: float
    holdout: float

    @property
    def id(self) -> str:
        """Name of the brand's folder."""
        return f"class-{self.number:04d}"


def number_of(name: int | str) -> int:
    """The number of a class: a whole number from 1 to 9999 as it is, any other name by its hash.

    Raises
    ------
    ValueError
        A number out of range, or an empty name.

    Example
    -------
    >>> number_of(42), number_of("0042"), number_of("class-0042"), number_of("甲班") == number_of(" 甲班 ")
    (42, 42, 42, True)
    """
    if isinstance(name, str):
        text = name.strip().removeprefix("class-")
        if not text:
            raise ValueError("The class has no name: give a whole number from 1 to 9999, or any name.")
        if not (text.isascii() and text.isdigit()):
            return 1 + int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") % MOST
        name = int(text)
    if isinstance(name, bool) or not isinstance(name, numbers.Integral) or not 1 <= name <= MOST:
        raise ValueError(f"The number of the class is {name!r}: use a whole number from 1 to {MOST}, or any name.")
    return int(name)


def settings_of(name: int | str) -> Settings:
    """What the number of a class stands for.

    Example
    -------
    >>> settings_of(7).recipe in RECIPES, settings_of(7).effect in EFFECTS
    (True, True)
    """
    number = number_of(name)
    recipe = _one_of(number, "recipe", ("xiaoman", "xiaoman", "xiaoman", "sanli", "sanli", "sanli", "yunzuo"))
    stem, kind = _one_of(number, "name", STEMS), KINDS[recipe][0]
    many = _drawn(number, "many promotions") < 0.4
    return Settings(
        number, recipe, (stem[0] + kind[0], f"{stem[1]} {kind[1]}"),
        effect=_one_of(number, "effect", tuple(EFFECTS)),
        selection=_one_of(number, "selection", SELECTIONS),
        promotions=_one_of(number, "promotions", (20.0, 26.0) if many else (2.0, 4.0, 6.0)),
        inflation=_one_of(number, "inflation", (-0.06, 0.0, 0.06, 0.12)),
        costs=round(COSTS[recipe] * 4 ** (_drawn(number, "costs") - 0.5), 2),
        holdout=_one_of(number, "holdout", (0.15, 0.2) if many else (0.0, 0.15)),
    )  # fmt: skip


def _drawn(number: int, what: str) -> float:
    """A number from 0 up to 1 that the class's number decides, the same on every machine and with every library."""
    return int.from_bytes(hashlib.sha256(f"class {number}: {what}".encode()).digest()[:6], "big") / 2**48


def _one_of(number: int, what: str, among: tuple) -> Any:
    return among[int(_drawn(number, what) * len(among))]


def data_folder(data_root: str | os.PathLike | None = None) -> Path:
    """Where the brands of classes are written: the data root given, else `private/class` of the project.

    That folder is not in git, and SIYU_HOME moves it, as it does whatever else the workbook writes.
    """
    if data_root:
        return Path(data_root)
    return Path(os.environ.get("SIYU_HOME") or cache.PROJECT) / "private" / "class"


def make(name: int | str, data_root: str | os.PathLike | None = None) -> Path:
    """Make the brand of a class as a folder of tables, without its truth; nothing is done where it is there already.

    Parameters
    ----------
    name : int or str
        Number of the class, 1 to 9999, or its name.
    data_root : path, optional
        Folder of brands; see `data_folder`.

    Returns
    -------
    Path
        The brand's folder: `brands.load(folder.name, folder.parent)` opens it, and so does
        `siyu render class-0042 --data private/class`.

    Raises
    ------
    ValueError
        The name is none.
    FileExistsError
        There is a folder of that name that this exercise did not make; nothing was changed.
    """
    settings = settings_of(name)
    folder = data_folder(data_root) / settings.id
    mark = _mark(settings)
    if folder.exists():
        there = _first_line(folder)
        if not there.startswith(MARK):
            raise FileExistsError(f"{folder} is there and was not made by this exercise; nothing was changed.")
        if there == mark:
            return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{settings.id}-", dir=folder.parent))
    try:
        made = _Sealed(*_simulation(settings)).write(beside / settings.id)
        _seal(made, mark, settings)
        if folder.exists():
            os.replace(folder, beside / "old")
        os.replace(made, folder)
    except OSError:
        if _first_line(folder) != mark:  # else another notebook of the class has just made the same
            raise
    finally:
        if (beside / "old").exists() and not folder.exists():
            os.replace(beside / "old", folder)
        shutil.rmtree(beside, ignore_errors=True)
    return folder


class _Sealed(Simulation):
    """A simulation whose truth is not worked out when it is written: that takes long, and nobody is to read it."""

    truth: ClassVar[dict] = {}


def _simulation(settings: Settings) -> tuple[Recipe, int, world.Life]:
    made = simulate(_recipe(settings), customers=CUSTOMERS[settings.recipe], seed=settings.number)
    return made.recipe, made.seed, made.life


def _recipe(settings: Settings) -> Recipe:
    """The recipe of the brand: that of the known brand, with what the number changes."""
    base, times = RECIPES[settings.recipe], EFFECTS[settings.effect]
    channels = {
        name: dataclasses.replace(channel, cost_inflation=max(channel.cost_inflation + settings.inflation, 0.0))
        for name, channel in base.channels.items()
    }
    sells = KINDS[settings.recipe][1]
    lot = {"invitations": 0.5, "invite_from": 380, "invite_until": 950, "invited_join": 0.4}
    return base.changed(
        channels=channels,
        name=dict(zip(("zh", "en"), settings.name, strict=True)),
        note={"zh": f"{sells[0]}。课堂练习用的虚构品牌，真相在练习结束时揭晓。",
              "en": f"{sells[1]}. An invented brand for a class; its truth is revealed at the end."},
        pool_opens=POOL_OPENS,
        effect_on_frequency=base.effect_on_frequency * times,
        effect_on_basket=base.effect_on_basket * times,
        effect_on_dropout=min(base.effect_on_dropout * times, 0.5),
        message_lift=base.message_lift * (0.3 + 0.7 * min(times, 1.0)),
        selection="hidden" if settings.selection == "hidden" else "observed",
        messages_per_month=settings.promotions,
        holdout=settings.holdout,
        staff_salary=round(base.staff_salary * settings.costs, -2),
        tools_fixed=round(base.tools_fixed * settings.costs, -1),
        tools_per_account=round(base.tools_per_account * settings.costs, -1),
        content=round(base.content * settings.costs, -1),
        lift_tests=(),
        **(lot if settings.selection == "lot" else {"invitations": 0.0, "invited_join": 0.0}),
    )  # fmt: skip


def _mark(settings: Settings) -> str:
    """First line of brand.yml: whose it is, and by which code and settings it was made."""
    made_of = f"{files.version()} {_recipe(settings)!r} {CUSTOMERS[settings.recipe]}"
    return f"{MARK}{settings.id}, {hashlib.sha256(made_of.encode()).hexdigest()[:16]}"


def _first_line(folder: Path) -> str:
    try:
        return (folder / "brand.yml").read_text("utf-8").split("\n", 1)[0]
    except (OSError, UnicodeDecodeError):
        return ""


def _seal(folder: Path, mark: str, settings: Settings) -> None:
    """Take out what tells the truth: truth.yml, and the recipe's seed in brand.yml."""
    (folder / files.TRUTH).unlink()
    told = yaml.safe_load((folder / "brand.yml").read_text("utf-8"))
    told["source"] = f"由程序模拟生成，课堂编号 {settings.number} / simulated for class number {settings.number}"
    text = yaml.safe_dump(told, allow_unicode=True, sort_keys=False, width=120)
    (folder / "brand.yml").write_text(f"{mark}\n{text}", "utf-8")


@functools.lru_cache(maxsize=4)
def truth_of(name: int | str) -> Truth:
    """What is true of the brand of a class: for the end of the exercise, and takes some ten seconds.

    The brand is simulated again with the same luck: without the pool, without joining, and with other numbers of
    promotions. Nothing is read from the folder.

    Parameters
    ----------
    name : int or str
        Number or name of the class.
    """
    settings = settings_of(name)
    recipe, _, life = _simulation(settings)
    factual = truth.totals(life)
    without = truth.without(life, factual, truth.World(pool=False))
    worth = {settings.promotions: factual.contribution}
    for often in FREQUENCIES:
        if often not in worth:
            other = dataclasses.replace(life.market, recipe=recipe.changed(messages_per_month=often))
            worth[often] = truth.totals(world.live(other)).contribution
    costs = Simulation(recipe, settings.number, life).tables["pool_costs"]["amount"].sum()
    return truth_of_world(
        {
            "average_treatment_effect_on_treated": {HORIZON_DAYS: truth.effect_of_joining(life)[HORIZON_DAYS]},
            "cac_growth_observed": truth.acquisition_growth(life.market)["cac_growth_observed"],
            "pool": without,
            "messages": {"sent_per_month": settings.promotions,
                         "contribution_by_messages_per_month": dict(sorted(worth.items()))},
        },
        float(costs), settings.selection, settings.id,
    )  # fmt: skip
