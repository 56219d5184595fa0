"""Tokens are kept as hashes, found by them, and end when they are to."""

import tomllib

import pytest

from gateway.auth.lines import FileError
from gateway.auth.tokens import PREFIX, hash_token, make_token, parse_tokens, write_entry

TOKEN = make_token(bytes(range(32)))


def test_a_token_is_random_bytes_behind_a_prefix_that_scanners_find() -> None:
    assert TOKEN.startswith(PREFIX)
    assert len(TOKEN) == len(PREFIX) + 43
    assert make_token(bytes(32)) != TOKEN


def test_the_entry_of_a_token_is_read_back_and_holds_no_token() -> None:
    entry = write_entry(name="ci", token=TOKEN, groups=["ci", "shop"], expires_at=1_800_000_000.9)
    assert TOKEN not in entry
    found = parse_tokens(entry).find(TOKEN)
    assert found is not None
    identity = found.identify()
    assert (identity.subject, identity.method) == ("ci", "token")
    assert identity.groups == {"ci", "shop"}
    assert identity.expires_at == 1_800_000_000
    assert not identity.expired(1_799_999_999)
    assert identity.expired(1_800_000_000)
    assert TOKEN not in repr(identity)
    assert hash_token(TOKEN) not in repr(identity) + repr(found)


def test_a_token_that_isnt_in_the_file_isnt_found() -> None:
    tokens = parse_tokens(write_entry(name="ci", token=TOKEN, groups=[], expires_at=None))
    assert tokens.find(make_token(bytes(32))) is None
    assert tokens.find(hash_token(TOKEN)) is None
    assert tokens.find("") is None
    assert tokens.find("\udcff") is None
    assert parse_tokens("").find(TOKEN) is None


def test_every_fault_is_said_with_its_line_and_repeats_nothing_secret() -> None:
    text = f"""\
[[tokens]]
name = "a"
sha256 = "{TOKEN}"

[[tokens]]
name = "{TOKEN}"
sha256 = "{"0" * 64}"
groups = "ci"
expires = 2027-01-01

[[tokens]]
name = "b"
sha256 = "{"0" * 64}"
{TOKEN} = 1

[other]
"""
    with pytest.raises(FileError) as error:
        parse_tokens(text)
    assert [fault.line for fault in error.value.faults] == [3, 6, 8, 9, 14, 16]
    assert TOKEN not in str(error.value)
    assert "2027-01-31T00:00:00Z" in str(error.value)


def test_two_tokens_have_two_names_and_two_hashes() -> None:
    entry = write_entry(name="ci", token=TOKEN, groups=[], expires_at=None)
    with pytest.raises(FileError) as error:
        parse_tokens(entry * 2)
    assert len(error.value.faults) == 2


@pytest.mark.parametrize(("name", "group"), [('a"b', "x"), ("", "x"), ("a\nb", "x"), ("a", 'x"'), ("a", "x\n")])
def test_no_name_breaks_out_of_an_entry(name: str, group: str) -> None:
    with pytest.raises(ValueError, match="is no name"):
        write_entry(name=name, token=TOKEN, groups=[group], expires_at=None)


def test_an_entry_is_toml() -> None:
    assert (
        tomllib.loads(write_entry(name="a:b", token=TOKEN, groups=["x y"], expires_at=0))["tokens"][0]["name"] == "a:b"
    )
