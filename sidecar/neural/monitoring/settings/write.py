"""Writes config/schema.json and config/full.yaml: ``python -m neural.monitoring.settings.write config``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from neural.monitoring.settings.full import full_yaml
from neural.monitoring.settings.schema import json_schema


def write_files(folder: Path) -> None:
    """Write both files into the folder."""
    (folder / "schema.json").write_text(json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    (folder / "full.yaml").write_text(full_yaml(), encoding="utf-8")


if __name__ == "__main__":
    write_files(Path(sys.argv[1]))
