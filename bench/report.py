"""What a run prints: the machine, then a line for each figure, beside its floor."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.memory import Growth
from bench.rounds import Comparison, Samples


def print_machine(console: Console, facts: Mapping[str, str]) -> None:
    """One line of facts."""
    console.print(" · ".join(f"{name} {value}" for name, value in facts.items()), style="dim", highlight=False)


def print_comparisons(console: Console, comparisons: Sequence[Comparison]) -> None:
    """The table of ratios: medians, and from the lowest to the highest round; then what each line says."""
    table = Table(title="Beside the floor", title_justify="left")
    for heading in ("what", "product", "floor", "ratio", "target", ""):
        table.add_column(heading, justify="left" if heading in ("what", "") else "right", no_wrap=True)
    for item in comparisons:
        table.add_row(
            item.title,
            _shown(item.product, item.unit),
            _shown(item.floor, item.unit),
            _shown(item.ratios, ""),
            str(item.target),
            "[green]met[/green]" if item.met else "[red]missed[/red]",
        )
    console.print(table)
    for item in comparisons:
        console.print(f"{item.title}: {item.measured}. Floor: {item.against}.", style="dim", highlight=False)


def print_growths(console: Console, growths: Sequence[Growth]) -> None:
    """The table of memory."""
    table = Table(title="Memory for one document of 1 GB", title_justify="left")
    for heading in ("what", "resident before", "peak growth", "target", ""):
        table.add_column(heading, justify="left" if heading in ("what", "") else "right")
    for item in growths:
        table.add_row(
            item.title,
            f"{item.before / 1e6:.0f} MB",
            f"{item.growth / 1e6:.1f} MB",
            f"< {item.target / 1e6:.0f} MB",
            "[green]met[/green]" if item.met else "[red]missed[/red]",
        )
    console.print(table)


def write_json(
    path: Path, facts: Mapping[str, str], comparisons: Sequence[Comparison], growths: Sequence[Growth]
) -> None:
    """Everything, every round included."""
    content: dict[str, Any] = {
        "machine": dict(facts),
        "comparisons": [item.as_json() for item in comparisons],
        "memory": [item.as_json() for item in growths],
    }
    path.write_text(json.dumps(content, indent=1) + "\n")


def _shown(samples: Samples, unit: str) -> str:
    low, high = samples.spread
    digits = 0 if samples.median >= 100 else 2
    return f"{samples.median:.{digits}f} {unit} [dim]{low:.{digits}f}-{high:.{digits}f}[/dim]"
