"""The state file: what comes back, and what is passed over."""

import stat
from pathlib import Path

import msgspec
import pytest

from gateway.model.application import ApplicationStatus, Detail, Observed, OperationDetail, Sync, Tombstone
from gateway.store.file import StateFileError, encode, load, name_source, save

SOURCE = name_source("https://argocd.example.org", ("b", "a"))


def observed(name: str) -> Observed:
    document = ApplicationStatus(
        key=f"argocd/{name}",
        name=name,
        namespace="argocd",
        project="p",
        labels={"team": "t"},
        sync=Sync(status="Synced", revisions=("abc",), since="2026-11-20T23:17:49Z", at_least=True),
    )
    return Observed(version=7, uid="u", document=document, detail=Detail(health_message="long"))


def content(source: str = SOURCE) -> bytes:
    return encode(
        source=source,
        as_of=10.0,
        verified_at=9.0,
        applications={"argocd/a": observed("a")},
        tombstones={"argocd/b": Tombstone(5, 1.0)},
    )


def test_what_was_saved_comes_back_whole(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    save(path, content())
    stored = load(path, source=SOURCE)
    assert stored is not None
    assert stored.applications == (observed("a"),)
    assert stored.tombstones == {"argocd/b": Tombstone(5, 1.0)}
    assert (stored.as_of, stored.verified_at) == (10.0, 9.0)


def test_what_deployments_need_of_an_operation_comes_back_and_an_older_file_lacks_it(tmp_path: Path) -> None:
    detail = OperationDetail(info=(("commit", "abc"),), resources=("ConfigMap/a",), images=("web:1",))
    whole = msgspec.structs.replace(observed("a"), detail=Detail(operation=detail))
    data = encode(source=SOURCE, as_of=1.0, verified_at=None, applications={"argocd/a": whole}, tombstones={})
    path = tmp_path / "state.json"
    for content, expected in ((data, detail), (data.replace(b'"operation":', b'"unknown":'), None)):
        save(path, content)
        stored = load(path, source=SOURCE)
        assert stored is not None
        assert stored.applications[0].detail.operation == expected


def test_the_file_is_for_its_owner_alone_and_replaced_in_one_step(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    save(path, b"old")
    save(path, content())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["state.json"]


def test_there_is_nothing_before_the_first_save(tmp_path: Path) -> None:
    assert load(tmp_path / "state.json", source=SOURCE) is None


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "damaged"),
        (b"\xff\xfe", "damaged"),
        (content()[:-20], "damaged"),
        (b'{"format":1}', "damaged"),
        (content().replace(b'"format":1', b'"format":99'), "format 99"),
        (content(name_source("https://other.example.org", ())), "another Argo CD"),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_reason(tmp_path: Path, data: bytes, reason: str) -> None:
    path = tmp_path / "state.json"
    path.write_bytes(data)
    with pytest.raises(StateFileError, match=reason):
        load(path, source=SOURCE)


def test_a_folder_in_its_place_is_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(StateFileError, match="can't be read"):
        load(tmp_path, source=SOURCE)


def test_nothing_is_left_behind_when_saving_fails(tmp_path: Path) -> None:
    (tmp_path / "state.json").mkdir()
    (tmp_path / "state.json" / "in the way").touch()
    with pytest.raises(OSError, match=r"."):
        save(tmp_path / "state.json", b"new")
    assert [file.name for file in tmp_path.iterdir()] == ["state.json"]


def test_the_choice_of_projects_is_part_of_the_source_and_its_order_is_not() -> None:
    assert name_source("https://a", ("x", "y")) == name_source("https://a", ("y", "x"))
    assert name_source("https://a", ("x",)) != name_source("https://a", ())
