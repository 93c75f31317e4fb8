"""The configurations that ship with the service, read from their files once."""

from functools import cache
from importlib.resources import files

from api.foundation.problems import NotFound
from api.health_codes.schemas import HealthCodePreset


@cache
def presets() -> dict[str, HealthCodePreset]:
    """Every preset by its code."""
    folder = files("api.health_codes") / "presets"
    told = (HealthCodePreset.model_validate_json(file.read_bytes()) for file in folder.iterdir())
    return {preset.code: preset for preset in sorted(told, key=lambda preset: preset.code)}


def preset_of(code: str) -> HealthCodePreset:
    """One preset; raises `NotFound` pointing at where it was asked for."""
    preset = presets().get(code)
    if preset is None:
        raise NotFound("没有这一预置配置。", pointer="/body/preset")
    return preset
