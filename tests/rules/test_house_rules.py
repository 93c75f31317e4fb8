"""The rules of the house that a program can check."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[2]
CODE = sorted((HOUSE / "api").rglob("*.py"))
TESTS = sorted((HOUSE / "tests").rglob("*.py"))
DRAWERS = {"utils", "helpers", "common", "constants", "misc"}


def _name(path: Path) -> str:
    return str(path.relative_to(HOUSE))


@pytest.mark.parametrize("path", CODE + TESTS, ids=_name)
def test_a_file_is_short_enough_to_be_read_at_once(path: Path):
    longest = 400 if path in CODE else 600
    assert len(path.read_text("utf-8").splitlines()) <= longest


@pytest.mark.parametrize("path", CODE, ids=_name)
def test_a_module_says_in_a_sentence_what_it_is_for(path: Path):
    told = ast.get_docstring(ast.parse(path.read_text("utf-8")))
    assert told is not None
    assert len(told.split()) >= 3


def test_no_drawer_for_what_was_not_named():
    assert not [_name(path) for path in CODE + TESTS if path.stem in DRAWERS]


def test_nothing_is_left_for_later():
    promise = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
    left = [_name(path) for path in CODE if promise.search(path.read_text("utf-8"))]
    assert not left


def test_one_place_commits():
    commits = [_name(path) for path in CODE if re.search(r"\.commit\(", path.read_text("utf-8"))]
    assert not commits
    opens = [_name(path) for path in CODE if re.search(r"\bCOMMIT\b", path.read_text("utf-8"))]
    assert opens == ["api/foundation/database.py"]


def test_one_place_reads_the_clock():
    reading = re.compile(r"datetime\.now\(|date\.today\(|utcnow\(")
    reads = [_name(path) for path in CODE if reading.search(path.read_text("utf-8"))]
    assert reads == ["api/foundation/clock.py"]


def test_tests_never_skip_nor_expect_to_fail():
    evasion = re.compile(r"pytest\.(skip|xfail)|mark\.(skip|skipif|xfail)\b|importorskip")
    here = Path(__file__)
    assert not [_name(path) for path in TESTS if path != here and evasion.search(path.read_text())]


def test_imports_run_one_way():
    found = subprocess.run(
        (Path(sys.executable).with_name("lint-imports"), "--no-cache"),
        cwd=HOUSE,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stdout
