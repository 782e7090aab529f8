#!/bin/bash
# tries: to leave tasks that an editor runs when it opens the folder
# works: .vscode/tasks.json runs on folderOpen
# see: MITRE ATT&CK T1546; CVE-2025-54135 and kin (editors with assistants)
# goal: change
# watch: $WORK/.vscode
mkdir -p .vscode && echo '{"tasks":[]}' >.vscode/tasks.json
