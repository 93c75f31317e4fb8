"""Who can sign in to the demonstration: one account for each role, and what it will see."""

from dataclasses import dataclass

from api.access.permissions import Role
from api.demo.names import TOWNSHIP
from api.demo.township import Post, Township

PASSWORD = "Qingzhu-2022"  # noqa: S105 - of people who do not exist, served on this machine alone


@dataclass(frozen=True, slots=True)
class SignIn:
    """An account: whose it is, by the first post of that role and title at a place."""

    account: str
    who: str
    place: str
    role: Role
    sees: str
    title: str | None = None
    password: str = PASSWORD


ADMINISTRATOR = SignIn(
    "guanli",
    "系统管理员",
    TOWNSHIP,
    Role.administrator,
    "全乡一切，任免人员、开通账号、调整网格、制定规则",
)
REPRESENTATIVE = SignIn(
    "huzhu",
    "户代表",
    "渠凤屯",
    Role.household_representative,
    "只有自己一户：家人、走访、家中隔离者的体温",
)

SECRETARY = SignIn(
    "shuji",
    "一级网格长（乡党委书记）",
    TOWNSHIP,
    Role.grid_leader,
    "全乡27个村：实时态势、逾期未办、待审批的解除和转运、操作记录",
)
OFFICE = SignIn(
    "fangkong",
    "乡防控办干部",
    TOWNSHIP,
    Role.cadre,
    "全乡：返（来）乡登记、涉疫线索、指令反馈、异常处置、代为录入",
    title="乡防控办干部",
)
MEDIC = SignIn(
    "yiyuan",
    "乡卫生院医护人员",
    TOWNSHIP,
    Role.medic,
    "全乡：升级到卫生院的发热等异常、检测、送医和随访",
)
AREA_MEMBER = SignIn(
    "weiyuan",
    "二级网格员（乡党委委员）",
    "青竹乡东片区",
    Role.grid_worker,
    "东片区各村，可任免村级以下人员、安排四包一",
)
VILLAGE_SECRETARY = SignIn(
    "zhishu",
    "三级网格长（村党总支书记）",
    "那竹村",
    Role.grid_leader,
    "那竹村各屯：待响应的异常、待确认的返乡人员、待审批的外出",
)
CLERK = SignIn(
    "wenshu", "村干部（村文书）", "那竹村", Role.cadre, "那竹村各屯，可代他人录入", title="村文书"
)
GRID_WORKER = SignIn(
    "xiaozu",
    "四级网格员（屯小组长）",
    "渠凤屯",
    Role.grid_worker,
    "渠凤屯各户：我的一天、走访、体温、返乡人员",
)
OLDER_WORKER = SignIn(
    "laozu", "四级网格员（年长）", "弄良屯", Role.grid_worker, "本屯各户；一次登记一轮“全部正常”"
)
DOCTOR = SignIn(
    "cunyi",
    "村医",
    "板榕村",
    Role.village_doctor,
    "板榕村；另在那竹村包保1人，只看得到那一人那一户",
)
PARTY_MEMBER = SignIn(
    "dangyuan",
    "党员（四包一成员）",
    "渠凤屯",
    Role.party_member,
    "渠凤屯各户、走访、体温；现在在卡点值班，看得到、登记得了通行",
)

STAFF = (
    SECRETARY,
    OFFICE,
    MEDIC,
    AREA_MEMBER,
    VILLAGE_SECRETARY,
    CLERK,
    GRID_WORKER,
    OLDER_WORKER,
    DOCTOR,
    PARTY_MEMBER,
)

SIGN_INS = (ADMINISTRATOR, *STAFF, REPRESENTATIVE)


def post_of(township: Township, account: SignIn) -> Post:
    """The post that somebody of the staff signs in at; they hold no other."""
    place = next(each for each in township.places if each.grid.name == account.place)
    return next(
        post
        for post in place.posts
        if post.role is account.role and account.title in (None, post.title)
    )
