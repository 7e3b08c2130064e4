"""Whether a version can be released: what is written of it agrees, and its wheel works alone.

``python -m tools.release`` looks at the files and the tags, builds into dist/, installs the wheel
into a fresh environment and runs it in an empty folder. What the wheel depends on is that of this
environment, so nothing is downloaded; CI installs the newest there is.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import venv
from collections.abc import Iterator, Sequence
from pathlib import Path

from simtraffic.errors import SimtrafficError

ROOT = Path(__file__).resolve().parents[1]
TRIED = (
    "--version",
    "show scenarios",
    "schema",
    "plan smoke",
    "run smoke --speed max --quiet",
)
"""What a user would do first, in an empty folder."""
_VERSION = re.compile(r'^__version__ = "(.*)"$', re.MULTILINE)


class ReleaseError(SimtrafficError):
    """A version cannot be released as it is."""


def version_in(root: Path) -> str:
    """What simtraffic/_version.py says."""
    found = _VERSION.search((root / "simtraffic/_version.py").read_text(encoding="utf-8"))
    return found[1] if found else ""


def faults(root: Path) -> Iterator[str]:
    """What does not agree with the version; a line each: where; what was found; what to do."""
    version = version_in(root)
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        yield f"simtraffic/_version.py: not a version to release; found {version!r}; write 1.2.3"
    image = re.search(r"^ARG VERSION=(.*)$", (root / "Dockerfile").read_text(), re.MULTILINE)
    yield from _other("Dockerfile: ARG VERSION", image[1] if image else "", version)
    for path in sorted((root / "k8s").rglob("kustomization.yaml")):
        for tag in re.findall(r"newTag: ([^\s}]+)", path.read_text(encoding="utf-8")):
            yield from _other(f"{path.relative_to(root)}: newTag", tag, version)
    yield from _unsaid((root / "CHANGELOG.md").read_text(encoding="utf-8"), version)
    yield from _untold(root, version)


def _other(place: str, found: str, version: str) -> Iterator[str]:
    if found != version:
        yield f"{place}: another version; found {found}; write {version}"


def _unsaid(changelog: str, version: str) -> Iterator[str]:
    """The changelog has the version with a date and what changed, below an empty *Unreleased*."""
    heads = re.split(r"^## (.+)$", changelog, flags=re.MULTILINE)[1:]
    sections = list(zip(heads[::2], heads[1::2], strict=True))
    (first, waiting), *others = sections or [("", "")]
    if first != "[Unreleased]" or waiting.strip():
        yield "CHANGELOG.md: [Unreleased] is not first and empty; move what is there to the version"
    head, said = others[0] if others else ("", "")
    if not re.fullmatch(rf"\[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d", head):
        yield f"CHANGELOG.md: no [{version}] with a date below [Unreleased]; found {head!r}"
    elif not said.strip():
        yield f"CHANGELOG.md: [{version}] is empty; say what changed"


def _untold(root: Path, version: str) -> Iterator[str]:
    """In a git checkout everything is committed, and the tag is still free."""
    if not (root / ".git").exists():
        return
    changed = _said("git", "-C", str(root), "status", "--porcelain").splitlines()
    if changed:
        yield f"git: {len(changed)} files are not committed; found {changed[0].strip()}"
    if _said("git", "-C", str(root), "tag", "--list", f"v{version}").strip():
        yield f"git: the tag v{version} is there already; choose the next version"


def built(root: Path, out: Path) -> tuple[Path, Path]:
    """Source archive and wheel, the wheel built from the archive.

    Raises:
        ReleaseError: They cannot be built.
    """
    _said(sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(root))
    (source,), (wheel,) = out.glob("*.tar.gz"), out.glob("*.whl")
    return source, wheel


def installed(wheel: Path, folder: Path) -> Path:
    """The scripts of a fresh environment into which a wheel was installed.

    What it depends on is that of this environment: it is not downloaded again.

    Raises:
        ReleaseError: It cannot be installed.
    """
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    words = ("install", "--no-deps", "--no-index", "--quiet", str(wheel))
    _said(sys.executable, "-m", "pip", "--python", str(python), *words)
    # A folder named in a .pth is searched for packages, and its own .pth, of the checkout, is not
    # read.
    (site,) = folder.glob("lib/python3*/site-packages")
    (site / "others.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return python.parent


def try_out(scripts: Path, folder: Path) -> None:
    """Run the installed command as a user would, in this folder.

    Raises:
        ReleaseError: One of its commands fails.
    """
    alone = {"PATH": f"{scripts}:/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
    for words in TRIED:
        _said(str(scripts / "simtraffic"), *words.split(), cwd=folder, env=alone)


def _said(*command: str, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        command, cwd=cwd, env=env, capture_output=True, encoding="utf-8", check=False
    )
    if done.returncode:
        last = " | ".join((done.stdout + done.stderr).split("\n")[-6:]).strip(" |")
        raise ReleaseError(f"{' '.join(command)}: ended with {done.returncode}; {last}")
    return done.stdout


def main(arguments: Sequence[str] | None = None) -> int:
    """Look, build, install, try; 1 when something is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tools.release", description=__doc__)
    parser.add_argument("--root", type=Path, default=ROOT, help="the checkout; default: this one")
    root = parser.parse_args(arguments).root.resolve()
    found = list(faults(root))
    for line in found:
        sys.stderr.write(f"{line}\n")
    if found:
        return 1
    shutil.rmtree(root / "dist", ignore_errors=True)
    try:
        made = built(root, root / "dist")
        with tempfile.TemporaryDirectory() as folder:
            empty = Path(folder) / "empty"
            empty.mkdir()
            try_out(installed(made[1], Path(folder) / "environment"), empty)
    except SimtrafficError as error:
        sys.stderr.write(f"{error}\n")
        return int(error.exit_code)
    for path in made:
        sys.stdout.write(f"{path.relative_to(root)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
