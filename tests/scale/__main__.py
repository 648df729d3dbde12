"""Writes the tables of docs/scale.md again, or prints them for prices of one's own: ``python -m tests.scale --core-hour 0.03``."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

from tests.scale.costs import Measured, Prices
from tests.scale.page import growing, spread, written

PAGE = Path(__file__).parents[2] / "docs" / "scale.md"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.scale", description=__doc__)
    for price in dataclasses.fields(Prices):
        parser.add_argument(f"--{price.name.replace('_', '-')}", type=float, default=price.default, help="dollars")
    prices = Prices(**vars(parser.parse_args()))
    if prices == Prices():
        PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
        return
    for made in (growing, spread):
        print(made(prices, Measured()))


if __name__ == "__main__":
    main()
