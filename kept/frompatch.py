"""Make wrong/unlike patches out of trial solutions."""
import sys, tempfile, difflib
from pathlib import Path
sys.path.insert(0,'.')
from autograder.validation.trials import load, build
from bootcamp.course.weeks import find_week
def make(path, name, breaks, card, loses=None, folder="wrong", story=None):
    a = load(Path(path)); week = a.week if not callable(getattr(a,'week',None)) else a.week()
    with tempfile.TemporaryDirectory() as d:
        build(a, Path(d))
        head = [f"loses: {loses or a.item}", f"breaks: {breaks}", f"story: {story or a.story.split(') ',1)[-1]}", f"card: {card}"] if folder=="wrong" else [f"story: {story or a.story}"]
        text="\n".join(head)+"\n"
        for f in sorted({b.file for b in a.block}):
            old=(week.solutions/f).read_text(); new=(Path(d)/f).read_text()
            text+="".join(difflib.unified_diff(old.splitlines(True),new.splitlines(True),f"a/{f}",f"b/{f}"))
    out=week.grader/folder/f"{name}.patch"; assert not out.exists(), out
    out.write_text(text); print(out)
if __name__=="__main__":
    B='NOTES/blind4/'
    make(B+'w02/2.2-w4.toml','2_2_suffix_of_a_path','2.2e','a text is Markdown if its name ends')
    make(B+'w05/5.4-w1.toml','letter_with_the_errors_own_message','5.4b','take `message` from `public_error(error)`')
    make(B+'w05/5.6-w2.toml','alert_swallows_the_second_outage','5.6n','also at the second write')
    make(B+'w06/6.2-w2.toml','verify_refuses_long_headers','6.2d','a long header is no error')
    make(B+'w06/6.4-w3.toml','safety_names_the_host','6.4g','learn which addresses')
    make(B+'w08/8.1-w1.toml','routes_by_the_beginning','8.1d','a task that you do not know goes to')
    make(B+'w08/8.1-w2.toml','urgent_in_any_argument','8.1e','only the first argument is the reference')
    make(B+'w08/8.2-w5.toml','sweep_ends_at_a_handlers_outage','8.2i','catch whatever `handle` raises')
    make(B+'w08/8.4-w2.toml','bucket_forgets_its_debt','8.4f','while tokens are owed')
    make(B+'w08/8.5-w1.toml','valid_in_the_last_moment','8.5c','compare with `<=`')
    make(B+'w08/8.5-w3.toml','login_again_without_the_scope','8.5e','whoever has a valid key is logged in')
    make(B+'w08/8.5-w5.toml','unread_keys_are_strangers','8.5a','let `KeysUnavailable` out')
    make(B+'w08/8.6-w4.toml','fills_arguments_by_hand','8.6l','leaves a message without arguments as it is')
    make(B+'w08/8.6-w5.toml','whole_seconds_to_stop','8.6n','a fraction')
    make(B+'w08/8.7-w3.toml','pypdf_without_limits','8.7e','hold for pypdf too')
    make(B+'w08/8.6-r2.toml','bounds_written_down','','',folder='unlike')
