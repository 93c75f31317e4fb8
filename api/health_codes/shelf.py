"""Every township's health-code systems beside the application, in no request's transaction.

Configuration is read by a short connection of its own and remembered for some seconds; while the
database does not answer, what was known last still serves.
"""

import asyncio
from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

import orjson
import structlog
from pydantic import ValidationError

from api.foundation.database import Database, Entry
from api.foundation.logs import fault_of
from api.foundation.sealed import Keyring, SealBroken
from api.health_codes.answers import Trouble
from api.health_codes.configured import Configured
from api.health_codes.documents import SystemDocument
from api.health_codes.line import Line

_log = structlog.get_logger()

REMEMBERED_SECONDS = 3.0
MISSING_SECONDS = 0.2
COMMIT_SECONDS = 1.0
SECRETS_CONTEXT = "health_code_systems.secrets"

_READ = "SELECT code, version, base_url, document, secrets_sealed, enabled FROM health_code_systems"


class HealthCodes:
    """The systems of all townships in this process; `of` a township is what `ask` takes."""

    def __init__(self, database: Database, hosts: Collection[str] = ()) -> None:
        self.database = database
        self.hosts = frozenset(host.lower() for host in hosts)
        self._townships: dict[str, Systems] = {}

    def of(self, cell: str) -> "Systems":
        """The systems of one township."""
        if cell not in self._townships:
            self._townships[cell] = Systems(self, cell)
        return self._townships[cell]

    def may_be_asked(self, base_url: str) -> bool:
        """Whether the operator lets this address be asked: any, unless hosts are listed."""
        return not self.hosts or (urlsplit(base_url).hostname or "") in self.hosts

    async def close(self) -> None:
        await asyncio.gather(*(each.close() for each in self._townships.values()))


_opened: WeakKeyDictionary[Database, HealthCodes] = WeakKeyDictionary()


def systems_beside(database: Database) -> HealthCodes:
    """The systems opened beside this database: what background work, which has no app, asks by."""
    return _opened[database]


@asynccontextmanager
async def opened_systems(
    database: Database, hosts: Collection[str] = ()
) -> AsyncGenerator[HealthCodes]:
    """The systems for as long as a process serves or works; only `hosts` are asked, if any."""
    systems = _opened[database] = HealthCodes(database, hosts)
    try:
        yield systems
    finally:
        await systems.close()


class Systems:
    """The systems of one township, each with its line."""

    def __init__(self, house: HealthCodes, cell: str) -> None:
        self._house = house
        self._cell = cell
        self._lines: dict[str, Line | Trouble] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._read_at: float | None = None
        self._changing_until = 0.0
        self._reading = asyncio.Lock()

    def known_line(self, code: str) -> Line | None:
        """The line to a system, if it has been asked before; the database is not."""
        line = self._lines.get(code)
        return line if isinstance(line, Line) else None

    async def line(self, code: str) -> Line | Trouble:
        """The line to a system, or why there is none."""
        if self._is_old(code):
            async with self._reading:
                if self._is_old(code):
                    await self._read_patiently()
        unknown = Trouble.unread if self._read_at is None else Trouble.unknown_system
        return self._lines.get(code, unknown)

    async def configured(self, code: str) -> Configured | Trouble:
        """A system as it is configured this moment, also one that is switched off."""
        rows = {row["code"]: row for row in await self._rows()}
        return self._configured(dict(rows[code])) if code in rows else Trouble.unknown_system

    async def refresh(self) -> None:
        """Read the configuration now; a database that does not answer is told as a problem."""
        async with self._reading:
            await self._read()

    def expect_change(self) -> None:
        """Remember nothing for a moment: a transaction that changes a system is about to commit."""
        self._changing_until = asyncio.get_running_loop().time() + COMMIT_SECONDS

    def _is_old(self, code: str) -> bool:
        """Whether to read again: what is not known yet may have been set up just now."""
        now = asyncio.get_running_loop().time()
        if self._read_at is None or now < self._changing_until:
            return True
        return now - self._read_at > (
            REMEMBERED_SECONDS if code in self._lines else MISSING_SECONDS
        )

    async def _read_patiently(self) -> None:
        try:
            await self._read()
        except Exception as error:  # noqa: BLE001 - what was known last serves on
            _log.warning("health_code_systems_unread", cell=self._cell, **fault_of(error))

    async def _rows(self) -> Sequence[Any]:
        async with self._house.database.connection(Entry.without_reach(self._cell)) as connection:
            return await connection.fetch(_READ)

    async def _read(self) -> None:
        rows = await self._rows()
        lines = {row["code"]: self._opened(dict(row)) for row in rows}
        kept = {id(line) for line in lines.values()}
        for line in self._lines.values():
            if isinstance(line, Line) and id(line) not in kept:
                self._let_go(line)
        self._lines = lines
        self._read_at = asyncio.get_running_loop().time()

    def _opened(self, row: dict[str, Any]) -> Line | Trouble:
        """The line that is there already, or a new one where the configuration is another."""
        line = self.known_line(row["code"])
        if not row["enabled"]:
            return Trouble.switched_off
        if line is not None and line.system.version == row["version"]:
            return line
        configured = self._configured(row)
        if isinstance(configured, Trouble):
            return configured
        return Line(configured, self._house.database.keyring)

    def _configured(self, row: dict[str, Any]) -> Configured | Trouble:
        if not self._house.may_be_asked(row["base_url"]):
            return Trouble.not_set_up
        return _configured(self._cell, row, self._house.database.keyring)

    def _let_go(self, line: Line) -> None:
        task = asyncio.create_task(line.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def close(self) -> None:
        lines = [line for line in self._lines.values() if isinstance(line, Line)]
        self._lines = {}
        await asyncio.gather(*self._closing, *(line.close() for line in lines))


def _configured(cell: str, row: dict[str, Any], keyring: Keyring) -> Configured | Trouble:
    try:
        document = SystemDocument.model_validate_json(row["document"])
        secrets = orjson.loads(keyring.open(row["secrets_sealed"], context=SECRETS_CONTEXT))
    except (ValidationError, SealBroken, orjson.JSONDecodeError) as error:
        _log.error("health_code_system_unusable", system=row["code"], **fault_of(error))
        return Trouble.not_set_up
    if any(name not in secrets for name in document.secrets_needed()):
        return Trouble.not_set_up
    return Configured(
        cell=cell,
        code=row["code"],
        version=row["version"],
        base_url=row["base_url"],
        document=document,
        secrets=secrets,
    )
