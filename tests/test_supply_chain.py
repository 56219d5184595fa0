"""What the gateway is made of: locked by hashes, under licences that are allowed, and written down."""

import json
import re
import subprocess
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

import audit

ROOT = Path(__file__).parent.parent
LOCK = tomllib.loads((ROOT / "uv.lock").read_text())
MAKEFILE = (ROOT / "Makefile").read_text()
THREATS = (ROOT / "docs" / "threat-model.md").read_text()


def test_everything_that_is_installed_is_locked_by_hashes() -> None:
    for package in LOCK["package"]:
        if "editable" in package["source"]:
            continue
        files = [*package.get("wheels", ()), *([package["sdist"]] if "sdist" in package else ())]
        assert files, package["name"]
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", file["hash"]) for file in files), package["name"]


def test_nothing_comes_from_elsewhere_than_a_package_index() -> None:
    assert {next(iter(package["source"])) for package in LOCK["package"]} == {"registry", "editable"}


def test_everything_that_is_installed_is_under_a_licence_that_is_allowed() -> None:
    assert audit.audit_licences() == []


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("GPL-3.0-only", False),
        ("GPL-3.0-only OR MIT", True),
        ("MIT AND GPL-3.0-only", False),
        ("MPL-2.0 AND (Apache-2.0 OR GPL-3.0-only)", True),
        ("(MIT OR Apache-2.0) AND GPL-3.0-only", False),
        ("MIT OR GPL-3.0-only AND Apache-2.0", True),
        ("GPL-2.0-only WITH Classpath-exception-2.0", False),
        ("(MIT", False),
        ("MIT)", False),
        ("", False),
        ("MIT AND", False),
    ],
)
def test_a_licence_is_allowed_if_one_can_keep_to_it(expression: str, allowed: bool) -> None:
    assert audit.allows(expression) is allowed


def test_a_distribution_that_does_not_say_its_licence_is_a_problem(tmp_path: Path) -> None:
    folder = tmp_path / "odd-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: odd\nVersion: 1.0\n")
    (odd,) = metadata.distributions(path=[str(tmp_path)])
    assert audit.read_licence(odd) == ""
    (folder / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: odd\nVersion: 1.0\nClassifier: License :: OSI Approved :: MIT License\n"
    )
    (odd,) = metadata.distributions(path=[str(tmp_path)])
    assert audit.read_licence(odd) == "MIT"


def test_what_could_not_be_asked_about_is_not_taken_for_fine() -> None:
    answer: dict[str, Any] = {
        "dependencies": [
            {"name": "fine", "version": "1", "vulns": []},
            {"name": "odd", "skip_reason": "not found"},
            {"name": "ill", "version": "2", "vulns": [{"id": "PYSEC-1", "fix_versions": ["3"]}]},
        ]
    }
    assert audit.read_answer(answer) == (["ill 2: PYSEC-1, mended by 3"], ["odd: not found"])


def test_the_check_audits() -> None:
    (check,) = re.findall(r"^check:.*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)
    assert "audit.py licences" in check


def test_the_threat_model_names_tests_that_there_are() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", THREATS)
    assert len(named) >= 15
    for path, test in named:
        assert (ROOT / path).is_file(), path
        if test:
            assert re.search(rf"^(?:async )?def {test}\(", (ROOT / path).read_text(), re.MULTILINE), f"{path}::{test}"


def test_every_boundary_of_the_threat_model_has_a_test() -> None:
    rows = re.findall(r"^\| (?!---|Boundary|What)(.*) \|$", THREATS, re.MULTILINE)
    assert len(rows) >= 10
    assert [row for row in rows if "`tests/" not in row] == []


def test_a_bill_of_materials_names_all_that_runs_and_how_it_is_known(tmp_path: Path) -> None:
    (command,) = re.findall(r"^\t\$\(UV\) (export .* --format cyclonedx.*) --output-file", MAKEFILE, re.MULTILINE)
    uv = ROOT / ".uv" / "bin" / "uv"
    if not uv.exists():
        pytest.skip("uv isn't here; make install brings it")
    bill = tmp_path / "bill.json"
    subprocess.run(
        [uv, *command.split(), "--offline", "--output-file", bill], cwd=ROOT, check=True, stdout=subprocess.DEVNULL
    )
    content = json.loads(bill.read_text())
    assert (content["bomFormat"], content["specVersion"]) == ("CycloneDX", "1.5")
    components = {component["name"]: component for component in content["components"]}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = {re.split(r"[^a-z0-9-]", dependency)[0] for dependency in project["dependencies"]}
    assert needed <= set(components)
    assert "pytest" not in components
    for name in needed:
        assert components[name]["purl"] == f"pkg:pypi/{name}@{components[name]['version']}"
