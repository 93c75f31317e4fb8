"""What can be done here, as FHIR asks it to be said (CapabilityStatement)."""

from api.fhir.controls import sortable
from api.fhir.formats import MEDIA_TYPE
from api.fhir.kinds import KINDS, ResourceType, SearchKind
from api.fhir.resources import Resource
from api.fhir.words import concept

_SEARCH_TYPES = {
    SearchKind.token: "token",
    SearchKind.reference: "reference",
    SearchKind.date: "date",
    SearchKind.period: "date",
    SearchKind.identifier: "token",
}
_CONTROLS = {"_id": "token", "_lastUpdated": "date"}
_OAUTH = "http://terminology.hl7.org/CodeSystem/restful-security-service"


def capability_statement(base: str, published: str, *, cors: bool) -> Resource:
    """Read and search of each resource, and the export; `published` is the day of this form."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": published,
        "kind": "instance",
        "fhirVersion": "4.0.1",
        "format": [MEDIA_TYPE, "json"],
        "software": {"name": "onegrid"},
        "implementation": {"description": "一张网：乡镇疫情防控（只读）", "url": base},
        "rest": [
            {
                "mode": "server",
                "documentation": "只读。证件号只能用 POST _search 查询。查询结果可用 _count、"
                "_total(none、estimate、accurate)、_elements、_sort；_summary 只支持 count；"
                "不支持 _include。不支持的参数不会忽略，因为那样会答出所有的人：除非 "
                "Prefer: handling=lenient，一律拒绝；只影响答复样子的（如 _include）仅在 "
                "handling=strict 时拒绝。",
                "security": {"cors": cors, "service": [concept(_OAUTH, "OAuth", "OAuth")]},
                "resource": [_resource(kind) for kind in ResourceType],
                "operation": [
                    {
                        "name": "export",
                        "definition": "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/export",
                    }
                ],
            }
        ],
    }


def _resource(kind: ResourceType) -> Resource:
    kind_of = KINDS[kind]
    sorts = "、".join(sortable(kind_of))
    searched = {name: _SEARCH_TYPES[each] for name, each in kind_of.searched.items()}
    return {
        "type": kind.value,
        "documentation": f"{kind.label}。_sort 可用其一：{sorts}；前加 - 为倒序",
        "interaction": [{"code": "read"}, {"code": "search-type"}],
        "versioning": "versioned",
        "searchParam": [
            {"name": name, "type": each} for name, each in {**_CONTROLS, **searched}.items()
        ],
    }
