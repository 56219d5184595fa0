"""Links lead where a host's name tells, and hold nothing secret."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.detail.links import find_repository, is_sha, link
from gateway.model.application import ApplicationStatus, Deployment, Source, Sync

OLD, NEW = "a" * 40, "b" * 40


@pytest.mark.parametrize(
    ("url", "commit", "compare"),
    [
        ("https://github.com/o/r.git", "https://github.com/o/r/commit/{new}", "https://github.com/o/r/compare/{both}"),
        ("git@github.com:o/r.git", "https://github.com/o/r/commit/{new}", "https://github.com/o/r/compare/{both}"),
        (
            "ssh://git@ssh.github.com:443/o/r.git",
            "https://github.com/o/r/commit/{new}",
            "https://github.com/o/r/compare/{both}",
        ),
        (
            "https://user:t0ken@github.corp.example:8443/o/r",
            "https://github.corp.example:8443/o/r/commit/{new}",
            "https://github.corp.example:8443/o/r/compare/{both}",
        ),
        (
            "https://gitlab.example.org/a/b/c.git",
            "https://gitlab.example.org/a/b/c/-/commit/{new}",
            "https://gitlab.example.org/a/b/c/-/compare/{both}",
        ),
        (
            "ssh://git@gitlab.example.org:2222/a/b.git",
            "https://gitlab.example.org/a/b/-/commit/{new}",
            "https://gitlab.example.org/a/b/-/compare/{both}",
        ),
        (
            "http://gitea.local:3000/o/r",
            "http://gitea.local:3000/o/r/commit/{new}",
            "http://gitea.local:3000/o/r/compare/{both}",
        ),
        (
            "https://codeberg.org/o/r",
            "https://codeberg.org/o/r/commit/{new}",
            "https://codeberg.org/o/r/compare/{both}",
        ),
        (
            "git@bitbucket.org:w/r.git",
            "https://bitbucket.org/w/r/commits/{new}",
            "https://bitbucket.org/w/r/branches/compare/{new}%0D{old}",
        ),
        (
            "https://bitbucket.corp.example/scm/KEY/r.git",
            "https://bitbucket.corp.example/projects/KEY/repos/r/commits/{new}",
            "https://bitbucket.corp.example/projects/KEY/repos/r/compare/commits?targetBranch={old}&sourceBranch={new}",
        ),
    ],
)
def test_commits_and_comparisons_have_pages_where_the_host_tells(url: str, commit: str, compare: str) -> None:
    repository = find_repository(url)
    assert repository is not None
    assert repository.commit(NEW) == commit.format(new=NEW)
    assert repository.compare(OLD, NEW) == compare.format(old=OLD, new=NEW, both=f"{OLD}...{NEW}")


@pytest.mark.parametrize(
    "url",
    [
        "https://git.example.org/deploy.git",
        "oci://ghcr.io/example/github",
        "file:///srv/github/x/y",
        "https://github.com",
        "https://github.com/only",
        "",
        "github.com",
        "https://[github",
        "javascript:github.com//a/b",
    ],
)
def test_what_does_not_tell_has_no_page(url: str) -> None:
    assert find_repository(url) is None


@given(st.text(max_size=60).map(lambda text: f"https://name:t0p53cret@github.com/{text}") | st.text(max_size=80))
def test_a_page_is_on_the_web_and_holds_no_credentials_whatever_the_url(url: str) -> None:
    repository = find_repository(url)
    if repository is not None:
        assert repository.commit(NEW).startswith(("https://", "http://"))
        assert "t0p53cret@" not in repository.page


def test_a_sha_is_no_version_and_no_digest() -> None:
    assert [is_sha(text) for text in (NEW, "c" * 64, "1.2.3", "HEAD", "A" * 40, f"sha256:{'c' * 64}")] == [
        True,
        True,
        *[False] * 4,
    ]


def test_a_comparison_is_with_what_was_deployed_before() -> None:
    document = ApplicationStatus(
        key="argocd/web",
        name="web",
        namespace="argocd",
        sources=(Source(repo_url="https://charts.example.org"), Source(repo_url="https://github.com/o/r")),
        sync=Sync(status="Synced", revisions=("1.2.3", NEW)),
    )
    history = [Deployment(id=n, revisions=("1.2.2", sha)) for n, sha in enumerate(("c" * 40, OLD, NEW))]
    links = link(document, history, public_url="https://argocd.example.org/root")
    assert links == {
        "argocd": "https://argocd.example.org/root/applications/argocd/web",
        "commit": f"https://github.com/o/r/commit/{NEW}",
        "compare": f"https://github.com/o/r/compare/{OLD}...{NEW}",
    }
    assert link(document, (), public_url=None) == {"commit": links["commit"]}
