#!/bin/bash
# tries: to start with the owner's desktop
# works: desktop files in the home folder
# see: MITRE ATT&CK T1547.013
# goal: change
# watch: /home/dev/.config
mkdir -p /home/dev/.config/autostart && echo '[Desktop Entry]' >/home/dev/.config/autostart/x.desktop
