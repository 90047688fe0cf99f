"""What the repository's own text must not hold."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from tests.architecture.tree import ROOT, name_of

HOSTS = ["py" + "pi.org", "python" + "hosted.org", "np" + "mjs.org", "np" + "mjs.com", "yarn" + "pkg.com"]
PLACES = ["/wo" + "rk/", "/tm" + "p/w/", "/ro" + "ot/", "/ho" + "me/"]
FORBIDDEN = re.compile("|".join(re.escape(word) for word in [*HOSTS, *PLACES]))


def tracked() -> list[Path]:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


def texts() -> list[tuple[str, str]]:
    found = []
    for path in tracked():
        raw = path.read_bytes()
        if b"\0" not in raw[:4096]:
            found.append((name_of(path), raw.decode(errors="replace")))
    return found


def test_no_file_names_a_package_registry_or_a_place_on_a_machine() -> None:
    found = {name: sorted(set(FORBIDDEN.findall(text))) for name, text in texts()}
    assert {name: words for name, words in found.items() if words} == {}


def test_nothing_is_left_for_later() -> None:
    marks = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|X" + r"XX)\b")
    code = [(name, text) for name, text in texts() if name.endswith((".py", ".html", ".css", ".js"))]
    assert [name for name, text in code if marks.search(text)] == []
