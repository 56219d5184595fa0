"""How each sender proves to a gateway who it is: the headers that carry a secret, or what was made with it. Pure."""

import base64
import hashlib
import hmac
from collections.abc import Callable

from gateway.demo.happening import DeliveryHappening

SENDERS = ("github", "gitlab", "argocd", "argo-workflows", "registry", "trivy", "cdevents")
"""All who send webhooks in the demo."""

_STANDARD = frozenset({"gitlab", "cdevents"})
_HUB = frozenset({"github", "trivy"})


def make_secret(sender: str, random: Callable[[int], bytes]) -> str:
    """Return a new secret for a sender; ``random`` gives so many random bytes."""
    if sender in _STANDARD:
        return f"whsec_{base64.b64encode(random(24)).decode()}"
    return random(32).hex()


def sign(delivery: DeliveryHappening, secret: str, *, now: float) -> dict[str, str]:
    """Return the headers that prove a delivery, sent now (Unix seconds)."""
    if delivery.sender in _STANDARD:
        return _sign_standard(delivery, secret, round(now))
    if delivery.sender in _HUB:
        digest = hmac.new(secret.encode(), delivery.body, hashlib.sha256).hexdigest()
        return {"X-Hub-Signature-256": f"sha256={digest}"}
    return {"Authorization": f"Bearer {secret}"}


def _sign_standard(delivery: DeliveryHappening, secret: str, now: int) -> dict[str, str]:
    """Sign as Standard Webhooks: the id, the time and the body (standardwebhooks.com)."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    message = b".".join((delivery.id.encode(), str(now).encode(), delivery.body))
    signature = base64.b64encode(hmac.digest(key, message, hashlib.sha256)).decode()
    return {"webhook-id": delivery.id, "webhook-timestamp": str(now), "webhook-signature": f"v1,{signature}"}
