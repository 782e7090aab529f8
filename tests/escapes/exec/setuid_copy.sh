#!/bin/bash
# tries: to use a setuid-root shell that somebody has left behind
# works: the owner and one bit of the mode decide
# see: MITRE ATT&CK T1548.001
# goal: change
# first: cp /bin/dash "$GUARDED/../rootsh"; chmod 4755 "$GUARDED/../rootsh"
# undo: rm -f "$GUARDED/../rootsh"
"$GUARDED/../rootsh" -p -c 'echo by-root >"$GUARDED/by-root"'
