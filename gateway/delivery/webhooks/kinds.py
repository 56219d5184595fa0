"""What a run does, as far as its name tells: a short list of words, and ``run`` for everything else."""

import re

_WORDS = {
    "scan": "scan scans scanner scanning trivy grype snyk clair codeql semgrep sonar sonarqube sast dast security audit"
    " vulnerability vulnerabilities analyze analyse",
    "deploy": "deploy deploys deployment deploying rollout promote promotion delivery argocd",
    "build": "build builds builder building buildx rebuild compile package packaging publish push bake kaniko buildah",
    "test": "test tests tester testing unit e2e integration lint linter linters linting check checks verify spec pytest"
    " junit typecheck format",
}
_KINDS = {word: kind for kind, words in _WORDS.items() for word in words.split()}
# What is built, but scanned and deployed as well: it counts where no verb says more.
_THINGS = frozenset({"docker", "image", "images", "container", "oci"})
_BREAKS = re.compile(r"[^A-Za-z0-9]+")
_HUMPS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def tell_kind(*names: str | None) -> str:
    """Return ``build``, ``test``, ``scan``, ``deploy`` or ``run``, by the first word that tells.

    >>> tell_kind("image-scan"), tell_kind("unitTests"), tell_kind("job_2", "deploy")
    ('scan', 'test', 'deploy')
    """
    for name in names:
        # "CodeQL" is a word, "unitTests" are two.
        words = [word.lower() for whole in _BREAKS.split((name or "")[:300]) for word in (whole, *_HUMPS.split(whole))]
        for word in words:
            if word in _KINDS:
                return _KINDS[word]
        if _THINGS.intersection(words):
            return "build"
    return "run"
