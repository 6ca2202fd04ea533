"""rows.py WEEK...: rewrite the week's section of VALIDATION.md from what the patches say (cheat rows kept)."""
import sys, re
from pathlib import Path
sys.path.insert(0, ".")
from autograder.validation import report, fresh_eyes
from autograder.validation.variants import load_variants
from bootcamp.course.manifest import load_manifest, graded_weeks
from bootcamp.course.weeks import find_week
from tests.validation.test_validation import touched
try:
    from bootcamp.course.manifest import with_dependents
except ImportError:
    from tests.validation.test_validation import with_dependents
page = Path("VALIDATION.md").read_text()
# fresh eyes
head, _, rest = page.partition("| week | date |")
old_table = re.match(r"(?:\|.*\n)+", "| week | date |" + rest)[0]
page = page.replace(old_table, "\n".join(fresh_eyes.table(graded_weeks())) + "\n")
for number in sys.argv[1:]:
    week = find_week(number)
    m = load_manifest(week); ids = [i.id for i in m.items]
    sect = re.search(rf"## {week.name}\n.*?(?=\n## |\Z)", page, re.S)
    from tests.cheats.catalogue import CHEATS
    from tests.cheats.test_cheats import trial_name
    def row_of(c):
        e = report.marks(ids, c.loses, (*c.loses, *c.keeps))
        return report.Trial(week.name, "cheat", trial_name(c), e, e).row()
    cheats = [row_of(c) for c in sorted(CHEATS, key=trial_name) if find_week(c.week).name == week.name]
    mut = [l for l in (sect[0].splitlines() if sect else []) if "mechanical changes" in l]
    T = []
    def add(kind, name, lost, checked): 
        e = report.marks(ids, lost, checked); T.append(report.Trial(week.name, kind, name, e, e).row())
    add("reference", "solutions", (), ids); add("untouched", "exercises", ids, ids)
    for i in ids: add("undone", i, with_dependents(m, {i}), ids)
    vs = load_variants(week)
    for kind in ("wrong", "unlike"):
        for v in sorted((v for v in vs if v.path.parent.name == kind), key=lambda v: v.path.stem):
            add(kind, v.path.stem, v.loses, touched(v))
    rows = T + cheats
    lines = [f"## {week.name}\n", f"{len(rows)} of {len(rows)} hold.\n"]
    lines.append(report.promises_line(week.name) + "\n")
    if mut: lines.append(mut[0] + "\n")
    lines += [f"| kind | solution | {' | '.join(ids)} |", f"|---|---|{'---|' * len(ids)}", *rows, ""]
    text = "\n".join(lines)
    page = page.replace(sect[0], text.rstrip("\n") + "\n") if sect else page.rstrip("\n") + "\n\n" + text
Path("VALIDATION.md").write_text(page.rstrip("\n") + "\n\n" if page.endswith("\n\n") else page)
