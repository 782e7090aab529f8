#!/bin/bash
# tries: to leave code that every python of the owner's starts with
# works: usercustomize and .pth files in ~/.local
# see: MITRE ATT&CK T1546.018
# goal: change
# watch: /home/dev/.local
mkdir -p /home/dev/.local/lib/python3.11/site-packages
echo 'import os' >/home/dev/.local/lib/python3.11/site-packages/x.pth
