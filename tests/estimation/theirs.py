"""NannyML's estimates, from a virtual environment of its own: its pins (pandas, NumPy, scikit-learn) are not ours."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tests.estimation.worlds import Case, Part

FOLDER = Path(__file__).parents[2] / "build" / "nannyml"
REQUIREMENTS = ("nannyml==0.13.1", "statsmodels", "pandas<2.3", "numpy<2.3", "scikit-learn<1.7", "pyarrow")


def environment() -> Path:
    """The interpreter of the environment; installed at first use (some minutes)."""
    python = FOLDER / "bin" / "python"
    if not (FOLDER / ".done").exists():
        venv.create(FOLDER, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *REQUIREMENTS], check=True)
        (FOLDER / ".done").touch()
    return python


def estimate(case: Case, metrics: list[str]) -> dict[str, Any]:
    """Metric → one estimate a chunk, and ``seconds`` of CPU for fit and estimate, ``version``."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _table(case.reference, labelled=True).to_parquet(folder / "reference.parquet")
        _table(case.analysis, labelled=False).to_parquet(folder / "analysis.parquet")
        kind = "regression" if case.regression else "classification"
        (folder / "task.json").write_text(json.dumps({"metrics": metrics, "chunk": case.chunk, "kind": kind}))
        script = Path(__file__).with_name("nannyml_side.py")
        done = subprocess.run([environment(), str(script), str(folder)], capture_output=True, text=True, check=False, timeout=600)
        if done.returncode:
            sys.stderr.write(done.stderr)
            raise RuntimeError("NannyML failed")
        found: dict[str, Any] = json.loads((folder / "estimates.json").read_text())
        return found


def _table(part: Part, *, labelled: bool) -> pd.DataFrame:
    table = pd.DataFrame({f"f{at}": column for at, column in enumerate(part.features.T)})
    kind = np.float64 if part.probability is None else np.int64
    table["prediction"] = part.predictions.astype(kind)
    if part.probability is not None:
        table["probability"] = part.probability
    if labelled:
        table["label"] = part.labels.astype(kind)
    return table
