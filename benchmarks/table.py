"""One line of the table: a number of ours and its reference, measured in turn, A B A B, in the same run.

A round gives one value of each side. The table shows the median of the rounds with their spread (lowest–highest), and
the ratio of the two within a round, again median and spread: what slows the machine for a moment slows both.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Row:
    """One comparison.

    Args:
        what: what was measured, with its unit.
        reference: what the second number is.
        pairs: (ours, the reference's) of each round.
        goal: the ratio to keep to, None for a row that only informs.
        more_is_better: the ratio must be at least the goal, instead of at most.
    """

    what: str
    reference: str
    pairs: Sequence[tuple[float, float]]
    goal: float | None = None
    more_is_better: bool = False

    @property
    def ratio(self) -> float:
        return median(ours / reference for ours, reference in self.pairs)

    @property
    def met(self) -> bool | None:
        if self.goal is None:
            return None
        return self.ratio >= self.goal if self.more_is_better else self.ratio <= self.goal

    def cells(self) -> list[str]:
        sign = "≥" if self.more_is_better else "≤"
        return [
            self.what,
            _spread([ours for ours, _ in self.pairs]),
            _spread([reference for _, reference in self.pairs]),
            self.reference,
            _spread([ours / reference for ours, reference in self.pairs]),
            "" if self.goal is None else f"{sign} {self.goal:g}",
            {None: "", True: "met", False: "MISSED"}[self.met],
        ]

    def to_json(self) -> dict[str, object]:
        return {
            "what": self.what,
            "reference": self.reference,
            "ours": [ours for ours, _ in self.pairs],
            "reference_values": [reference for _, reference in self.pairs],
            "ratio": self.ratio,
            "goal": self.goal,
            "more_is_better": self.more_is_better,
            "met": self.met,
        }


HEAD = ["what", "ours (min–max)", "reference (min–max)", "reference is", "ratio (min–max)", "goal", ""]


def layout(rows: Sequence[Row]) -> str:
    """The rows as a text table."""
    cells = [HEAD, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(HEAD))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]
    return "\n".join([lines[0], "─" * max(map(len, lines)), *lines[1:]])


def _spread(values: Sequence[float]) -> str:
    return f"{_short(median(values))} ({_short(min(values))}–{_short(max(values))})"


def _short(value: float) -> str:
    """Three digits that matter, and thousands with a comma."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
