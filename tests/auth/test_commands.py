"""The commands make tokens that are let in, and say why somebody may see something."""

from importlib import resources
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gateway.auth.tokens import parse_tokens
from gateway.cli import app

EXAMPLE = Path(str(resources.files("gateway.auth").joinpath("access.example.toml")))


def run(*arguments: str, **environ: str | None) -> Result:
    cleared: dict[str, str | None] = {"GATEWAY_ACCESS_FILE": None, "GATEWAY_TOKENS_FILE": None}
    return CliRunner().invoke(app, arguments, env={**cleared, **environ})


def test_a_new_token_is_printed_once_with_an_entry_that_lets_it_in() -> None:
    result = run("token", "new", "--name", "ci", "--groups", "ci, shop", "--expires", "90d")
    assert result.exit_code == 0
    token = result.stdout.strip()
    entry = result.stderr.partition("\n\n")[2]
    assert token not in result.stderr
    found = parse_tokens(entry).find(token)
    assert found is not None
    assert found.groups == {"ci", "shop"}
    assert found.expires_at is not None
    assert run("token", "new", "--name", "ci").stdout.strip() != token


@pytest.mark.parametrize(
    "arguments",
    [
        ("--name", 'a"b'),
        ("--name", "ci", "--expires", "soon"),
        (
            "--name",
            "",
        ),
    ],
)
def test_a_token_that_cant_be_is_refused_with_what_to_write(arguments: tuple[str, ...]) -> None:
    result = run("token", "new", *arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("gateway: ")


def test_a_right_access_file_is_told_in_words() -> None:
    result = run("access", "check", str(EXAMPLE))
    assert result.exit_code == 0
    assert "platform: every right in projects *" in result.stdout
    assert "anonymous: view in projects public-*, without initiators and messages (line" in result.stdout


def test_a_wrong_access_file_is_told_with_all_lines(tmp_path: Path) -> None:
    path = tmp_path / "access.toml"
    path.write_text('[[groups.x.rules]]\nproject = ["a"]\nverbs = ["veiw"]\n')
    result = run("access", "check", str(path))
    assert result.exit_code == 1
    assert f"{path}:2: 'project' is no key" in result.stderr
    assert f"{path}:3: 'veiw' is no verb" in result.stderr


def test_an_explanation_says_why_of_users_groups_tokens_and_the_anonymous(tmp_path: Path) -> None:
    shop = ("--application", "argocd/web", "--project", "shop")
    result = run("access", "explain", "--group", "shop", *shop, GATEWAY_ACCESS_FILE=str(EXAMPLE))
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == "So it is seen, whole; allowed: view, refresh."
    assert "So it isn't seen." in run("access", "explain", "--file", str(EXAMPLE), *shop).stdout
    assert "is in shop" in run("access", "explain", "--file", str(EXAMPLE), "--user", "alice@example.org").stdout
    made = run("token", "new", "--name", "build", "--groups", "ci")
    tokens = tmp_path / "tokens.toml"
    tokens.write_text(made.stderr.partition("\n\n")[2])
    named = ("--file", str(EXAMPLE), "--tokens-file", str(tokens), "--token-name")
    assert "build (token) is in ci." in run("access", "explain", *named, "build").stdout
    assert run("access", "explain", *named, "nobody").exit_code == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("--project", "shop"),
        ("--application", "web"),
        ("--application", "argocd/web", "--labels", "team"),
        ("--token-name", "x", "--user", "y"),
        ("--token-name", "x"),
    ],
)
def test_a_question_that_cant_be_answered_is_told_what_lacks(arguments: tuple[str, ...]) -> None:
    assert run("access", "explain", "--file", str(EXAMPLE), *arguments).exit_code == 2
