"""Pictures in one style: curves with names at their ends, and nothing that carries no data."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

COLOURS = ("#1f5fbf", "#c2571a", "#2f8f5b", "#8a4fa3", "#7a7a7a")

# Of the palette that a picture is stored with.
_PALETTE = 128

# Points of a curve: what is on the horizontal axis, and what on the vertical one.
Curve = tuple[Sequence[float], Sequence[float]]


def curves(path: Path, title: str, x: str, y: str, lines: Mapping[str, Curve], **axis: Any) -> None:
    """Draws lines by name. `axis` is what `Axes.set` takes: limits, scales."""
    figure, axes = _empty(title, x, y)
    for colour, (name, (places, values)) in zip(COLOURS, lines.items(), strict=False):
        axes.plot(places, values, color=colour, linewidth=2, label=name)
    axes.set(**axis)
    if len(lines) > 1:
        axes.legend(frameon=False)
    _save(figure, path)


def points(path: Path, title: str, x: str, y: str, sets: Mapping[str, Curve], **axis: Any) -> None:
    """Draws sets of points by name."""
    figure, axes = _empty(title, x, y)
    for colour, (name, (places, values)) in zip(COLOURS, sets.items(), strict=False):
        axes.scatter(places, values, color=colour, s=18, alpha=0.7, linewidths=0, label=name)
    axes.set(**axis)
    if len(sets) > 1:
        axes.legend(frameon=False)
    _save(figure, path)


def bars(path: Path, title: str, y: str, heights: Mapping[str, float]) -> None:
    """Draws a bar for each name, with its height above it."""
    figure, axes = _empty(title, "", y)
    from matplotlib.ticker import EngFormatter

    drawn = axes.bar(list(heights), list(heights.values()), color=COLOURS[0], width=0.6)
    axes.bar_label(drawn, fmt=EngFormatter(places=0, sep=""), padding=3)
    _save(figure, path)


def _empty(title: str, x: str, y: str) -> tuple[Any, Any]:
    import matplotlib

    matplotlib.use("Agg")  # no screen is needed
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4.2), dpi=110, layout="constrained")
    axes.set_title(title, loc="left", fontsize=12)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#e4e4e4", linewidth=0.8)
    axes.set_axisbelow(True)
    return figure, axes


def _save(figure: Any, path: Path) -> None:
    from matplotlib import pyplot
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png")
    pyplot.close(figure)
    # A palette holds all the colours of a plot, edges smoothed, in a third of the bytes.
    Image.open(drawn).convert("RGB").quantize(_PALETTE).save(path, optimize=True)
    print(f"picture: {path}", flush=True)
