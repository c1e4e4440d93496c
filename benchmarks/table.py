"""Figures as a table that a person reads in a terminal or pastes into a page.

Owns layout and nothing else; the figures themselves go out as plain data with `--json`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Cell = str | int | float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows under a head; the first column is words, all others are figures."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    remark: str = ""


def rendered(table: Table) -> str:
    """The table in Markdown, its columns aligned."""
    lines = [table.head, *(tuple(_shown(cell) for cell in row) for row in table.rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(table.head))]
    head, *rows = [_line(line, widths) for line in lines]
    rule = "|".join(
        ["", "-" * (widths[0] + 2), *("-" * (width + 1) + ":" for width in widths[1:]), ""]
    )
    remark = ["", table.remark] if table.remark else []
    return "\n".join([f"{table.title}", "", head, rule, *rows, *remark])


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = zip(cells, widths, strict=True)
    shown = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]
    return f"| {' | '.join(shown)} |"


def _shown(cell: Cell) -> str:
    match cell:
        case None:
            return "-"
        case float():
            return f"{cell:.2f}"
        case _:
            return str(cell)
