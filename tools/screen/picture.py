"""Draws frames of a terminal as one SVG, which plays them once and stays at the last.

It needs nothing from elsewhere: no font, no script. A program that knows no animation, and whoever
wants less motion, sees the last frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

if TYPE_CHECKING:
    from tools.screen.record import Frame, Lines, Piece, Style

GROUND, BAR, INK, FAINT = "#16181d", "#22252c", "#d5d9e0", "#7d8590"
_NAMED = {
    "black": "#454b55",
    "red": "#f2727a",
    "green": "#7bc77e",
    "brown": "#e0b458",  # what pyte calls yellow
    "blue": "#6ca6f0",
    "magenta": "#c792ea",
    "cyan": "#5fc4cf",
    "white": "#d5d9e0",
}
FONTS = "ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace"
_BARS = "▁▂▃▄▅▆▇█"
_ABOVE_PX = 2
"""How far a cell begins above its text."""
CELL_PX, LINE_PX, SIZE_PX, EDGE_PX, BAR_PX = 8.4, 18, 14, 16, 30


def drawn(frames: Sequence[Frame], *, columns: int, command: str, second_px: float) -> str:
    """The SVG.

    Args:
        frames: in order; the last is the one that stays.
        columns: width of the terminal.
        command: what was typed, shown behind a prompt in every frame.
        second_px: seconds of the picture to a second of the recording.
    """
    height = 1 + max(len(frame.lines) for frame in frames)
    width_px = 2 * EDGE_PX + columns * CELL_PX
    height_px = BAR_PX + 2 * EDGE_PX + height * LINE_PX
    groups = "\n".join(
        f'<g class="f f{number}">{_text(frame.lines)}</g>' for number, frame in enumerate(frames)
    )
    label = quoteattr(f"A terminal of {columns} columns: {command}")
    prompt = f'<text y="0"><tspan class="d">$ </tspan>{escape(command)}</text>'
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width_px:g} {height_px:g}" \
width="{width_px:g}" height="{height_px:g}" role="img" aria-label={label}>
<style>
text {{ font: {SIZE_PX}px {FONTS}; fill: {INK}; white-space: pre; dominant-baseline: hanging; }}
.b {{ font-weight: 700; }} .i {{ font-style: italic; }} .u {{ text-decoration: underline; }}
.d {{ fill: {FAINT}; }} .f {{ visibility: hidden; }}
.f{len(frames) - 1} {{ visibility: visible; }}
{_motion(frames, second_px)}</style>
<rect width="100%" height="100%" rx="8" fill="{GROUND}"/>
<path d="M0 {BAR_PX}V8a8 8 0 0 1 8-8H{width_px - 8:g}a8 8 0 0 1 8 8V{BAR_PX}z" fill="{BAR}"/>
<g fill="{FAINT}"><circle cx="18" cy="15" r="5"/><circle cx="36" cy="15" r="5"/>\
<circle cx="54" cy="15" r="5"/></g>
<g transform="translate({EDGE_PX} {BAR_PX + EDGE_PX})">
{prompt}
<g transform="translate(0 {LINE_PX})">
{groups}
</g>
</g>
</svg>
"""


def _motion(frames: Sequence[Frame], second_px: float) -> str:
    """Each frame is seen until the next one; all animations are as long as the whole."""
    if len(frames) == 1:
        return ""
    # How long the command took to say something is not worth a wait.
    silent = frames[0].seconds
    begins = [(frame.seconds - silent) * second_px for frame in frames]
    whole = begins[-1]
    rules = []
    for number, begin in enumerate(begins[:-1]):
        start, end = (100 * at / whole for at in (begin, begins[number + 1]))
        # A step at the same place twice: seen from the one, gone at the other.
        rules.append(
            f"@keyframes k{number} {{ 0%, {start:.3f}% {{ visibility: "
            f"{'visible' if number == 0 else 'hidden'}; }} "
            f"{start:.3f}%, {end:.3f}% {{ visibility: visible; }} "
            f"{end:.3f}%, 100% {{ visibility: hidden; }} }}"
            f" .f{number} {{ animation: k{number} {whole:.2f}s step-end 1; }}"
        )
    last = len(frames) - 1
    rules.append(
        f"@keyframes k{last} {{ 0% {{ visibility: hidden; }} 100% {{ visibility: visible; }} }}"
        f" .f{last} {{ animation: k{last} {whole:.2f}s step-end 1; }}"
    )
    inside = "\n".join(rules)
    return f"@media (prefers-reduced-motion: no-preference) {{\n{inside}\n}}\n"


def _text(lines: Lines) -> str:
    made = []
    for row, pieces in enumerate(lines):
        top = row * LINE_PX
        made += [_ground(piece, top) for piece in pieces if piece.style.ground != "default"]
        made += [_piece(piece, top) for piece in pieces if piece.text.strip()]
    return "".join(made)


def _ground(piece: Piece, top: int) -> str:
    left, width = piece.column * CELL_PX, len(piece.text) * CELL_PX
    return (
        f'<rect x="{left:g}" y="{top - _ABOVE_PX}" width="{width:g}" height="{LINE_PX}"'
        f' fill="{_colour(piece.style.ground)}"/>'
    )


def _piece(piece: Piece, top: int) -> str:
    """Its words as text and its bars as shapes, as letters leave gaps between bars."""
    parts = []
    column = piece.column
    for are_bars, run in groupby(piece.text, key=_BARS.__contains__):
        text = "".join(run)
        if are_bars:
            parts.append(_bars(text, column, top, piece.style))
        elif text.strip():
            parts.append(_words(text, column, top, piece.style))
        column += len(text)
    return "".join(parts)


def _bars(text: str, column: int, top: int, style: Style) -> str:
    """Blocks that stand on the lower edge of their cells, neighbours of one height as one."""
    shapes = []
    bottom = top - _ABOVE_PX + LINE_PX
    for bar, run in groupby(text):
        count = len(list(run))
        left, width = column * CELL_PX, count * CELL_PX
        height = LINE_PX * (_BARS.index(bar) + 1) / len(_BARS)
        shapes.append(f"M{left:g} {bottom}v{-height:g}h{width:g}v{height:g}z")
        column += count
    look = f'fill="{_colour(style.ink)}"{_faint(style)}'
    return f'<path d="{"".join(shapes)}" {look}/>'


def _words(text: str, column: int, top: int, style: Style) -> str:
    """The text, held to its cells whatever font is found."""
    column += len(text) - len(text.lstrip())
    text = text.strip()
    left, width = column * CELL_PX, len(text) * CELL_PX
    return (
        f'<text x="{left:g}" y="{top}" textLength="{width:g}"{_look(style)}>{escape(text)}</text>'
    )


def _faint(style: Style) -> str:
    return ' opacity=".6"' if style.dim else ""


def _look(style: Style) -> str:
    plain = style.ink == "default"
    marks = {"b": style.bold, "i": style.italic, "u": style.underlined, "d": style.dim and plain}
    classes = " ".join(name for name, meant in marks.items() if meant)
    look = f' class="{classes}"' if classes else ""
    if not plain:
        look += f' style="fill:{_colour(style.ink)}"{_faint(style)}'
    return look


def _colour(name: str) -> str:
    """Of a name or six hexadecimal digits, as pyte has them."""
    if name == "default":
        return INK
    known = _NAMED.get(name.removeprefix("bright"))
    return known or f"#{name}"
