"""What an operator types, on a real server, and what is said when it cannot be done."""

import asyncio
import io
import secrets
import socket
import sys
from collections.abc import Callable, Iterator
from typing import NamedTuple

import asyncpg
import httpx
import pytest

from api.app import create_app
from api.cli import main
from api.foundation.embedded import Addresses
from api.foundation.sealed import new_key
from api.settings import load_settings
from tests.cast import TOWNSHIP

PASSWORD = "Qingzhu-shan-2022"


class Said(NamedTuple):
    code: int
    out: str
    err: str


Typed = Callable[..., Said]


class Bare(NamedTuple):
    """A database with nothing in it, and the addresses of two roles made for it."""

    superuser: str
    owner: str
    service: str

    def as_(self, role: str) -> str:
        return self.service.replace(self.service_role, role)

    @property
    def service_role(self) -> str:
        return self.service.split("//")[1].split(":")[0]

    @property
    def owner_role(self) -> str:
        return self.owner.split("//")[1].split(":")[0]

    def run(self, statement: str) -> None:
        _execute(self.superuser, statement)


def _execute(url: str, statement: str) -> None:
    async def execute() -> None:
        connection = await asyncpg.connect(url)
        await connection.execute(statement)
        await connection.close()

    asyncio.run(execute())


@pytest.fixture
def bare(server: Addresses) -> Iterator[Bare]:
    name = f"bare_{secrets.token_hex(4)}"
    owner, service = f"{name}_owner", f"{name}_service"
    for role in (owner, service):
        _execute(server.superuser, f"CREATE ROLE {role} LOGIN PASSWORD 'word'")
    _execute(server.superuser, f"CREATE DATABASE {name} OWNER {owner}")
    at = server.superuser.rpartition("@")[2].rpartition("/")[0]
    yield Bare(
        server.database(name).superuser,
        *(f"postgresql://{role}:word@{at}/{name}" for role in (owner, service)),
    )
    _execute(server.superuser, f"DROP DATABASE {name} WITH (FORCE)")
    for role in (owner, service):
        _execute(server.superuser, f"DROP ROLE {role}")


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, bare: Bare) -> pytest.MonkeyPatch:
    """What an operator has set: both roles and the secrets."""
    monkeypatch.setenv("ONEGRID_DATABASE_URL", bare.service)
    monkeypatch.setenv("ONEGRID_OWNER_DATABASE_URL", bare.owner)
    monkeypatch.setenv("ONEGRID_SEALING_KEYS", f"2022a:{new_key()}")
    monkeypatch.setenv("ONEGRID_LOOKUP_KEY", new_key())
    return monkeypatch


@pytest.fixture
def onegrid(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Typed:
    def run(*words: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["onegrid", *words])
        code = 0
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        told = capsys.readouterr()
        return Said(code, str(told.out), str(told.err))

    return run


def test_migrating_with_two_roles_leaves_the_service_role_all_it_needs_and_no_more(
    environment: pytest.MonkeyPatch, onegrid: Typed, bare: Bare
):
    assert onegrid("migrate") == Said(0, "Migrated: public and 0 cells.\n", "")
    assert onegrid("cells", "create", TOWNSHIP, "青竹乡").code == 0
    assert onegrid("migrate").out == "Migrated: public and 1 cells.\n"
    assert onegrid("cells", "list").out == f"{TOWNSHIP}\t青竹乡\n"
    environment.delenv("ONEGRID_OWNER_DATABASE_URL")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        said = onegrid("serve", "--port", str(taken.getsockname()[1]))
    assert said.code == 2
    assert "Cannot listen" in said.err, "the role and the tables are good, so it came that far"


def test_without_the_owners_address_it_says_what_to_create_and_set(
    environment: pytest.MonkeyPatch, onegrid: Typed
):
    environment.delenv("ONEGRID_OWNER_DATABASE_URL")
    said = onegrid("migrate")
    assert said.code == 2
    assert "ONEGRID_OWNER_DATABASE_URL is not set" in said.err
    assert "CREATE ROLE onegrid_service LOGIN" in said.err


def test_without_the_services_address_it_says_so(environment: pytest.MonkeyPatch, onegrid: Typed):
    environment.delenv("ONEGRID_DATABASE_URL")
    said = onegrid("migrate")
    assert said.code == 2
    assert "ONEGRID_DATABASE_URL, the address of the service role" in said.err


def test_one_role_for_both_is_refused_by_migrating_and_by_serving(
    environment: pytest.MonkeyPatch, onegrid: Typed, bare: Bare
):
    assert onegrid("migrate").code == 0
    environment.setenv("ONEGRID_DATABASE_URL", bare.owner)
    for command in ("migrate", "serve"):
        said = onegrid(command)
        assert said.code == 2
        assert "owns the tables" in said.err
        assert "CREATE ROLE onegrid_service LOGIN" in said.err


@pytest.mark.parametrize(
    ("might", "told"), [("SUPERUSER", "is a superuser"), ("BYPASSRLS", "bypasses row security")]
)
def test_a_role_that_row_security_does_not_bind_is_refused(
    environment: pytest.MonkeyPatch, onegrid: Typed, bare: Bare, might: str, told: str
):
    bare.run(f"ALTER ROLE {bare.service_role} {might}")
    for command in ("migrate", "serve"):
        said = onegrid(command)
        assert (said.code, told in said.err) == (2, True), said.err


def test_a_member_of_the_owner_is_refused(
    environment: pytest.MonkeyPatch, onegrid: Typed, bare: Bare
):
    bare.run(f"GRANT {bare.owner_role} TO {bare.service_role}")
    said = onegrid("migrate")
    assert (said.code, "is a member of their owner" in said.err) == (2, True), said.err


def test_a_service_role_that_does_not_exist_is_told_with_the_statement_that_makes_it(
    environment: pytest.MonkeyPatch, onegrid: Typed, bare: Bare
):
    environment.setenv("ONEGRID_DATABASE_URL", bare.as_("nobody_here"))
    said = onegrid("migrate")
    assert said.code == 2
    assert "'nobody_here' of ONEGRID_DATABASE_URL does not exist" in said.err
    assert "CREATE ROLE" in said.err


def test_an_owner_that_may_not_create_is_told_what_to_grant(
    environment: pytest.MonkeyPatch, onegrid: Typed, bare: Bare
):
    bare.run(f"ALTER DATABASE {bare.owner.rpartition('/')[2]} OWNER TO CURRENT_USER")
    said = onegrid("migrate")
    assert said.code == 2
    assert f"OWNER TO {bare.owner_role};" in said.err


def test_serving_tables_that_are_not_migrated_says_what_to_run(
    environment: pytest.MonkeyPatch, onegrid: Typed
):
    said = onegrid("serve")
    assert said.code == 2
    assert "Run `onegrid migrate`" in said.err


def test_a_wrong_password_is_told_without_telling_the_password(
    environment: pytest.MonkeyPatch, onegrid: Typed, bare: Bare
):
    environment.setenv("ONEGRID_OWNER_DATABASE_URL", bare.owner.replace(":word@", ":wr0ng@"))
    said = onegrid("migrate")
    assert said.code == 2
    assert "Cannot connect to the database at 127.0.0.1" in said.err
    assert "wr0ng" not in said.err


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("ONEGRID_SEALING_KEYS", "", "ONEGRID_SEALING_KEYS is not set"),
        ("ONEGRID_LOOKUP_KEY", "", "ONEGRID_LOOKUP_KEY is not set"),
        ("ONEGRID_LOOKUP_KEY", "c2hvcnQ=", "ONEGRID_LOOKUP_KEY must hold keys of 32 bytes"),
        ("ONEGRID_POOL_SIZE", "many", "ONEGRID_POOL_SIZE is not usable"),
        ("ONEGRID_DATABASE_URL", "mysql://x", "ONEGRID_DATABASE_URL is not usable: must begin"),
        ("ONEGRID_PUBLIC_URL", "onegrid.example", "ONEGRID_PUBLIC_URL is not usable: must be"),
        ("ONEGRID_GRID_CODE_PATTERN", "(", "ONEGRID_GRID_CODE_PATTERN is not usable: is no"),
    ],
)
def test_a_missing_or_broken_setting_stops_the_start_with_its_name(
    environment: pytest.MonkeyPatch, onegrid: Typed, name: str, value: str, told: str
):
    environment.setenv(name, value)
    said = onegrid("serve")
    assert said.code == 2
    assert told in said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize("code", ["abc", "12345", "4514222", "1; DROP SCHEMA public"])
def test_a_cell_has_a_division_code(environment: pytest.MonkeyPatch, onegrid: Typed, code: str):
    onegrid("migrate")
    said = onegrid("cells", "create", code, "青竹乡")
    assert (said.code, "is not a division code" in said.err) == (2, True)


def _sign_in(login: str, password: str) -> httpx.Response:
    async def ask() -> httpx.Response:
        app = create_app(load_settings())
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://test") as client,
        ):
            return await client.post("/v1/sign-in", json={"login": login, "password": password})

    return asyncio.run(ask())


@pytest.fixture
def township(environment: pytest.MonkeyPatch, onegrid: Typed) -> None:
    assert onegrid("migrate").code == 0
    assert onegrid("cells", "create", TOWNSHIP, "青竹乡").code == 0


FIRST = ("accounts", "create-administrator", "--cell", TOWNSHIP, "--account", "Gu", "--name", "顾")


def test_the_first_administrator_signs_in_with_the_password_that_was_set(
    township: None, environment: pytest.MonkeyPatch, onegrid: Typed
):
    environment.setenv("ONEGRID_NEW_PASSWORD", PASSWORD)
    assert onegrid(*FIRST) == Said(0, "gu can sign in.\n", "")
    tokens = _sign_in("gu", PASSWORD).json()
    assert (tokens["post"]["role"], tokens["post"]["level"]) == ("administrator", 1)
    assert tokens["must_change_password"] is False


def test_a_password_that_was_made_is_shown_once_and_to_be_changed(township: None, onegrid: Typed):
    said = onegrid(*FIRST)
    made = said.out.split()[-1]
    assert _sign_in("gu", made).json()["must_change_password"] is True


def test_an_administrator_is_not_opened_twice_nor_where_there_is_no_township(
    township: None, onegrid: Typed
):
    assert onegrid(*FIRST).code == 0
    assert "already an account named gu" in onegrid(*FIRST).err
    elsewhere = [each.replace(TOWNSHIP, "451422299").replace("Gu", "other") for each in FIRST]
    said = onegrid(*elsewhere)
    assert (said.code, "no cell 451422299" in said.err) == (2, True), said.err


def test_a_reset_password_replaces_the_former_and_is_read_from_standard_input(
    township: None, environment: pytest.MonkeyPatch, onegrid: Typed
):
    former = onegrid(*FIRST).out.split()[-1]
    environment.setattr(sys, "stdin", io.StringIO(f"{PASSWORD}\n"))
    reset = ("accounts", "reset-password", "--account", "GU", "--password-stdin")
    assert onegrid(*reset).out == "gu can sign in.\n"
    assert _sign_in("gu", former).status_code == 401
    assert _sign_in("gu", PASSWORD).status_code == 200


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--account", "stranger"), "no account named stranger"),
        (("--account", "13800000001"), "is not an account name"),
    ],
)
def test_only_an_account_that_is_there_is_reset(
    township: None, onegrid: Typed, words: tuple[str, ...], told: str
):
    said = onegrid("accounts", "reset-password", *words)
    assert (said.code, told in said.err) == (2, True), said.err


@pytest.mark.parametrize("password", ["short", "long" * 51])
def test_a_password_with_which_nobody_could_sign_in_is_refused(
    township: None, environment: pytest.MonkeyPatch, onegrid: Typed, password: str
):
    environment.setenv("ONEGRID_NEW_PASSWORD", password)
    assert "10 to 200 characters" in onegrid(*FIRST).err


def test_fresh_secrets_are_printed_as_lines_that_the_service_reads(
    environment: pytest.MonkeyPatch, onegrid: Typed
):
    for line in onegrid("keys", "secrets").out.splitlines():
        environment.setenv(*line.split("=", 1))
    keyring = load_settings().keyring()
    assert keyring.open(keyring.seal("韦", context="test"), context="test") == "韦"


def test_other_sealing_keys_than_the_datas_are_told(
    township: None, environment: pytest.MonkeyPatch, onegrid: Typed
):
    assert onegrid("keys", "new").code == 0
    environment.setenv("ONEGRID_SEALING_KEYS", f"2023a:{new_key()}")
    said = onegrid("serve")
    assert (said.code, "are not those of this database" in said.err) == (2, True)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("ONEGRID_LOOKUP_KEY", "ONEGRID_LOOKUP_KEY is not that of this database"),
        ("ONEGRID_SEALING_KEYS", "ONEGRID_SEALING_KEYS are not those"),
    ],
)
@pytest.mark.parametrize("words", [("serve",), ("worker",), ("keys", "new"), FIRST])
def test_with_other_keys_than_the_datas_nothing_is_begun(
    township: None,
    environment: pytest.MonkeyPatch,
    onegrid: Typed,
    words: tuple[str, ...],
    name: str,
    told: str,
):
    assert onegrid("keys", "new").code == 0
    environment.setenv(name, f"{'2023a:' * name.endswith('KEYS')}{new_key()}")
    said = onegrid(*words)
    assert (said.code, told in said.err) == (2, True), said.err


def test_a_database_from_before_is_known_by_what_signs_its_tokens(
    township: None, environment: pytest.MonkeyPatch, onegrid: Typed, bare: Bare
):
    assert onegrid("keys", "new").code == 0
    bare.run("DELETE FROM public.keyring_marks")
    environment.setenv("ONEGRID_SEALING_KEYS", f"2023a:{new_key()}")
    said = onegrid("keys", "new")
    assert (said.code, "ONEGRID_SEALING_KEYS are not those" in said.err) == (2, True), said.err


def test_a_new_sealing_key_stands_before_the_former(
    township: None, environment: pytest.MonkeyPatch, onegrid: Typed
):
    assert onegrid("keys", "new").code == 0
    former = load_settings().sealing_keys.get_secret_value()
    environment.setenv("ONEGRID_SEALING_KEYS", f"2023a:{new_key()},{former}")
    assert onegrid("keys", "new").code == 0


@pytest.mark.parametrize("schema", ["public", f"cell_{TOWNSHIP}"])
def test_a_program_older_than_the_database_says_so(
    township: None, onegrid: Typed, bare: Bare, schema: str
):
    bare.run(f"UPDATE {schema}.alembic_version SET version_num = '9999'")
    said = onegrid("migrate")
    assert (said.code, "A newer version of this program" in said.err) == (2, True), said.err
    assert "run that one" in onegrid("serve").err


def test_a_township_keeps_its_name(township: None, onegrid: Typed):
    said = onegrid("cells", "create", TOWNSHIP, "白水乡")
    assert (said.code, "its name is 青竹乡" in said.err) == (2, True), said.err


@pytest.mark.parametrize("name", ["", "顾" * 51])
def test_whoever_has_an_account_has_a_name(township: None, onegrid: Typed, name: str):
    said = onegrid(*FIRST[:-1], name)
    assert (said.code, "is not a name" in said.err) == (2, True), said.err


@pytest.mark.parametrize(
    "tail", ["wo/rd@127.0.0.1/onegrid", "wo[rd@127.0.0.1/x", "w@127.0.0.1:99999/x"]
)
@pytest.mark.parametrize("words", [("serve",), ("migrate",), ("cells", "list")])
def test_a_malformed_address_is_told_without_the_password(
    environment: pytest.MonkeyPatch, onegrid: Typed, words: tuple[str, ...], tail: str
):
    for name in ("ONEGRID_DATABASE_URL", "ONEGRID_OWNER_DATABASE_URL"):
        environment.setenv(name, f"postgresql://role:{tail}")
    said = onegrid(*words)
    assert (said.code, "postgresql://role:password@host" in said.err) == (2, True), said.err
    assert "wo" not in said.err.replace("password", "").replace("two", "")


def test_a_new_signing_key_is_published_before_it_signs(township: None, onegrid: Typed):
    said = onegrid("keys", "new")
    assert said.code == 0
    assert "it signs from" in said.out


@pytest.mark.parametrize(
    "parameters", ["sslmode=disable", "sslmode=prefer&target_session_attrs=any"]
)
def test_an_address_may_carry_the_drivers_parameters(
    township: None, environment: pytest.MonkeyPatch, onegrid: Typed, bare: Bare, parameters: str
):
    environment.setenv("ONEGRID_OWNER_DATABASE_URL", f"{bare.owner}?{parameters}")
    environment.setenv("ONEGRID_DATABASE_URL", f"{bare.service}?{parameters}")
    assert onegrid("migrate").code == 0
    assert onegrid(*FIRST).code == 0
    assert _sign_in("gu", PASSWORD).status_code == 401
