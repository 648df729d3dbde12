"""Writes the dashboards into a folder, for Grafana's provisioning or for import by hand."""

from __future__ import annotations

import sys
from pathlib import Path

from neural.monitoring.export.grafana.write import write_dashboards

if __name__ == "__main__":
    write_dashboards(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
