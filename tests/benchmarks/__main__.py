"""``make bench``: run every benchmark, one after another (they share the cores), print their tables, write one JSON file."""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, default=Path("bench.json"))
    parser.add_argument("only", nargs="*", help="names such as drift or ingest; all when left out")
    options = parser.parse_args()
    results: dict[str, object] = {"python": platform.python_version(), "machine": platform.machine()}
    failed = []
    for script in sorted(HERE.glob("bench_*.py")):
        name = script.stem.removeprefix("bench_")
        if options.only and name not in options.only:
            continue
        print(f"\n== {name}", flush=True)
        with tempfile.NamedTemporaryFile(suffix=".json") as out:
            code = subprocess.run([sys.executable, str(script), "--json", out.name], check=False).returncode
            text = Path(out.name).read_text()
            results[name] = json.loads(text) if text else None
        if code:
            failed.append(name)
    options.json.write_text(json.dumps(results, indent=2) + "\n")
    print(f"\nwritten to {options.json}" + (f"; failed: {', '.join(failed)}" if failed else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
