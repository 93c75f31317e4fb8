"""What the container files promise, as far as it shows without an engine."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from api.settings import Settings

HOUSE = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((HOUSE / "compose.yaml").read_text("utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
DOCKERFILE = (HOUSE / "Dockerfile").read_text("utf-8")


def test_everything_the_image_copies_is_there_and_let_through():
    ignored = (HOUSE / ".dockerignore").read_text("utf-8").splitlines()
    for source in re.findall(r"^COPY (?!--from)(\S+) ", DOCKERFILE, flags=re.MULTILINE):
        assert (HOUSE / source).exists(), source
        assert f"!{source.rstrip('/')}" in ignored


def test_the_last_stage_runs_as_nobody_in_particular_and_says_whether_it_lives():
    last = DOCKERFILE.rpartition("FROM ")[2]
    assert re.search(r"^USER \d+$", last, flags=re.MULTILINE)
    assert "HEALTHCHECK" in last
    assert "pip install" not in last


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_requirements_are_pinned_by_hash_and_name_no_address(name: str):
    text = (HOUSE / name).read_text("utf-8")
    assert "://" not in text
    pinned = [line for line in text.splitlines() if line and not line.startswith(" ")]
    assert all(re.match(r"[\w.-]+==\S+ (; .+ )?\\$", line) for line in pinned)


def test_the_image_carries_no_database_of_its_own():
    assert "pgserver" not in (HOUSE / "requirements.lock").read_text("utf-8")


def test_no_secret_has_a_default_and_each_is_told_in_the_example():
    text = (HOUSE / "compose.yaml").read_text("utf-8")
    asked = set(re.findall(r"(?<!\$)\$\{(\w+)", text))
    assert asked == set(re.findall(r"(?<!\$)\$\{(\w+):\?", text))
    example = (HOUSE / ".env.example").read_text("utf-8")
    assert asked <= set(re.findall(r"^(\w+)=", example, flags=re.MULTILINE))


def test_the_example_names_every_setting():
    example = (HOUSE / ".env.example").read_text("utf-8")
    named = set(re.findall(r"^(?:# )?ONEGRID_(\w+)=", example, flags=re.MULTILINE))
    assert {name.upper() for name in Settings.model_fields} <= named


def test_what_an_operator_chooses_reaches_service_and_worker():
    given = {"HEALTH_CODE_HOSTS", "WEBHOOK_PRIVATE_ADDRESSES", "WEBHOOK_PLAIN_HTTP", "LOG_LEVEL"}
    for name in ("service", "worker"):
        assert {f"ONEGRID_{each}" for each in given} <= SERVICES[name]["environment"].keys()


def test_the_service_starts_after_the_migration_and_knows_no_owner():
    after = SERVICES["service"]["depends_on"]["migrate"]["condition"]
    assert after == "service_completed_successfully"
    assert SERVICES["migrate"]["depends_on"]["database"]["condition"] == "service_healthy"
    assert SERVICES["worker"]["depends_on"] == SERVICES["service"]["depends_on"]
    for name in ("service", "worker"):
        assert "ONEGRID_OWNER_DATABASE_URL" not in SERVICES[name]["environment"]
    assert "ONEGRID_SEALING_KEYS" not in SERVICES["migrate"]["environment"]


@pytest.mark.parametrize("name", ["service", "worker", "migrate", "operator"])
def test_our_containers_write_nowhere_and_may_do_nothing_special(name: str):
    assert SERVICES[name]["read_only"] is True
    assert SERVICES[name]["cap_drop"] == ["ALL"]
    assert SERVICES[name]["security_opt"] == ["no-new-privileges:true"]


def test_a_container_is_given_longer_to_stop_than_a_request_to_end():
    service = SERVICES["service"]
    grace = int(service["stop_grace_period"].removesuffix("s"))
    assert grace > int(service["environment"]["ONEGRID_STOP_SECONDS"])
