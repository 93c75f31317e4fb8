"""What `onegrid demo` prints when it serves: who can sign in, where to read, what to paste."""

from rich.console import Console
from rich.table import Table

from api.demo.names import TOWNSHIP
from api.demo.sign_ins import PASSWORD, SIGN_INS

_SIGNS_IN = "zhishu"
_SIGN_IN = (
    """curl -s URL/v1/sign-in -H 'Content-Type: application/json' """
    f"""-d '{{"login": "{_SIGNS_IN}", "password": "{PASSWORD}"}}'"""
)
_PICK_OUT = """sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/'"""
_AS_THEM = '-H "Authorization: Bearer $TOKEN"'


def lines_to_paste(url: str) -> tuple[str, str, str]:
    """Sign in as a village secretary, read the own grids, see who was measured today."""
    lines = (
        f"TOKEN=$({_SIGN_IN} | {_PICK_OUT})",
        f"curl -s URL/v1/grids {_AS_THEM}",
        f"curl -s URL/v1/readings/missing/counts {_AS_THEM}",
    )
    first, second, third = (line.replace("URL", url) for line in lines)
    return first, second, third


def welcome(console: Console, url: str) -> None:
    """Print the sign-ins, where the API is described, and three lines that work when pasted."""
    table = Table(title=f"{TOWNSHIP}(虚构)")
    for heading in ("账号", "密码"):
        table.add_column(heading, no_wrap=True)
    for heading in ("身份", "登录后看到"):
        table.add_column(heading, overflow="fold")
    for each in SIGN_INS:
        table.add_row(each.account, each.password, f"{each.who},{each.place}", each.sees)
    console.print(table)
    console.print(f"\nAPI docs: {url}/docs\nStop with Ctrl-C; begin anew with make demo-reset.\n")
    for line in lines_to_paste(url):
        console.print(line, soft_wrap=True, markup=False)
