"""What the tree and its posts refuse, by name."""

from api.foundation.problems import Problem


class GridClosed(Problem):
    """Nothing new begins in a closed grid."""

    status = 409
    title = "网格已关闭"
    detail = "该网格已关闭，不能再办理此事项。"


class GridKindMisfit(Problem):
    """A grid of this kind does not lie below the other (domain 2.2)."""

    status = 422
    title = "网格类型不合"
    detail = "这种类型的网格不能设在该上级网格之下。"
    pointer = "/body/kind"


class CodeMisshapen(Problem):
    """A code is its division's code and a sequence, in the form of the place (domain 2.2)."""

    status = 422
    title = "网格编码不符合规则"
    detail = "网格编码应以所在村（社区）的12位代码开头，并符合本地编码规则。"
    pointer = "/body/code"


class CodeNeeded(Problem):
    """The service cannot number this grid by itself."""

    status = 422
    title = "须填写网格编码"
    detail = "无法自动编号，请填写网格编码。"
    pointer = "/body/code"


class CodeTaken(Problem):
    """A code once used is never given to another grid."""

    status = 409
    title = "网格编码已被使用"
    detail = "该编码已被使用过，不能再次使用。"
    constraints = ("uq_grids_code",)
    pointer = "/body/code"


class RootStays(Problem):
    """The township is where the tree hangs."""

    status = 409
    title = "乡镇网格不能调整"
    detail = "乡镇（街道）网格不能移动、合并、拆分或关闭。"


class IntoItself(Problem):
    """A grid cannot come to lie below itself."""

    status = 409
    title = "不能移入自身"
    detail = "网格不能移动或合并到自己或自己的下级网格。"


class GridNotEmpty(Problem):
    """Only an empty grid is closed; `remaining` counts children, households and posts."""

    status = 409
    title = "网格内还有未转出的内容"
    detail = "该网格内还有下级网格、住户或任职，请先转出后再关闭。"


class HouseholdTwice(Problem):
    """A household belongs to one grid."""

    status = 422
    title = "同一户重复"
    detail = "同一户不能同时分到两个网格。"


class PhoneTaken(Problem):
    """A phone number belongs to one worker who has not left."""

    status = 409
    title = "电话已登记"
    detail = (
        "该电话号码已登记在另一名人员名下；号码已换人使用的，请先更正原登记人的电话，或登记其离任。"
    )
    constraints = ("uq_workers_phone_lookup",)
    pointer = "/body/phone"


class WorkerLeft(Problem):
    """Who has left is not appointed."""

    status = 409
    title = "该人员已离任"
    detail = "该人员已登记离任，请先更正离任时间。"


class WorkerStillServes(Problem):
    """Who still holds posts has not left; `posts` says how many."""

    status = 409
    title = "该人员仍在任"
    detail = "该人员仍有任职，请先免去或交接后再登记离任。"
    pointer = "/body/left_at"


class AboveYourRank(Problem):
    """A leader appoints and ends posts below themselves, never an equal or a superior (M1.2)."""

    status = 403
    title = "超出任免权限"
    detail = "不能任免与自己同级或更高的职务，也不能授予超出自己的权限。"


class PostHeld(Problem):
    """One person holds one role at one grid once."""

    status = 409
    title = "已任此职"
    detail = "该人员已在该网格担任此职务。"
    constraints = ("uq_posts_held",)
    pointer = "/body/role"


class HouseholdNotNamed(Problem):
    """A household representative stands for one household, and nobody else does."""

    status = 422
    title = "户与职务不符"
    detail = "户代表须指明所代表的户；其他职务不填户。"
    pointer = "/body/household_id"


class OpenDuties(Problem):
    """The holder still owes something; `duties` counts it by kind (M1.7)."""

    status = 409
    title = "还有未交接的责任"
    detail = "该任职还有未了的责任，请交接给接任人。"


class PostEnded(Problem):
    """The post has ended already."""

    status = 409
    title = "任职已结束"
    detail = "该任职已经结束。"


class LastAdministrator(Problem):
    """Somebody must be able to appoint."""

    status = 409
    title = "最后一名系统管理员"
    detail = "这是最后一名系统管理员，请先任命另一名。"


class SuccessorIsHolder(Problem):
    """A post is handed over to somebody else."""

    status = 422
    title = "接任人不能是本人"
    detail = "接任人不能是原任职人本人。"
    pointer = "/body/successor_worker_id"
