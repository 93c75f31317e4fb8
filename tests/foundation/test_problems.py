"""A problem is a class with a name, a status and a Chinese sentence."""

import pytest

from api.foundation.problems import PROBLEMS, Problem, RecordDiffers, VersionMismatch


def test_a_problem_without_status_title_or_detail_cannot_be_written():
    with pytest.raises(TypeError, match="must state status"):
        type("Nameless", (Problem,), {"title": "无", "detail": "无"})


def test_two_problems_cannot_share_a_name():
    with pytest.raises(TypeError, match="already"):
        type("NotFound", (Problem,), {"status": 404, "title": "无", "detail": "无"})


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS.keys())
def test_every_problem_speaks_chinese_and_has_an_error_status(problem: type[Problem]):
    body = problem().body()
    assert 400 <= body["status"] < 600
    assert body["type"] == f"/problems/{problem.slug()}"
    for said in (body["title"], body["detail"]):
        assert any("一" <= character <= "鿿" for character in said), said


def test_members_stand_beside_the_detail_and_a_pointer_names_the_field():
    body = VersionMismatch("请重新读取。", pointer="/body/name", version=3).body()
    assert body["version"] == 3
    assert body["errors"] == [{"pointer": "/body/name", "detail": "请重新读取。"}]
    assert RecordDiffers.slug() == "record-differs"
