"""Where the files lie that come along with the package: scenarios, rules, dashboards.

A wheel carries them in ``simtraffic/shipped_files``; in a checkout they lie where people edit them.
"""

from __future__ import annotations

from pathlib import Path

from simtraffic.errors import SimtrafficError

_PACKAGE = Path(__file__).parent
_INSTALLED = _PACKAGE / "shipped_files"
_CHECKOUT = _PACKAGE.parent
_IN_CHECKOUT = {
    "scenarios": "scenarios",
    "rules": "config/prometheus/rules",
    "dashboards": "config/grafana/dashboards",
}


def folder(kind: str) -> Path:
    """The folder of ``scenarios``, ``rules`` or ``dashboards``.

    Raises:
        SimtrafficError: They came along neither in a wheel nor in a checkout.
    """
    places = (_INSTALLED / kind, _CHECKOUT / _IN_CHECKOUT[kind])
    for place in places:
        if place.is_dir():
            return place
    raise SimtrafficError(
        f"{kind}: the files that ship with simtraffic are missing; looked in {places[0]};"
        " install simtraffic again"
    )


def shipped_scenarios() -> dict[str, Path]:
    """Scenario files by name: ``smoke``, and ``alerts/llm_error_share_high`` for those in folders.

    Those of the folder itself come first: they are the ones to begin with.

    Raises:
        SimtrafficError: They did not come along.
    """
    root = folder("scenarios")
    files = sorted(root.rglob("*.yaml"), key=lambda file: (len(file.parts), file))
    return {file.relative_to(root).with_suffix("").as_posix(): file for file in files}
