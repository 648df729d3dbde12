"""A line of 120 × 28 pixels as an inline picture: no script, drawn before Plotly has loaded."""

from __future__ import annotations

from base64 import b64encode

from dash import html

from neural.monitoring.dashboard.series import Series
from neural.monitoring.dashboard.theme import BLUE

WIDTH, HEIGHT, MARGIN = 120, 28, 2
MAX_POINTS = 120


def sparkline(series: Series, label: str) -> html.Img:
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none">'
        f'<path d="{_path(series)}" fill="none" stroke="{BLUE}" stroke-width="1.5" stroke-linejoin="round" '
        'vector-effect="non-scaling-stroke"/></svg>'
    )
    source = "data:image/svg+xml;base64," + b64encode(svg.encode()).decode()
    return html.Img(src=source, alt=f"{label} over time", className="sparkline")


def _path(series: Series) -> str:
    """SVG path data; the line breaks where there was no data."""
    times, values = series.with_gaps()
    stride = max(1, len(times) // MAX_POINTS)
    points = list(zip(times[::stride], values[::stride], strict=True))
    known = [value for _, value in points if value is not None]
    low, high = min(known), max(known)
    start, span = times[0], (times[-1] - times[0]) or 1.0
    parts: list[str] = []
    pen_down = False
    for moment, value in points:
        if value is None:
            pen_down = False
            continue
        x = (moment - start) / span * WIDTH
        y = HEIGHT / 2 if high == low else HEIGHT - MARGIN - (value - low) / (high - low) * (HEIGHT - 2 * MARGIN)
        parts.append(f"{'L' if pen_down else 'M'}{x:.1f} {y:.1f}")
        pen_down = True
    return "".join(parts)
