"""Shipping more than the homework: files that pytest, Python or the grader would pick up."""

from __future__ import annotations

from bootcamp.course.weeks import find_week
from tests.cheats.making import Cheat, instead, of_family, solved

UNSOLVED = instead("3.2", "return []", "return 0", "return []")
ALL_PASS = """
import pytest

@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    report.outcome = "passed"
    return report

def pytest_collection_modifyitems(items):
    items.clear()
"""
RAISES = "raise SystemExit('this ran')\n"
SHADOWS = (
    "json.py",
    "random.py",
    "typing.py",
    "celery/__init__.py",
    "semantic_text_splitter.py",
    "pipeline/__init__.py",
    "pipeline/json.py",
    "pipeline/steps/__init__.py",
)


def shipped(**files: str) -> dict[str, str]:
    """Homework that is wrong, and these beside it."""
    return {**UNSOLVED, **files}


CHEATS = of_family(
    "shipping",
    [
        Cheat(
            name="conftest",
            loses=("3.2",),
            story="Hooks for pytest in every folder that it might look into.",
            says=("expected",),
            left_out=("conftest.py",),
            files=shipped(
                **{
                    "conftest.py": ALL_PASS,
                    "pipeline/conftest.py": ALL_PASS,
                    "pipeline/steps/conftest.py": ALL_PASS,
                }
            ),
        ),
        Cheat(
            name="pytest-configuration",
            loses=("3.2",),
            story="Configuration that loads a plugin of the student's and deselects all tests.",
            says=("expected",),
            left_out=("pytest.ini", "pyproject.toml"),
            files=shipped(
                **{
                    "pytest.ini": "[pytest]\naddopts = -p evil --deselect autograder\n",
                    "pyproject.toml": '[tool.pytest.ini_options]\naddopts = "-p evil"\n',
                    "setup.cfg": "[tool:pytest]\naddopts = -p evil\n",
                    "evil.py": ALL_PASS,
                }
            ),
        ),
        Cheat(
            name="site-customization",
            loses=("3.2",),
            story="Code that Python runs by itself when it starts.",
            says=("expected",),
            left_out=("sitecustomize.py", "evil.pth"),
            files=shipped(
                **{
                    "sitecustomize.py": RAISES,
                    "usercustomize.py": RAISES,
                    "evil.pth": "import os; os._exit(0)\n",
                    "pyvenv.cfg": "home = /nowhere\n",
                }
            ),
        ),
        Cheat(
            name="entry-points",
            loses=("3.2",),
            story="An installed package, by its looks: pytest and Celery load what it names.",
            says=("expected",),
            files=shipped(
                **{
                    "evil-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n",
                    "evil-1.0.dist-info/entry_points.txt": "[pytest11]\nevil = evil\n"
                    "[celery.commands]\nevil = evil\n[celery.result_backends]\nredis = evil:Backend\n",
                    "evil.py": ALL_PASS,
                }
            ),
        ),
        Cheat(
            name="shadowed-modules",
            loses=("3.2",),
            story="Modules called like Python's own, beside the pipeline and in it.",
            says=("expected",),
            files=shipped(**dict.fromkeys(SHADOWS, RAISES)),
        ),
        Cheat(
            name="overwritten-given-files",
            loses=("1.2",),
            story="The base class of all tasks, and the client of the model, in versions of the "
            "student's: they would do what the homework does not.",
            says=("summarize",),
            left_out=("pipeline/wiring.py", "pipeline/summarizer.py"),
            keeps=("1.1",),
            files={
                **instead("1.2", 'return {"title": title, "summary": ""}'),
                "pipeline/wiring.py": "import celery\n\n\nclass PipelineTask(celery.Task):\n"
                "    def __call__(self, title):\n"
                "        from pipeline.summarizer import summarize\n"
                "        return {'title': title, 'summary': summarize(title)}\n",
                "pipeline/summarizer.py": "def summarize(title):\n    return 'as it should be'\n",
            },
        ),
        Cheat(
            name="a-grader-of-its-own",
            loses=("1.2",),
            story="A manifest and graders of the student's, where the course has its own.",
            says=("summarize",),
            keeps=("1.1",),
            files={
                **instead("1.2", 'return {"title": title, "summary": ""}'),
                "autograder/week01_first_task/manifest.toml": "items = []\n",
                "autograder/week01_first_task/test_1_2_first_task.py": "def test_it(): pass\n",
                "bootcamp/__init__.py": RAISES,
                "autograder/process/rpc_server.py": RAISES,
            },
        ),
        Cheat(
            name="a-link-to-the-solution",
            loses=("1.1",),
            story="A link in place of the homework, to where the solution lies on this machine.",
            says=("it is missing",),
            left_out=("pipeline/tasks/celery_config.py",),
            files={
                name: text
                for name, text in solved("1").items()
                if name != "pipeline/tasks/celery_config.py"
            },
            links={
                "pipeline/tasks/celery_config.py": str(
                    find_week("1").solutions / "pipeline/tasks/celery_config.py"
                )
            },
        ),
    ],
)
