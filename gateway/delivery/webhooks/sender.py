"""All senders by name: the last part of a webhook's path, and of its setting ``GATEWAY_WEBHOOK_…_SECRET``."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.delivery.webhooks import argo_workflows, argocd, cdevents, github, gitlab, registry, trivy
from gateway.delivery.webhooks.request import PayloadError, Reading, Request, SignatureError

__all__ = ["SENDERS", "PayloadError", "Reading", "Request", "Sender", "SignatureError"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """A sender: how it proves itself, and what it says.

    ``verify(request, secrets)`` raises SignatureError unless the request is of someone who has one of the secrets; call
    it first. ``read(request)`` raises PayloadError for what can't be read.
    """

    name: str
    verify: Callable[[Request, Sequence[str]], None]
    read: Callable[[Request], Reading]


SENDERS: dict[str, Sender] = {
    sender.name: sender
    for sender in (
        Sender(name="argocd", verify=argocd.verify, read=argocd.read),
        Sender(name="argo-workflows", verify=argo_workflows.verify, read=argo_workflows.read),
        Sender(name="cdevents", verify=cdevents.verify, read=cdevents.read),
        Sender(name="github", verify=github.verify, read=github.read),
        Sender(name="gitlab", verify=gitlab.verify, read=gitlab.read),
        Sender(name="registry", verify=registry.verify, read=registry.read),
        Sender(name="trivy", verify=trivy.verify, read=trivy.read),
    )
}
