"""What `onegrid demo` prints when it serves: who can sign in, where to read, what to paste."""

from functools import reduce

from rich.console import Console
from rich.table import Table

from api.demo.clients import LABORATORY, LetIn
from api.demo.names import TOWNSHIP
from api.demo.sign_ins import PASSWORD, SIGN_INS, VILLAGE_SECRETARY

_JSON = "-H 'Content-Type: application/json'"
_SIGN_IN = (
    f"""curl -s URL/v1/sign-in {_JSON} """
    f"""-d '{{"login": "{VILLAGE_SECRETARY.account}", "password": "{PASSWORD}"}}'"""
)
_PICK_OUT = """sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/'"""
_FIRST_ID = """sed 's/.*"items":\\[{"id":"\\([^"]*\\)".*/\\1/'"""
_FACTS = (
    """{"facts": {"exposure_class": "returnee", "risk_level": "medium", """
    """"arrived_on": "'$(date +%F)'"}}"""
)

# Signed in as a village's secretary: the own day, how the village stands, what is abnormal, which
# plan would apply to whom, a notice of release on paper, and then what happens from now on.
_LINES = (
    f"""AS="Authorization: Bearer $({_SIGN_IN} | {_PICK_OUT})\"""",
    """curl -s URL/v1/my-day -H "$AS\"""",
    """curl -s URL/v1/live-view -H "$AS\"""",
    """curl -s 'URL/v1/alerts?closed=false' -H "$AS\"""",
    f"""curl -s URL/v1/protocols/what-if -H "$AS" {_JSON} -d '{_FACTS}'""",
    f"""ID=$(curl -s 'URL/v1/quarantines?status=released' -H "$AS" | {_FIRST_ID})""",
    """curl -s URL/v1/quarantines/$ID/notice.pdf -H "$AS" -o notice.pdf""",
    """curl -sN URL/v1/events -H "$AS\"""",
)

# As the laboratory: a token, then somebody's code turns red, of which the village's secretary is
# told at once, then what is known of them now.
_ASK_IN = "curl -s URL/v1/oauth/token -u 'CREDENTIAL' -d grant_type=client_credentials"
_PERSON = """"document_kind": "resident_identity", "document": "DOCUMENT\""""
_CHANGE = (
    f"""{{"items": [{{"event_id": "demo-'$(date +%s)'", {_PERSON}, """
    """"state": "red", "changed_at": "'$(date -Iseconds)'"}]}"""
)
_ASKED = f"""{{"items": [{{{_PERSON}}}]}}"""
_AS_A_SYSTEM = (
    f"""SYSTEM="Authorization: Bearer $({_ASK_IN} | {_PICK_OUT})\"""",
    f"""curl -s URL/v1/health-codes/changes -H "$SYSTEM" {_JSON} -d '{_CHANGE}'""",
    f"""curl -s URL/v1/health-codes/status-queries -H "$SYSTEM" {_JSON} -d '{_ASKED}'""",
)


def lines_to_paste(url: str) -> list[str]:
    """What works when pasted, one line after another; the last listens until it is stopped."""
    return [line.replace("URL", url) for line in _LINES]


def lines_of_a_system(url: str, others: LetIn) -> list[str]:
    """What works when pasted as another system; none where the laboratory is let in no more."""
    laboratory = next((each for each in others.credentials if each.system is LABORATORY), None)
    if laboratory is None:
        return []
    # The secret comes last: whatever it holds is not replaced in its turn.
    told = {
        "URL": url,
        "DOCUMENT": others.document,
        "CREDENTIAL": f"{laboratory.client_id}:{laboratory.secret}",
    }
    return [
        reduce(lambda said, each: said.replace(*each), told.items(), line) for line in _AS_A_SYSTEM
    ]


def welcome(console: Console, url: str, others: LetIn) -> None:
    """Print the sign-ins, where the API is described, and lines that work when pasted."""
    table = Table(title=f"{TOWNSHIP}（虚构）")
    for heading in ("账号", "密码"):
        table.add_column(heading, no_wrap=True)
    for heading in ("身份", "登录后看到"):
        table.add_column(heading, overflow="fold")
    for each in SIGN_INS:
        table.add_row(each.account, each.password, f"{each.who}，{each.place}", each.sees)
    console.print(table)
    console.print(f"\nAPI docs: {url}/docs\nStop with Ctrl-C; begin anew with make demo-reset.")
    console.print("The last line listens: an alert that nobody answers climbs before your eyes.\n")
    for line in lines_to_paste(url):
        console.print(line, soft_wrap=True, markup=False)
    _introduce(console, url, others)


def _introduce(console: Console, url: str, others: LetIn) -> None:
    """The other systems; their secrets are printed whole, however narrow the terminal."""
    console.print("\nOther systems (client id, secret, scopes), and what one of them can do:\n")
    for each in others.credentials:
        told = (each.system.name, each.client_id, each.secret, *each.system.scopes)
        console.print(*told, soft_wrap=True, markup=False)
    console.print()
    for line in lines_of_a_system(url, others):
        console.print(line, soft_wrap=True, markup=False)
    console.print(
        "\nonegrid simulate health-codes answers for the two health-code systems, so that whoever "
        "waits at the bridge is asked about again."
    )
