"""What the demonstration prints holds: every account, and lines that work when pasted."""

import io
import json
import re
import subprocess
from uuid import UUID

from rich.console import Console

from api.demo.clients import SYSTEMS, Credential, LetIn
from api.demo.sign_ins import SIGN_INS
from api.demo.welcome import lines_of_a_system, lines_to_paste, welcome

URL = "http://127.0.0.1:8000"
CLIENT = UUID("01900000-0000-7000-8000-000000000001")
OTHERS = LetIn([Credential(each, CLIENT, "ogs_URL-s") for each in SYSTEMS], "451499199001010012")

# Stands for the program on the path: answers a sign-in and a list, and else says what it was asked.
_CURL = """
curl() {
  case "$*" in
    *oauth*) printf '{"access_token":"%s","scope":"status:read"}' "$4" ;;
    *sign-in*) printf '{"access_token":"ey.J0-_x.y","token_type":"Bearer","post":{"id":"7"}}' ;;
    *status=released*) printf '{"items":[{"id":"01-a","team":[{"id":"9"}]},{"id":"2"}]}' ;;
    *) printf '%s\\n' "$*" ;;
  esac
}
date() {
  case "$1" in -I*) printf 2022-02-15T08:30:00Z ;; *) printf 2022-02-15 ;; esac
}
"""


def test_the_lines_work_in_a_shell_when_pasted_together():
    pasted = "\n".join((_CURL, *lines_to_paste(URL)))
    told = subprocess.run(["sh", "-c", pasted], capture_output=True, text=True, check=True)
    assert told.stderr == ""
    signed = "-H Authorization: Bearer ey.J0-_x.y"
    facts = '{"exposure_class": "returnee", "risk_level": "medium", "arrived_on": "2022-02-15"}'
    json = "-H Content-Type: application/json"
    assert told.stdout.splitlines() == [
        f"-s {URL}/v1/my-day {signed}",
        f"-s {URL}/v1/live-view {signed}",
        f"-s {URL}/v1/alerts?closed=false {signed}",
        f"""-s {URL}/v1/protocols/what-if {signed} {json} -d {{"facts": {facts}}}""",
        f"-s {URL}/v1/quarantines/01-a/notice.pdf {signed} -o notice.pdf",
        f"-sN {URL}/v1/events {signed}",
    ]


def test_the_lines_of_another_system_work_when_pasted_together():
    pasted = "\n".join((_CURL, *lines_of_a_system(URL, OTHERS)))
    told = subprocess.run(["sh", "-c", pasted], capture_output=True, text=True, check=True)
    assert told.stderr == ""
    changed, asked = told.stdout.splitlines()
    signed = f"-H Authorization: Bearer {CLIENT}:ogs_URL-s -H Content-Type: application/json -d "
    person = {"document_kind": "resident_identity", "document": "451499199001010012"}
    address, _, body = changed.partition(f" {signed}")
    assert address == f"-s {URL}/v1/health-codes/changes"
    (item,) = json.loads(body)["items"]
    assert item.pop("event_id").startswith("demo-")
    assert item == {**person, "state": "red", "changed_at": "2022-02-15T08:30:00Z"}
    address, _, body = asked.partition(f" {signed}")
    assert address == f"-s {URL}/v1/health-codes/status-queries"
    assert json.loads(body) == {"items": [person]}


def test_every_other_system_is_printed_with_its_secret_and_its_scopes():
    printed = io.StringIO()
    welcome(Console(file=printed, width=60, highlight=False), URL, OTHERS)
    for each in OTHERS.credentials:
        scopes = " ".join(each.system.scopes)
        assert f"{each.system.name} {CLIENT} {each.secret} {scopes}\n" in printed.getvalue()


def test_the_lines_are_printed_whole_however_narrow_the_terminal():
    printed = io.StringIO()
    welcome(Console(file=printed, width=60, highlight=False), URL, OTHERS)
    for line in (*lines_to_paste(URL), *lines_of_a_system(URL, OTHERS)):
        assert f"\n{line}\n" in printed.getvalue()


def test_every_account_is_printed_with_its_password_and_the_address_of_the_docs():
    printed = io.StringIO()
    welcome(Console(file=printed, width=120, highlight=False), URL, OTHERS)
    text = printed.getvalue()
    assert f"{URL}/docs" in text
    for account in SIGN_INS:
        assert re.search(rf"\b{account.account}\b", text)
        assert account.password in text
        assert "…" not in text
