"""What belongs to a release: ``python release.py check [TAG]``, ``set VERSION``, ``notes``.

The version is at home in ``gateway/__init__.py``, which the build and the program read. Some files can't read it there:
an image's label, a manifest, the contract. ``set`` writes all of them; ``check`` finds those that disagree, and a
changelog that doesn't tell of the version. ``notes`` prints what the changelog tells.
"""

import datetime as dt
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parent

SOURCE = ("gateway/__init__.py", r'^__version__ = "(?P<version>[^"]+)"$')
"""Where the version is at home: the file, and the line."""

COPIES = (
    ("Dockerfile", r"^ARG VERSION=(?P<version>\S+)$"),
    ("client/package.json", r'^  "version": "(?P<version>[^"]+)",$'),
    ("docs/api.md", r'^  "version": "(?P<version>[^"]+)",$'),
    ("docs/operate.md", r"(?:VERSION=|argocd-sse-gateway:)(?P<version>\d+\.\d+\.\d+)"),
    ("gateway/web/contract/examples/status.json", r'^  "version": "(?P<version>[^"]+)",$'),
    ("gateway/web/contract/openapi.json", r'^    "version": "(?P<version>[^"]+)",$'),
    ("k8s/argocd/application.yaml", r"^    targetRevision: v(?P<version>\S+)$"),
    ("k8s/base/kustomization.yaml", r"^    newTag: (?P<version>\S+)$"),
)
"""Where it is repeated; every match of a pattern counts, and there has to be one."""

_VERSION = re.compile(r"(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)(?:(?:a|b|rc)\d+)?")
_UNRELEASED = "## Unreleased"


def read_version(root: Path = ROOT) -> str:
    """Return the version. Raises LookupError where it isn't written as it should be."""
    path, pattern = SOURCE
    if found := re.search(pattern, (root / path).read_text(), re.MULTILINE):
        return found["version"]
    raise LookupError(f"{path} has no line like {pattern}")


def find_problems(root: Path = ROOT, *, tag: str | None = None) -> list[str]:
    """Return what keeps this from being released, as a tag if one is given."""
    version = read_version(root)
    problems = []
    if not _VERSION.fullmatch(version):
        problems.append(f"{SOURCE[0]}: {version} is no version such as 1.2.3 or 1.2.3rc1")
    for path, pattern in COPIES:
        found = [match["version"] for match in re.finditer(pattern, (root / path).read_text(), re.MULTILINE)]
        problems += [f"{path} says {one}, {SOURCE[0]} {version}" for one in sorted({*found} - {version})]
        if not found:
            problems.append(f"{path} has no line like {pattern}")
    if not read_notes(root, version):
        problems.append(f"CHANGELOG.md has no section for {version}, or nothing in it")
    if tag is not None:
        if tag != f"v{version}":
            problems.append(f"the tag is {tag}, it should be v{version}")
        if _UNRELEASED in (root / "CHANGELOG.md").read_text():
            problems.append("CHANGELOG.md still has a section for what is unreleased")
    return problems


def read_notes(root: Path, version: str) -> str:
    """Return what the changelog tells of a version; nothing, if it doesn't."""
    sections = re.split(r"^## (.+)$", (root / "CHANGELOG.md").read_text(), flags=re.MULTILINE)
    told = {title.split()[0]: text.strip() for title, text in zip(sections[1::2], sections[2::2], strict=True)}
    return told.get(version, "")


def set_version(root: Path, version: str, *, today: dt.date) -> list[str]:
    """Write a version everywhere, and over what was unreleased in the changelog; return the files that changed.

    Raises ValueError if it isn't a version.
    """
    if not _VERSION.fullmatch(version):
        raise ValueError(f"{version} is no version such as 1.2.3 or 1.2.3rc1")
    changed = []
    for path, pattern in (SOURCE, *COPIES, ("CHANGELOG.md", rf"^{_UNRELEASED}$")):
        before = (root / path).read_text()
        if path == "CHANGELOG.md":
            after = re.sub(pattern, f"## {version} ({today:%Y-%m-%d})", before, flags=re.MULTILINE)
        else:
            after = re.sub(pattern, lambda match: _put(match, version), before, flags=re.MULTILINE)
        if after != before:
            (root / path).write_text(after)
            changed.append(path)
    return changed


def _put(match: "re.Match[str]", version: str) -> str:
    begin, end = match.start("version") - match.start(), match.end("version") - match.start()
    return match[0][:begin] + version + match[0][end:]


def main(arguments: list[str], root: Path = ROOT) -> int:
    """Do one of these; return the exit code."""
    match arguments:
        case ["check", *tags] if len(tags) < 2:
            problems = find_problems(root, tag=tags[0] if tags else None)
            print("\n".join(problems) or f"{read_version(root)}: all files agree, and the changelog tells of it.")
            return bool(problems)
        case ["set", version]:
            try:
                changed = set_version(root, version, today=dt.datetime.now(tz=dt.UTC).date())
            except ValueError as error:
                print(error)
                return 2
            print("\n".join(changed))
            return 0
        case ["notes"]:
            print(read_notes(root, read_version(root)))
            return 0
    print(__doc__)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
