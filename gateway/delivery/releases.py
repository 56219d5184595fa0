"""Release checklists: gathers what senders told of a commit, and asks Argo CD about the applications it concerns."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import structlog

from gateway.delivery.checklist import Dossier, Rules, Standing, Windows, check
from gateway.delivery.correlation.keys import WHOLE
from gateway.delivery.correlation.tags import TagPatterns, parse_image
from gateway.delivery.events import name_repository
from gateway.delivery.storage import dossier
from gateway.delivery.storage.repository import Repository
from gateway.errors import GatewayError
from gateway.model.application import ApplicationStatus
from gateway.model.waiver import Waiver, parse_waivers
from gateway.settings.notation import read_file
from gateway.upstream.argocd import ArgoCD
from gateway.upstream.failures import ArgoCDError

AT_ONCE = 8
"""Requests for sync windows that are under way at once, of all checklists together."""

ASKED = 200
"""Applications of one checklist whose windows are asked for."""

_log = structlog.get_logger(__name__)


class AmbiguousError(GatewayError):
    """Several commits begin so; ``candidates`` are their SHAs."""

    def __init__(self, candidates: Iterable[str]) -> None:
        super().__init__("Several commits begin so: write more of the SHA.")
        self.candidates = list(candidates)


class WaiverFile:
    """The file of waivers, read anew when it has changed. One that can't be used lets nothing through."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._seen: bytes | None = None
        self.waivers: tuple[Waiver, ...] = ()
        self.trouble: str | None = None
        """Why the file can't be used, without the values in it."""

    def look(self) -> None:
        """Read the file, if it is another than before."""
        if self._path is None:
            return
        try:
            content = read_file(self._path, Path.read_bytes)
        except ValueError as error:
            self._fail(str(error), None)
            return
        if content == self._seen:
            return
        try:
            self.waivers, self.trouble = parse_waivers(content.decode()), None
        except UnicodeDecodeError:
            self._fail("it isn't text in UTF-8", content)
        except ValueError as error:
            self._fail(str(error), content)
        else:
            self._seen = content
            _log.info("delivery.exceptions_read", count=len(self.waivers))

    def _fail(self, why: str, content: bytes | None) -> None:
        if why != self.trouble:
            _log.error("delivery.exceptions_unusable", file=str(self._path), reason=why)
        self.waivers, self.trouble, self._seen = (), why, content


class Releases:
    """Answers whether commits are ready. ``documents`` returns all applications, ``stale`` why they may be old."""

    def __init__(
        self,
        repository: Repository,
        client: ArgoCD,
        *,
        gate: Mapping[str, int],
        waivers: WaiverFile,
        documents: Callable[[], Mapping[str, ApplicationStatus]],
        stale: Callable[[], str | None],
        clock: Callable[[], float],
    ) -> None:
        self.counts: Counter[str] = Counter()
        """Checklists by their state, and ``windows_failed``."""
        self._repository = repository
        self._client = client
        self._gate = gate
        self._waivers = waivers
        self._documents = documents
        self._stale = stale
        self._clock = clock
        self._asking = asyncio.Semaphore(AT_ONCE)

    async def check(
        self, sha: str, *, sees: Callable[[ApplicationStatus], bool], ignore: frozenset[str] = frozenset()
    ) -> dict[str, Any]:
        """Return the checklist of a commit, or the beginning of one. Raises AmbiguousError.

        ``sees`` says which applications count, ``ignore`` names runs of CI that aren't waited for.
        """
        sha = sha.lower()
        found = await self._repository.database.read(dossier.find_commits, sha)
        if len(found) > 1:
            raise AmbiguousError(found)
        whole = found[0] if found else sha
        documents = [document for document in self._documents().values() if sees(document)]
        tagged = images_of(whole, documents, self._repository.patterns)
        known = await self._repository.database.read(dossier.gather, whole, tagged)
        concerned = [document for document in documents if concerns(document, known, tagged)]
        standings = await asyncio.gather(*(self._stand(document) for document in concerned[:ASKED]))
        standings += [Standing(document=one, why_not="there are too many to ask for") for one in concerned[ASKED:]]
        await asyncio.to_thread(self._waivers.look)
        rules = Rules(gate=self._gate, waivers=self._waivers.waivers, ignore=ignore, trouble=self._waivers.trouble)
        answer = check(known, standings, rules=rules, stale=self._stale(), now=self._clock())
        self.counts[f"checklist_{answer['state']}"] += 1
        return answer

    async def _stand(self, document: ApplicationStatus) -> Standing:
        query = [("appNamespace", document.namespace)]
        if document.project is not None:
            query.append(("project", document.project))
        path = f"/api/v1/applications/{quote(document.name, safe='')}/syncwindows"
        try:
            async with self._asking:
                windows = await self._client.ask(path, query, Windows)
        except ArgoCDError as error:
            self.counts["windows_failed"] += 1
            return Standing(document=document, why_not=error.failure.message)
        return Standing(document=document, windows=windows)


def images_of(sha: str, documents: Iterable[ApplicationStatus], patterns: TagPatterns) -> list[str]:
    """Return the images of applications whose tags name a commit."""
    images = dict.fromkeys(image for document in documents for image in document.images)
    named = ((image, patterns.find(parse_image(image).tag)) for image in images)
    # Four digits would be enough for people, but there are too many commits that begin alike.
    return [image for image, part in named if part and len(part) >= min(7, WHOLE) and sha.startswith(part)]


def concerns(document: ApplicationStatus, known: Dossier, tagged: Iterable[str] = ()) -> bool:
    """Whether an application is made from a commit's repository, or from what that is built to."""
    if any(name_repository(source.repo_url) in known.repositories for source in document.sources):
        return True
    images = set(document.images)
    return not images.isdisjoint(tagged) or any(parse_image(image).name in known.images for image in images)
