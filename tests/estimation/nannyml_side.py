"""Runs in an environment of its own, with NannyML in it: ``python nannyml_side.py FOLDER``. Knows nothing of this project.

Reads reference.parquet and analysis.parquet (columns f0 …, prediction, probability, and in the reference label) and task.json; writes
estimates.json: metric → one estimate a chunk.
"""

import json
import sys
import time
import warnings
from pathlib import Path

warnings.simplefilter("ignore")

import nannyml  # noqa: E402
import pandas as pd  # noqa: E402


def estimate(folder: Path) -> dict:
    task = json.loads((folder / "task.json").read_text())
    reference = pd.read_parquet(folder / "reference.parquet")
    analysis = pd.read_parquet(folder / "analysis.parquet")
    shared = {"y_pred": "prediction", "y_true": "label", "metrics": task["metrics"], "chunk_size": task["chunk"]}
    if task["kind"] == "classification":
        estimator = nannyml.CBPE(y_pred_proba="probability", problem_type="classification_binary", **shared)
    else:
        features = [name for name in reference.columns if name.startswith("f")]
        estimator = nannyml.DLE(feature_column_names=features, **shared)
    begin = time.process_time()
    estimator.fit(reference)
    found = estimator.estimate(analysis).filter(period="analysis").to_df()
    seconds = time.process_time() - begin
    return {"seconds": seconds, "version": nannyml.__version__} | {
        metric: [float(value) for value in found[(metric, "value")]] for metric in task["metrics"]
    }


if __name__ == "__main__":
    where = Path(sys.argv[1])
    (where / "estimates.json").write_text(json.dumps(estimate(where)))
