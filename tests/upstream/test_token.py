"""The token: given, or from a file that somebody renews."""

import base64
import json
from pathlib import Path

import pytest
from pydantic import SecretStr

from gateway.upstream.token import Token


def jwt(**claims: object) -> str:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"header.{payload}.signature"


def test_a_given_token_never_changes() -> None:
    token = Token(SecretStr("abc"))
    assert token.use() == "abc"
    assert token.given
    assert not token.changed()


def test_without_one_there_is_none() -> None:
    token = Token()
    assert token.use() is None
    assert not token.given


def test_a_renewed_file_is_noticed_and_used(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("bearer one\n")
    token = Token(file=file)
    assert token.use() == "one"
    file.write_text("two\n")
    assert token.changed()
    assert token.use() == "two"
    assert not token.changed()


@pytest.mark.parametrize("content", [None, ""])
def test_a_file_that_is_being_replaced_leaves_the_last_token(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "token"
    file.write_text("one")
    token = Token(file=file)
    token.use()
    if content is None:
        file.unlink()
    else:
        file.write_text(content)
    assert not token.changed()
    assert token.use() == "one"


@pytest.mark.parametrize(
    ("text", "expires_at"),
    [
        (jwt(exp=1_800_000_000), 1_800_000_000.0),
        (jwt(iss="argocd"), None),
        ("opaque", None),
        ("a.b.c", None),
        ("a.é.c", None),
        (jwt(exp="soon"), None),
    ],
)
def test_the_expiry_is_read_where_the_token_tells_it(text: str, expires_at: float | None) -> None:
    token = Token(SecretStr(text))
    token.use()
    assert token.expires_at() == expires_at


def test_the_token_is_in_no_representation() -> None:
    token = Token(SecretStr("very-secret"))
    token.use()
    assert "very-secret" not in repr(token)
