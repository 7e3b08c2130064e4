"""Pictures of boards, drawn from a Prometheus: for documents, where no Grafana can run.

``python -m tools.dashboards.picture --prometheus URL --out docs/images`` asks the queries of each
panel and draws them where the board's grid has them. A board is named by its uid, or by the path of
a file, which may be any board of Grafana's. The picture says that it is not Grafana's.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from matplotlib import pyplot as plt
from PIL import Image

from simtraffic.backends.prometheus import Prometheus
from simtraffic.backends.query import AskError
from simtraffic.clock import unix_ns
from simtraffic.errors import SimtrafficError, UsageError
from tools.dashboards.build import COLUMNS
from tools.dashboards.drawing import Answered, Region, draw_panel, framed
from tools.dashboards.looks import FAINT, GROUND, INK, colour_of
from tools.dashboards.source import Source, filled, variables_of

__all__ = ["draw", "filled", "main"]

BOARDS = Path(__file__).resolve().parents[2] / "config/grafana/dashboards"
WIDTH_PX, ROW_PX, DPI, HEAD_PX = 1280, 38, 100, 45


def parts(board: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Panels and headings of rows as they are seen, each with its place in the grid.

    What is in a closed row is not seen. Boards of Grafana's first years have rows in place of
    places; there a panel follows the one before.
    """
    old = [panel for row in board.get("rows", ()) for panel in row.get("panels", ())]
    x = y = 0
    for part in [*board.get("panels", ()), *old]:
        if "gridPos" in part:
            yield part
            continue
        width = int(part.get("span", 6)) * 2
        if x + width > COLUMNS:
            x, y = 0, y + 8
        yield {**part, "gridPos": {"x": x, "y": y, "w": width, "h": 8}}
        x += width


def draw(board: dict[str, Any], source: Source, out: Path) -> None:
    """One picture of a board.

    Raises:
        AskError: Prometheus cannot be reached.
        UsageError: The board has no panel.
    """
    source.variables = variables_of(board)
    shown = list(parts(board))
    if not shown:
        raise UsageError(f"{out.stem}: no panel to draw; is it a board of Grafana's?")
    rows = max(part["gridPos"]["y"] + part["gridPos"]["h"] for part in shown)
    height = rows * ROW_PX + HEAD_PX + 12
    figure = plt.figure(figsize=(WIDTH_PX / DPI, height / DPI), dpi=DPI, facecolor=GROUND)
    title = board.get("title", out.stem)
    figure.text(0.012, 1 - 22 / height, title, color=INK, fontsize=14, va="center")
    note = "drawn from Prometheus by simtraffic, not by Grafana"
    figure.text(0.988, 1 - 22 / height, note, color=FAINT, fontsize=8, ha="right", va="center")
    regions = list(_regions(board, source))
    for part in shown:
        place = part["gridPos"]
        top = HEAD_PX + place["y"] * ROW_PX
        if part.get("type") == "row":
            sign = "›" if part.get("collapsed") else "⌄"
            figure.text(0.008, 1 - (top + 19) / height, f"{sign}  {part.get('title', '')}",
                        color=INK, fontsize=9.5, va="center")  # fmt: skip
            continue
        px = (place["w"] / COLUMNS * WIDTH_PX - 10, place["h"] * ROW_PX - 10)
        at = (
            (place["x"] / COLUMNS * WIDTH_PX + 5) / WIDTH_PX,
            1 - (top + px[1]) / height,
            px[0] / WIDTH_PX,
            px[1] / height,
        )
        _panel(framed(figure, at, px), part, source, regions)
    drawn = io.BytesIO()
    figure.savefig(drawn, facecolor=GROUND)
    plt.close(figure)
    # Few colours in large areas: a palette halves the file and nothing is seen of it.
    with Image.open(drawn) as whole:
        whole.convert("RGB").quantize(192).save(out, optimize=True)


def _panel(place: Any, panel: dict[str, Any], source: Source, regions: list[Region]) -> None:
    place.write(8, 14, panel.get("title", ""), fontsize=8.5)
    asked = [t for t in panel.get("targets", ()) if t.get("expr") and not t.get("hide")]
    if not _from_prometheus(panel, asked):
        place.write(place.width_px / 2, place.height_px / 2, "asked of another store", color=FAINT,
                    ha="center")  # fmt: skip
        return
    series = []
    try:
        for target in asked:
            ask = source.present if target.get("instant") else source.series
            series += [(_named(panel, target, s[0]), s) for s in ask(target["expr"])]
    except AskError as error:
        if not error.said:
            raise
        place.write(place.width_px / 2, place.height_px / 2, error.said[:90], color="#f2495c",
                    ha="center")  # fmt: skip
        return
    draw_panel(
        place,
        Answered(panel, series, source.start_s, source.end_s, source.step_s, regions),
    )


def _from_prometheus(panel: dict[str, Any], asked: list[dict[str, Any]]) -> bool:
    stores = [panel.get("datasource"), *(target.get("datasource") for target in asked)]
    kinds = {store.get("type") for store in stores if isinstance(store, dict)} - {None, ""}
    return kinds <= {"prometheus", "datasource", "mixed"} and panel.get("type") != "logs"


def _regions(board: dict[str, Any], source: Source) -> Iterator[Region]:
    """The stretches that the board's annotations mark."""
    for annotation in board.get("annotations", {}).get("list", ()):
        if not annotation.get("expr") or not annotation.get("enable", True):
            continue
        colour = colour_of(annotation.get("iconColor", "blue"))
        for _, times, values in source.series(annotation["expr"]):
            start = before = None
            for time, value in zip(times, values, strict=True):
                if not value:
                    continue
                if before is None or time - before > 1.5 * source.step_s:
                    if start is not None and before is not None:
                        yield Region(start, before, colour)
                    start = time
                before = time
            if start is not None and before is not None:
                yield Region(start, before, colour)


def _named(panel: dict[str, Any], target: dict[str, Any], labels: Mapping[str, str]) -> str:
    legend = target.get("legendFormat") or "__auto"
    if legend == "__auto":
        own = " ".join(value for key, value in labels.items() if key != "__name__")
        return own or panel.get("title", "")
    return re.sub(r"{{\s*(\w+)\s*}}", lambda found: labels.get(found[1], ""), legend).strip()


def files(named: Sequence[str]) -> list[Path]:
    """The files of boards: ours by uid, any by path; all of ours when none is named.

    Raises:
        UsageError: a name is neither.
    """
    ours = {path.stem: path for path in sorted(BOARDS.glob("*.json"))}
    made = []
    for name in named:
        path = ours.get(name, Path(name))
        if not path.is_file():
            raise UsageError(f"{name}: no such board; a file or one of: {', '.join(ours)}")
        made.append(path)
    return made or list(ours.values())


def read(path: Path) -> dict[str, Any]:
    """A board, out of the wrappings that it may be in.

    Raises:
        UsageError: the file is not a board's.
    """
    try:
        tree = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: not the JSON of a board; {error}") from error
    for wrapping in ("dashboard", "spec"):
        if isinstance(tree, dict) and isinstance(tree.get(wrapping), dict):
            tree = tree[wrapping]
    if not isinstance(tree, dict) or not (tree.get("panels") or tree.get("rows")):
        raise UsageError(f"{path}: not a board; it has no panels; export it as JSON from Grafana")
    return tree


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw all boards, or those that are named."""
    parser = argparse.ArgumentParser(prog="python -m tools.dashboards.picture", description=__doc__)
    parser.add_argument("--prometheus", default="http://127.0.0.1:9090", metavar="URL")
    parser.add_argument("--out", type=Path, default=Path("out/images"), metavar="DIR")
    parser.add_argument("--minutes", type=float, default=15, help="how much is shown; %(default)s")
    parser.add_argument("--end", metavar="TIME", help="such as 2026-01-01T00:15:00Z; default: now")
    parser.add_argument("boards", nargs="*", help="uids or files; default: all of ours")
    options = parser.parse_args(arguments)
    try:
        end_s = datetime.fromisoformat(options.end).timestamp() if options.end else unix_ns() / 1e9
    except ValueError:
        parser.error(f"--end: not a time: {options.end!r}")
    try:
        with Prometheus(options.prometheus) as prometheus:
            for path in files(options.boards):
                board = read(path)
                options.out.mkdir(parents=True, exist_ok=True)
                out = options.out / f"{path.stem}.png"
                draw(board, Source(prometheus, end_s, options.minutes), out)
                sys.stdout.write(f"{out}\n")
    except SimtrafficError as error:
        sys.stderr.write(f"{error}\n")
        return int(error.exit_code)
    return 0


if __name__ == "__main__":
    sys.exit(main())
