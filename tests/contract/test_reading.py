"""The contract read as whoever writes a client reads it: explained, named, shown by example."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator

from api.app import create_app
from api.foundation.contract import PROBLEM_MEDIA_TYPE
from api.foundation.sealed import new_key
from api.settings import Settings
from api.vocabulary import MEMBERS, ROOMS

HAN = re.compile("[一-鿿]")
LATIN = re.compile("[A-Za-z]")
HALF_WIDTH = re.compile("[一-鿿][,:;?!()]|[,;?!()][一-鿿]")
HALF_WIDTH_ANYWHERE = re.compile("[,;()]|:(?![0-9])")
NO_PROSE = re.compile(r"```.*?```|`[^`]*`|\]\([^)]*\)|https?://\S+", re.DOTALL)
ALWAYS = {
    "401": {"not-signed-in", "posting-changed"},
    "403": {"not-permitted"},
    "422": {"invalid-input"},
    "500": {"internal-error"},
    "503": {"database-unavailable"},
}
OF_A_CLIENT = {
    "401": {"not-signed-in", "client-not-valid"},
    "403": {"scope-missing", "address-refused"},
}
WITH_BODY = {"400": {"malformed-body"}, "413": {"body-too-large"}, "415": {"not-acceptable"}}
OF_A_VERSION = {"412": {"version-mismatch"}, "428": {"version-missing"}}


@pytest.fixture(scope="module")
def contract() -> dict[str, Any]:
    keys = {"sealing_keys": f"none:{new_key()}", "lookup_key": new_key()}
    return create_app(Settings.model_validate(keys)).openapi()


def _operations(contract: dict[str, Any]) -> Iterator[dict[str, Any]]:
    return (told for path in contract["paths"].values() for told in path.values())


def _explained(contract: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What each member and parameter is called, and how it is explained."""
    for schema in contract["components"]["schemas"].values():
        for name, part in schema.get("properties", {}).items():
            yield name, part["description"]
    for operation in _operations(contract):
        for parameter in operation.get("parameters", ()):
            yield parameter["name"], parameter["description"]


def _examples(contract: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], Any]]:
    for name, schema in contract["components"]["schemas"].items():
        for example in schema.get("examples", ()):
            yield name, {"$ref": f"#/components/schemas/{name}"}, example
        for member, part in schema.get("properties", {}).items():
            for example in part.get("examples", ()):
                yield f"{name}.{member}", part, example


def _received(contract: dict[str, Any]) -> Iterator[dict[str, Any]]:
    return (told for each in contract["webhooks"].values() for told in each.values())


def _tags(operations: Iterable[dict[str, Any]]) -> set[str]:
    return {tag for told in operations for tag in told["tags"]}


def _parts(part: Any) -> Iterator[Any]:
    """It, and whatever is anywhere in it."""
    yield part
    for each in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from _parts(each)


def _problems(operation: dict[str, Any], status: str) -> set[str]:
    content = operation["responses"].get(status, {}).get("content", {})
    return set(content.get(PROBLEM_MEDIA_TYPE, {}).get("examples", {}))


def test_every_member_and_parameter_is_explained_in_chinese(contract: dict[str, Any]):
    assert {name for name, said in _explained(contract) if not HAN.search(said)} == set()


def test_chinese_has_its_own_punctuation(contract: dict[str, Any]):
    """What is said in English of a Chinese word has that of English."""
    texts = [part for part in _parts(contract) if isinstance(part, str)]
    chinese = [text for text in texts if len(HAN.findall(text)) > len(LATIN.findall(text))]
    assert [text for text in chinese if HALF_WIDTH.search(text)] == []


def test_the_guides_have_it_too_also_between_latin_letters():
    """Beside code and links; the catalogue is what problems say of themselves."""
    for name in ("integration-guide", "mobile-guide", "catalogue"):
        text = NO_PROSE.sub("", Path(f"openapi/{name}.md").read_text("utf-8"))
        chinese = [line for line in text.splitlines() if HAN.search(line)]
        assert [line for line in chinese if HALF_WIDTH_ANYWHERE.search(line)] == []


def test_no_word_of_the_vocabulary_is_idle(contract: dict[str, Any]):
    used = {name for name, said in _explained(contract) if MEMBERS.get(name) == said}
    assert used == MEMBERS.keys()


def test_every_operation_and_answer_is_told_in_chinese_and_every_tag_is_a_room(
    contract: dict[str, Any],
):
    operations = list(_operations(contract))
    said = [told["summary"] for told in operations]
    said += [each["description"] for told in operations for each in told["responses"].values()]
    assert [each for each in said if not HAN.search(each)] == []
    assert _tags(operations) | _tags(_received(contract)) == ROOMS.keys()


def test_every_name_of_a_schema_is_a_name_in_every_language(contract: dict[str, Any]):
    names = contract["components"]["schemas"]
    assert [name for name in names if not re.fullmatch("[A-Z][A-Za-z]+", name)] == []


def test_what_generators_stumble_over_is_not_in_it(contract: dict[str, Any]):
    """An operation that is received, among those sent, replaces them; a name is looked for at the
    beginning of a text; and what a map holds is read from `additionalProperties` alone.
    """
    received = {tag for each in contract["webhooks"].values() for tag in each["post"]["tags"]}
    sent = {
        tag for path in contract["paths"].values() for told in path.values() for tag in told["tags"]
    }
    assert received & sent == set()
    parts = [part for part in _parts(contract) if isinstance(part, dict)]
    patterns = {part["pattern"] for part in parts if isinstance(part.get("pattern"), str)}
    assert {each for each in patterns if each[0] != "^" or each[-1] != "$"} == set()
    assert [part for part in parts if "patternProperties" in part] == []


def test_every_example_is_what_its_schema_asks_for(contract: dict[str, Any]):
    for name, schema, example in _examples(contract):
        whole = {**schema, "components": contract["components"]}
        validator = Draft202012Validator(whole, validate_formats=True)
        assert [(name, wrong.message) for wrong in validator.iter_errors(example)] == []


def test_whoever_sends_a_body_sees_one(contract: dict[str, Any]):
    schemas = contract["components"]["schemas"]
    bodies = (told.get("requestBody", {}).get("content", {}) for told in _operations(contract))
    said = (body["application/json"]["schema"] for body in bodies if "application/json" in body)
    names = {schema["$ref"].rpartition("/")[2] for schema in said}
    assert {name for name in names if "examples" not in schemas[name]} == set()


def test_every_operation_names_the_problems_that_any_such_operation_has(contract: dict[str, Any]):
    for told in (each for each in _operations(contract) if len(each["security"]) == 1):
        of_machines = "machine_client" in told["security"][0]
        always = ALWAYS | (OF_A_CLIENT if of_machines else {})
        expected = always | (WITH_BODY if "requestBody" in told else {})
        if any(each["name"] == "If-Match" for each in told.get("parameters", ())):
            expected = expected | OF_A_VERSION
        for status, names in expected.items():
            assert names <= _problems(told, status), (told["operationId"], status)
