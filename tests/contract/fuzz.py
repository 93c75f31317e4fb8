"""schemathesis over the whole contract, as several people, each with a real sign-in.

`make check` runs it: no answer of the 5xx kind, none that the contract does not name.
"""

import asyncio
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from tests.builders import FOUR
from tests.cast import id_of
from tests.contract.live import Visitors, live_town
from tests.place import Hands, a_home, a_place, said, township_rules

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "problem_is_named",
)
ENDS_THE_SESSION = ("sign_out", "end_session", "change_password", "switch_post")
NEVER_ENDS = ("stream_events",)
HALF = "^/v1/[a-m]"
FIRST, SECOND = ("--include-path-regex", HALF), ("--exclude-path-regex", HALF)
STAGES = (
    (
        ("zhou", "examples,fuzzing", FIRST),
        ("zhou", "examples,fuzzing", SECOND),
        ("ming", "examples", ()),
    ),
    (("zhou", "coverage", FIRST), ("zhou", "coverage", SECOND)),
)
"""Of each stage two ask at the same time, zhou for half of the paths: there is a second processor.

Coverage asks the most and leaves the least in place: it comes last, as who may do most."""

LAST = ("shan", "examples,coverage,fuzzing", ())
"""Ends their own session, which nobody after them could use."""

LISTED = {
    "/v1/protocols": "protocol_id",
    "/v1/risk-areas": "risk_area_id",
    "/v1/alert-policies": "policy_id",
    "/v1/checkpoint-rules": "policy_id",
    "/v1/validity-policies": "policy_id",
    "/v1/care-team-policies": "policy_id",
    "/v1/monitoring-policies": "policy_id",
    "/v1/workload-policies": "policy_id",
}
HOMES = 2 * ("t.01.01.01", "t.01.01.02")
BY_ANOTHER_NAME = {"released_id": "quarantine_id", "waiting_id": "quarantine_id"}

EXAMPLES = os.environ.get("ONEGRID_FUZZ_EXAMPLES", "3")


async def prepared(people: Visitors) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Everybody's tokens, and the ids of some of everything, made as its people make it."""
    # Everybody signs in first: after so many wrong sign-ins this address is held off.
    async with people:
        names = {name for stage in (*STAGES, (LAST,)) for name, *_ in stage}
        tokens = {name: await people.token_of(name) for name in sorted(names)}
        zhou, lin = await people.as_("zhou"), await people.as_("lin")
        await township_rules(zhou)
        homes = [await a_home(lin, grid=path) for path in HOMES]
        places = [await a_place(await Hands.of(people), home, team=FOUR) for home in homes]
        listed = [(name, (await said(zhou, "GET", path))["items"]) for path, name in LISTED.items()]
    known: dict[str, list[str]] = {"worker_id": [str(id_of(name)) for name in ("ming", "mei")]}
    for name, each in (pair for place in places for pair in place.items()):
        known.setdefault(BY_ANOTHER_NAME.get(name, name), []).append(each)
    for name, items in listed:
        known.setdefault(name, []).extend(item["id"] for item in items)
    return tokens, {**known, "performed_by": known["worker_id"]}


def fuzz(
    name: str, url: str, token: str, known: dict[str, list[str]], phases: str, *choice: str
) -> int:
    """Run operations with a token, and print what came out; half of the ids are really there."""
    command = [
        Path(sys.executable).with_name("schemathesis"),
        *("run", f"{url}/openapi.json", "--header", f"Authorization: Bearer {token}"),
        *("--phases", phases, "--max-examples", EXAMPLES),
        *("--checks", ",".join(CHECKS), "--seed", "2022", "--no-color", "--warnings", "off"),
        *("--suppress-health-check", "all", "--continue-on-failure", *choice),
    ]
    environment = {
        **os.environ,
        "SCHEMATHESIS_HOOKS": "tests.contract.hooks",
        "ONEGRID_KNOWN": json.dumps(known),
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    run = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    print(f"== schemathesis as {name}: {phases}", run.stdout, run.stderr, sep="\n", flush=True)
    return run.returncode


def main() -> int:
    without = [
        part
        for name in (*ENDS_THE_SESSION, *NEVER_ENDS)
        for part in ("--exclude-operation-id", name)
    ]
    only = [part for name in ENDS_THE_SESSION for part in ("--include-operation-id", name)]
    codes: list[int] = []
    with live_town() as (url, people):
        tokens, known = asyncio.run(prepared(people))
        # Put together when first asked for, for longer than schemathesis waits on a busy machine.
        httpx.get(f"{url}/openapi.json", timeout=300).raise_for_status()
        for stage, choice in (*((stage, without) for stage in STAGES), ((LAST,), only)):
            with ThreadPoolExecutor(2) as pool:
                running = [
                    pool.submit(fuzz, name, url, tokens[name], known, phases, *choice, *part)
                    for name, phases, part in stage
                ]
            codes.extend(each.result() for each in running)
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
