"""How the prediction log is kept."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field, SecretStr, StringConstraints, field_validator
from pydantic_core import PydanticCustomError

from neural.monitoring.section import Duration, Fraction, Section, Size

_URL = re.compile(r"(s3|gs|gcs|abfs|abfss|file)://\S+")


class UploadSettings(Section):
    """A copy of the log in an object store. Credentials come from the environment, as the store's own tools read them."""

    url: SecretStr
    """Where to (never shown: keys may stand in it): s3://bucket/prefix, gs://bucket/prefix,
    abfss://container@account.dfs.core.windows.net/prefix or file:///path. Options of the store's client stand behind a question mark:
    s3://bucket/prefix?region=eu-central-1&endpoint_override=minio:9000&scheme=http."""
    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{0,100}$")] = ""
    """Whose files these are, with a random part behind it that belongs to the folder. The host's name where left out, in a pod the pod's."""

    @field_validator("url")
    @classmethod
    def _known_scheme(cls, value: SecretStr) -> SecretStr:
        if not _URL.fullmatch(value.get_secret_value()):
            # of its own kind: what a validator says of a secret is not repeated, since it may quote it
            raise PydanticCustomError(
                "store_url", "is not a URL of an object store: write s3://, gs://, abfss:// or file:// and where in it"
            )
        return value


class PredictionLogSettings(Section):
    """Predictions with their features, as Parquet by model, version and hour. One minute's rows are on disk within a checkpoint."""

    enabled: bool = True
    """False: no prediction is written to disk."""
    keep: Annotated[Duration, Field(gt=0)] = 7 * 86_400.0
    """How long predictions stay."""
    max_size: Annotated[Size, Field(ge=1 << 20)] = 2 << 30
    """The most the log may hold; the oldest hours go first."""
    max_files: Annotated[int, Field(ge=10, le=10_000_000)] = 100_000
    """The most files it may have; the oldest go first."""
    batch_rows: Annotated[int, Field(ge=1, le=1_000_000)] = 8_192
    """Rows gathered before they are written; a checkpoint writes what there is."""
    sampling: Annotated[Fraction, Field(gt=0, le=1)] = 1.0
    """The share of predictions that is logged, chosen by prediction id; column weight says how many each row stands for. Verdicts, counts and
    the join with labels see every prediction all the same."""
    features: bool = True
    """False: predictions, probabilities and times only."""
    upload: UploadSettings | None = None
    """Hours that are over are copied there too."""
