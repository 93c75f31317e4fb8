"""The presets that ship with the service, read from their files once."""

from functools import cache
from importlib.resources import files

import orjson

from api.foundation.problems import NotFound
from api.protocols.protocol_schemas import Preset


@cache
def presets() -> dict[str, Preset]:
    """Every preset by its code."""
    folder = files("api.protocols") / "presets"
    told = (orjson.loads(file.read_bytes()) for file in folder.iterdir())
    every = (Preset.model_validate({"region_code": None, **preset}) for preset in told)
    return {preset.code: preset for preset in sorted(every, key=lambda preset: preset.code)}


def preset_of(code: str) -> Preset:
    """One preset; raises `NotFound`."""
    preset = presets().get(code)
    if preset is None:
        raise NotFound("没有这一预置方案。")
    return preset
