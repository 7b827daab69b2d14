"""Fixtures shared by all tests: a home of their own for cache and mapping, and a small brand with telling ids."""

from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]

HOSTILE = "<script>alert(1)</script> & $x^2$ {{ 7 * 7 }} {key} \"quoted\" 'it' 🍼 =cmd()"

BRAND_YML = """\
id: {id}
name:
  zh: {name_zh}
  en: {name_en}
industry: beauty
currency: CNY
timezone: Asia/Shanghai
observed_from: 2024-01-01
observed_until: 2024-12-31
history: complete
synthetic: {synthetic}
source: {source}
"""


@pytest.fixture(scope="session", autouse=True)
def home(tmp_path_factory):
    """Cache and identifier mapping of a test run never touch the project's own."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIYU_HOME", str(folder))
        yield folder


@pytest.fixture
def data_root(tmp_path):
    """An empty folder for brands."""
    folder = tmp_path / "brands"
    folder.mkdir()
    return folder


@pytest.fixture
def write_brand(data_root):
    """A function that writes a brand folder: sixty customers, some of whom return, ids that must never show."""

    def write(id="tiny", orders=None, name="小满", synthetic="true", source="invented for a test"):
        import yaml

        folder = data_root / id
        folder.mkdir()
        quoted = {"zh": name, "en": name, "source": source}
        quoted = {
            key: yaml.safe_dump(value, default_style='"', allow_unicode=True).strip() for key, value in quoted.items()
        }
        config = BRAND_YML.format(
            id=f'"{id}"', name_zh=quoted["zh"], name_en=quoted["en"], synthetic=synthetic, source=quoted["source"]
        )
        (folder / "brand.yml").write_text(config, encoding="utf-8")
        (folder / "orders.csv").write_text(orders if orders is not None else small_orders(), encoding="utf-8")
        return folder

    return write


@pytest.fixture
def shown(monkeypatch):
    """Everything a ledger displays, as (html, metadata) pairs."""
    from siyu_helpers.reporting import ledger

    sent = []
    monkeypatch.setattr(
        ledger, "display", lambda data, metadata, raw: sent.append((data["text/html"], metadata["siyu"]))
    )
    return sent


def small_orders() -> str:
    """Ninety orders of sixty customers with telling identifiers, as CSV text."""
    lines = ["order_id,customer_id,ordered_at,amount"]
    for customer in range(60):
        first = f"2024-{1 + customer % 6:02d}-{1 + customer % 28:02d}"
        lines.append(f"ORDER-A-{customer:04d},SECRETPERSON{customer:04d},{first} 10:00:00,{20 + customer}.50")
        if customer % 2:
            again = f"2024-{3 + customer % 6:02d}-{1 + customer % 27:02d}"
            lines.append(f"ORDER-B-{customer:04d},SECRETPERSON{customer:04d},{again} 11:00:00,{30 + customer}.25")
    return "\n".join(lines) + "\n"
