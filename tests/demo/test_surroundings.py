"""The settings of the demo's gateway, and what is said to whoever starts it."""

from pathlib import Path

import pytest

from gateway.demo.surroundings import find_url, surround, welcome
from gateway.settings.environment import load

URL = "http://127.0.0.1:1234"


def test_the_gateway_gets_the_ordinary_settings_but_the_demos_argo_cd() -> None:
    environ = {"ARGOCD_SERVER": "argocd.example.org", "ARGOCD_INSECURE": "on", "GATEWAY_PORT": "9000", "HOME": "/"}
    settings = load(surround(environ, url=URL, token="hush"))
    assert settings.argocd_base_url == URL
    assert settings.argocd_insecure is False
    assert settings.port == 9000
    assert settings.metrics_port == 0


def test_what_is_set_is_heeded_and_a_real_gateways_state_is_left_alone() -> None:
    environ = {"GATEWAY_LOG_LEVEL": "debug", "GATEWAY_METRICS_PORT": "", "GATEWAY_STATE_FILE": "/var/lib/gateway/state"}
    settings = load(surround(environ, url=URL, token="hush"))
    assert (settings.log_level, settings.metrics_port, settings.state_file) == ("debug", 0, None)


@pytest.mark.parametrize(
    ("host", "base_path", "url"),
    [
        ("127.0.0.1", "", "http://localhost:8090"),
        ("0.0.0.0", "/gateway", "http://localhost:8090/gateway"),
        ("::1", "", "http://[::1]:8090"),
        ("192.0.2.7", "", "http://192.0.2.7:8090"),
        ("example.org", "", "http://example.org:8090"),
    ],
)
def test_the_address_is_one_that_a_browser_can_open(host: str, base_path: str, url: str) -> None:
    assert find_url(host, 8090, base_path) == url


def test_whoever_starts_it_is_told_where_to_look() -> None:
    def say(*, page: bool, length: float) -> str:
        return welcome(URL, metrics_url="http://localhost:9464", page=page, applications=29, length=length)

    said = say(page=True, length=310.0)
    for words in (f"{URL}/\n", f"curl -N {URL}/api/stream/pipelines", "29 applications", "5 minutes"):
        assert words in said
    assert "the page" not in say(page=False, length=31.0)
    assert "31 seconds" in say(page=False, length=31.0)
    assert max(map(len, said.splitlines())) <= 100


def test_the_senders_are_the_demos_alone_and_so_is_the_history() -> None:
    environ = {
        "GATEWAY_WEBHOOK_GITHUB_SECRET_FILE": "/run/secrets/github",
        "GATEWAY_DATABASE_URL": "postgresql://db.example.org/gateway",
        "GATEWAY_WEBHOOK_MAX_BODY": "1MiB",
    }
    secrets = {"github": "secret-of-github", "argo-workflows": "secret-of-workflows"}
    settings = load(surround(environ, url=URL, token="hush", secrets=secrets))
    assert settings.webhook_github_secret is not None
    assert settings.webhook_github_secret.get_secret_value() == "secret-of-github"
    assert settings.webhook_argo_workflows_secret is not None
    left = (settings.webhook_gitlab_secret, settings.webhook_github_secret_file, settings.database_url)
    assert left == (None, None, None)
    assert settings.webhook_max_body == 1 << 20


def test_a_history_of_its_own_is_used_where_there_is_one(tmp_path: Path) -> None:
    settings = load(surround({}, url=URL, token="hush", database=f"sqlite:///{tmp_path}/history.db"))
    assert settings.database_url is not None
