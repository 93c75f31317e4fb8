"""What can stand against setting up a system, and against asking one."""

from api.foundation.problems import Problem


class SystemCodeTaken(Problem):
    """Another system of the township already has this code."""

    status = 409
    title = "系统代码已被使用"
    detail = "该代码已用于另一个健康码系统，请换一个。"
    constraints = ("uq_health_code_systems_code",)
    pointer = "/body/code"


class HostNotAllowed(Problem):
    """The operator has listed the hosts that may be asked, and this is none of them."""

    status = 422
    title = "地址不在允许之列"
    detail = "运维人员限定了可以查询的系统地址，该地址不在其中。"
    pointer = "/body/base_url"


class SignerNotInstalled(Problem):
    """SM2 needs a library that is an optional part of the service."""

    status = 422
    title = "未安装签名组件"
    detail = "SM2 签名组件未安装，请运维人员安装 onegrid[sm2] 后再设置。"
    pointer = "/body/document/signature/algorithm"


class WhichSystem(Problem):
    """There is not exactly one system in use, so that it must be said which is meant."""

    status = 422
    title = "须指明健康码系统"
    detail = "没有指明向哪个健康码系统查询，而启用的系统不是恰好一个。"
    pointer = "/body/system"


class NoDocumentKnown(Problem):
    """Nothing by which a system could find this resident is registered."""

    status = 409
    title = "缺少身份信息"
    detail = "该居民没有登记证件号码和电话，无法查询健康码。"
