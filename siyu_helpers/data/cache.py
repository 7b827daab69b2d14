"""Cache: a brand's checked tables as Parquet, kept outside git and found again by the hash of their inputs.

    <project>/.cache/<brand>/<key>/orders.parquet, ..., account.json
    <project>/private/<brand>/identifiers.parquet

Nothing is ever written into the data folder. Brands of another data root get a suffix, so that two roots never mix.
"""

import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path

import polars as pl

PROJECT = Path(__file__).resolve().parents[2]
ACCOUNT = "account.json"
# A change in one of these may change the tables, so it makes every cache entry stale.
_SHAPING = (
    "brand_config",
    "building",
    "cache",
    "contract",
    "headers",
    "identifiers",
    "reading",
    "validation",
    "values",
)


def default_data_root() -> Path:
    """The project's own folder of brands."""
    return PROJECT / "data" / "raw"


def homes(folder: Path) -> tuple[Path, Path]:
    """Where the cache and the private files of a brand folder live; SIYU_HOME moves both.

    Example
    -------
    >>> cache, private = homes(default_data_root() / "cdnow")
    >>> cache.name, private.name, homes(Path("/elsewhere/cdnow"))[0].name != "cdnow"
    ('cdnow', 'cdnow', True)
    """
    home = Path(os.environ.get("SIYU_HOME") or PROJECT)
    folder = folder.resolve()
    name = folder.name
    if folder.parent != default_data_root().resolve():
        name += "-" + hashlib.sha256(os.fsencode(folder)).hexdigest()[:8]
    return home / ".cache" / name, home / "private" / name


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def key(inputs: list[dict]) -> str:
    """One hash over all inputs of a brand and over the code that turns them into tables."""
    code = [(name, file_hash(Path(__file__).with_name(f"{name}.py"))) for name in _SHAPING]
    parts = [*sorted((entry["file"], entry["sha256"]) for entry in inputs), *code]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def account_of(home: Path, key: str) -> dict | None:
    """The account of a finished cache entry; None when there is no such entry."""
    try:
        return json.loads((home / key / ACCOUNT).read_text("utf-8"))
    except (OSError, ValueError):
        return None


def write(home: Path, key: str, tables: dict[str, pl.DataFrame], account: dict) -> None:
    """Write a cache entry beside its final place and move it there in one step; older entries then go.

    Two processes may do this at once: the first to finish wins, and both have written the same.
    """
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    writing = Path(tempfile.mkdtemp(prefix=f".writing-{os.getpid()}-", dir=home))
    try:
        for name, frame in tables.items():
            with _private_file(writing / f"{name}.parquet") as stream:
                frame.write_parquet(stream, compression="zstd", compression_level=1)
        with _private_file(writing / ACCOUNT) as stream:
            stream.write(json.dumps(account, ensure_ascii=False, indent=1).encode())
        try:
            os.rename(writing, home / key)
        except OSError:
            if account_of(home, key) is None:
                raise
    finally:
        shutil.rmtree(writing, ignore_errors=True)
    for other in home.iterdir():
        if other.name != key and not (other.name.startswith(".writing-") and is_running(other.name.split("-")[1])):
            shutil.rmtree(other, ignore_errors=True)


def _private_file(path: Path):
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def is_running(process: str) -> bool:
    """Whether the process that began to write a folder still runs, so that its unfinished work is left alone."""
    try:
        os.kill(int(process), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True
