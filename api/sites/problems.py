"""What can stand against working at a site."""

from typing import ClassVar

from api.foundation.problems import Problem


class SiteClosed(Problem):
    """Nothing is planned where nothing stands any more."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "站点未启用"
    detail: ClassVar[str] = "该站点在这一时段没有启用，不能安排场次。"
    pointer: ClassVar[str | None] = "/body/site_id"


class SessionsOverlap(Problem):
    """A site holds one session at a time; `site_session_id` names the one that is planned there."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "场次时间重叠"
    detail: ClassVar[str] = "该站点在这一时段已有场次；请改时间，同时进行的请另设站点。"
    pointer: ClassVar[str | None] = "/body/starts_at"


class SessionNotSo(Problem):
    """A session goes from planned to open to closed to results in; `session_status` tells where."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "场次状态不符"
    detail: ClassVar[str] = "该场次目前的状态不能这样办理。"


class OtherKindOfSite(Problem):
    """People are sampled at one kind of site and vaccinated at the other."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "站点类别不符"
    detail: ClassVar[str] = "采样点只登记采样，接种点只登记接种。"


class LookUpOver(Problem):
    """Whom a look-up found is told of while it holds; after that they are looked up again."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "查询结果已过期"
    detail: ClassVar[str] = "该次查询的结果已过期，请重新查询本人。"


class NotTakenBack(Problem):
    """What was told at a session is taken back there for half a day, and before its result."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "不能在站点作废"
    detail: ClassVar[str] = "该场次已结束12小时以上，有误的请由本人所在网格作废。"


class HourAlreadyCounted(Problem):
    """One counter has one number for an hour; what was wrong with it is corrected."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "该时段已登记"
    detail: ClassVar[str] = "同一人已登记过该场次这一小时的人数，有误请更正原记录。"
    pointer: ClassVar[str | None] = "/body/hour_at"
    constraints: ClassVar[tuple[str, ...]] = ("uq_session_tallies_one_an_hour",)


class HomeSamplingWanted(Problem):
    """For one person and day one sampling at home is enough."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "已安排上门采样"
    detail: ClassVar[str] = "该居民这一天已安排上门采样。"
    pointer: ClassVar[str | None] = "/body/wanted_on"
    constraints: ClassVar[tuple[str, ...]] = ("uq_home_samplings_one_open",)


class HomeSamplingOver(Problem):
    """What is done or called off is not arranged any more."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "上门采样已结束"
    detail: ClassVar[str] = "该次上门采样已完成或已取消。"


class TroubleSolved(Problem):
    """Somebody has seen to it already."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "问题已解决"
    detail: ClassVar[str] = "该问题已登记解决。"
