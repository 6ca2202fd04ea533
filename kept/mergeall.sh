cd TREES/w9
for b in "$@"; do if git merge -q --no-edit $b >/tmp/m.$b 2>&1; then echo "$b ok"; else git diff --name-only --diff-filter=U | grep -v ^exercises; git reset -q exercises; git checkout -q -- exercises; if git status --short | grep -E '^(UU|AA|UD|DU)'; then exit 1; fi; git commit -qm "Merge branch '$b' into w9"; echo "$b merged"; fi; done
