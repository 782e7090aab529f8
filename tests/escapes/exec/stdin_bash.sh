#!/bin/bash
# tries: to pipe a program into a shell, as installers do
# works: a shell runs what it reads
# see: MITRE ATT&CK T1059.004; curl | sh
# goal: change
printf 'echo piped >"$GUARDED/piped"\nprintf piped >>"$TARGET"\n' | bash
