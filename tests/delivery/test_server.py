"""PostgreSQL as a server: how it is reached, what it may be denied, how its shape changes while versions differ."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any
from urllib.parse import quote

import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from gateway.delivery.storage import migrations
from gateway.delivery.storage.check import describe
from gateway.delivery.storage.database import Database, DatabaseError
from gateway.delivery.storage.dialling import UnreachableError
from gateway.delivery.storage.migrations import judge_shape, upgrade
from gateway.settings.secret import parse_database
from tests.delivery.desk import PLACES, Desk
from tests.postgres import PASSWORD, Postgres

SAFE = quote(PASSWORD, safe="")


async def ask(url: str, statement: str = "SELECT 1") -> Any:
    database = Database(url)
    await database.open(migrate=False)
    try:
        return await database.read(lambda one: one.execute(text(statement)).scalar())
    finally:
        await database.close()


def read(url: str) -> str:
    return parse_database(url).get_secret_value()


# How it is reached.


@pytest.mark.parametrize(
    "form",
    [
        "postgresql://owner:{password}@localhost:{port}/{name}",
        "postgres://owner:{password}@localhost:{port}/{name}",
        "  postgresql+asyncpg://owner:{password}@localhost:{port}/{name}\n",
        "postgresql://owner:{password}@localhost:{port}/{name}?sslmode=require&application_name=mine",
        "postgresql://owner:{password}@localhost:{port}/{name}?sslmode=verify-full&sslrootcert={ca}",
        "postgresql://owner:{password}@127.0.0.1:1,localhost:{port}/{name}?target_session_attrs=read-write",
        "postgresql:///{name}?host={folder}&port={port}&user=owner",
    ],
)
async def test_each_way_to_write_the_address_is_understood(postgres: Postgres, form: str) -> None:
    name = postgres.create()
    url = form.format(password=SAFE, port=postgres.port, name=name, ca=postgres.ca, folder=postgres.ca.parent)
    assert await ask(read(url), "SELECT current_database()") == name
    encrypted = await ask(read(url), "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
    assert encrypted is ("@" in form)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("postgresql://owner:wrong-secret@localhost:{port}/{name}", "refuses the login .*check user"),
        ("postgresql://owner:{password}@localhost:{port}/nothing", "does not exist; create it"),
        ("postgresql://owner:{password}@localhost:{port}/{name}?sslmode=verify-full", "isn't trusted .*sslrootcert"),
        (
            "postgresql://owner:{password}@localhost:{port}/{name}?sslmode=verify-full&sslrootcert=system",
            "isn't trusted",
        ),
        ("postgresql://owner:{password}@localhost:{port}/{name}?no_such_parameter=1", "unrecognized configuration"),
    ],
)
async def test_what_does_not_pass_by_itself_says_what_to_do_and_no_secret(
    postgres: Postgres, url: str, why: str
) -> None:
    address = read(url.format(password=SAFE, port=postgres.port, name=postgres.create()))
    with pytest.raises(DatabaseError, match=why) as error:
        await Database(address).open()
    assert not isinstance(error.value, UnreachableError)
    for secret in (PASSWORD, SAFE, "wrong-secret", address):
        assert secret not in str(error.value)
        assert secret not in repr(Database(address))


async def test_a_server_that_is_away_may_come_back(postgres: Postgres) -> None:
    with pytest.raises(UnreachableError, match="can't be reached"):
        await Database(read(f"postgresql://owner:{SAFE}@localhost:1/history")).open()


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("postgresql://", "name the host"),
        ("postgresql:///history", "name the host"),
        ("postgresql://o:geheim@h/d?sslmode=full", "sslmode is one of"),
        ("postgresql://o:geheim@h/d?sslmode=verify-full&sslrootcert=/nowhere.pem", "can't be read"),
        ("postgresql://o:geheim@[h/d", "can't be understood"),
        ("mysql://o:geheim@h/d", "postgresql://user:password@host/name"),
    ],
)
def test_an_address_that_cannot_be_meant_is_refused_without_repeating_it(url: str, why: str) -> None:
    with pytest.raises(ValueError, match=why) as error:
        parse_database(url)
    assert "geheim" not in str(error.value)


async def test_a_202_is_durable_even_where_the_server_is_set_not_to_be(postgres: Postgres) -> None:
    name = postgres.create()
    postgres.query(f"ALTER DATABASE {name} SET synchronous_commit = off")
    assert await ask(postgres.url(name), "SHOW synchronous_commit") == "on"
    assert await ask(postgres.url(name), "SHOW default_transaction_isolation") == "read committed"


# What it may be denied.


async def test_a_role_that_may_not_make_tables_is_told_so_and_one_that_needs_not_works(postgres: Postgres) -> None:
    name = postgres.create()
    postgres.query("DROP ROLE IF EXISTS plain; CREATE ROLE plain LOGIN")
    url = postgres.url(name).replace("owner@", "plain@")
    with pytest.raises(DatabaseError, match="may not make tables"):
        await describe(url)
    with pytest.raises(DatabaseError, match="CREATE on it"):
        await Database(url).open()
    assert "empty" in await describe(postgres.url(name))
    owner = Database(postgres.url(name))
    await owner.open()
    await owner.close()
    tables = "SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO plain"
    postgres.query(f"GRANT {tables}; GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO plain", name)
    assert "ready" in await describe(url)
    database = Database(url)
    await database.open()
    desk = Desk(database)
    desk.runner.lead()
    running = asyncio.create_task(desk.runner.run())
    assert (await desk.push("a" * 40)).id == 1
    await desk.settled()
    (delivery,) = await desk.repository.browse()
    assert delivery["outcome"] == "processed"
    await desk.repository.sweep(now=desk.now + 1e8, retention=1.0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await database.close()


# How its shape changes.


@pytest.fixture
def place(storage: None, tmp_path: Any) -> str:
    url = PLACES.find(tmp_path / "history.db")
    assert url is not None
    return url


async def test_many_that_start_at_once_make_the_tables_once(postgres: Postgres) -> None:
    url = postgres.url(postgres.create())
    databases = [Database(url, pool=3) for _ in range(8)]
    await asyncio.gather(*(database.open() for database in databases))
    assert await ask(url, "SELECT count(*) FROM leadership") == 1
    await asyncio.gather(*(database.close() for database in databases))


async def change(url: str, *statements: str) -> None:
    database = Database(url)
    await database.open()
    for statement in statements:
        await database.write(lambda one, statement=statement: one.execute(text(statement)))  # type: ignore[misc]
    await database.close()


async def test_beside_a_newer_version_that_only_added_one_works_and_changes_nothing(place: str) -> None:
    await change(
        place,
        "ALTER TABLE deliveries ADD COLUMN colour VARCHAR",
        "CREATE TABLE colours (name VARCHAR)",
        "UPDATE alembic_version SET version_num = '9001'",
        "UPDATE compatibility SET works_from = '0003'",
    )
    assert "newer version" in await describe(place)
    database = Database(place)
    await database.open()
    desk = Desk(database)
    assert (await desk.push("a" * 40)).duplicate is False
    await database.close()
    assert await ask(place, "SELECT version_num FROM alembic_version") == "9001"


async def test_a_shape_that_this_version_cannot_work_with_is_refused_and_left_alone(place: str) -> None:
    await change(
        place,
        "UPDATE alembic_version SET version_num = '9002'",
        "UPDATE compatibility SET works_from = '9001'",
    )
    with pytest.raises(DatabaseError, match=r"shape 9002, and this one knows 0003; run the newer version"):
        await Database(place).open()
    with pytest.raises(DatabaseError, match="newer version"):
        await describe(place)


async def test_the_version_before_goes_on_writing_after_each_step(place: str) -> None:
    """Each step only adds: what the program of the step before writes is accepted, and read by today's."""
    database = Database(place)
    await database.open(migrate=False)
    script = ScriptDirectory.from_config(migrations._configure())
    steps = [step.revision for step in reversed(list(script.walk_revisions()))]
    for number, (before, after) in enumerate(itertools.pairwise(steps)):
        await database.write(upgrade, to=before)
        tables = await database.read(reflect)
        await database.write(upgrade, to=after)
        await database.write(insert_into_each, tables, f"row-{number}")
        assert await database.read(lambda one: judge_shape(one)[1]) == after
    await database.close()


def reflect(connection: Connection) -> list[sa.Table]:
    metadata = sa.MetaData()
    metadata.reflect(connection)
    return [table for table in metadata.sorted_tables if table.name != "alembic_version"]


def insert_into_each(connection: Connection, tables: list[sa.Table], name: str) -> None:
    for table in tables:
        row: dict[str, Any] = {}
        for column in table.columns:
            if isinstance(column.type, sa.LargeBinary):
                row[column.name] = b"{}"
            elif isinstance(column.type, sa.Float):
                row[column.name] = 1.0
            elif isinstance(column.type, sa.Integer):
                row[column.name] = 7
            else:
                row[column.name] = name
        connection.execute(
            table.insert().values({key: value for key, value in row.items() if key != "id" or value != 7})
        )
