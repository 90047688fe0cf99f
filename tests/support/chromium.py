"""A Chromium for the browser tests: the machine's own, or one `python -m tests.support.chromium` installs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FROM_NPM = "@sparticuz/chromium@153.0.0"  # a real binary for x86_64, which needs no root
HOME = ROOT / ".tools" / "chromium"
UNPACK = "import('@sparticuz/chromium').then(module => module.default.executablePath())"
NONE = "No Chromium was found or could be installed: the browser tests are skipped. Set FAIRLEAD_CHROMIUM to one."


def find() -> str | None:
    """The path of a Chromium that starts, or None."""
    paths = [os.environ.get("FAIRLEAD_CHROMIUM"), *map(shutil.which, NAMES), str(HOME / "chromium")]
    return next((path for path in paths if path and starts(path)), None)


def starts(path: str) -> bool:
    try:
        return subprocess.run([path, "--version", "--no-sandbox"], capture_output=True, timeout=30).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def from_system() -> None:
    """Debian's, where we may install it."""
    if os.geteuid() == 0 and shutil.which("apt-get"):
        env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        run(["apt-get", "update", "-qq"], env=env)
        run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"], env=env)


def from_npm() -> None:
    """The one in an npm package, unpacked beside our other tools."""
    HOME.mkdir(parents=True, exist_ok=True)
    npm = str(ROOT / ".tools" / "npm")
    run([npm, "install", "--prefix", str(HOME), "--no-save", "--no-audit", "--no-fund", FROM_NPM])
    run(
        [npm, "exec", "--prefix", str(HOME), "--call", f'node --eval "{UNPACK}"'],
        env=os.environ | {"TMPDIR": str(HOME)},
    )


def run(command: list[str], env: dict[str, str] | None = None) -> None:
    subprocess.run(command, env=env, cwd=HOME if HOME.exists() else ROOT, stdout=subprocess.DEVNULL, check=False)


def main() -> None:
    if find():
        return
    print("Getting a Chromium for the browser tests …", flush=True)
    for way in (from_system, from_npm):
        way()
        if find():
            return
    print(NONE, file=sys.stderr)


if __name__ == "__main__":
    main()
