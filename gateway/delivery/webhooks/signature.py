"""Whether a request is its sender's: HMAC-SHA256 as GitHub writes it, Standard Webhooks, shared tokens.

Everything is compared in constant time, against every secret that is set, so that one can be replaced without a gap.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence

from gateway.delivery.webhooks.request import Request, SignatureError

REPLAY_WINDOW = 300.0
"""Seconds that a signed timestamp may differ from our clock: what the libraries of Standard Webhooks allow."""

HUB_SIGNATURE = "x-hub-signature-256"
STANDARD_SIGNATURE = "webhook-signature"

_SIGNING_TOKEN = "whsec_"  # noqa: S105 - the prefix of such secrets, not one of them
_TIMESTAMP = re.compile(r"[0-9]{1,12}")


def verify_hub(request: Request, secrets: Sequence[str]) -> None:
    """Verify ``X-Hub-Signature-256``: ``sha256=`` and the HMAC-SHA256 of the body, in hex (docs.github.com)."""
    keys = _usable(secrets)
    given = request.headers.get(HUB_SIGNATURE)
    if given is None:
        raise SignatureError("the header X-Hub-Signature-256 is missing: set a secret at the sender, too")
    expected = [b"sha256=" + hmac.digest(key, request.body, hashlib.sha256).hex().encode() for key in keys]
    if not _matches(given.strip().lower(), expected):
        raise SignatureError("X-Hub-Signature-256 is of another secret or another body")


def verify_standard(request: Request, secrets: Sequence[str]) -> None:
    """Verify ``webhook-signature``: any of its ``v1,…`` over id, timestamp and body (standardwebhooks.com).

    Only secrets of the form ``whsec_…`` (base64 of the key) sign in this way. A timestamp older or newer than
    ``REPLAY_WINDOW`` is refused, so that a request that someone recorded can't be sent again later.
    """
    keys = [key for secret in secrets if (key := _signing_key(secret)) is not None]
    if not keys:
        raise SignatureError("webhook-signature can't be checked: no secret of the form whsec_… is set")
    signed_id, timestamp = request.headers.get("webhook-id", ""), request.headers.get("webhook-timestamp", "")
    if not signed_id or not _TIMESTAMP.fullmatch(timestamp):
        raise SignatureError("webhook-id and webhook-timestamp (Unix seconds) have to come with webhook-signature")
    message = b".".join((_encode(signed_id), timestamp.encode(), request.body))
    expected = [base64.b64encode(hmac.digest(key, message, hashlib.sha256)) for key in keys]
    given = [part[3:] for part in request.headers.get(STANDARD_SIGNATURE, "").split() if part.startswith("v1,")]
    if not any([_matches(signature, expected) for signature in given]):  # noqa: C419 - all of them, in constant time
        raise SignatureError("webhook-signature has no v1 signature of this secret over this id, timestamp and body")
    if abs(request.received_at - int(timestamp)) > REPLAY_WINDOW:
        raise SignatureError("webhook-timestamp is more than 5 minutes off: an old request, or one clock is wrong")


def verify_token(token: str | None, secrets: Sequence[str], *, where: str) -> None:
    """Verify a secret that is sent as it is; ``where`` tells which header carries it."""
    keys = _usable(secrets)
    if not token:
        raise SignatureError(f"the secret is missing: send it as {where}")
    if not _matches(token, keys):
        raise SignatureError(f"the secret in {where} is another one than is set here")


def verify_shared(request: Request, secrets: Sequence[str]) -> None:
    """Verify a sender that has no scheme of its own, by whatever it is able to send.

    A signature, if there is one, has to be right: ``webhook-signature`` or ``X-Hub-Signature-256``. Otherwise the
    secret itself is looked for in ``Authorization`` (after ``Bearer``, as the password of ``Basic``, or as it is), and
    in ``X-Webhook-Secret``.
    """
    if STANDARD_SIGNATURE in request.headers:
        verify_standard(request, secrets)
    elif HUB_SIGNATURE in request.headers:
        verify_hub(request, secrets)
    else:
        token = _authorization(request.headers.get("authorization", "")) or request.headers.get("x-webhook-secret")
        verify_token(token, secrets, where="Authorization: Bearer … or X-Webhook-Secret")


def _authorization(header: str) -> str:
    """Return the secret in ``Authorization``; Harbor sends what it is given there, without a scheme."""
    scheme, _, rest = header.strip().partition(" ")
    if scheme.lower() == "bearer" and rest:
        return rest.strip()
    if scheme.lower() == "basic" and rest:
        try:
            decoded = base64.b64decode(rest.strip(), validate=True).decode()
        except (binascii.Error, ValueError):
            return ""
        return decoded.partition(":")[2]
    return header.strip()


def _usable(secrets: Iterable[str]) -> list[bytes]:
    """Return the secrets as bytes. An empty one would let everybody in."""
    keys = [_encode(secret) for secret in secrets if secret]
    if not keys:
        raise SignatureError("no secret is set for this sender, so nobody can be believed: set one on both sides")
    return keys


def _signing_key(secret: str) -> bytes | None:
    if not secret.startswith(_SIGNING_TOKEN):
        return None
    encoded = secret.removeprefix(_SIGNING_TOKEN).rstrip("=")
    try:
        return base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True) or None
    except (binascii.Error, ValueError):
        return None


def _matches(given: str, expected: Sequence[bytes]) -> bool:
    """Compare with all of them, so that the time it takes tells nothing about which one was near."""
    candidate = _encode(given)
    return any([hmac.compare_digest(candidate, one) for one in expected])  # noqa: C419


def _encode(text: str) -> bytes:
    """Return a header's bytes as they came: what isn't UTF-8 stands in it as surrogates."""
    return text.encode("utf-8", "surrogateescape")
