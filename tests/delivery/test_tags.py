"""Tags name commits, or they don't: no date, version or build number is taken for one."""

from __future__ import annotations

import pytest

from gateway.delivery.correlation.tags import ImageName, TagPatterns, commits_in, name_image, names_commit, parse_image

WHOLE = "5a6b7c8d9e0f1a2b3c4d5e6f708192a3b4c5d6e7"


@pytest.mark.parametrize(
    ("tag", "sha"),
    [
        ("core-stage-1a2b3c4d", "1a2b3c4d"),
        ("v1.0.1-sha1234", "1234"),
        ("v1.0.1-sha12345678", "12345678"),
        ("sha-5a6b7c8d", "5a6b7c8d"),
        ("SHA-5A6B7C8D", "5a6b7c8d"),
        (WHOLE, WHOLE),
        (f"sha-{WHOLE}", WHOLE),
        ("stage-d106864a", "d106864a"),
        ("main-1a2b3c4-1732", "1a2b3c4"),
        ("1.2.3-4-g1a2b3c4", "1a2b3c4"),
        ("1.2.3_sha.5114f85", "5114f85"),
        ("4f5e6d7c", "4f5e6d7c"),
        ("c7529cf0-arm64", "c7529cf0"),
    ],
)
def test_a_sha_in_a_tag_is_found(tag: str, sha: str) -> None:
    assert TagPatterns().find(tag) == sha


@pytest.mark.parametrize(
    "tag",
    [
        None,
        "",
        "latest",
        "v1.2.3",
        "2026.11.1",
        "20261121",
        "20261121093000",
        "v1.2.3-20261121",
        "1234567",
        "build-1234567890",
        "abc123",
        "sha123",
        "v1.2.3-rc1",
        f"sha256-{WHOLE}{WHOLE[:24]}.sig",
        "release-candidate",
    ],
)
def test_what_is_no_sha_is_not_taken_for_one(tag: str | None) -> None:
    assert TagPatterns().find(tag) is None


def test_patterns_of_ones_own_replace_the_defaults() -> None:
    patterns = TagPatterns([r"^r(?P<sha>[0-9a-f]{6})$"])
    assert patterns.find("r1a2b3c") == "1a2b3c"
    assert patterns.find("sha-5a6b7c8d") is None


@pytest.mark.parametrize(("pattern", "complaint"), [("(", "no regular expression"), ("[0-9a-f]{8}", "no group")])
def test_a_pattern_that_cannot_work_says_so(pattern: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        TagPatterns([pattern])


def test_a_message_may_name_several() -> None:
    assert TagPatterns().find_all("Update to core-stage-9f1c2d3e and batch-stage-77aa88bb") == ("9f1c2d3e", "77aa88bb")


@pytest.mark.parametrize(
    ("reference", "image"),
    [
        ("ghcr.io/a/b:v1", ImageName("ghcr.io/a/b", "v1")),
        ("ghcr.io/a/b:v1@sha256:0b31", ImageName("ghcr.io/a/b", "v1", "sha256:0b31")),
        ("ghcr.io/a/b@sha256:0b31", ImageName("ghcr.io/a/b", None, "sha256:0b31")),
        ("localhost:5000/b", ImageName("localhost:5000/b")),
        ("localhost:5000/b:v1", ImageName("localhost:5000/b", "v1")),
        ("nginx:1.29", ImageName("docker.io/library/nginx", "1.29")),
        ("example/Shop", ImageName("docker.io/example/shop")),
    ],
)
def test_a_reference_is_taken_apart(reference: str, image: ImageName) -> None:
    assert parse_image(reference) == image


def test_an_image_has_one_name_however_it_is_written() -> None:
    assert name_image("nginx") == name_image("docker.io/library/nginx") == name_image("index.docker.io/library/nginx")
    assert name_image("GHCR.io/A/b/") == "ghcr.io/a/b"


def test_only_a_pair_that_names_a_commit_does() -> None:
    info = [
        ("ci", "github-actions run 123456"),
        ("commit", WHOLE),
        ("git-sha", "nothing"),
        ("Source Revision", "1A2B3C4"),
    ]
    assert [*commits_in(info)] == [("commit", WHOLE), ("Source Revision", "1a2b3c4")]
    assert names_commit(info)
    assert not names_commit(info[:1])
