"""What can stand against correcting a test."""

from api.foundation.problems import Problem


class DiagnosticTestDiscarded(Problem):
    """A test that counts no more is not corrected."""

    status = 409
    title = "检测记录已作废"
    detail = "这条检测记录已作废，不能再更正；如需补记，请重新登记。"


class ResultOfATube(Problem):
    """What a tube says of its members is told of the tube."""

    status = 409
    title = "该检测随采样管填报"
    detail = "这条检测在采样管内，结果随整管填报、更正；登记错人的，请作废这条检测。"


class HealthRecordDiscarded(Problem):
    """A record that counts no more is not corrected."""

    status = 409
    title = "该记录已作废"
    detail = "这条记录已作废，不能再更正；如需补记，请重新登记。"


class ToldByASystem(Problem):
    """What a health-code system told is put right by that system."""

    status = 409
    title = "健康码由系统告知"
    detail = "这次状态由健康码系统告知，须由该系统更正；明显有误的可以作废。"


class TubeReachesFurther(Problem):
    """Somebody whose sample is in the tube lives out of the caller's sight by now."""

    status = 409
    title = "管内有人不在您的网格范围内"
    detail = "这一管中有人已不在您的网格范围内，请由上级填报结果。"


class TubeCodeTaken(Problem):
    """A laboratory's tubes of one day have codes of their own."""

    status = 409
    title = "采样管编号重复"
    detail = "该检测机构当日已有这一编号的采样管，请核对编号。"
    pointer = "/body/code"
    constraints = ("uq_sample_tubes_code",)


class DoseKept(Problem):
    """A dose is given once."""

    status = 409
    title = "该剂次已登记"
    detail = "这位居民的这一剂次已登记，请核对剂次。"
    pointer = "/body/dose_number"
    constraints = ("uq_vaccinations_dose",)
