"""The peers, with their defaults, as their documents say to call them. Needs the environment that ``make study`` makes."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tests.study.pools import FEATURES, REFERENCE, Pool, draw

os.environ.setdefault("DO_NOT_TRACK", "1")  # Evidently
os.environ.setdefault("NML_DISABLE_USAGE_LOGGING", "1")  # NannyML
NAMES = [f"feature_{at}" for at in range(FEATURES)]


def peer_pool(shape: str, size: int, shift: float, tables: int) -> Pool:
    """``alibi``: p-values; ``evidently`` and ``nannyml``: 1 where the feature is called drifting."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    drawn = [draw(shape, size, shift, number) for number in range(tables)]
    found: dict[str, list[NDArray[np.float64]]] = {"alibi": [], "evidently": [], "nannyml": []}
    for number, (reference, current) in enumerate(drawn):
        found["alibi"].append(alibi(reference, current))
        found["evidently"].append(evidently(reference, current))
        found["nannyml"].append(nannyml(shape, size, number, reference, current))
    return {name: np.concatenate(parts) for name, parts in found.items()}


def alibi(reference: NDArray[np.float64], current: NDArray[np.float64]) -> NDArray[np.float64]:
    from alibi_detect.cd import KSDrift

    detector = KSDrift(reference)
    return np.asarray(detector.predict(current)["data"]["p_val"], dtype=float)


def evidently(reference: NDArray[np.float64], current: NDArray[np.float64]) -> NDArray[np.float64]:
    """Its own choice of method by the number of rows, and its own threshold."""
    import pandas as pd
    from evidently import Report
    from evidently.presets import DataDriftPreset

    with contextlib.redirect_stdout(io.StringIO()):
        snapshot = Report([DataDriftPreset()]).run(
            current_data=pd.DataFrame(current, columns=NAMES), reference_data=pd.DataFrame(reference, columns=NAMES)
        )
        metrics = snapshot.dict()["metrics"]
    return np.array([float(_evidently_drifts(item)) for item in metrics if "column" in item["config"]])


def _evidently_drifts(item: dict[str, Any]) -> bool:
    """A p-value below its threshold, or a distance at or above it."""
    limit, value = float(item["config"]["threshold"]), float(item["value"])
    return value < limit if "p_value" in item["config"]["method"] or "p_value" in item["metric_name"] else value >= limit


def nannyml(
    shape: str, size: int, number: int, reference: NDArray[np.float64], current: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Its thresholds come from chunks of the reference: it is given at least ten of them, which may be more rows than the others get."""
    import nannyml as nml
    import pandas as pd

    parts = [reference]
    while sum(len(part) for part in parts) < 10 * size:
        parts.append(draw(shape, size, 0.0, 1_000 + number * 10 + len(parts))[0])
    whole = pd.DataFrame(np.vstack(parts), columns=NAMES)
    calculator = nml.UnivariateDriftCalculator(column_names=NAMES, chunk_size=min(size, REFERENCE))
    calculator.fit(whole)
    answer = calculator.calculate(pd.DataFrame(current, columns=NAMES)).filter(period="analysis").to_df()
    return np.array([float(bool(answer[name]["jensen_shannon"]["alert"].iloc[0])) for name in NAMES])
