#!/bin/sh
# What the sidecar never opens, taken out of a folder of installed packages: tests, types, sources, source maps, Arrow Flight.
# tests/integration/test_image.py runs a sidecar without them.
set -eu
cd "$1"
find . -type d \( -name tests -o -name test \) -prune -exec rm -rf {} +
find . -type f \( -name '*.pyi' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.pxi' -o -name '*.map' -o -name '*.h' -o -name '*.hpp' -o -name '*.cc' \) -delete
rm -rf pyarrow/include pyarrow/src pyarrow/*flight* plotly/labextension
