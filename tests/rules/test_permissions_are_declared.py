"""Every operation of the contract names who may use it, and itself, once."""

from collections import Counter
from pathlib import Path
from typing import Any

from api.access.permissions import Permission
from api.clients.scopes import Scope
from api.foundation.problems import PasswordToBeChanged
from tests.cast import Town
from tests.rules.test_permission_matrix import PUBLIC

API = Path(__file__).parents[2] / "api"
ROOMS = {path.name for path in API.iterdir() if (path / "models.py").exists()} | {"fhir", "health"}
FOR_EVERYBODY = PUBLIC | {"read_capabilities"}
FOR_ONESELF = {
    "change_password",
    "end_session",
    "list_sessions",
    "poll_events",
    "read_me",
    "read_my_day",
    "sign_out",
    "stream_events",
    "switch_post",
}
BY_WHAT_IS_READ = {
    "end_export",
    "export_file",
    "export_resources",
    "read_export_status",
    "read_resource",
    "search_resources",
    "search_resources_by_form",
}
"""In FHIR the resource says which permission a worker needs, and a client needs one scope."""


def _operations(town: Town) -> dict[str, dict[str, Any]]:
    paths = town.app.openapi()["paths"]
    listed = [operation for path in paths.values() for operation in path.values()]
    names = Counter(operation["operationId"] for operation in listed)
    assert not {name for name, count in names.items() if count > 1}
    return {operation["operationId"]: operation for operation in listed}


async def test_every_operation_names_a_permission_but_those_for_everybody_and_for_oneself(
    town: Town,
):
    without: set[str] = set()
    for name, operation in _operations(town).items():
        needed = {name: said for each in operation["security"] for name, said in each.items()}
        permissions = {Permission(each) for each in needed.get("worker_token", ())}
        scopes = {Scope(each) for each in needed.get("machine_client", ())}
        if not permissions | scopes:
            without.add(name)
    assert without == FOR_EVERYBODY | FOR_ONESELF | BY_WHAT_IS_READ


async def test_what_may_be_done_with_a_first_password_never_asks_to_change_it(town: Town):
    silent: set[str] = set()
    for name, operation in _operations(town).items():
        answers = operation["responses"].get("403", {}).get("content", {}).values()
        told = {example for each in answers for example in each.get("examples", {})}
        if told.isdisjoint({PasswordToBeChanged.slug()}) and _of_workers(operation):
            silent.add(name)
    assert silent == {"sign_out", "read_me", "change_password"} | BY_WHAT_IS_READ


def _of_workers(operation: dict[str, Any]) -> bool:
    return any("worker_token" in each for each in operation["security"])


async def test_only_the_operations_for_everybody_ask_for_no_token(town: Town):
    open_to_all = {
        name for name, operation in _operations(town).items() if not operation.get("security")
    }
    assert open_to_all == FOR_EVERYBODY


async def test_every_operation_stands_in_a_room_and_is_told_in_chinese(town: Town):
    for name, operation in _operations(town).items():
        (tag,) = operation["tags"]
        assert tag in ROOMS, name
        assert any("一" <= each <= "鿿" for each in operation["summary"]), name


async def test_every_permission_is_needed_somewhere(town: Town):
    needed = {
        scope
        for operation in _operations(town).values()
        for scheme in operation.get("security", [])
        for scopes in scheme.values()
        for scope in scopes
    }
    asked = {*Permission.labels(), *Scope.labels()}
    assert asked - needed == {Scope.persons_identify, Scope.fhir_read}
