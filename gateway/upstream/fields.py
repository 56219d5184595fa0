"""What is asked of Argo CD: the fields of a watch's events, and those of a list of names.

The lists name what ``normalise`` reads and nothing besides; whoever reads more adds it here. How they are sent is
``argocd``'s.
"""

import re

_APPLICATION_FIELDS = (
    # Both parts of the key also keep apart what Argo CD would take for a repetition and leave out.
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "metadata.resourceVersion",
    "metadata.labels",
    "metadata.ownerReferences",
    "metadata.creationTimestamp",
    "metadata.deletionTimestamp",
    "spec.project",
    "spec.destination",
    # Not the whole source: Helm values and patches of any size are in it, again in each operation and deployment.
    "spec.source.repoURL",
    "spec.source.path",
    "spec.source.targetRevision",
    "spec.source.chart",
    "spec.source.ref",
    "spec.sources.repoURL",
    "spec.sources.path",
    "spec.sources.targetRevision",
    "spec.sources.chart",
    "spec.sources.ref",
    "spec.sourceHydrator.drySource.repoURL",
    "spec.sourceHydrator.syncSource",
    "spec.syncPolicy.automated",
    "operation.info",
    "operation.initiatedBy",
    "operation.sync.dryRun",
    "operation.sync.resources",
    "operation.sync.revision",
    "operation.sync.revisions",
    "status.sync.status",
    "status.sync.revision",
    "status.sync.revisions",
    "status.health",
    "status.conditions",
    "status.summary",
    "status.operationState.phase",
    "status.operationState.message",
    "status.operationState.startedAt",
    "status.operationState.finishedAt",
    "status.operationState.retryCount",
    "status.operationState.operation.info",
    "status.operationState.operation.initiatedBy",
    "status.operationState.operation.sync.dryRun",
    "status.operationState.operation.sync.resources",
    "status.operationState.operation.sync.revision",
    "status.operationState.operation.sync.revisions",
    "status.operationState.operation.sync.syncOptions",
    # Of each resource its images alone, and braces: names and messages of thousands would be most of the event.
    "status.operationState.syncResult.resources.images",
    "status.operationState.syncResult.revision",
    "status.operationState.syncResult.revisions",
    "status.history.id",
    "status.history.revision",
    "status.history.revisions",
    "status.history.deployStartedAt",
    "status.history.deployedAt",
    "status.history.initiatedBy",
)

WATCH_FIELDS: tuple[str, ...] = (
    # Without this word an error within the stream comes as `{}`.
    "error",
    # Without this one a deletion that looks like the last change is left out as its repetition.
    "result.type",
    *(f"result.application.{path}" for path in _APPLICATION_FIELDS),
)
"""The ``fields`` of a watch: paths to include, at any depth; lists count as their items (argoproj/pkg
grpc/http/forwarders.go). Argo CD compares paths by characters, so that ``revisions`` brings ``revision`` as well; each
is named nevertheless, for that is no promise."""

_NAMES = "items.metadata.name,items.metadata.namespace"
_PROJECT_SINCE = (3, 5)
_VERSION = re.compile(r"v?([0-9]{1,4})\.([0-9]{1,4})(?![0-9])")


def name_fields(version: tuple[int, int] | None) -> str:
    """Return the ``fields`` of a list of names for a version of Argo CD; None where that isn't known.

    The list knows a fixed set of fields alone, the project among them since 3.5, and passes over others without a word.
    None of these lies within another: 3.5.0 and 3.5.1 answer that with 500 (argo-cd
    pkg/apiclient/application/forwarder_overwrite.go). The list's own resourceVersion comes in any case.
    """
    return f"{_NAMES},items.spec.project" if version is not None and version >= _PROJECT_SINCE else _NAMES


def parse_version(text: str) -> tuple[int, int] | None:
    """Return major and minor of a version as Argo CD writes it, such as ``v3.5.1+1a2b3c4``; None if it is none."""
    match = _VERSION.match(text.strip())
    return (int(match[1]), int(match[2])) if match else None
