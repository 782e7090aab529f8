#!/bin/bash
# tries: to add the secret to a repository of the workspace and show it from there
# works: git hashes any file that it is given
# see: git-hash-object(1); GTFOBins git
# goal: read
git show "$(git hash-object -w "$SECRET")"
