"""What the demonstration prints holds: every account, and three lines that work when pasted."""

import io
import re
import subprocess

from rich.console import Console

from api.demo.sign_ins import SIGN_INS
from api.demo.welcome import lines_to_paste, welcome

URL = "http://127.0.0.1:8000"

# Stands for the program on the path: answers a sign-in, and else says what it was asked.
_CURL = """
curl() {
  case "$*" in
    *sign-in*) printf '{"access_token":"ey.J0-_x.y","token_type":"Bearer","post":{"id":"7"}}' ;;
    *) printf '%s\\n' "$*" ;;
  esac
}
"""


def test_the_lines_work_in_a_shell_when_pasted_together():
    pasted = "\n".join((_CURL, *lines_to_paste(URL)))
    told = subprocess.run(["sh", "-c", pasted], capture_output=True, text=True, check=True)
    assert told.stderr == ""
    assert told.stdout.splitlines() == [
        f"-s {URL}/v1/grids -H Authorization: Bearer ey.J0-_x.y",
        f"-s {URL}/v1/readings/missing/counts -H Authorization: Bearer ey.J0-_x.y",
    ]


def test_the_lines_are_printed_whole_however_narrow_the_terminal():
    printed = io.StringIO()
    welcome(Console(file=printed, width=60, highlight=False), URL)
    for line in lines_to_paste(URL):
        assert f"\n{line}\n" in printed.getvalue()


def test_every_account_is_printed_with_its_password_and_the_address_of_the_docs():
    printed = io.StringIO()
    welcome(Console(file=printed, width=120, highlight=False), URL)
    text = printed.getvalue()
    assert f"{URL}/docs" in text
    for account in SIGN_INS:
        assert re.search(rf"\b{account.account}\b", text)
        assert account.password in text
        assert "…" not in text
