"""Manifests: what they warn of, and the page that is made from them."""

import pytest
import yaml

from siyu_helpers.data import brands, cache, manifest

STATED = {
    "title": "Orders of <b>Acme</b>", "source": "ERP | export", "citation": "none", "terms": "private",
    "retrieved": "2024-07-01", "sha256": "0" * 64, "rows": 3, "builder": "by hand",
    "columns": {"amount": {"type": "number", "unit": "CNY", "meaning": "paid"}}, "known_gaps": ["none in February"],
}  # fmt: skip


def state(root, **changes) -> None:
    content = {**STATED, "sha256": cache.file_hash(root / "acme" / "orders.csv")} | changes
    content = {field: value for field, value in content.items() if value is not None}
    (root / "acme" / "orders.csv.yml").write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")


def test_a_manifest_that_fits_is_silent(make_brand):
    root = make_brand()
    state(root)
    assert brands.load("acme", root).warnings == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"sha256": "0" * 64}, "its hash differs"), ({"rows": 4}, "states 4 rows; orders.csv has 3"),
     ({"terms": None}, "lacks: terms"), ({"columns": []}, "columns is a mapping")],
)  # fmt: skip
def test_a_manifest_that_does_not_fit_warns_and_refuses_nothing(changes, words, make_brand):
    root = make_brand()
    state(root, **changes)
    loaded = brands.load("acme", root)
    assert [words in told for told in loaded.warnings] == [True]


def test_a_changed_manifest_is_seen_without_reading_the_tables_again(make_brand):
    root = make_brand()
    state(root)
    brands.load("acme", root)
    state(root, sha256="1" * 64)
    assert "its hash differs" in brands.load("acme", root).warnings[0]


def test_yaml_that_makes_objects_is_not_run(make_brand):
    root = make_brand()
    (root / "acme" / "orders.csv.yml").write_text("!!python/object/apply:os.getcwd []")
    assert "cannot be read" in brands.load("acme", root).warnings[0]


def test_the_codebook_lists_described_files_and_shows_no_markup(make_brand):
    root = make_brand(settings={"name": "{zh: 某品牌, en: '<i>Acme</i> *x*'}"})
    assert "acme" not in manifest.codebook(root)
    state(root)
    page = manifest.codebook(root)
    assert page.startswith(manifest.FIRST_LINE)
    assert "\\<i\\>Acme\\</i\\> \\*x\\*" in page
    assert "ERP \\| export" in page
    assert "| `amount` | number | CNY | paid |" in page
    assert "- none in February" in page
    assert manifest.codebook(root) == page


def test_a_client_in_the_projects_own_folder_stays_out_of_the_codebook(make_brand, monkeypatch):
    root = make_brand()
    state(root)
    monkeypatch.setattr(cache, "default_data_root", lambda: root)
    assert "acme" not in manifest.codebook(root)


def test_the_committed_codebook_is_up_to_date():
    assert (cache.default_data_root() / "README.md").read_text("utf-8") == manifest.codebook()


@pytest.mark.parametrize("changes", [{"rows": "many"}, {"columns": {"amount": "number"}}, {"known_gaps": "none"}])
def test_a_codebook_names_the_manifest_it_cannot_use(changes, make_brand):
    root = make_brand()
    state(root, **changes)
    with pytest.raises(manifest.UnreadableManifestError, match=r"orders\.csv\.yml"):
        manifest.codebook(root)


@pytest.mark.parametrize("settings", ["id: [", "- a", "id: acme", "id: !!python/object:os.system x"])
def test_a_codebook_names_the_problem_of_a_brand_yml(settings, make_brand):
    root = make_brand(settings=settings)
    state(root)
    with pytest.raises(manifest.UnreadableManifestError, match=r"brand\.yml.*siyu check acme"):
        manifest.codebook(root)
