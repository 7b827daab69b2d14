"""A brand on disk for every test, written from texts; its cache and private files go to a temporary home."""

from pathlib import Path

import pytest

SETTINGS = {
    "id": "acme",
    "name": "{zh: 某品牌, en: Acme}",
    "industry": "cosmetics",
    "currency": "CNY",
    "timezone": "Asia/Shanghai",
    "observed_from": "2024-01-01",
    "observed_until": "2024-06-30",
    "history": "complete",
    "source": "invented",
}
ORDERS = """\
order_id,customer_id,ordered_at,amount
A1,ana,2024-01-05 10:00:00,100.50
A2,ben,2024-02-10 11:30:00,20
A3,ana,2024-03-15 09:15:00,0
"""


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch) -> Path:
    """Where cache and private files go in tests; it is made by the loader, so its absence means nothing was written."""
    path = tmp_path / "home"
    monkeypatch.setenv("SIYU_HOME", str(path))
    return path


@pytest.fixture
def make_brand(tmp_path):
    """A function that writes a brand folder and gives back its data root: `load("acme", root)`."""

    def write(
        tables: dict[str, str | bytes] | None = None, settings: dict | str | None = None, name: str = "acme"
    ) -> Path:
        folder = tmp_path / "raw" / name
        folder.mkdir(parents=True, exist_ok=True)
        if not isinstance(settings, str):
            lines = SETTINGS | (settings or {})
            settings = "".join(f"{key}: {value}\n" for key, value in lines.items() if value is not None)
        (folder / "brand.yml").write_text(settings, "utf-8")
        for file, content in ({"orders.csv": ORDERS} if tables is None else {"orders.csv": ORDERS} | tables).items():
            if content is not None:
                (folder / file).write_bytes(content if isinstance(content, bytes) else content.encode())
        return tmp_path / "raw"

    return write
