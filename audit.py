"""Audit what the gateway is made of: ``python audit.py licences``, ``python audit.py vulnerabilities UV``.

Licences are read from the installed distributions, offline. Vulnerabilities are asked of the package index; where it
can't be asked, that is said, and is no failure: what isn't known must not look like what is fine, nor stop anybody.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

PROJECT = "argocd-sse-gateway"

ALLOWED = frozenset(
    {
        "0BSD",
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "ISC",
        "MIT",
        "MIT-0",
        # By file: what is changed in those files has to be shown, and nothing of what uses them.
        "MPL-2.0",
        "PSF-2.0",
    }
)
"""Licences (https://spdx.org/licenses/) that a program may be passed on with, whatever its own is."""

SPELLINGS = {
    "3-clause bsd license": "BSD-3-Clause",
    "apache": "Apache-2.0",
    "apache 2": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "bsd 2-clause license": "BSD-2-Clause",
    "isc license": "ISC",
    "isc license (iscl)": "ISC",
    "mit license": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "python software foundation license": "PSF-2.0",
}
"""How older metadata says it, in small letters."""

LOOKED_UP = {"axe-playwright-python": "MIT"}
"""Distributions whose metadata says nothing: what the licence file among their files is."""

_WORDS = re.compile(r"\(|\)|[^\s()]+")
_PREFIX = "License :: OSI Approved :: "


def read_licence(distribution: metadata.Distribution) -> str:
    """Return a distribution's licence as an SPDX expression, or as it says it; empty if it doesn't.

    See https://packaging.python.org/en/latest/specifications/core-metadata/#license-expression.
    """
    fields = distribution.metadata
    if expression := _read_field(fields, "License-Expression"):
        return expression
    classified: list[str] = [
        one.removeprefix(_PREFIX) for one in fields.get_all("Classifier", []) if one.startswith(_PREFIX)
    ]
    # The field may hold a whole licence's text; its name is one short line.
    for said in (_read_field(fields, "License"), *classified[:1]):
        if said and "\n" not in said and len(said) < 100:
            return SPELLINGS.get(said.lower(), said)
    return LOOKED_UP.get(distribution.name.lower(), "")


def _read_field(fields: metadata.PackageMetadata, name: str) -> str:
    values: list[str] = fields.get_all(name) or [""]
    return values[0].strip()


def allows(expression: str, allowed: Iterable[str] = ALLOWED) -> bool:
    """Whether a licence may be used: of ``OR`` one is enough, of ``AND`` all have to be allowed."""
    words, known = _WORDS.findall(expression), frozenset(allowed)

    def either() -> bool:
        good = both()
        while words and words[0].upper() == "OR":
            words.pop(0)
            good = both() or good
        return good

    def both() -> bool:
        good = one()
        while words and words[0].upper() == "AND":
            words.pop(0)
            good = one() and good
        return good

    def one() -> bool:
        word = words.pop(0) if words else ""
        if word != "(":
            return word in known
        good = either()
        return bool(words) and words.pop(0) == ")" and good

    return either() and not words


def audit_licences() -> list[str]:
    """Return what is wrong with the licences of what is installed."""
    problems = []
    for distribution in metadata.distributions():
        licence = read_licence(distribution)
        if distribution.name != PROJECT and not allows(licence):
            said = f"is under {licence!r}, which isn't allowed" if licence else "doesn't say its licence"
            problems.append(f"{distribution.name} {distribution.version} {said}; see ALLOWED and LOOKED_UP in audit.py")
    return sorted(problems)


def audit_vulnerabilities(uv: str, folder: Path) -> tuple[list[str], list[str]]:
    """Return the vulnerabilities that are known of what runs, and what nobody could be asked about."""
    locked = folder / "audit-requirements.txt"
    export = [uv, "export", "--quiet", "--locked", "--no-dev", "--all-extras", "--no-emit-project", "-o", str(locked)]
    subprocess.run(export, check=True, stdout=subprocess.DEVNULL)
    asking = [uv, "tool", "run", "--quiet", "pip-audit", "--format", "json", "--progress-spinner", "off"]
    asking += ["--disable-pip", "--require-hashes", "-r", str(locked)]
    try:
        answer = subprocess.run(asking, capture_output=True, text=True, timeout=300, check=False)
        return read_answer(json.loads(answer.stdout))
    except subprocess.TimeoutExpired:
        return [], ["everything: no answer came in five minutes"]
    except json.JSONDecodeError:
        return [], [f"everything: {(answer.stderr.strip().splitlines() or ['no answer'])[-1]}"]


def read_answer(answer: dict[str, list[dict[str, object]]]) -> tuple[list[str], list[str]]:
    """Return the vulnerabilities that pip-audit found, and what it couldn't ask about."""
    found, unasked = [], []
    for package in answer["dependencies"]:
        if "skip_reason" in package:
            unasked.append(f"{package['name']}: {package['skip_reason']}")
        vulnerabilities = package.get("vulns", [])
        assert isinstance(vulnerabilities, list)
        for one in vulnerabilities:
            better = ", ".join(one["fix_versions"]) or "no version yet"
            found.append(f"{package['name']} {package['version']}: {one['id']}, mended by {better}")
    return found, unasked


def main(arguments: list[str]) -> int:
    """Audit; return the exit code."""
    if arguments == ["licences"]:
        problems = audit_licences()
        print("\n".join(problems) or f"Licences: {len(list(metadata.distributions()))} distributions, all allowed.")
        return bool(problems)
    if len(arguments) == 2 and arguments[0] == "vulnerabilities":
        found, unasked = audit_vulnerabilities(arguments[1], Path(sys.prefix))
        if unasked:
            print(f"NOT ASKED about {len(unasked)} of what runs, so this says nothing of it. {unasked[0]}")
        if not found and not unasked:
            print("Vulnerabilities: none is known.")
        print("\n".join(found), end="\n" if found else "")
        return bool(found)
    print(__doc__)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
