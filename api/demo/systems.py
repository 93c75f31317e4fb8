"""Two health-code systems for the demonstration, at the addresses of the simulator that ships."""

from collections.abc import Iterator
from datetime import timedelta

from api.demo.chance import Chance
from api.demo.days import at
from api.demo.diary import Deed
from api.demo.sign_ins import SECRETARY
from api.health_codes.simulated import CREDENTIALS

SIMULATOR = "http://127.0.0.1:8900"

_SYSTEMS = (
    ("gx_health_code", "自治区健康码（模拟）", "gate_vendor", "gate"),
    ("national_code", "国家平台健康码（模拟）", "national_style", "national"),
)


def systems(chance: Chance) -> Iterator[Deed]:
    """Set up before the first checkpoint opens; while nobody simulates them they do not answer."""
    set_up_at = at(chance.as_of - timedelta(days=4), 8)
    for code, name, preset, dialect in _SYSTEMS:
        body = {
            "id": str(chance.id("health code system", code)),
            "code": code,
            "name": name,
            "base_url": f"{SIMULATOR}/{dialect}",
            "preset": preset,
            "secrets": CREDENTIALS[dialect],
        }
        yield Deed(set_up_at, SECRETARY, "/v1/health-code-systems", body)
