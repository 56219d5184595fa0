"""What the settings promise: one meaning for each value, all problems at once, and no secret in any of them."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from gateway.delivery.correlation.tags import TagPatterns
from gateway.errors import GatewayError, SettingsError
from gateway.model.naming import Rules, parse_rules
from gateway.settings.delivery import parse_gate, show_gate
from gateway.settings.environment import Explained, Settings, describe, explain, load, unknown_names
from gateway.settings.notation import parse_duration, parse_size, read_token, show_duration, show_size
from gateway.settings.secret import read_webhook_secrets
from gateway.settings.variables import SYNONYMS, find_fields

ARGO = {"ARGOCD_BASE_URL": "https://argocd.example.org"}
DOCS = Path(__file__).parents[1] / "docs" / "settings.md"
CERTIFICATE = b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
SECRET = "eyJhbGciOiJIUzI1NiJ9.s3cr3t"


def fails(environ: Mapping[str, str], **more: Any) -> dict[str, str]:
    with pytest.raises(SettingsError) as caught:
        load(environ, **more)
    names = [name for name, _ in caught.value.problems]
    assert len(names) == len(set(names)), caught.value.problems
    return dict(caught.value.problems)


def write(path: Path, content: str | bytes) -> str:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


# --- what holds without any setting


def test_only_the_address_of_argo_cd_is_required() -> None:
    problems = fails({})
    assert list(problems) == ["ARGOCD_BASE_URL"]
    assert "must be set" in problems["ARGOCD_BASE_URL"]


def test_the_defaults_are_the_promised_ones() -> None:
    assert load(ARGO).model_dump() == {
        "argocd_base_url": "https://argocd.example.org",
        "argocd_auth_token": None,
        "argocd_auth_token_file": None,
        "argocd_projects": (),
        "argocd_ca_file": None,
        "argocd_insecure": False,
        "argocd_root_path": "",
        "argocd_public_url": None,
        "pipelines_cache_ttl": 15.0,
        "host": "127.0.0.1",
        "port": 8090,
        "metrics_host": "127.0.0.1",
        "metrics_port": 9464,
        "base_path": "",
        "dashboard": True,
        "tracing": False,
        "log_level": "info",
        "log_format": "auto",
        "state_file": None,
        "ready_after": 60.0,
        "drain_delay": 5.0,
        "drain": 25.0,
        "tick": 0.1,
        "heartbeat": 15.0,
        "reconcile_interval": 300.0,
        "removal_confirm": 10.0,
        "stream_lifetime": 1800.0,
        "slow_limit": 30.0,
        "retry_max": 30.0,
        "auth_retry": 15.0,
        "log_capacity": 10_000,
        "log_bytes": 64 * 1024**2,
        "max_line": 32 * 1024**2,
        "compression": True,
        "max_subscribers": 10_000,
        "max_views": 1000,
        "cors_origins": (),
        "upstream_framing": "sse",
        "auth": None,
        "access_file": None,
        "tokens_file": None,
        "proxy_trusted": (),
        "proxy_user_header": "X-Forwarded-User",
        "proxy_groups_header": "X-Forwarded-Groups",
        "max_streams_per_identity": None,
        "max_streams_per_address": None,
        "max_requests_per_second": None,
        "max_views_per_identity": 100,
        "max_refreshes_per_minute": 30,
        "public_url": None,
        "oidc_issuer": None,
        "oidc_client_id": None,
        "oidc_client_secret": None,
        "oidc_client_secret_file": None,
        "oidc_ca_file": None,
        "oidc_scopes": ("openid", "profile", "email", "offline_access"),
        "oidc_groups_claim": "groups",
        "oidc_audience": (),
        "oidc_algorithms": ("RS256", "ES256", "EdDSA"),
        "session_keys": None,
        "session_keys_file": None,
        "session_lifetime": 43_200.0,
        "loop": "auto",
        "service_rules": parse_rules("service", "name:{service}-{environment}"),
        "environment_rules": parse_rules(
            "environment", "label:environment, label:env, name:{service}-{environment}, namespace:*-{environment}"
        ),
        "team_rules": parse_rules("team", "label:team"),
        "database_url": None,
        "database_url_file": None,
        "database_pool": 6,
        "delivery_retention": 400 * 86_400,
        "webhook_max_body": 5 * 1024**2,
        **{
            f"webhook_{sender}_secret{file}": None
            for sender in ("github", "gitlab", "argocd", "argo_workflows", "registry", "trivy", "cdevents")
            for file in ("", "_file")
        },
        "tag_patterns": (),
        "slo_build": 300.0,
        "slo_pipeline": 600.0,
        "slo_lead": 900.0,
        "slo_sync": 120.0,
        "slo_in_time": 0.95,
        "slo_builds": 0.95,
        "slo_deployments": 0.99,
        "healthy_within": 600.0,
        "kept_for": 1800.0,
        "scan_gate": (("CRITICAL", 0),),
        "scan_exceptions_file": None,
        "refresh_on_push": False,
        "prometheus_url": None,
        "prometheus_token": None,
        "prometheus_token_file": None,
        "prometheus_window": 600.0,
        "promql_latency": None,
        "promql_errors": None,
        "redis_url": None,
        "redis_url_file": None,
        "redis_prefix": "gateway",
        "lease": 5.0,
    }


def test_durations_are_floats_even_by_default() -> None:
    assert isinstance(load(ARGO).drain, float)


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError):
        load(ARGO).__setattr__("port", 1)


def test_only_the_given_mapping_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GATEWAY_PORT", "1")
    monkeypatch.setenv("GATEWAY_TICK", "nonsense")
    write(tmp_path / ".env", "GATEWAY_PORT=2")
    monkeypatch.chdir(tmp_path)
    assert load(ARGO).port == 8090
    assert Settings(argocd_base_url="https://h").port == 8090


def test_keyword_arguments_make_settings_too() -> None:
    settings = Settings(
        argocd_base_url="https://h", tick=0.5, cors_origins=("https://a.org",), argocd_auth_token=SecretStr("Bearer t")
    )
    assert (settings.tick, settings.cors_origins) == (0.5, ("https://a.org",))
    assert settings.argocd_auth_token == SecretStr("t")
    with pytest.raises(ValidationError):
        Settings.model_validate({"argocd_base_url": "https://h", "tack": 0.5})


# --- one value, one meaning

ACCEPTED = [
    ("ARGOCD_BASE_URL", "https://argocd.example.org/", "https://argocd.example.org"),
    ("ARGOCD_BASE_URL", "HTTPS://ArgoCD.Example.org:443//", "https://argocd.example.org"),
    ("ARGOCD_BASE_URL", "http://argocd-server.argocd.svc:80", "http://argocd-server.argocd.svc"),
    ("ARGOCD_BASE_URL", "http://127.0.0.1:8080/argo/cd/", "http://127.0.0.1:8080/argo/cd"),
    ("ARGOCD_BASE_URL", "https://[2001:DB8::1]:8443", "https://[2001:db8::1]:8443"),
    ("ARGOCD_BASE_URL", "argocd.example.org:8443", "https://argocd.example.org:8443"),
    ("ARGOCD_BASE_URL", "  https://h\n", "https://h"),
    ("ARGOCD_PUBLIC_URL", "https://argo.example.org/cd/", "https://argo.example.org/cd"),
    ("ARGOCD_ROOT_PATH", "argo/", "/argo"),
    ("ARGOCD_ROOT_PATH", "/", ""),
    ("ARGOCD_PROJECTS", "shop", ("shop",)),
    ("ARGOCD_PROJECTS", " shop, pay ,,shop,", ("shop", "pay")),
    ("ARGOCD_INSECURE", "on", True),
    ("ARGOCD_INSECURE", "TRUE", True),
    ("ARGOCD_INSECURE", "yes", True),
    ("ARGOCD_INSECURE", "1", True),
    ("GATEWAY_COMPRESSION", "off", False),
    ("GATEWAY_COMPRESSION", "False", False),
    ("GATEWAY_COMPRESSION", "no", False),
    ("GATEWAY_COMPRESSION", "0", False),
    ("PIPELINES_CACHE_TTL", "0", 0.0),
    ("PIPELINES_CACHE_TTL", "15", 15.0),
    ("GATEWAY_DRAIN", "1.5", 1.5),
    ("GATEWAY_DRAIN", "15s", 15.0),
    ("GATEWAY_DRAIN", "0s", 0.0),
    ("GATEWAY_TICK", "100ms", 0.1),
    ("GATEWAY_TICK", "35ms", 0.035),
    ("GATEWAY_TICK", "1ms", 0.001),
    ("GATEWAY_TICK", "10s", 10.0),
    ("GATEWAY_TEAM_RULES", "none", Rules()),
    ("GATEWAY_TEAM_RULES", " project ,label:team", parse_rules("team", "project, label:team")),
    ("GATEWAY_RECONCILE_INTERVAL", "5m", 300.0),
    ("GATEWAY_STREAM_LIFETIME", "2h", 7200.0),
    ("GATEWAY_STREAM_LIFETIME", "2 h", 7200.0),
    ("GATEWAY_LOG_BYTES", "1000000", 1_000_000),
    ("GATEWAY_LOG_BYTES", "64MB", 64_000_000),
    ("GATEWAY_LOG_BYTES", "64MiB", 67_108_864),
    ("GATEWAY_LOG_BYTES", "64Mi", 67_108_864),
    ("GATEWAY_LOG_BYTES", "1.5 kib", 1536),
    ("GATEWAY_MAX_LINE", "1GiB", 1 << 30),
    ("GATEWAY_PORT", "0", 0),
    ("GATEWAY_PORT", "65535", 65535),
    ("GATEWAY_HOST", "127.3.2.1", "127.3.2.1"),
    ("GATEWAY_HOST", "::1", "::1"),
    ("GATEWAY_HOST", "[::1]", "::1"),
    ("GATEWAY_HOST", "LOCALHOST", "localhost"),
    ("GATEWAY_METRICS_HOST", "0.0.0.0", "0.0.0.0"),
    ("GATEWAY_METRICS_HOST", "::", "::"),
    ("GATEWAY_BASE_PATH", "live/v1/", "/live/v1"),
    ("GATEWAY_BASE_PATH", "/live", "/live"),
    ("GATEWAY_LOG_LEVEL", "WARNING", "warning"),
    ("GATEWAY_LOG_FORMAT", "json", "json"),
    ("GATEWAY_UPSTREAM_FRAMING", "ndjson", "ndjson"),
    ("GATEWAY_LOOP", "uvloop", "uvloop"),
    ("GATEWAY_AUTH", "none", "none"),
    ("GATEWAY_AUTH", "None", "none"),
    ("GATEWAY_LOG_CAPACITY", "1", 1),
    ("GATEWAY_CORS_ORIGINS", "https://a.org, HTTP://B.org:80/", ("https://a.org", "http://b.org")),
    ("GATEWAY_CORS_ORIGINS", "http://localhost:5173", ("http://localhost:5173",)),
]


@pytest.mark.parametrize(("name", "text", "value"), ACCEPTED)
def test_a_value_has_its_meaning(name: str, text: str, value: object) -> None:
    field = name.removeprefix("GATEWAY_").lower()
    assert getattr(load(ARGO | {name: text}), field) == value


REFUSED = [
    ("ARGOCD_BASE_URL", "ftp://h", "https:// or http://"),
    ("ARGOCD_BASE_URL", "https://", "a host"),
    ("ARGOCD_BASE_URL", "https:/h", "a host"),
    ("ARGOCD_BASE_URL", "https://h:", "a host"),
    ("ARGOCD_BASE_URL", "https://h:0", "a host"),
    ("ARGOCD_BASE_URL", "https://h:99999", "with a port"),
    ("ARGOCD_BASE_URL", "https://h:http", "with a port"),
    ("ARGOCD_BASE_URL", "https://[::1", "write a URL"),
    ("ARGOCD_BASE_URL", "https://[nonsense]", "write a URL"),
    ("ARGOCD_BASE_URL", "https://10.0.0.256", "a host"),
    ("ARGOCD_BASE_URL", "https://bücher.example", "a host"),
    ("ARGOCD_BASE_URL", "https//h", "a host"),
    ("ARGOCD_BASE_URL", "https://h/x//y", "path"),
    ("ARGOCD_BASE_URL", "https://h/../x", "path"),
    ("ARGOCD_BASE_URL", "https://h h", "spaces"),
    ("ARGOCD_BASE_URL", "https://h\n/x", "line breaks"),
    ("ARGOCD_BASE_URL", "https://me:pw@h", "user and password"),
    ("ARGOCD_BASE_URL", "me:pw@h", "user and password"),
    ("ARGOCD_BASE_URL", "https://h?x=1", "what follows ?"),
    ("ARGOCD_BASE_URL", "https://h/#/applications", "what follows ? or #"),
    ("ARGOCD_PUBLIC_URL", "https://me@h", "user and password"),
    ("ARGOCD_ROOT_PATH", "/a b", "path such as"),
    ("ARGOCD_ROOT_PATH", "https://h/x", "path such as"),
    ("ARGOCD_ROOT_PATH", "/a?b", "path such as"),
    ("ARGOCD_PROJECTS", "*", "without patterns"),
    ("ARGOCD_PROJECTS", "shop,Pay", "without patterns"),
    ("ARGOCD_PROJECTS", "shop;pay", "without patterns"),
    ("ARGOCD_PROJECTS", " , ", "at least one"),
    ("ARGOCD_INSECURE", "maybe", "on or off"),
    ("ARGOCD_AUTH_TOKEN", "bearer ", "empty"),
    ("ARGOCD_AUTH_TOKEN", "two words", "a space"),
    ("ARGOCD_AUTH_TOKEN", "line\nbreak", "line break"),
    ("ARGOCD_AUTH_TOKEN", "tökén", "non-ASCII"),
    ("PIPELINES_CACHE_TTL", "-1", "at least 0s"),
    ("GATEWAY_DRAIN", "5x", "duration"),
    ("GATEWAY_DRAIN", "5 minutes", "duration"),
    ("GATEWAY_DRAIN", "inf", "duration"),
    ("GATEWAY_DRAIN", "nan", "duration"),
    ("GATEWAY_DRAIN", "1e3", "duration"),
    ("GATEWAY_DRAIN", "٣", "duration"),
    ("GATEWAY_DRAIN", "-5s", "at least 0s"),
    ("GATEWAY_DRAIN", "9999h", "at most 365d"),
    ("GATEWAY_DRAIN", "9" * 400, "at most 365d"),
    ("GATEWAY_DRAIN_DELAY", "-1ms", "at least 0s"),
    ("GATEWAY_READY_AFTER", "-1", "at least 0s"),
    ("GATEWAY_TICK", "0", "at least 1ms"),
    ("GATEWAY_TICK", "0.5ms", "at least 1ms"),
    ("GATEWAY_TICK", "11s", "at most 10s"),
    ("GATEWAY_HEARTBEAT", "900ms", "at least 1s"),
    ("GATEWAY_REMOVAL_CONFIRM", "0", "more than 0s"),
    ("GATEWAY_RECONCILE_INTERVAL", "0", "more than 0s"),
    ("GATEWAY_SLOW_LIMIT", "0", "more than 0s"),
    ("GATEWAY_RETRY_MAX", "0", "more than 0s"),
    ("GATEWAY_AUTH_RETRY", "6m", "at most 5m"),
    ("GATEWAY_STREAM_LIFETIME", "0", "at least 1s"),
    ("GATEWAY_LOG_BYTES", "64 apples", "size"),
    ("GATEWAY_LOG_BYTES", "0", "at least 1"),
    ("GATEWAY_LOG_BYTES", "-1MB", "at least 1"),
    ("GATEWAY_MAX_LINE", "1000", "at least 1KiB"),
    ("GATEWAY_LOG_CAPACITY", "0", "at least 1"),
    ("GATEWAY_LOG_CAPACITY", "10,000", "whole number"),
    ("GATEWAY_MAX_SUBSCRIBERS", "1.5", "whole number"),
    ("GATEWAY_MAX_VIEWS", "-1", "at least 1"),
    ("GATEWAY_PORT", "http", "whole number"),
    ("GATEWAY_PORT", "-1", "at least 0"),
    ("GATEWAY_METRICS_PORT", "65536", "at most 65535"),
    ("GATEWAY_HOST", "http://127.0.0.1", "without a scheme"),
    ("GATEWAY_HOST", "127.0.0.1:8090", "without a scheme or a port"),
    ("GATEWAY_METRICS_HOST", "0.0.0.0 ::", "host name"),
    ("GATEWAY_BASE_PATH", "/a/../b", "path such as"),
    ("GATEWAY_LOG_LEVEL", "loud", "debug, info, warning, error"),
    ("GATEWAY_LOG_FORMAT", "xml", "auto, json, console"),
    ("GATEWAY_UPSTREAM_FRAMING", "grpc", "sse, ndjson"),
    ("GATEWAY_LOOP", "trio", "auto, asyncio, uvloop"),
    ("GATEWAY_AUTH", "tokens", "needs GATEWAY_ACCESS_FILE and GATEWAY_TOKENS_FILE"),
    ("GATEWAY_AUTH", "proxy", "needs GATEWAY_ACCESS_FILE and GATEWAY_PROXY_TRUSTED"),
    ("GATEWAY_AUTH", "OIDC", "oidc needs GATEWAY_ACCESS_FILE, GATEWAY_OIDC_ISSUER"),
    ("GATEWAY_OIDC_ISSUER", "http://id.example.org", "use https"),
    ("GATEWAY_OIDC_ISSUER", "id.example.org", "begin the issuer with https"),
    ("GATEWAY_PUBLIC_URL", "http://gateway.example.org", "use https"),
    ("GATEWAY_OIDC_ALGORITHMS", "RS256,HS256", "no others sign by a private key alone"),
    ("GATEWAY_OIDC_ALGORITHMS", "none", "no others sign by a private key alone"),
    ("GATEWAY_SESSION_KEYS", "too short", "32 bytes"),
    ("GATEWAY_AUTH", "basic", "one of: none, tokens, proxy"),
    ("GATEWAY_ACCESS_FILE", "/nowhere/access.toml", "can't be read"),
    ("GATEWAY_TOKENS_FILE", "/nowhere/tokens.toml", "can't be read"),
    ("GATEWAY_PROXY_TRUSTED", "10.0.0.1/8", "CIDR"),
    ("GATEWAY_PROXY_TRUSTED", "proxy.example.org", "CIDR"),
    ("GATEWAY_PROXY_USER_HEADER", "Authorization", "X-Forwarded-User"),
    ("GATEWAY_PROXY_GROUPS_HEADER", "X-Groups: a", "X-Forwarded-User"),
    ("GATEWAY_CORS_ORIGINS", "*", "exact origins"),
    ("GATEWAY_CORS_ORIGINS", "https://*.a.org", "exact origins"),
    ("GATEWAY_CORS_ORIGINS", "null", "exact origins"),
    ("GATEWAY_CORS_ORIGINS", "https://a.org/app", "scheme and host"),
    ("GATEWAY_CORS_ORIGINS", "a.org", "scheme and host"),
    ("GATEWAY_CORS_ORIGINS", "https://ok.org,*,null", "exact origins"),
]


@pytest.mark.parametrize(("name", "text", "advice"), REFUSED)
def test_a_wrong_value_is_refused_with_advice(name: str, text: str, advice: str) -> None:
    problems = fails(ARGO | {name: text})
    assert list(problems) == [name]
    assert advice in problems[name]


@pytest.mark.parametrize("name", [setting.name for setting in describe() if setting.default != "required"])
def test_an_empty_value_counts_as_unset(name: str) -> None:
    assert load(ARGO | {name: " "}) == load(ARGO)


@given(st.decimals(min_value=0, max_value=10**7, places=4).map(float))
def test_a_duration_survives_being_shown(seconds: float) -> None:
    assert parse_duration(show_duration(seconds)) == seconds


@given(st.integers(min_value=0, max_value=1 << 50))
def test_a_size_survives_being_shown(size: int) -> None:
    assert parse_size(show_size(size)) == size


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.1, "100ms"),
        (0.0, "0s"),
        (15, "15s"),
        (60, "1m"),
        (90.0, "90s"),
        (300, "5m"),
        (7200.0, "2h"),
        (172_800.0, "2d"),
        (0.0005, "0.0005s"),
    ],
)
def test_a_duration_is_shown_in_its_largest_whole_unit(seconds: float, text: str) -> None:
    assert show_duration(seconds) == text


# --- where Argo CD is


@pytest.mark.parametrize(
    ("server", "url"),
    [
        ("argocd.example.org", "https://argocd.example.org"),
        ("argocd.example.org:443", "https://argocd.example.org"),
        ("localhost:8080", "https://localhost:8080"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("[::1]:8080/argo/", "https://[::1]:8080/argo"),
    ],
)
def test_argocd_server_alone_tells_where_argo_cd_is(server: str, url: str) -> None:
    assert load({"ARGOCD_SERVER": server}).argocd_base_url == url


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("https://argocd.example.org", "argocd.example.org"),
        ("https://argocd.example.org/", "ARGOCD.example.org:443"),
        ("argocd.example.org", "https://argocd.example.org:443/"),
        ("http://localhost:8080", "localhost:8080"),
        ("https://argocd.example.org/argo", "argocd.example.org"),
    ],
)
def test_two_names_of_the_same_place_agree(url: str, server: str) -> None:
    root = {"ARGOCD_ROOT_PATH": "argo"} if url.endswith("/argo") else {}
    both = load({"ARGOCD_BASE_URL": url, "ARGOCD_SERVER": server} | root)
    assert both == load({"ARGOCD_BASE_URL": url} | root)


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("https://argocd.example.org", "other.example.org"),
        ("https://argocd.example.org", "argocd.example.org:8443"),
        ("https://argocd.example.org/a", "argocd.example.org/b"),
        ("http://argocd.example.org", "argocd.example.org"),
        ("http://argocd.example.org:8080", "https://argocd.example.org:8080"),
    ],
)
def test_two_different_places_are_an_error(url: str, server: str) -> None:
    problems = fails({"ARGOCD_BASE_URL": url, "ARGOCD_SERVER": server})
    assert list(problems) == ["ARGOCD_SERVER"]
    assert "ARGOCD_BASE_URL" in problems["ARGOCD_SERVER"]


def test_a_wrong_argocd_server_is_named_alone_and_beside_a_url() -> None:
    assert list(fails({"ARGOCD_SERVER": "me:pw@h"})) == ["ARGOCD_SERVER"]
    assert list(fails(ARGO | {"ARGOCD_SERVER": "me:pw@h"})) == ["ARGOCD_SERVER"]
    assert list(fails({"ARGOCD_BASE_URL": "ftp://h", "ARGOCD_SERVER": "h"})) == ["ARGOCD_BASE_URL"]
    assert list(fails({"ARGOCD_BASE_URL": "ftp://h", "ARGOCD_SERVER": "h:x"})) == ["ARGOCD_BASE_URL", "ARGOCD_SERVER"]


@pytest.mark.parametrize(
    ("url", "root", "whole"),
    [
        ("https://h", "argo", "https://h/argo"),
        ("https://h/", "/argo/", "https://h/argo"),
        ("https://h/argo", "/argo", "https://h/argo"),
        ("https://h/argo/", "argo", "https://h/argo"),
        ("https://h/proxy/argo", "/argo", "https://h/proxy/argo"),
        ("https://h/myargo", "/argo", "https://h/myargo/argo"),
        ("https://argo", "/argo", "https://argo/argo"),
        ("https://h/a", "/a/b", "https://h/a/a/b"),
        ("https://h/a/b", "/a/b", "https://h/a/b"),
        ("https://h/a", "/", "https://h/a"),
    ],
)
def test_the_root_path_is_at_the_end_of_the_url_exactly_once(url: str, root: str, whole: str) -> None:
    settings = load({"ARGOCD_BASE_URL": url, "ARGOCD_ROOT_PATH": root})
    assert settings.argocd_base_url == whole
    again = Settings(argocd_base_url=settings.argocd_base_url, argocd_root_path=settings.argocd_root_path)
    assert again == settings


# --- two names for how old is stale


def test_stale_after_is_another_name_of_the_cache_ttl() -> None:
    assert load(ARGO | {"GATEWAY_STALE_AFTER": "1m"}).pipelines_cache_ttl == 60.0
    assert load(ARGO | {"GATEWAY_STALE_AFTER": "20s", "PIPELINES_CACHE_TTL": "20"}).pipelines_cache_ttl == 20.0


@pytest.mark.parametrize(
    ("ttl", "stale_after", "names"),
    [
        ("20", "30", ["GATEWAY_STALE_AFTER"]),
        ("20", "soon", ["GATEWAY_STALE_AFTER"]),
        ("soon", "20", ["PIPELINES_CACHE_TTL"]),
        ("soon", "later", ["PIPELINES_CACHE_TTL", "GATEWAY_STALE_AFTER"]),
        ("", "later", ["GATEWAY_STALE_AFTER"]),
    ],
)
def test_both_names_of_the_ttl_must_agree(ttl: str, stale_after: str, names: list[str]) -> None:
    assert list(fails(ARGO | {"PIPELINES_CACHE_TTL": ttl, "GATEWAY_STALE_AFTER": stale_after})) == names


# --- secrets and files


@pytest.mark.parametrize(
    "text", [SECRET, f"bearer {SECRET}", f"Bearer  {SECRET}", f"BEARER\t{SECRET}\n", f"\n {SECRET}\r\n"]
)
def test_a_token_may_come_with_bearer_and_whitespace(text: str, tmp_path: Path) -> None:
    token = load(ARGO | {"ARGOCD_AUTH_TOKEN": text}).argocd_auth_token
    assert token is not None
    assert token.get_secret_value() == SECRET
    assert read_token(Path(write(tmp_path / "token", text))).get_secret_value() == SECRET


def test_a_token_that_begins_like_bearer_is_left_whole() -> None:
    assert load(ARGO | {"ARGOCD_AUTH_TOKEN": "bearertoken"}).argocd_auth_token == SecretStr("bearertoken")


def test_a_token_file_is_kept_as_a_path_and_read_again_by_its_user(tmp_path: Path) -> None:
    path = write(tmp_path / "token", "first")
    settings = load(ARGO | {"ARGOCD_AUTH_TOKEN_FILE": path})
    assert (settings.argocd_auth_token, settings.argocd_auth_token_file) == (None, Path(path))
    write(tmp_path / "token", "\ufeffBearer second\n")
    assert read_token(Path(path)) == SecretStr("second")


@pytest.mark.parametrize(
    ("content", "advice"),
    [
        ("", "empty"),
        (" \n", "empty"),
        ("bearer\n", "empty"),
        ("a b", "a space"),
        (f"{SECRET}\n{SECRET}", "line break"),
        (b"\xff\xfe\x00", "UTF-8"),
    ],
)
def test_a_token_file_without_a_usable_token_is_refused(content: str | bytes, advice: str, tmp_path: Path) -> None:
    problems = fails(ARGO | {"ARGOCD_AUTH_TOKEN_FILE": write(tmp_path / "token", content)})
    assert list(problems) == ["ARGOCD_AUTH_TOKEN_FILE"]
    assert advice in problems["ARGOCD_AUTH_TOKEN_FILE"]


def test_files_are_read_by_the_given_function(tmp_path: Path) -> None:
    def refuse(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied", SECRET)

    environ = ARGO | {"ARGOCD_AUTH_TOKEN_FILE": write(tmp_path / "token", SECRET)}
    load(environ, files_read=lambda _: b"elsewhere")
    assert "(Permission denied)" in fails(environ, files_read=refuse)["ARGOCD_AUTH_TOKEN_FILE"]
    with pytest.raises(SettingsError):
        explain(environ, files_read=refuse)


@pytest.mark.parametrize("name", ["ARGOCD_AUTH_TOKEN_FILE", "ARGOCD_CA_FILE"])
def test_a_file_that_cannot_be_read_is_refused(name: str, tmp_path: Path) -> None:
    assert "No such file" in fails(ARGO | {name: str(tmp_path / "missing")})[name]
    assert "Is a directory" in fails(ARGO | {name: str(tmp_path)})[name]


def test_a_path_that_no_system_takes_is_a_problem_and_no_crash() -> None:
    assert list(fails(ARGO | {"ARGOCD_CA_FILE": "a\0b", "GATEWAY_STATE_FILE": "x" * 5000 + "/y"})) == [
        "ARGOCD_CA_FILE",
        "GATEWAY_STATE_FILE",
    ]


def test_a_secret_comes_as_a_value_or_as_a_file_not_both(tmp_path: Path) -> None:
    path = write(tmp_path / "token", SECRET)
    problems = fails(ARGO | {"ARGOCD_AUTH_TOKEN": SECRET, "ARGOCD_AUTH_TOKEN_FILE": path})
    assert list(problems) == ["ARGOCD_AUTH_TOKEN_FILE"]
    assert "ARGOCD_AUTH_TOKEN is set too" in problems["ARGOCD_AUTH_TOKEN_FILE"]


def test_every_secret_can_come_from_a_file() -> None:
    settings = {setting.name: setting for setting in describe()}
    secrets = [name for name, setting in settings.items() if setting.unit == "secret"]
    senders = ("GITHUB", "GITLAB", "ARGOCD", "ARGO_WORKFLOWS", "REGISTRY", "TRIVY", "CDEVENTS")
    webhooks = {f"GATEWAY_WEBHOOK_{sender}_SECRET" for sender in senders}
    login = {"GATEWAY_OIDC_CLIENT_SECRET", "GATEWAY_SESSION_KEYS"}
    others = {"ARGOCD_AUTH_TOKEN", "GATEWAY_DATABASE_URL", "GATEWAY_PROMETHEUS_TOKEN", "GATEWAY_REDIS_URL"}
    assert set(secrets) == {*others, *login, *webhooks}
    assert all(settings[f"{name}_FILE"].unit == "path" for name in secrets)


def test_a_ca_file_has_to_hold_a_certificate_and_excludes_insecure(tmp_path: Path) -> None:
    path = write(tmp_path / "ca.pem", CERTIFICATE)
    assert load(ARGO | {"ARGOCD_CA_FILE": path, "ARGOCD_INSECURE": "off"}).argocd_ca_file == Path(path)
    assert "ARGOCD_CA_FILE" in fails(ARGO | {"ARGOCD_CA_FILE": path, "ARGOCD_INSECURE": "on"})["ARGOCD_INSECURE"]
    write(tmp_path / "ca.pem", "")
    assert "no certificate" in fails(ARGO | {"ARGOCD_CA_FILE": path})["ARGOCD_CA_FILE"]


def test_a_state_file_needs_a_folder_that_is_there_and_writable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "state"
    assert load(ARGO | {"GATEWAY_STATE_FILE": str(path)}).state_file == path
    assert not path.exists()
    assert "doesn't exist" in fails(ARGO | {"GATEWAY_STATE_FILE": str(path / "x")})["GATEWAY_STATE_FILE"]
    assert "this is a folder" in fails(ARGO | {"GATEWAY_STATE_FILE": str(tmp_path)})["GATEWAY_STATE_FILE"]
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everywhere
    assert "isn't writable" in fails(ARGO | {"GATEWAY_STATE_FILE": str(path)})["GATEWAY_STATE_FILE"]


@pytest.mark.parametrize("name", [*find_fields()])
def test_no_value_is_repeated_in_a_message_whatever_variable_it_ends_up_in(name: str) -> None:
    poison = f"/nowhere/{SECRET} {SECRET}@§?{SECRET}"
    with pytest.raises(SettingsError) as caught:
        load({"ARGOCD_BASE_URL": "https://h", name: poison})
    assert name in str(caught.value)
    assert "s3cr3t" not in str(caught.value) + repr(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_a_secret_shows_in_no_representation() -> None:
    environ = ARGO | {"ARGOCD_AUTH_TOKEN": SECRET}
    settings = load(environ)
    shown = f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()} {explain(environ)}"
    assert "s3cr3t" not in shown
    with pytest.raises(ValidationError) as caught:
        Settings(argocd_base_url="https://h", argocd_auth_token=SecretStr(f"{SECRET} {SECRET}"))
    assert "s3cr3t" not in str(caught.value)


# --- what holds between settings


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.1.2.3", "gateway.example.org", "::ffff:127.0.0.1"])
def test_only_an_explicit_none_opens_the_gateway_beyond_this_machine(host: str) -> None:
    advice = fails(ARGO | {"GATEWAY_HOST": host})["GATEWAY_AUTH"]
    assert "GATEWAY_AUTH=none" in advice
    assert "loopback" in advice
    assert load(ARGO | {"GATEWAY_HOST": host, "GATEWAY_AUTH": "none"}).host == host
    assert load(ARGO | {"GATEWAY_METRICS_HOST": host}).metrics_host == host


@pytest.mark.parametrize(
    ("host", "metrics_host", "clash"),
    [
        ("127.0.0.1", "127.0.0.1", True),
        ("localhost", "127.0.0.1", True),
        ("::1", "localhost", True),
        ("0.0.0.0", "127.0.0.1", True),
        ("127.0.0.1", "::", True),
        ("127.0.0.1", "127.0.0.2", False),
        ("127.0.0.1", "::1", False),
    ],
)
def test_metrics_need_a_port_of_their_own_on_the_same_host(host: str, metrics_host: str, clash: bool) -> None:
    environ = ARGO | {"GATEWAY_AUTH": "none", "GATEWAY_HOST": host, "GATEWAY_METRICS_HOST": metrics_host}
    same = environ | {"GATEWAY_PORT": "9000", "GATEWAY_METRICS_PORT": "9000"}
    if clash:
        assert "GATEWAY_PORT" in fails(same)["GATEWAY_METRICS_PORT"]
    else:
        assert load(same).metrics_port == 9000
    assert load(environ | {"GATEWAY_PORT": "0", "GATEWAY_METRICS_PORT": "0"}).port == 0


def test_a_default_takes_part_in_the_checks() -> None:
    assert list(fails(ARGO | {"GATEWAY_PORT": "9464"})) == ["GATEWAY_METRICS_PORT"]


def test_a_heartbeat_is_longer_than_a_tick() -> None:
    assert "GATEWAY_TICK" in fails(ARGO | {"GATEWAY_TICK": "5s", "GATEWAY_HEARTBEAT": "5s"})["GATEWAY_HEARTBEAT"]
    assert load(ARGO | {"GATEWAY_TICK": "5s", "GATEWAY_HEARTBEAT": "6s"}).heartbeat == 6.0


def test_all_problems_are_reported_at_once_in_the_order_of_the_settings(tmp_path: Path) -> None:
    problems = fails(
        {
            "GATEWAY_STALE_AFTER": "16",
            "PIPELINES_CACHE_TTL": "15",
            "GATEWAY_HOST": "0.0.0.0",
            "GATEWAY_PORT": "9464",
            "GATEWAY_TICK": "x",
            "GATEWAY_LOG_LEVEL": "loud",
            "GATEWAY_STATE_FILE": str(tmp_path / "no" / "state"),
            "ARGOCD_CA_FILE": str(tmp_path / "missing"),
            "ARGOCD_INSECURE": "on",
            "ARGOCD_AUTH_TOKEN": "a",
            "ARGOCD_AUTH_TOKEN_FILE": write(tmp_path / "token", "b"),
            "ARGOCD_PROJECTS": "*",
        }
    )
    assert list(problems) == [
        "ARGOCD_BASE_URL",
        "ARGOCD_AUTH_TOKEN_FILE",
        "ARGOCD_PROJECTS",
        "ARGOCD_CA_FILE",
        "ARGOCD_INSECURE",
        "GATEWAY_STATE_FILE",
        "GATEWAY_AUTH",
        "GATEWAY_METRICS_PORT",
        "GATEWAY_TICK",
        "GATEWAY_LOG_LEVEL",
        "GATEWAY_STALE_AFTER",
    ]


def test_the_error_reads_as_a_list_of_variables_and_advice() -> None:
    one = SettingsError([("GATEWAY_PORT", "write a whole number")])
    assert isinstance(one, GatewayError)
    assert one.problems == (("GATEWAY_PORT", "write a whole number"),)
    assert str(one) == "1 problem in the settings:\n  GATEWAY_PORT: write a whole number"
    assert str(SettingsError([("A", "a"), ("B", "b")])) == "2 problems in the settings:\n  A: a\n  B: b"


# --- names

KUBERNETES = {
    "GATEWAY_PORT": "tcp://10.96.0.7:8090",
    "GATEWAY_SERVICE_HOST": "10.96.0.7",
    "GATEWAY_SERVICE_PORT": "8090",
    "GATEWAY_SERVICE_PORT_HTTP": "8090",
    "GATEWAY_SERVICE_PORT_HTTP_METRICS": "9464",
    "GATEWAY_PORT_8090_TCP": "tcp://10.96.0.7:8090",
    "GATEWAY_PORT_8090_TCP_ADDR": "10.96.0.7",
    "GATEWAY_PORT_8090_TCP_PORT": "8090",
    "GATEWAY_PORT_8090_TCP_PROTO": "tcp",
    "GATEWAY_PORT_8090_UDP": "udp://10.96.0.7:8090",
    "GATEWAY_METRICS_PORT": "tcp://[fd00::7]:9464",
    "GATEWAY_METRICS_SERVICE_HOST": "fd00::7",
    "ARGOCD_SERVER_PORT": "tcp://10.96.0.8:443",
    "ARGOCD_SERVER_SERVICE_HOST": "10.96.0.8",
    "ARGOCD_SERVER_SERVICE_PORT_HTTPS": "443",
    "ARGOCD_SERVER_PORT_443_TCP": "tcp://10.96.0.8:443",
    "ARGOCD_SERVER_PORT_443_TCP_ADDR": "10.96.0.8",
    "ARGOCD_REPO_SERVER_PORT_8081_TCP_PROTO": "tcp",
}


def test_what_kubernetes_injects_is_passed_over() -> None:
    assert load(ARGO | KUBERNETES) == load(ARGO)
    assert unknown_names(ARGO | KUBERNETES) == []
    assert all(each.source == "default" for each in explain(ARGO | KUBERNETES) if each.name != "ARGOCD_BASE_URL")


def test_known_names_and_foreign_names_get_no_warning() -> None:
    known = {**{setting.name: "x" for setting in describe()}, **dict.fromkeys(SYNONYMS.values(), "x")}
    assert unknown_names({**known, "PATH": "/bin", "gateway_port": "1", "MY_GATEWAY_TICK": "1", "GATEWAY_X": ""}) == []


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("GATEWAY_TICKS", "GATEWAY_TICK"),
        ("GATEWAY_LOGLEVEL", "GATEWAY_LOG_LEVEL"),
        ("GATEWAY_BASE_URL", "ARGOCD_BASE_URL"),
        ("GATEWAY_CACHE_TTL", "PIPELINES_CACHE_TTL"),
        ("GATEWAY_STALE_AFTR", "GATEWAY_STALE_AFTER"),
        ("ARGOCD_TOKEN_FILE", "ARGOCD_AUTH_TOKEN_FILE"),
        ("ARGOCD_SERVRE", "ARGOCD_SERVER"),
        ("GATEWAY_QQQ", None),
        ("ARGOCD_QQQ", None),
    ],
)
def test_an_unknown_name_gets_a_warning_with_what_was_meant(name: str, meant: str | None) -> None:
    messages = unknown_names(ARGO | {name: SECRET})
    assert len(messages) == 1
    assert messages[0].startswith(f"{name} isn't a setting")
    assert ("did you mean" in messages[0]) == (meant is not None)
    assert meant is None or messages[0].endswith(f"did you mean {meant}?")
    assert load(ARGO | {name: SECRET}) == load(ARGO)


# --- what is in force, and the documentation


def test_every_value_in_force_is_explained_with_its_source(tmp_path: Path) -> None:
    path = write(tmp_path / "token", SECRET)
    explained = {
        each.name: (each.value, each.source)
        for each in explain(
            {
                "ARGOCD_SERVER": "argocd.example.org",
                "ARGOCD_AUTH_TOKEN_FILE": path,
                "ARGOCD_PROJECTS": "shop, pay",
                "GATEWAY_STALE_AFTER": "20",
                "GATEWAY_TICK": "0.05",
                "GATEWAY_COMPRESSION": "no",
                "GATEWAY_PORT": "8090",
                "GATEWAY_HOST": "",
            }
        )
    }
    assert list(explained) == [setting.name for setting in describe()]
    expected = {
        "ARGOCD_BASE_URL": ("https://argocd.example.org", "environment"),
        "ARGOCD_AUTH_TOKEN": ("********", f"file {path}"),
        "ARGOCD_AUTH_TOKEN_FILE": (path, "environment"),
        "ARGOCD_PROJECTS": ("shop,pay", "environment"),
        "PIPELINES_CACHE_TTL": ("20s", "environment"),
        "GATEWAY_TICK": ("50ms", "environment"),
        "GATEWAY_COMPRESSION": ("off", "environment"),
        "GATEWAY_PORT": ("8090", "environment"),
        "GATEWAY_HOST": ("127.0.0.1", "default"),
        "GATEWAY_LOG_BYTES": ("64MiB", "default"),
        "GATEWAY_AUTH": ("unset", "default"),
        "ARGOCD_ROOT_PATH": ("unset", "default"),
    }
    assert {name: explained[name] for name in expected} == expected


def test_a_secret_value_is_masked_when_explained() -> None:
    token = next(each for each in explain(ARGO | {"ARGOCD_AUTH_TOKEN": SECRET}) if each.name == "ARGOCD_AUTH_TOKEN")
    assert token == Explained(name="ARGOCD_AUTH_TOKEN", value="********", source="environment")


def test_a_shown_default_means_the_default() -> None:
    shown = {each.name: each.default for each in describe() if each.default not in {"required", "unset"}}
    assert load(ARGO | shown) == load(ARGO)


def test_the_documentation_has_every_setting_as_it_is_and_no_other() -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \| (.+?) \| (.+?) \| (.+) \|$", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    documented = {name: (default.strip("`"), unit, meaning) for name, default, unit, meaning in rows}
    assert len(documented) == len(rows)
    assert documented == {each.name: (each.default, each.unit, each.description) for each in describe()}


def test_the_documentation_names_no_variable_that_does_not_exist() -> None:
    named = set(re.findall(r"`((?:GATEWAY|ARGOCD|PIPELINES)_[A-Z_]+[A-Z])", DOCS.read_text(encoding="utf-8")))
    assert named - {"GATEWAY_SERVICE_HOST"} == set(find_fields())


def test_every_setting_says_what_it_means_in_a_sentence() -> None:
    for setting in describe():
        assert re.fullmatch(r"[A-Z][^|]+\.", setting.description), setting


# --- deliveries


def test_a_sender_may_have_several_secrets_from_a_file_too(tmp_path: Path) -> None:
    path = write(tmp_path / "secrets", f"{SECRET}-1,\n{SECRET}-2\n")
    given = load(ARGO | {"GATEWAY_WEBHOOK_GITHUB_SECRET": f" {SECRET}-1 , {SECRET}-2,"}).webhook_github_secret
    assert given == read_webhook_secrets(Path(path)) == SecretStr(f"{SECRET}-1,{SECRET}-2")


@pytest.mark.parametrize(
    ("text", "advice"),
    [(",", "no secret"), ("with space", "a space"), ("short", "tried out"), ("geheim-ä-ö-ü", "ASCII")],
)
def test_a_secret_of_a_sender_that_is_none_is_refused(text: str, advice: str) -> None:
    assert advice in fails(ARGO | {"GATEWAY_WEBHOOK_GITLAB_SECRET": text})["GATEWAY_WEBHOOK_GITLAB_SECRET"]


def test_a_gate_says_how_many_of_each_severity_may_pass() -> None:
    gate = load(ARGO | {"GATEWAY_SCAN_GATE": "critical=0, High = 10"}).scan_gate
    assert gate == (("CRITICAL", 0), ("HIGH", 10))
    assert parse_gate(show_gate(gate)) == gate
    assert load(ARGO | {"GATEWAY_SCAN_GATE": "None"}).scan_gate == ()
    for text in ("critical", "critical=few", "critical=0,critical=1", "=1"):
        assert "critical=0,high=10" in fails(ARGO | {"GATEWAY_SCAN_GATE": text})["GATEWAY_SCAN_GATE"]


def test_a_file_of_exceptions_is_checked_whole_at_the_start(tmp_path: Path) -> None:
    path = write(tmp_path / "exceptions.toml", '[[exception]]\nid = "CVE-1"\nwho = 1\n')
    problem = fails(ARGO | {"GATEWAY_SCAN_EXCEPTIONS_FILE": path})["GATEWAY_SCAN_EXCEPTIONS_FILE"]
    assert "line 3: who is text" in problem
    assert "line 1: until is missing" in problem


@pytest.mark.parametrize(
    ("text", "advice"),
    [("up", "{service}"), ('up{app="{servcie}"}', "{service}"), ("up{app=`{service}`}", "double quotes")],
)
def test_a_query_for_prometheus_names_what_it_is_about(text: str, advice: str) -> None:
    assert advice in fails(ARGO | {"GATEWAY_PROMQL_ERRORS": text})["GATEWAY_PROMQL_ERRORS"]
    query = 'rate(errors{app="{service}"}[{window}])'
    assert load(ARGO | {"GATEWAY_PROMQL_ERRORS": query}).promql_errors == query


def test_a_database_is_a_file_of_sqlite_or_a_server(tmp_path: Path) -> None:
    url = load(ARGO | {"GATEWAY_DATABASE_URL": f"sqlite:///{tmp_path}/history.db"}).database_url
    assert url == SecretStr(f"sqlite+aiosqlite:///{tmp_path}/history.db")
    for text in (
        "sqlite://",
        "sqlite:///",
        "mysql://host/name",
        str(tmp_path),
        f"sqlite:///{tmp_path}/absent/history.db",
    ):
        problems = fails(ARGO | {"GATEWAY_DATABASE_URL": text})
        assert list(problems) == ["GATEWAY_DATABASE_URL"], text


def test_patterns_of_tags_are_read_with_placeholders_and_as_regular_expressions() -> None:
    patterns = load(
        ARGO | {"GATEWAY_TAG_PATTERNS": r"{component}-stage-{sha:8} build\.(?P<sha>[0-9a-f]{7,40})"}
    ).tag_patterns
    found = TagPatterns(patterns)
    assert found.find("core-stage-1a2b3c4d") == "1a2b3c4d"
    assert found.find("build.1a2b3c4d5") == "1a2b3c4d5"
    assert found.find("core-stage-1a2b3c4d5") is None
    for text in ("latest", "{sha}-{sha}", "(?P<sha>["):
        assert list(fails(ARGO | {"GATEWAY_TAG_PATTERNS": text})) == ["GATEWAY_TAG_PATTERNS"], text


def test_a_share_is_a_percentage_or_a_number() -> None:
    assert (
        load(ARGO | {"GATEWAY_SLO_BUILDS": "99.5%"}).slo_builds
        == load(ARGO | {"GATEWAY_SLO_BUILDS": "0.995"}).slo_builds
    )
    for text in ("95", "100%", "0", "most"):
        assert list(fails(ARGO | {"GATEWAY_SLO_BUILDS": text})) == ["GATEWAY_SLO_BUILDS"], text
