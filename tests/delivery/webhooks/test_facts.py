"""Single facts: times in every form, kinds by name, images however they are written."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.delivery.webhooks.clues import find_clues
from gateway.delivery.webhooks.facts import Time, read_link, read_sha, read_time
from gateway.delivery.webhooks.kinds import tell_kind
from gateway.delivery.webhooks.references import Reference, read_purl, read_reference
from gateway.delivery.webhooks.request import PayloadError

DIGEST = "sha256:0b31b1c02ff458ad9b7b81cbdf8f028bd54699fa151f221d1e8de6817db93427"


@pytest.mark.parametrize(
    "written",
    [
        "2026-11-20T10:00:00Z",
        "2026-11-20T10:00:00.000000005Z",
        "2026-11-20t10:00:00z",
        "2026-11-20T12:00:00+02:00",
        "2026-11-20T03:30:00-06:30",
        "2026-11-20 10:00:00 UTC",
        "2026-11-20 12:00:00 +0200",
        "2026-11-20 10:00:00 +0000 UTC",
        "2026-11-20 10:00:00",
        "2026-11-20T09:59:60Z",
        1795168800,
        1795168800.0,
        1795168800000,
        "1795168800",
        "1795168800000",
    ],
)
def test_every_form_of_a_time_is_the_same_time(written: Time) -> None:
    assert read_time(written, "at") == pytest.approx(1_795_168_800, abs=1e-6)


@pytest.mark.parametrize("nothing", [None, "", 0, "0", "0001-01-01T00:00:00Z", -1])
def test_a_time_that_stands_for_none_is_absent(nothing: Time) -> None:
    assert read_time(nothing, "at") is None


@pytest.mark.parametrize(
    "wrong", ["yesterday", "2026-13-01T00:00:00Z", "2026-11-20", 10**30, 1e300, float("inf"), float("nan")]
)
def test_what_is_no_time_is_refused_with_its_place_and_without_itself(wrong: Time) -> None:
    with pytest.raises(PayloadError, match=r"^workflow_run\.created_at isn't a time: RFC 3339") as refused:
        read_time(wrong, "workflow_run.created_at")
    assert str(wrong) not in str(refused.value)


@given(st.datetimes(datetime(1971, 1, 1), datetime(4000, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_a_time_written_by_anybody_comes_back(moment: datetime) -> None:
    for written in (moment.isoformat(), moment.isoformat(" "), moment.strftime("%Y-%m-%d %H:%M:%S.%f UTC")):
        assert read_time(written, "at") == pytest.approx(moment.timestamp(), abs=1e-5)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("build", "build"),
        ("Build and test", "build"),
        ("docker", "build"),
        ("image-scan", "scan"),
        ("CodeQL", "scan"),
        ("Analyze (javascript)", "scan"),
        ("unitTests", "test"),
        ("e2e / chromium", "test"),
        ("checkout", "run"),
        ("auto_deploy:start", "deploy"),
        ("continuous-delivery/shop", "deploy"),
        ("latest news", "run"),
        ("", "run"),
    ],
)
def test_a_name_tells_the_kind_or_nothing(name: str, kind: str) -> None:
    assert tell_kind(name) == kind


def test_the_first_name_that_tells_counts() -> None:
    assert tell_kind("job_1", None, "deploy") == "deploy"
    assert tell_kind("lint", "build") == "test"


@pytest.mark.parametrize(
    ("written", "name", "tag", "digest"),
    [
        ("nginx", "docker.io/library/nginx", None, None),
        ("Example/Shop:V1", "docker.io/example/shop", "V1", None),
        ("registry:5000/shop", "registry:5000/shop", None, None),
        ("registry:5000/shop:v1", "registry:5000/shop", "v1", None),
        (f"ghcr.io/example/shop:v1@{DIGEST}", "ghcr.io/example/shop", "v1", DIGEST),
        ("ghcr.io/example/shop:", "ghcr.io/example/shop", None, None),
        ("ghcr.io/example/shop@sha256:abc", "ghcr.io/example/shop", None, None),
    ],
)
def test_references_are_read_alike(written: str, name: str, tag: str | None, digest: str | None) -> None:
    assert read_reference(written) == Reference(name, tag, digest)


@pytest.mark.parametrize("written", [None, "", "/shop", "a b", "https://ghcr.io/x", "shop/", "a//b", "é", "../x"])
def test_what_is_no_reference_is_none(written: str | None) -> None:
    assert read_reference(written) is None


@pytest.mark.parametrize(
    ("purl", "exact"),
    [
        (f"pkg:oci/shop@{DIGEST.replace(':', '%3A')}", f"shop@{DIGEST}"),
        (f"pkg:oci/shop@{DIGEST}?repository_url=ghcr.io/Example/Shop&tag=v1", f"ghcr.io/example/shop@{DIGEST}"),
        ("pkg:oci/shop?repository_url=ghcr.io%2Fexample%2Fshop&tag=v1", "ghcr.io/example/shop:v1"),
        ("pkg:docker/example/shop@v1?repository_url=gcr.io", "gcr.io/example/shop:v1"),
    ],
)
def test_package_urls_of_images_are_references(purl: str, exact: str) -> None:
    image = read_purl(purl)
    assert image is not None
    assert image.exact == exact


@pytest.mark.parametrize("purl", [None, "", "pkg:golang/x@1", "pkg:oci/", "shop@1", "pkg:oci/a b"])
def test_package_urls_of_anything_else_are_none(purl: str | None) -> None:
    assert read_purl(purl) is None


def test_zeros_and_names_are_no_commits() -> None:
    assert [read_sha(text) for text in ("0" * 40, "main", "abc", None, "ABCDEF1")] == [
        None,
        None,
        None,
        None,
        "abcdef1",
    ]


def test_only_links_that_may_be_shown_are_kept() -> None:
    assert read_link("javascript:alert(1)", "https://user:token@x/", "https://x/y z\n", "https://x/y") == "https://x/y"
    assert read_link(None, "", "ftp://x", "https://" + "x" * 3_000) is None


def test_clues_are_found_however_a_site_writes_them() -> None:
    clues = find_clues(
        [
            ("example.org/git-commit", "main"),
            ("Commit_SHA", "ABCDEF1234"),
            ("repoURL", "shop"),
            ("git_repo", "git@git.example.org:Team/Shop.git"),
            ("branch", "refs/heads/main"),
            ("images", ["ghcr.io/example/shop:v1", f"ghcr.io/example/worker@{DIGEST}", 7]),
            ("note", "image"),
        ]
    )
    assert (clues.sha, clues.repository, clues.ref) == ("abcdef1234", "git.example.org/team/shop", "main")
    assert clues.images == ("ghcr.io/example/shop:v1", f"ghcr.io/example/worker@{DIGEST}")


def test_a_tag_and_a_digest_of_their_own_belong_to_the_only_image() -> None:
    named = [("image", "ghcr.io/example/shop"), ("image-tag", "v1"), ("imageDigest", DIGEST)]
    assert find_clues(named).images == ("ghcr.io/example/shop:v1", f"ghcr.io/example/shop@{DIGEST}")
    assert find_clues([("images", "a.io/a,a.io/b"), ("image-tag", "v1")]).images == ()
