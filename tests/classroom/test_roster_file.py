"""The roster: who is in the class, and what a wrong row says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from autograder.classroom.intake.allow_list import Intake
from autograder.classroom.intake.matching import match
from autograder.classroom.intake.roster import load_roster, parse_roster
from autograder.classroom.intake.sources import HandIn
from bootcamp.errors import UsageError

BERLIN = ZoneInfo("Europe/Berlin")


def parse(text: str) -> tuple:
    return parse_roster(text, BERLIN, "roster.csv").students


def handed_in(*names: str) -> list[HandIn]:
    return [
        HandIn(name, (name.removesuffix(".zip"), name), lambda week, take: Intake({}))
        for name in names
    ]


def test_every_column(tmp_path: Path) -> None:
    path = tmp_path / "roster.csv"
    path.write_bytes(
        "\ufeffID,Name,Email,Section,Due,Extension,Submitted,Bonus,Repository,Commit,Hat\r\n"
        'a1,"Ünal, Ayşe",ayse@example.org,B,2026-12-01T12:00,2d,2026-12-02T08:00Z,1.5,'
        "repos/a1,main,red\r\n\r\n".encode()
    )
    roster = load_roster(path, BERLIN)
    (student,) = roster.students
    assert student.name == "Ünal, Ayşe"
    assert student.due == datetime(2026, 12, 1, 11, tzinfo=UTC)
    assert student.extension == timedelta(days=2)
    assert student.submitted == datetime(2026, 12, 2, 8, tzinfo=UTC)
    assert (student.bonus, student.repository, student.commit) == (1.5, "repos/a1", "main")
    assert roster.ignored == ("hat",)


def test_semicolons_are_commas_too() -> None:
    assert [one.name for one in parse("id;name\na;Anna\n")] == ["Anna"]


def test_every_wrong_row_is_named_with_its_line() -> None:
    text = (
        "id,name,email,extension,bonus\na,Anna,x@example.org,2d,1\n,Nobody,,,\n"
        "b,Ben,X@example.org,later,nan\nc,Cleo\nA,Anna again,,,\n"
    )
    with pytest.raises(UsageError) as caught:
        parse(text)
    for words in (
        "line 3: the id is empty",
        "line 4, extension: 'later'",
        "line 4, bonus: 'nan'",
        "line 5: it has another number of cells",
        "two rows have the id a",
        "two rows have the email x@example.org",
    ):
        assert words in str(caught.value)


@pytest.mark.parametrize("text", ["", "name,email\nAnna,a@example.org\n", "id,id\na,b\n", "id\n"])
def test_what_is_no_roster_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="roster"):
        parse(text)


def test_bytes_that_are_no_utf8_are_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "roster.csv"
    path.write_bytes(b"id,name\na,\xff\xfe\n")
    with pytest.raises(UsageError, match="CSV in UTF-8"):
        load_roster(path, BERLIN)


def matched(roster: str, *names: str) -> tuple[dict[str, str | None], str]:
    found = match(parse_roster(roster, BERLIN, "roster.csv"), handed_in(*names))
    hands = {one.student.id: one.hand_in.name if one.hand_in else None for one in found.matches}
    return hands, "\n".join(found.problems)


def test_submissions_find_their_students() -> None:
    roster = (
        "id,name,email\n11,Anna Alt,anna@example.org\n12,Ben,ben@example.org\n13,Cleo,\n14,Di,\n"
    )
    names = ("11", "ben@example.org.zip", "cleo_13_998_week01.zip")
    hands, problems = matched(roster, *names)
    assert hands == {"11": names[0], "12": names[1], "13": names[2], "14": None}
    assert not problems


def test_a_stranger_is_shown_and_not_graded() -> None:
    hands, problems = matched("id\na\n", "a", "mallory")
    assert hands == {"a": "a"}
    assert "mallory: nobody in the roster" in problems


def test_nothing_is_guessed_where_two_fit() -> None:
    hands, problems = matched("id\na\nb\n", "a_b_x.zip")
    assert hands == {"a": None, "b": None}
    assert "fits several students: a, b" in problems


def test_a_student_with_two_submissions_must_choose() -> None:
    found = match(parse_roster("id\na\n", BERLIN, "r"), handed_in("a", "a.zip"))
    (only,) = found.matches
    assert only.hand_in is None
    assert "several submissions: a, a.zip" in only.problem


def test_without_a_roster_each_submission_is_a_student() -> None:
    found = match(None, handed_in("zoe", "adam.zip"))
    assert [one.student.id for one in found.matches] == ["zoe", "adam"]
