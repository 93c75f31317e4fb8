"""schemathesis over the whole contract, as several people, each with a real sign-in.

`make check` runs it: no answer of the 5xx kind, none that the contract does not name.
"""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import httpx

from tests.cast import PASSWORD, grid_id, id_of
from tests.contract.live import live_town

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
ENDS_THE_SESSION = ("sign_out", "end_session", "change_password", "switch_post")
NEVER_ENDS = ("stream_events",)
PEOPLE = ("ming", "zhou")
LAST = "shan"
"""Ends their own session, which nobody after them could use."""

EXAMPLES = os.environ.get("ONEGRID_FUZZ_EXAMPLES", "10")


async def sign_in(url: str, name: str) -> str:
    async with httpx.AsyncClient(base_url=url) as client:
        answer = await client.post("/v1/sign-in", json={"login": name, "password": PASSWORD})
        answer.raise_for_status()
        return answer.json()["access_token"]


def fuzz(url: str, token: str, known: dict[str, list[str]], *choice: str) -> int:
    """Run every operation with a token; a tenth of the ids are of things that are really there."""
    command = [
        Path(sys.executable).with_name("schemathesis"),
        *("run", f"{url}/openapi.json", "--header", f"Authorization: Bearer {token}"),
        *("--phases", "examples,coverage,fuzzing", "--max-examples", EXAMPLES),
        *("--checks", ",".join(CHECKS), "--seed", "2022", "--no-color", "--warnings", "off"),
        *("--suppress-health-check", "all", "--continue-on-failure", *choice),
    ]
    environment = {
        **os.environ,
        "SCHEMATHESIS_HOOKS": "tests.contract.hooks",
        "ONEGRID_KNOWN": json.dumps(known),
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    return subprocess.run(command, env=environment, check=False).returncode


def main() -> int:
    known = {
        "grid_id": [str(grid_id(path)) for path in ("t.01.01", "t.01.01.01", "t.01.02")],
        "worker_id": [str(id_of(name)) for name in ("ming", "mei", "he")],
        "post_id": [str(id_of(f"post {name}")) for name in ("ba", "fan")],
    }
    without = [
        part
        for name in (*ENDS_THE_SESSION, *NEVER_ENDS)
        for part in ("--exclude-operation-id", name)
    ]
    only = [part for name in ENDS_THE_SESSION for part in ("--include-operation-id", name)]
    codes: list[int] = []
    with live_town() as (url, _):
        # Everybody signs in first: after so many wrong sign-ins this address is held off.
        tokens = {name: asyncio.run(sign_in(url, name)) for name in (*PEOPLE, LAST)}
        for name, token in tokens.items():
            print(f"== schemathesis as {name}", flush=True)
            codes.append(fuzz(url, token, known, *(only if name == LAST else without)))
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
