"""The access file is read whole: every fault with its line, and every grant with its reason."""

from importlib import resources

import pytest

from gateway.auth.access import NO_ACCESS, parse_access
from gateway.auth.grant import Spot
from gateway.auth.identity import ANONYMOUS, Identity
from gateway.auth.lines import FileError, Lines

EXAMPLE = resources.files("gateway.auth").joinpath("access.example.toml").read_text()


def somebody(subject: str = "bob", *groups: str) -> Identity:
    return Identity(subject=subject, name=subject, groups=frozenset(groups), method="oidc")


def faults_of(text: str) -> list[str]:
    with pytest.raises(FileError) as error:
        parse_access(text)
    return [str(fault) for fault in error.value.faults]


# The example.


def test_the_example_grants_what_its_comments_say() -> None:
    access = parse_access(EXAMPLE)
    anonymous = access.grant_of(ANONYMOUS)
    assert anonymous.sees(Spot("public-docs", "argocd"))
    assert anonymous.hidden(Spot("public-docs", "argocd")) == {"messages", "initiators"}
    assert not anonymous.sees(Spot("shop", "argocd"))
    assert access.grant_of(somebody("x", "platform")).everything
    shop = access.grant_of(somebody("x", "shop"))
    assert shop.allows("refresh", Spot("shop-web", "argocd"))
    assert shop.sees(Spot("payments", "argocd", {"tier": "api"}))
    assert not shop.sees(Spot("payments", "argocd"))
    assert shop.hidden(Spot("payments", "argocd", {"tier": "api"})) == {"initiators"}
    alice = access.grant_of(somebody("alice@example.org"))
    assert alice.sees(Spot("labs", "x"))
    assert alice.sees(Spot("shop", "x"))
    assert access.grant_of(somebody("x", "ci")).allows("webhooks")


# Grants.


def test_without_a_file_nobody_may_anything() -> None:
    assert NO_ACCESS.grant_of(ANONYMOUS).nothing
    assert NO_ACCESS.grant_of(somebody("x", "platform")).nothing


def test_what_the_anonymous_may_everybody_may_and_nothing_more_without_a_group() -> None:
    access = parse_access(EXAMPLE)
    assert access.grant_of(somebody()).canonical == access.grant_of(ANONYMOUS).canonical


def test_people_with_the_same_groups_share_one_grant() -> None:
    access = parse_access(EXAMPLE)
    assert access.grant_of(somebody("a", "shop", "unheard-of")) is access.grant_of(somebody("b", "shop"))
    assert access.grant_of(somebody("a", "shop", "platform")) is not access.grant_of(somebody("b", "shop"))


def test_somebody_who_isnt_logged_in_is_never_a_user_of_the_file() -> None:
    access = parse_access('[[users."".rules]]\nprojects=["*"]\n')
    assert access.grant_of(ANONYMOUS).nothing


# Faults.


def test_every_fault_is_said_at_once_each_with_its_line_and_what_was_meant() -> None:
    faults = faults_of(
        """\
[[groups.shop.rules]]
projects = ["shop", "[a"]
verb = ["view"]

[[groups.shop.rules]]
verbs = ["veiw"]
hide = ["message"]

[groups.empty]

[users.alice]
groups = ["shpo"]

[[grops.x.rules]]
projects = ["x"]

[[anonymous.rules]]
projects = "public"
labels = "a in"
"""
    )
    assert [fault.partition(":")[0] for fault in faults] == [
        *("line 2", "line 3", "line 5", "line 6", "line 7", "line 9", "line 12", "line 14", "line 18", "line 19"),
    ]
    text = "\n".join(faults)
    for hint in ("Did you mean verbs?", "Did you mean view?", "Did you mean messages?", "Did you mean shop?"):
        assert hint in text
    assert "Did you mean groups?" in text
    assert "projects = [" in text


@pytest.mark.parametrize(
    "text",
    [
        "groups = 1",
        "[groups]\nx = 1",
        "anonymous = 1",
        "[anonymous]",
        "[[groups]]\nx = 1",
        "[groups.x]\nrules = [1]",
        "[groups.x]\nrules = []",
        '[[groups.x.rules]]\nprojects = ["x"]\nverbs = []',
        '[[groups.x.rules]]\nprojects = ["x"]\nverbs = ["refresh"]\nhide = ["messages"]',
        '[[groups.x.rules]]\nprojects = ["x"]\nlabels = ""',
        "[users.x]",
        "[users.x]\ngroups = [1]",
        "[[users.x.rules]",
        "x",
        "a = 'b",
        f"[[groups.x.rules]]\nprojects = {['x'] * 101}",
    ],
)
def test_what_cant_be_meant_is_refused_with_a_line(text: str) -> None:
    assert all(fault.startswith("line ") for fault in faults_of(text))


def test_a_text_that_is_no_toml_is_refused_where_it_breaks() -> None:
    assert faults_of('[[groups.x.rules]]\nprojects = ["x"\nverbs = 1\n')[0].startswith("line ")
    assert faults_of("[[groups.x.rules]]\n\n===\n")[0].startswith("line 3: this is no TOML")


def test_an_empty_file_is_valid_and_grants_nothing() -> None:
    assert parse_access("").grant_of(ANONYMOUS).nothing


def test_lines_are_found_behind_quotes_dots_and_comments() -> None:
    lines = Lines('# x\n[a."b.c"] # y\nd.e = 1\n[[f]]\n[[f]]\ng = [\n  "h = 1",\n]\n[f.i]\nj=1')
    assert lines.find(("a", "b.c", "d", "e")) == 3
    assert lines.find(("f", 1, "g")) == 6
    assert lines.find(("f", 1, "i", "j")) == 10
    assert lines.find(("f", 0)) == 4
    assert lines.find(("f", 0, "nowhere")) == 4
    assert lines.find(("nowhere",)) == 1


# Why.


def test_an_explanation_names_the_rule_that_applies_and_its_line() -> None:
    access = parse_access(EXAMPLE)
    lines = access.explain(somebody("x", "shop"), Spot("payments", "argocd", {"tier": "api"}))
    assert lines[0] == "x (oidc) is in shop."
    applied = [line for line in lines if line.startswith("  applies")]
    assert len(applied) == 1
    assert "groups.shop, line " in applied[0]
    assert lines[-1] == "So it is seen, without initiators; allowed: view."


def test_an_explanation_says_so_where_nothing_applies() -> None:
    assert "No rule applies" in NO_ACCESS.explain(ANONYMOUS)[-1]
    assert parse_access(EXAMPLE).explain(ANONYMOUS, Spot("shop", "x"))[-1] == "So it isn't seen."
    lines = parse_access(EXAMPLE).explain(somebody("x", "nogroup"))
    assert "nogroup (has no rules)" in lines[0]
