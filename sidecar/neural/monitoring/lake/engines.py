"""The engines that answer the one expression: DuckDB in this process, Spark where its configuration says."""

from __future__ import annotations

from collections.abc import Sequence
from glob import escape
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from neural.monitoring.errors import NeuralError
from neural.monitoring.lake.places import Place

MISSING_EXTRA = "the lake's engine is not installed: pip install 'neural-monitoring[{extra}]'"
_LOCAL_MASTER = "local[*]"


class Engine(Protocol):
    """``connection`` is Ibis's; ``parquet`` is its table over files, by the names of their columns, ``held`` one over what is in memory;
    ``errors`` is what it raises.
    """

    @property
    def connection(self) -> Any: ...

    @property
    def errors(self) -> tuple[type[Exception], ...]: ...

    def parquet(self, place: Place, paths: Sequence[str]) -> Any: ...

    def held(self, table: pa.Table) -> Any: ...

    def shared(self, table: Any) -> Any:
        """The same table, as one that a question may ask more than once."""
        ...

    def close(self) -> None: ...


class DuckDB:
    """In memory, spilling to ``spill``. It fetches nothing from the network: object stores are read through pyarrow."""

    def __init__(self, spill: str) -> None:
        try:
            import duckdb
            import ibis
        except ImportError:
            raise NeuralError(MISSING_EXTRA.format(extra="lake")) from None
        self.connection: Any = ibis.duckdb.connect(autoinstall_known_extensions=False, temp_directory=spill)
        self.errors: tuple[type[Exception], ...] = (duckdb.Error, ibis.IbisError)

    def parquet(self, place: Place, paths: Sequence[str]) -> Any:
        if place.is_local:
            return self.connection.read_parquet([escape(path) for path in paths], union_by_name=True, hive_partitioning=False)
        import ibis

        schemas = [pq.read_schema(path, filesystem=place.files) for path in paths]
        schema = pa.unify_schemas(schemas, promote_options="permissive")
        return ibis.memtable(ds.dataset(list(paths), schema=schema, filesystem=place.files, format="parquet"))

    def held(self, table: pa.Table) -> Any:
        import ibis

        return ibis.memtable(table)

    def shared(self, table: Any) -> Any:
        """A view: written into the question, DuckDB would hold all of its rows in memory, to ask them again."""
        return self.connection.create_view("neural_log", table, overwrite=True)

    def close(self) -> None:
        self.connection.disconnect()


class Spark:
    """The session that is there, else one by Spark's own configuration (spark-submit, spark-defaults.conf), else on this machine."""

    def __init__(self, spill: str, master: str | None = None) -> None:
        try:
            import ibis
            from pyspark import SparkContext
            from pyspark.errors import PySparkException
            from pyspark.sql import SparkSession
        except ImportError:
            raise NeuralError(MISSING_EXTRA.format(extra="spark")) from None
        self._owns = SparkSession.getActiveSession() is None
        try:
            SparkContext._ensure_initialized()  # noqa: SLF001 - before it, a SparkConf is empty and hides what spark-submit was told
            conf = _configured(spill, master)
            self._session = SparkSession.builder.appName("neural monitor analyze").config(conf=conf).getOrCreate()
        except (PySparkException, OSError, RuntimeError) as error:
            raise NeuralError(f"Spark can't be started: {str(error).splitlines()[0]} (it needs Java 17 or later)") from None
        self.connection = ibis.pyspark.connect(self._session)
        self.errors: tuple[type[Exception], ...] = (PySparkException, ibis.IbisError)
        self._views = 0

    def parquet(self, place: Place, paths: Sequence[str]) -> Any:
        frame = self._session.read.option("mergeSchema", "true").parquet(*[_hadoop(place.spark_path(path)) for path in paths])
        return self._named(frame)

    def held(self, table: pa.Table) -> Any:
        return self._named(self._session.createDataFrame(table))  # Ibis would go through pandas, where null becomes NaN

    def shared(self, table: Any) -> Any:
        return table

    def _named(self, frame: Any) -> Any:
        self._views += 1
        name = f"neural_log_{self._views}"
        frame.createOrReplaceTempView(name)
        return self.connection.table(name)

    def close(self) -> None:
        if self._owns:
            self._session.stop()


def _configured(spill: str, master: str | None) -> Any:
    """What Spark was told, and what we prefer where it was told nothing."""
    from pyspark import SparkConf

    conf = SparkConf().setIfMissing("spark.master", _LOCAL_MASTER).setIfMissing("spark.ui.enabled", "false")
    conf = conf.set("spark.sql.session.timeZone", "UTC")
    if master is not None:
        conf = conf.setMaster(master)
    return conf.setIfMissing("spark.local.dir", spill) if conf.get("spark.master", "").startswith("local") else conf


def _hadoop(path: str) -> str:
    """Hadoop reads a path as a pattern."""
    return "".join(f"\\{sign}" if sign in "[]{}*?\\" else sign for sign in path)


def engine_of(name: str, spill: str, master: str | None = None) -> Engine:
    """``duckdb`` or ``spark``; ``master`` is Spark's, where its configuration is not to say. Raises NeuralError without the extra."""
    return Spark(spill, master) if name == "spark" else DuckDB(spill)
