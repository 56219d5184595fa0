"""What is around the demo: the settings of its gateway, and what the person at the terminal is told.

The gateway's settings are the ordinary ones, but those that say which Argo CD to watch are the demo's. Pure.
"""

from collections.abc import Mapping
from ipaddress import ip_address

FASTEST = 50.0
"""The highest speed: some two hundred changes a second."""

_QUIETLY = {
    # Who looks at a demo looks at its page; and what else runs on this machine must not keep the demo from starting.
    "GATEWAY_LOG_LEVEL": "warning",
    "GATEWAY_METRICS_PORT": "0",
}
# A real gateway's state and history aren't to be overwritten by played ones, and its senders aren't the demo's.
_IGNORED = ("ARGOCD_", "GATEWAY_STATE_FILE", "GATEWAY_DATABASE_URL", "GATEWAY_WEBHOOK_")
_HEEDED = frozenset({"GATEWAY_WEBHOOK_MAX_BODY"})


def surround(
    environ: Mapping[str, str],
    *,
    url: str,
    token: str,
    secrets: Mapping[str, str] | None = None,
    database: str | None = None,
) -> dict[str, str]:
    """Return the environment for the gateway: this one, but with the demo's Argo CD and the demo's senders.

    ``secrets`` are by sender, ``database`` is the URL of one for this demo alone; without it there is one in memory.
    """
    kept = {
        name: value
        for name, value in environ.items()
        if value.strip() and (name in _HEEDED or not name.startswith(_IGNORED))
    }
    senders = {
        f"GATEWAY_WEBHOOK_{sender.upper().replace('-', '_')}_SECRET": secret
        for sender, secret in (secrets or {}).items()
    }
    history = {"GATEWAY_DATABASE_URL": database} if database else {}
    return {**_QUIETLY, **kept, **senders, **history, "ARGOCD_BASE_URL": url, "ARGOCD_AUTH_TOKEN": token}


def find_url(host: str, port: int, base_path: str = "") -> str:
    """Return the URL, without a slash at its end, that a browser on this machine finds the gateway at."""
    try:
        address = ip_address(host)
    except ValueError:
        return f"http://{host}:{port}{base_path}"
    if address.is_unspecified or host == "127.0.0.1":
        host = "localhost"
    return f"http://[{host}]:{port}{base_path}" if ":" in host else f"http://{host}:{port}{base_path}"


def welcome(url: str, *, metrics_url: str, page: bool, applications: int, length: float) -> str:
    """Return what to tell somebody who has started the demo. ``length`` is that of the story, in seconds."""
    shown = {
        "the page": f"{url}/",
        "the stream": f"curl -N {url}/api/stream/pipelines",
        "the state": f"curl {url}/api/pipelines",
        "a timeline": f"curl {url}/api/pipelines/trombone-pay/timeline",
        "the gateway": f"curl {url}/api/status",
        "its metrics": f"curl {metrics_url}/metrics",
    }
    if not page:
        del shown["the page"]
    minutes = f"{length / 60:.0f} minutes" if length >= 90 else f"{length:.0f} seconds"
    return "\n".join(
        [
            "",
            f"A real gateway watches a recorded Argo CD: {applications} applications, releases, two canaries,",
            f"rollbacks, a promotion from dev to prod. The story takes {minutes}, then it begins again.",
            "",
            *(f"  {name:11}  {where}" for name, where in shown.items()),
            "",
            "Pages that you serve on localhost, on any port, may read it, too. Ctrl-C ends it.",
            "",
        ]
    )
