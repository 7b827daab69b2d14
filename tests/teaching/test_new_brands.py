"""New brands of a class: the same number is the same brand, nothing of anybody else's is touched, no truth is told."""

import dataclasses
import hashlib

import pytest
import yaml

from siyu_helpers.data import brands
from siyu_helpers.data.simulation import files, truth, world
from siyu_helpers.data.simulation.acquisition import World
from siyu_helpers.teaching import new_brands

NUMBER = 7


@pytest.fixture(scope="module", autouse=True)
def small():
    """Brands of a thousand customers: what is tested does not depend on their number."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(new_brands, "CUSTOMERS", dict.fromkeys(new_brands.CUSTOMERS, 1_000))
        patch.setattr(new_brands, "FREQUENCIES", (0.0, 30.0))
        patch.setattr(truth, "MANY_CUSTOMERS", 2_000)
        new_brands.truth_of.cache_clear()
        yield
        new_brands.truth_of.cache_clear()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return new_brands.make(NUMBER, tmp_path_factory.mktemp("brands"))


def contents(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def test_the_same_number_is_the_same_brand(folder, tmp_path):
    assert contents(new_brands.make(NUMBER, tmp_path)) == contents(folder)
    assert folder.name == "class-0007"


def test_every_machine_draws_what_was_drawn_here():
    """Written down once: whoever changes the drawing gives every class another brand."""
    assert new_brands.settings_of(42) == new_brands.Settings(
        42, "sanli", ("半山茶食", "Banshan Tea"), "as usual", "observed", 4.0, 0.0, 0.34, 0.15
    )
    assert new_brands.number_of("甲班") == 1 + int(hashlib.sha256("甲班".encode()).hexdigest()[:16], 16) % 9999


def test_other_numbers_are_other_brands():
    made = [new_brands.settings_of(number) for number in range(1, 401)]
    for name in ("recipe", "effect", "selection", "promotions", "inflation", "holdout"):
        assert len({getattr(each, name) for each in made}) >= 3, name
    counted = {name: sum(each.effect == name for each in made) for name in new_brands.EFFECTS}
    assert min(counted.values()) > 60  # a quarter of 400 each, give or take: below 60 once in ten million times
    assert len({dataclasses.replace(each, number=0) for each in made}) == len(made)


def test_every_number_gives_a_recipe_that_can_be_lived():
    for number in range(1, 201):
        settings = new_brands.settings_of(number)
        recipe = new_brands._recipe(settings)  # Recipe refuses what cannot be
        assert recipe.pool_opens == new_brands.POOL_OPENS
        assert settings.name[0] == recipe.name["zh"]


def test_it_opens_as_any_brand_and_tells_no_truth(folder):
    brand = brands.load(folder.name, folder.parent)
    assert {"orders", "members", "messages", "pool_costs", "spend", "customers"} <= set(brand.tables)
    assert brand.truth() is None
    assert brand.warnings == []
    assert not (folder / files.TRUTH).exists()
    told = (folder / "brand.yml").read_text("utf-8")
    assert not any(
        word in told for word in ("seed", "hidden", "selection", "truth.yml", new_brands.EFFECTS and "effect")
    )
    assert yaml.safe_load(told)["synthetic"] is True


def test_making_it_again_changes_nothing(folder):
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert new_brands.make(f"class-{NUMBER:04d}", folder.parent) == folder
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]  # nothing is left beside it


def test_one_made_by_other_code_is_made_again(folder, tmp_path):
    made = new_brands.make(NUMBER, tmp_path)
    first, rest = (made / "brand.yml").read_text("utf-8").split("\n", 1)
    (made / "brand.yml").write_text(f"{first[:-4]}0000\n{rest}", "utf-8")
    (made / "orders.csv").unlink()
    assert contents(new_brands.make(NUMBER, tmp_path)) == contents(folder)


@pytest.mark.parametrize("line", ["id: class-0007\n", ""])
def test_somebody_elses_folder_is_never_overwritten(tmp_path, line):
    mine = tmp_path / "class-0007"
    mine.mkdir()
    (mine / "brand.yml").write_text(line, "utf-8")
    (mine / "orders.csv").write_text("mine", "utf-8")
    before = contents(mine)
    with pytest.raises(FileExistsError, match="not made by this exercise"):
        new_brands.make(7, tmp_path)
    assert contents(mine) == before


@pytest.mark.parametrize("name", [0, 10_000, -1, "", "  ", "class-", 1.5, True, None])
def test_what_is_no_class_is_refused(name):
    with pytest.raises(ValueError, match="class"):
        new_brands.number_of(name)


def test_the_truth_is_that_of_the_simulation(folder):
    """The parts that the exercise works out are those that `siyu sample` would write, and the tables add up to them."""
    settings = new_brands.settings_of(NUMBER)
    _, seed, life = new_brands._simulation(settings)
    found = new_brands.truth_of(NUMBER)
    joining = truth.effect_of_joining(life)[90]["orders"]
    assert (found.gain, found.without) == (joining["effect"], joining["without_pool"])
    brand = brands.load(folder.name, folder.parent)
    assert found.costs == pytest.approx(brand.table("pool_costs")["amount"].sum())
    assert len(brand.table("orders")) == truth.totals(life).orders
    without = world.live(life.market, World(pool=False))
    lost = truth.totals(life).contribution - truth.totals(without).contribution
    assert found.net == pytest.approx(lost - found.costs, abs=0.02)
    assert found.messages[found.sent] == truth.totals(life).contribution
    assert (found.sent, found.selection, seed) == (settings.promotions, settings.selection, NUMBER)


def test_without_a_data_root_it_is_written_where_siyu_home_says(monkeypatch, tmp_path):
    monkeypatch.setenv("SIYU_HOME", str(tmp_path))
    assert new_brands.data_folder() == tmp_path / "private" / "class"
    assert new_brands.data_folder(tmp_path / "here") == tmp_path / "here"
    monkeypatch.delenv("SIYU_HOME")
    ignored = (new_brands.cache.PROJECT / ".gitignore").read_text("utf-8").split()
    assert new_brands.data_folder().relative_to(new_brands.cache.PROJECT).parts[0] + "/" in ignored
