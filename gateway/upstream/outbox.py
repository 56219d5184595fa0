"""What one step of the reflector wants done, gathered by its parts in order."""

from collections.abc import Sequence

from gateway.upstream.messages import CloseWatch, Command, Note


class Outbox:
    """Commands for the shell."""

    def __init__(self) -> None:
        self._commands: list[Command] = []

    def put(self, command: Command) -> None:
        """Have something done."""
        self._commands.append(command)

    def close(self, streams: list[int]) -> None:
        """Have watches closed."""
        self._commands += [CloseWatch(stream=stream) for stream in streams]

    def note(self, event: str, *, warning: bool = False, **fields: object) -> None:
        """Have something logged."""
        self._commands.append(Note(event=event, warning=warning, fields=fields))

    def repaired(self, kind: str, keys: Sequence[str]) -> None:
        """Have it logged that Argo CD's stream had lost something, which is mended now."""
        self.note("upstream.repaired", warning=True, kind=kind, count=len(keys), keys=list(keys[:10]))

    def take(self) -> list[Command]:
        """Return what was gathered since the last call."""
        commands, self._commands = self._commands, []
        return commands
