"""The shapes of a Workflow, of an Argo Events message, and of the small body that a template can write itself.

Fields of a Workflow are those of argo-workflows pkg/apis/workflow/v1alpha1/workflow_types.go.
"""

from typing import Any

import msgspec

from gateway.delivery.webhooks.body import ABSENT, Raw
from gateway.delivery.webhooks.facts import Id, Time


class RawMetadata(Raw, frozen=True, rename="camel"):
    """Identity, and the labels and annotations in which a site may name what is built."""

    name: str
    namespace: str | None = None
    uid: str | None = None
    generate_name: str | None = None
    creation_timestamp: Time = None
    labels: dict[str, str | None] | None = None
    annotations: dict[str, str | None] | None = None


class RawParameter(Raw, frozen=True):
    """A parameter; its value may come as a number as well."""

    name: str
    value: Any = None


class RawParameters(Raw, frozen=True):
    """Arguments, or outputs."""

    parameters: list[RawParameter] | None = None


class RawNode(Raw, frozen=True, rename="camel"):
    """A step: a Pod, or what groups others."""

    id: str
    name: str | None = None
    display_name: str | None = None
    type: str | None = None
    phase: str | None = None
    template_name: str | None = None
    started_at: Time = None
    finished_at: Time = None
    message: str | None = None


class RawSpec(Raw, frozen=True):
    """What was asked for; ``shutdown`` is Stop or Terminate where someone ended it."""

    arguments: RawParameters | None = None
    shutdown: str | None = None


class RawStatus(Raw, frozen=True, rename="camel"):
    """How far it is."""

    phase: str | None = None
    started_at: Time = None
    finished_at: Time = None
    message: str | None = None
    outputs: RawParameters | None = None
    nodes: dict[str, RawNode] | None = None


class Workflow(Raw, frozen=True):
    """A Workflow."""

    metadata: RawMetadata
    spec: RawSpec | None = None
    status: RawStatus | None = None


class Summary(Raw, frozen=True, rename="camel"):
    """Our own small body: what an exit handler or a sensor can write without reading the Workflow.

    ``failures`` is ``{{workflow.failures}}``, JSON within a text; ``duration`` is in seconds.
    """

    workflow: str
    status: str
    namespace: str | None = None
    uid: str | None = None
    name: str | None = None
    created_at: Time = None
    started_at: Time = None
    finished_at: Time = None
    duration: str | float | None = None
    message: str | None = None
    failures: str | None = None
    url: str | None = None


class RawFailure(Raw, frozen=True, rename="camel"):
    """One step of ``failures``."""

    display_name: str | None = None
    template_name: str | None = None
    phase: str | None = None
    pod_name: str | None = None
    finished_at: Time = None
    message: str | None = None


class RawContext(Raw, frozen=True):
    """The context of an Argo Events message."""

    id: Id | None = None
    source: str | None = None
    type: str | None = None


class RawData(Raw, frozen=True):
    """The data of a message; ``headers`` (Go's canonical names, lists) with a wrapped webhook."""

    headers: dict[str, list[str] | str] | None = None
    body: msgspec.Raw = ABSENT


class Probe(Raw, frozen=True):
    """What tells the bodies apart."""

    context: RawContext | None = None
    data: msgspec.Raw = ABSENT
    metadata: msgspec.Raw = ABSENT
    workflow: msgspec.Raw = ABSENT


PROBE = msgspec.json.Decoder(Probe)
DATA = msgspec.json.Decoder(RawData)
WORKFLOW = msgspec.json.Decoder(Workflow)
SUMMARY = msgspec.json.Decoder(Summary)
FIELDS = msgspec.json.Decoder(dict[str, Any])
FAILURES = msgspec.json.Decoder(list[RawFailure] | None)
TEXT = msgspec.json.Decoder(str)
