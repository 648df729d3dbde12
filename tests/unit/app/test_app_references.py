from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq

from neural.monitoring.app.references import file_reference
from neural.monitoring.settings import parse_settings


def test_a_reference_file_is_watched_up_to_max_columns_answers_first_and_says_which_are_not(tmp_path, caplog):
    table = {**{f"f{at}": [1.0, 2.0, 3.0] for at in range(5)}, "prediction": [0.1, 0.2, 0.3]}
    pq.write_table(pa.table(table), tmp_path / "wide.parquet")
    settings = parse_settings("model: {name: m}\nreference: {source: wide.parquet}\nwindows: {max_columns: 3}\n", folder=tmp_path)
    reference, _ = file_reference(settings, lambda: 0.0)
    assert reference is not None
    assert list(reference.columns) == ["@prediction", "f0", "f1"]
    assert "windows.max_columns is 3: the reference has 6 columns; 'f2' and those after it are not watched" in caplog.messages
