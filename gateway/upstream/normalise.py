"""A raw Application into a status document: every shape that Argo CD 2.14 to 3.6 sends, made alike.

Pure translation: no versions are compared and nothing is remembered here.
"""

from collections.abc import Sequence

from gateway.model.application import (
    ApplicationStatus,
    AutoSync,
    Condition,
    Deployment,
    Destination,
    Detail,
    Health,
    InitiatedBy,
    Observed,
    Operation,
    OperationDetail,
    Owner,
    Source,
    Sync,
)
from gateway.upstream.raw import (
    RawApplication,
    RawDestination,
    RawHealth,
    RawInitiatedBy,
    RawMetadata,
    RawOperation,
    RawRevisions,
    RawSource,
    RawSpec,
    RawStatus,
    RawSync,
    RawSyncPolicy,
    RawSyncResult,
)

MESSAGE_LIMIT = 1_000
"""Characters of a message in the status document; the whole message is in the detail."""

INFO_LIMIT = 500
"""Characters of a name or value in an operation's ``info``: anybody who may sync may write there."""

COUNT_LIMIT = 50
"""Pairs and resources of an operation that are kept."""

_COMPLETED = frozenset({"Succeeded", "Failed", "Error"})


def normalise(raw: RawApplication) -> Observed:
    """Return the status document of an application, and its detail."""
    metadata, spec, status = raw.metadata, raw.spec, raw.status
    operation, operation_message = _operation(raw)
    health = _health(status.health)
    conditions = tuple(
        Condition(type=condition.type, message=cut(condition.message), since=condition.last_transition_time)
        for condition in status.conditions or ()
    )
    summary = status.summary
    return Observed(
        version=int(metadata.resource_version),
        uid=metadata.uid,
        document=ApplicationStatus(
            key=f"{metadata.namespace}/{metadata.name}",
            name=metadata.name,
            namespace=metadata.namespace,
            # Empty means the project `default`; absent means that the request couldn't ask for it.
            project="default" if spec.project == "" else spec.project,
            labels=metadata.labels or None,
            owner=_owner(metadata),
            destination=_destination(spec.destination),
            sources=_sources(spec),
            auto_sync=_auto_sync(spec.sync_policy),
            sync=_sync(status.sync),
            health=health,
            operation=operation,
            images=tuple((summary and summary.images) or ()),
            urls=tuple((summary and summary.external_urls) or ()),
            conditions=conditions,
            created_at=metadata.creation_timestamp,
            deletion_timestamp=metadata.deletion_timestamp,
        ),
        detail=Detail(
            history=_history(status),
            operation=_operation_detail(raw) if operation else None,
            health_message=_whole(status.health.message) if status.health and health else None,
            operation_message=_whole(operation_message),
            condition_messages=_whole_messages([condition.message for condition in status.conditions or ()]),
        ),
    )


def cut(message: str) -> str | None:
    """Return a message as the document carries it: None if empty, ended by ``…`` where it was too long."""
    if len(message) > MESSAGE_LIMIT:
        return message[:MESSAGE_LIMIT] + "…"
    return message or None


def _whole(message: str) -> str | None:
    return message if len(message) > MESSAGE_LIMIT else None


def _whole_messages(messages: Sequence[str]) -> tuple[str | None, ...]:
    whole = tuple(_whole(message) for message in messages)
    return whole if any(whole) else ()


def _revisions(raw: RawRevisions | None) -> tuple[str, ...]:
    if raw is None:
        return ()
    return tuple(raw.revisions or ((raw.revision,) if raw.revision else ()))


def _owner(metadata: RawMetadata) -> Owner | None:
    owners = metadata.owner_references or ()
    chosen = next((owner for owner in owners if owner.controller), owners[0] if owners else None)
    return Owner(kind=chosen.kind, name=chosen.name) if chosen else None


def _destination(raw: RawDestination | None) -> Destination | None:
    if raw is None or not (raw.server or raw.name or raw.namespace):
        return None
    return Destination(server=raw.server or None, name=raw.name or None, namespace=raw.namespace or None)


def _sources(spec: RawSpec) -> tuple[Source, ...]:
    """Return the effective sources: the hydrator's, else those of a multi-source application, else the one."""
    hydrator = spec.source_hydrator
    if hydrator is not None and hydrator.sync_source is not None:
        synced = hydrator.sync_source
        repo_url = synced.repo_url or (hydrator.dry_source.repo_url if hydrator.dry_source else "")
        return (Source(repo_url=repo_url, path=synced.path or None, target_revision=synced.target_branch or None),)
    raw: Sequence[RawSource] = spec.sources or ((spec.source,) if spec.source else ())
    return tuple(
        Source(
            repo_url=source.repo_url,
            path=source.path or None,
            target_revision=source.target_revision or None,
            chart=source.chart or None,
            ref=source.ref or None,
        )
        for source in raw
        if source.repo_url
    )


def _auto_sync(policy: RawSyncPolicy | None) -> AutoSync | None:
    automated = policy.automated if policy else None
    if automated is None or automated.enabled is False:
        return None
    return AutoSync(prune=bool(automated.prune), self_heal=bool(automated.self_heal))


def _sync(raw: RawSync | None) -> Sync | None:
    if raw is None or not (raw.status or raw.revision or raw.revisions):
        return None
    return Sync(status=raw.status or None, revisions=_revisions(raw))


def _health(raw: RawHealth | None) -> Health | None:
    if raw is None or not raw.status:
        return None
    return Health(status=raw.status, message=cut(raw.message), since=raw.last_transition_time)


def _initiated_by(raw: RawInitiatedBy | None) -> InitiatedBy | None:
    if raw is None or not (raw.username or raw.automated):
        return None
    return InitiatedBy(username=raw.username or None, automated=raw.automated)


def _is_waiting(raw: RawApplication) -> bool:
    state = raw.status.operation_state
    return raw.operation is not None and (state is None or state.phase in _COMPLETED)


def _operation(raw: RawApplication) -> tuple[Operation | None, str]:
    """Return the operation to show, and its whole message.

    A requested operation that hasn't begun shows as running, "waiting to start", as on Argo CD's own page. That
    includes the moment at the start of each one at which ``operationState`` is absent.
    """
    requested, state = raw.operation, raw.status.operation_state
    if requested is not None and _is_waiting(raw):
        waiting = Operation(
            phase="Running",
            revisions=_revisions(requested.sync),
            initiated_by=_initiated_by(requested.initiated_by),
            message="waiting to start",
        )
        return waiting, ""
    if state is None or not state.phase:
        return None, ""
    asked = state.operation
    shown = Operation(
        phase=state.phase,
        started_at=state.started_at,
        finished_at=state.finished_at,
        # Until there is a result, a sync is known by the revisions that it was asked for.
        revisions=_revisions(state.sync_result) or _revisions(asked.sync if asked else None),
        initiated_by=_initiated_by(asked.initiated_by if asked else None),
        retry_count=state.retry_count or 0,
        message=cut(state.message),
    )
    return shown, state.message


def _operation_detail(raw: RawApplication) -> OperationDetail | None:
    """Return what else there is to know of the operation that is shown; None where that is nothing."""
    state = raw.status.operation_state
    if _is_waiting(raw):
        detail = _asked_for(raw.operation, None)
    else:
        detail = _asked_for(state.operation if state else None, state.sync_result if state else None)
    return None if detail == OperationDetail() else detail


def _asked_for(raw: RawOperation | None, result: RawSyncResult | None) -> OperationDetail:
    sync = raw.sync if raw else None
    info = (raw.info if raw else None) or ()
    resources = (sync.resources if sync else None) or ()
    images = {image for resource in (result.resources if result else None) or () for image in resource.images or ()}
    return OperationDetail(
        info=tuple((pair.name[:INFO_LIMIT], pair.value[:INFO_LIMIT]) for pair in info[:COUNT_LIMIT]),
        dry_run=bool(sync and sync.dry_run),
        resources=tuple(
            "/".join(part for part in (one.group, one.kind, one.name) if part) for one in resources[:COUNT_LIMIT]
        ),
        only_changed=bool(sync and "ApplyOutOfSyncOnly=true" in (sync.sync_options or ())),
        images=tuple(sorted(images)) or None,
    )


def _history(status: RawStatus) -> tuple[Deployment, ...]:
    return tuple(
        Deployment(
            id=entry.id,
            revisions=_revisions(entry),
            started_at=entry.deploy_started_at,
            deployed_at=entry.deployed_at,
            initiated_by=_initiated_by(entry.initiated_by),
        )
        for entry in status.history or ()
    )
