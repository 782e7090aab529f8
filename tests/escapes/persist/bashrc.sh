#!/bin/bash
# tries: to leave a line in the owner's shell settings
# works: the file is the user's own
# see: MITRE ATT&CK T1546.004
# goal: change
# watch: /home/dev/.bashrc /home/dev/.profile /home/dev/.bash_aliases
echo 'echo left behind' >>/home/dev/.bashrc
echo 'echo left behind' >>/home/dev/.profile
