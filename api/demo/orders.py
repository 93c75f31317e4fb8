"""Three orders of the township: answered by most, overdue for some, and new (M1.6)."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from api.access.permissions import Role
from api.demo.days import at
from api.demo.diary import Deed
from api.demo.sign_ins import OFFICE, SECRETARY
from api.demo.township import Post, Township

_DAY, _MINUTE = timedelta(days=1), timedelta(minutes=1)
_SILENT, _LATE = 6, 9


def orders(township: Township, *, now: datetime) -> Iterator[Deed]:
    """Each as it was given, and what came of it."""
    today, secretaries = township.chance.as_of, _secretaries(township)
    given_at = at(today - 2 * _DAY, 9)
    yield _order(
        township, given_at, "返乡人员再排查", at(today + _DAY, 18),
        "逐屯再排查一遍2月1日以来返乡人员，反馈排查户数、新增人数。",
    )  # fmt: skip
    yield from _answers(township, "返乡人员再排查", secretaries, given_at, but=_SILENT)
    given_at = at(today - 3 * _DAY, 15)
    yield _order(
        township, given_at, "独居老人物资台账", at(today - _DAY, 18),
        "上报辖区独居老人名单和所需药品、生活物资。",
    )  # fmt: skip
    yield from _answers(township, "独居老人物资台账", secretaries, given_at, but=_LATE)
    order = _order(
        township, now - 20 * _MINUTE, "大风降温期间做好保供", at(today + _DAY, 12),
        "明日大风降温，逐户确认隔离家庭取暖、用药，有困难的当日解决。",
    )  # fmt: skip
    yield Deed(order.at, order.by, order.path, {**order.body, "levels": [3, 4]})


def _secretaries(township: Township) -> list[Post]:
    return [
        post
        for village in township.villages
        for post in village.posts
        if post.role is Role.grid_leader
    ]


def _order(
    township: Township, given_at: datetime, title: str, deadline: datetime, body: str
) -> Deed:
    order = {
        "id": str(township.chance.id("directive", title)),
        "grid_id": str(township.grid.id),
        "title": title,
        "body": body,
        "levels": [3],
        "roles": [Role.grid_leader, Role.grid_worker],
        "deadline_at": deadline.isoformat(),
        "attachments": [{"name": "填报表（示例）", "url": "https://example.cn/onegrid.pdf"}],
    }
    return Deed(given_at, SECRETARY, "/v1/directives", order)


def _answers(
    township: Township, title: str, posts: list[Post], given_at: datetime, *, but: int
) -> Iterator[Deed]:
    """What each reports through the office that day; one in `but` says nothing."""
    path = f"/v1/directives/{township.chance.id('directive', title)}/report"
    for number, post in enumerate(posts):
        if number % but == but // 2 or (len(posts) <= but and number == len(posts) - 1):
            continue
        rolls = township.chance.of("report", title, number)
        told = {
            "post_id": str(post.id),
            "report": f"已完成，共核实{rolls.randint(180, 420)}户，新增{rolls.randint(0, 3)}人。",
        }
        yield Deed(given_at + rolls.randint(60, 500) * _MINUTE, OFFICE, path, told)
