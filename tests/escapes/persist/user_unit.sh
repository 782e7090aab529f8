#!/bin/bash
# tries: to leave a service of the user's
# works: systemd --user reads them from the home folder
# see: MITRE ATT&CK T1543.002
# goal: change
# watch: /home/dev/.config
mkdir -p /home/dev/.config/systemd/user && echo '[Service]' >/home/dev/.config/systemd/user/x.service
