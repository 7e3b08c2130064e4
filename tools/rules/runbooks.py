"""The index of the runbooks, made from the alerts."""

from __future__ import annotations

from pathlib import Path

from tools.rules.alerts import alerts

FOLDER = Path(__file__).resolve().parents[2] / "docs/runbooks"
_BEGIN = "<!-- generated: alerts -->\n"
_END = "<!-- end -->\n"


def index_text(folder: Path = FOLDER) -> dict[Path, str]:
    """The index with a row for each alert; what stands around the table is kept."""
    path = folder / "README.md"
    if not path.exists():
        return {}
    text = path.read_text(encoding="utf-8")
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    rows = ["| alert | severity | team | for | says |", "| --- | --- | --- | --- | --- |"]
    for alert in alerts():
        says = alert.annotations["summary"].replace("|", "\\|")
        rows.append(
            f"| [{alert.name}]({alert.name}.md) | {alert.labels['severity']}"
            f" | {alert.labels['team']} | {alert.pending or '–'} | {says} |"
        )
    table = "\n".join(rows) + "\n"
    return {path: f"{before}{_BEGIN}{table}{_END}{after}"}
