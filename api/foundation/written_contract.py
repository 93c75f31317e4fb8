"""The contract as it is committed: YAML, JSON Schema, and a catalogue for people."""

import json
from typing import Any

import yaml

from api.foundation.problems import PROBLEMS


def as_yaml(document: dict[str, Any]) -> str:
    """The document as it is committed: readable Chinese, the order of the code, no references."""
    return yaml.dump(
        document, Dumper=_Plain, allow_unicode=True, sort_keys=False, width=100, indent=2
    )


def as_json(schema: dict[str, Any]) -> str:
    """A JSON Schema as it is committed, in the order of the code."""
    return json.dumps(schema, ensure_ascii=False, indent=2) + "\n"


class _Plain(yaml.SafeDumper):
    """Repeats what is repeated, instead of pointing back to it with anchors."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the library asks for each value
        return True


def catalogue(document: dict[str, Any]) -> str:
    """Every problem and every enumeration on one page, for whoever writes a client."""
    problem_rows = (
        f"| `{slug}` | {kind.status} | {kind.title} | {kind.detail} |"
        for slug, kind in sorted(PROBLEMS.items())
    )
    schemas: dict[str, Any] = document["components"]["schemas"]
    enums = {name: schema for name, schema in schemas.items() if "x-enum-labels" in schema}
    return "\n".join(
        [
            "# 错误与选项目录",
            "",
            "由 `make openapi` 生成，请勿手改。",
            "",
            "## 错误（`application/problem+json` 的 `type` 为 `/problems/<名称>`）",
            "",
            "| 名称 | 状态码 | 标题 | 说明 |",
            "|---|---|---|---|",
            *problem_rows,
            "",
            "## 选项",
            *(line for name, schema in enums.items() for line in _enum_lines(name, schema)),
            "",
        ]
    )


def _enum_lines(name: str, schema: dict[str, Any]) -> list[str]:
    labels: dict[str, str] = schema["x-enum-labels"]
    rows = [f"| `{value}` | {label} |" for value, label in labels.items()]
    return ["", f"### {name}", "", "| 值 | 含义 |", "|---|---|", *rows]
