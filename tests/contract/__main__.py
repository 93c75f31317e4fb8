"""`make contract`: lint the committed contract, make a TypeScript client of it, run it live."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.cast import PASSWORD
from tests.contract.live import live_town

HERE = Path(__file__).parent


def step(name: str, *command: str, **environment: str) -> None:
    print(f"== contract: {name}", flush=True)
    subprocess.run(command, cwd=HERE, env={**os.environ, **environment}, check=True)


def main() -> None:
    if shutil.which("npm") is None:
        sys.exit("make contract needs Node.js with npm (20 or newer).")
    step("packages, by hash", "npm", "ci", "--silent")
    step("lint", "npm", "run", "--silent", "lint")
    step("client", "npm", "run", "--silent", "generate")
    step("types", "npm", "run", "--silent", "build")
    with live_town() as (url, _):
        step(
            "a walk with the client",
            "node",
            "generated/out/walk.js",
            ONEGRID_URL=url,
            ONEGRID_PASSWORD=PASSWORD,
        )


if __name__ == "__main__":
    main()
