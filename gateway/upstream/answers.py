"""The shapes of Argo CD's short answers, as far as the gateway reads them."""

import msgspec


class _ListMeta(msgspec.Struct, rename="camel"):
    """A list's own version."""

    resource_version: str = ""


class _ItemMeta(msgspec.Struct):
    """An item's name."""

    name: str
    namespace: str


class _ItemSpec(msgspec.Struct):
    """An item's project, where this version of Argo CD tells it."""

    project: str | None = None


class _Item(msgspec.Struct):
    """An application, by its name alone."""

    metadata: _ItemMeta
    spec: _ItemSpec = msgspec.field(default_factory=_ItemSpec)


class NameList(msgspec.Struct):
    """The list of names."""

    metadata: _ListMeta = msgspec.field(default_factory=_ListMeta)
    items: list[_Item] | None = None


class UserInfo(msgspec.Struct, rename="camel"):
    """Who Argo CD takes us for."""

    logged_in: bool = False
    username: str = ""


class Permission(msgspec.Struct):
    """Whether something is permitted: ``yes`` or ``no``."""

    value: str


class Version(msgspec.Struct, rename="pascal"):
    """Argo CD's version."""

    version: str = ""
