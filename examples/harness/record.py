"""The figures of a run: printed, and kept for the table of all examples."""

import json
from pathlib import Path
from typing import Any

import rayx


def tell(
    path: Path | None,
    example: str,
    outcome: str,
    parallel_s: float,
    serial_s: float | None,
    workers: int,
    **more: Any,
) -> None:
    """Prints times and outcome in a line, and writes them to `path` if there is one."""
    line = f"{example}: {outcome}; {parallel_s:.2f} s with {workers} at a time"
    if serial_s is not None:
        line += f", {serial_s:.2f} s one after the other: {serial_s / parallel_s:.2f} times as fast"
    print(line, flush=True)
    if path is not None:
        figures = {
            "example": example,
            "outcome": outcome,
            "parallel_s": parallel_s,
            "serial_s": serial_s,
            "workers": workers,
            # Ray by harness/on_ray, if it is Ray.
            "engine": getattr(rayx, "ENGINE", "rayx"),
            **more,
        }
        path.write_text(json.dumps(figures, indent=1) + "\n")
