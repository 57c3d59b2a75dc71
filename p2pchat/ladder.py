"""A ladder diagram of a trace: one line down for each peer and each server, one arrow across for each thing that went.

::

    Ladder(trace)          in a notebook: the picture, with the same as text below it
    print(Ladder(trace))   the text alone
    Ladder(trace).svg      the picture alone

Peers stand outside, the servers between them. What went over the DataChannel is one arrow from peer to peer, in a
colour of its own and twice as thick, and passes the servers' lines without touching them. A server's line ends with its
last arrow, so one sees when it is needed no more.
"""

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from hashlib import sha256
from html import escape

from p2pchat.trace import MATCHMAKING, SIGNALING, STRANGER, Arrow

SERVERS = (MATCHMAKING, SIGNALING)

GUTTER, COLUMN, ROW, HEAD = 84, 170, 34, 56  # pixels: for the times, between two lines, for an arrow, for the names
MAX_LABEL, MAX_NAME = 22, 18  # characters that fit beside each other; the text has them whole
MAX_ARROWS = 200  # in one picture (our choice); a meeting has about 15, and one for each message
CALM = "color:var(--jp-content-font-color1,currentColor)"
STYLE = """
.p2pchat-ladder { --p2pchat-direct: #a33b00; background: transparent; font: 13px sans-serif; max-width: 100% }
@media (prefers-color-scheme: dark) { .p2pchat-ladder { --p2pchat-direct: #ffa968 } }
[data-jp-theme-light="true"] .p2pchat-ladder { --p2pchat-direct: #a33b00 }
[data-jp-theme-light="false"] .p2pchat-ladder { --p2pchat-direct: #ffa968 }
.p2pchat-ladder text { fill: currentColor }
.p2pchat-ladder line, .p2pchat-ladder path { stroke: currentColor; stroke-width: 1.4; fill: none }
.p2pchat-ladder .life { stroke-dasharray: 3 4; opacity: .6 }
.p2pchat-ladder .direct line, .p2pchat-ladder .direct path { stroke: var(--p2pchat-direct); stroke-width: 3 }
.p2pchat-ladder .direct text { fill: var(--p2pchat-direct); font-weight: bold }
.p2pchat-ladder .direct .gap { stroke: var(--jp-layout-color0, Canvas); stroke-width: 13 }
.p2pchat-ladder .pending line { stroke-dasharray: 8 5 }
"""


@dataclass(frozen=True, slots=True)
class Step:
    """One arrow of the picture; ``direct`` is one between two peers, ``pending`` one that was not seen to arrive."""

    at: float
    source: str
    target: str
    label: str
    direct: bool = False
    pending: bool = False


class Ladder:
    """What a trace holds now, as a picture and as text.

    Args:
        trace: the arrows, oldest first.
        leave_out: labels that are not shown.
        max_arrows: how many arrows are shown; of more, the first.
    """

    def __init__(
        self, trace: Iterable[Arrow], *, leave_out: Iterable[str] = ("ping", "pong"), max_arrows: int = MAX_ARROWS
    ) -> None:
        hidden = set(leave_out)
        steps = [step for step in _steps(list(trace)) if step.label not in hidden]
        self.steps = steps[:max_arrows]
        self.left_out = len(steps) - len(self.steps)
        self.lifelines = _lifelines(self.steps)

    @property
    def text(self) -> str:
        """One line for each arrow: when, from whom, to whom, what; ``==>`` is what met no server."""
        if not self.steps:
            return "Nothing has happened yet."
        wide = max(len(step.source) for step in self.steps)
        wider = max(len(step.target) for step in self.steps)
        lines = [
            f"{step.at:8.3f} s  {step.source:>{wide}} {'==>' if step.direct else '-->'} {step.target:<{wider}}  "
            + step.label
            + (" (not seen to arrive)" if step.pending else "")
            for step in self.steps
        ]
        return "\n".join([*lines, f"... and {self.left_out} more"] if self.left_out else lines)

    @property
    def summary(self) -> str:
        """The whole in one sentence, for those who cannot see the picture."""
        direct = sum(step.direct for step in self.steps)
        through = Counter(server for step in self.steps for server in (step.source, step.target) if server in SERVERS)
        counts = [f"{number} from or to {server}" for server, number in sorted(through.items())]
        return f"{len(self.steps)} arrows: " + ", ".join([*counts, f"{direct} directly between peers"]) + "."

    @property
    def svg(self) -> str:
        """The picture: follows the colours of the page that it stands in, light or dark."""
        at = {name: GUTTER + COLUMN // 2 + COLUMN * column for column, name in enumerate(self.lifelines)}
        width = GUTTER + COLUMN * max(len(self.lifelines), 1)
        height = HEAD + ROW * (len(self.steps) + 1)
        mark = sha256(self.text.encode()).hexdigest()[:12]
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="p2pchat-ladder" role="img" width="{width}" '
            f'viewBox="0 0 {width} {height}" style="{CALM}" aria-labelledby="t{mark} d{mark}">',
            f'<title id="t{mark}">Who sent what to whom</title>',
            f'<desc id="d{mark}">{escape(self.summary)} {escape(self.text)}</desc>',
            f"<style>{STYLE}</style>",
        ]
        for name, x in at.items():
            last = max(row for row, step in enumerate(self.steps) if name in (step.source, step.target))
            end = HEAD + ROW * (last + 1) + 10 if name in SERVERS else height
            kind = "server" if name in SERVERS else "peer"
            parts.append(
                f'<text x="{x}" y="20" text-anchor="middle" font-weight="bold">{_short(name, MAX_NAME)}</text>'
                f'<text x="{x}" y="38" text-anchor="middle" font-size="11">{kind}</text>'
                f'<line class="life" x1="{x}" y1="{HEAD - 8}" x2="{x}" y2="{end}"/>'
            )
        parts += [_arrow(step, HEAD + ROW * (row + 1), at) for row, step in enumerate(self.steps)]
        return "".join([*parts, "</svg>"])

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return (
            f"<figure style='margin:0'>{self.svg}<figcaption>{escape(self.summary)}</figcaption></figure>"
            f"<details><summary>The same as text</summary><pre>{escape(self.text)}</pre></details>"
        )


def _steps(arrows: list[Arrow]) -> list[Step]:
    """The arrows as they are drawn: what two peers tell of one message becomes one arrow between the two."""
    members: dict[str, set[str]] = {}
    for arrow in arrows:
        if MATCHMAKING not in (arrow.source, arrow.target):  # its arrows belong to no room yet
            members.setdefault(arrow.room, set()).update({arrow.source, arrow.target} - {*SERVERS, STRANGER})

    def stranger_of(arrow: Arrow) -> str:
        teller = arrow.target if arrow.source == STRANGER else arrow.source
        others = members.get(arrow.room, set()) - {teller}
        return others.pop() if len(others) == 1 else STRANGER

    steps: list[Step] = []
    on_the_way: dict[tuple[str, str, str], deque[int]] = {}
    for arrow in arrows:
        if arrow.target == STRANGER:
            stranger = stranger_of(arrow)
            if stranger != STRANGER:
                on_the_way.setdefault((arrow.source, stranger, arrow.what), deque()).append(len(steps))
            steps.append(Step(arrow.at, arrow.source, stranger, arrow.what, direct=True, pending=stranger != STRANGER))
        elif arrow.source == STRANGER:
            stranger = stranger_of(arrow)
            sent = on_the_way.get((stranger, arrow.target, arrow.what))
            if sent:  # the channel keeps the order, so the first on its way is the one that came
                first = sent.popleft()
                steps[first] = replace(steps[first], pending=False)
            else:
                steps.append(Step(arrow.at, stranger, arrow.target, arrow.what, direct=True))
        else:
            direct = arrow.source not in SERVERS and arrow.target not in SERVERS
            steps.append(Step(arrow.at, arrow.source, arrow.target, arrow.what, direct))
    return steps


def _lifelines(steps: list[Step]) -> list[str]:
    """The first peer, then the servers, then the other peers, as they appear."""
    names = list(dict.fromkeys(name for step in steps for name in (step.source, step.target)))
    peers = [name for name in names if name not in SERVERS]
    return [*peers[:1], *(server for server in SERVERS if server in names), *peers[1:]]


def _arrow(step: Step, y: int, at: dict[str, int]) -> str:
    start, end = at[step.source], at[step.target]
    ahead = 1 if end > start else -1
    back = -9 * ahead
    kinds = " ".join(["step", *(["direct"] if step.direct else []), *(["pending"] if step.pending else [])])
    label = _short(step.label, MAX_LABEL) + (" …" if step.pending else "")
    gap = f'<path class="gap" d="M{start + 8 * ahead} {y}H{end - 12 * ahead}"/>' if step.direct else ""
    return (
        f'<g class="{kinds}">{gap}<line x1="{start}" y1="{y}" x2="{end}" y2="{y}"/>'
        f'<path d="M{end + back} {y - 5}L{end} {y}L{end + back} {y + 5}"/>'
        f'<text x="{start + ahead * COLUMN // 2}" y="{y - 6}" text-anchor="middle">{label}</text></g>'
        f'<text x="4" y="{y + 4}" font-size="11">{step.at:.3f} s</text>'
    )


def _short(text: str, max_length: int) -> str:
    return escape(text if len(text) <= max_length else text[: max_length - 1] + "…")
