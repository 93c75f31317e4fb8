"""Alive and ready are two questions: only the second one asks the database."""

import asyncio
from datetime import timedelta

import asyncpg
import httpx
import pytest
import time_machine
from structlog.testing import capture_logs

from api.app import create_app
from api.foundation import clock, refusals
from api.foundation.database import Entry
from api.foundation.embedded import Addresses
from api.foundation.health import NotMigrated
from api.foundation.jobs import enqueue
from api.foundation.problems import DatabaseUnavailable
from api.settings import Settings
from tests.builders import household_body
from tests.cast import TOWNSHIP, Town, assert_problem, grid_id


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(statement)
    await connection.close()


async def test_a_service_on_a_migrated_database_is_alive_and_ready(town: Town):
    for path in ("/livez", "/readyz"):  # some balancers ask for the head alone
        assert (await town.nobody().head(path)).status_code == 200
    answer = await town.nobody().get("/livez")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    answer = await town.nobody().get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")


async def test_readiness_tells_how_far_behind_the_background_work_is_and_is_none_the_less_ready(
    town: Town, addresses: Addresses
):
    told = (await town.nobody().get("/readyz")).json()
    assert -5 < told.pop("clock_ahead_seconds") < 5
    del told["database_refused"]  # of whatever was tried before
    assert told == {"status": "ok", "oldest_job_seconds": None, "worker_silent_seconds": None}
    async with town.database.connection(Entry.for_the_house(TOWNSHIP)) as connection:
        await enqueue(connection, "nobody.does.it", {})
    past = "SET execute_after = now() - interval '1 hour'"
    await _execute(addresses.owner, f"UPDATE public.pgqueuer {past}")
    await _execute(
        addresses.owner, "UPDATE public.pgqueuer_log SET created = now() - interval '1h'"
    )
    answer = await town.nobody().get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["oldest_job_seconds"] >= 3600
    assert answer.json()["worker_silent_seconds"] >= 3600
    await _execute(addresses.owner, "TRUNCATE public.pgqueuer")


async def test_readiness_tells_that_the_clock_of_the_machine_is_wrong(town: Town):
    with time_machine.travel(clock.now() - timedelta(hours=8)):
        told = (await town.nobody().get("/readyz")).json()
    assert told["status"] == "ok"
    assert -8 * 3600 - 5 < told["clock_ahead_seconds"] < -8 * 3600 + 5


_FULL = """
    CREATE FUNCTION public.no_space() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'No space left on device' USING ERRCODE = 'disk_full'; END
    $$;
    CREATE TRIGGER no_space BEFORE INSERT ON households EXECUTE FUNCTION public.no_space()
"""


async def test_what_the_database_refuses_is_told_to_whoever_sends_it_and_why_to_the_log(
    town: Town,
    owner: asyncpg.Connection,
    ming: httpx.AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
):
    body = household_body(grid=grid_id("t.01.01.01"))
    await owner.execute(_FULL)
    with capture_logs() as log:
        for _ in range(3):
            assert_problem(await ming.post("/v1/households", json=body), DatabaseUnavailable)
    told = [each for each in log if each["event"] == "database_refused"]
    assert [(each["error"], each["sqlstate"]) for each in told] == [
        ("asyncpg.exceptions.DiskFullError", "53100")
    ]
    ready = await town.nobody().get("/readyz")
    assert (ready.status_code, ready.json()["database_refused"]) == (200, "DiskFullError")
    await owner.execute("DROP TRIGGER no_space ON households; DROP FUNCTION public.no_space")
    assert (await ming.post("/v1/households", json=body)).status_code == 201
    with monkeypatch.context() as patch:
        patch.setattr(refusals, "_LATE_SECONDS", 0)
        assert (await town.nobody().get("/readyz")).json()["database_refused"] is None


async def test_a_township_left_behind_by_a_migration_is_named(town: Town, addresses: Addresses):
    version = f"UPDATE cell_{TOWNSHIP}.alembic_version SET version_num = "
    await _execute(addresses.owner, f"{version} '0002'")
    body = assert_problem(await town.nobody().get("/readyz"), NotMigrated)
    assert body["schemas"] == [f"cell_{TOWNSHIP}"]
    assert (await town.nobody().get("/livez")).status_code == 200
    await _execute(
        addresses.owner,
        f"{version} (SELECT version_num FROM cell_451422202.alembic_version)",
    )
    assert (await town.nobody().get("/readyz")).status_code == 200


async def test_a_township_whose_schema_is_missing_is_named(town: Town, addresses: Addresses):
    await _execute(addresses.owner, "INSERT INTO public.cells VALUES ('451422209', '没有', now())")
    body = assert_problem(await town.nobody().get("/readyz"), NotMigrated)
    assert body["schemas"] == ["cell_451422209"]
    await _execute(addresses.owner, "DELETE FROM public.cells WHERE code = '451422209'")


async def test_without_its_database_the_service_is_alive_but_not_ready(
    town: Town, addresses: Addresses
):
    name = addresses.service.rpartition("/")[2]
    forbid = f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS"
    away = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'onegrid_service'"
    )
    elsewhere = addresses.database("postgres").superuser
    await _execute(elsewhere, f"{forbid} false")
    await _execute(elsewhere, f"{away} AND datname = '{name}'")
    answer = await town.nobody().get("/readyz")
    assert_problem(answer, DatabaseUnavailable)
    assert answer.headers["retry-after"]
    assert (await town.nobody().get("/livez")).status_code == 200
    await _execute(elsewhere, f"{forbid} true")
    assert (await town.nobody().get("/readyz")).status_code == 200


async def test_a_server_that_does_the_background_work_too_shows_signs_of_it(settings: Settings):
    app = create_app(settings.model_copy(update={"with_worker": True}))
    async with app.router.lifespan_context(app), Town(app) as town, asyncio.timeout(60):
        while not await _ticked(town):
            await asyncio.sleep(0.1)


async def _ticked(town: Town) -> bool:
    silent: float | None = (await town.nobody().get("/readyz")).json()["worker_silent_seconds"]
    return silent is not None and silent < 60
