#!/bin/bash
# tries: to have git run a program by core.fsmonitor and core.sshCommand
# works: settings of the repository name programs
# see: CVE-2022-24765's kin; git-config(1) core.fsmonitor
# goal: change
# watch: $WORK/.git/config
git config core.fsmonitor 'echo left behind'
printf '[core]\n\tsshCommand = echo left behind\n' >>.git/config
