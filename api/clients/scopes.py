"""What another system may be allowed to do: the whole list on one screen."""

from api.foundation.labels import Labelled


class Scope(Labelled):
    """One thing that a machine client may do; keep the list in alphabetical order."""

    fhir_read = "fhir:read", "按 FHIR R4 读取"
    health_codes_write = "health_codes:write", "报送健康码变化"
    leads_write = "leads:write", "报送线索"
    persons_identify = "persons:identify", "回传内容可含姓名、脱敏证件号"
    status_read = "status:read", "按证件号或电话查询状态"
    test_results_write = "test_results:write", "报送检测结果"
    webhooks_manage = "webhooks:manage", "管理本系统的事件订阅"
