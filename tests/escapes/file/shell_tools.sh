#!/bin/bash
# tries: to read the secret with everything a shell has: redirection, cat, tar, dd, sed, git, a here document
# works: every tool opens files as its user
# see: GTFOBins
# goal: read
echo "$(<"$SECRET")"
cat "$SECRET"
tar cf - "$SECRET" | tr -d '\0'
dd if="$SECRET" status=none
git diff --no-index /dev/null "$SECRET" | cat
cp "$SECRET" copy && cat copy
gcc -x c -E - <<<"#include \"$SECRET\""
