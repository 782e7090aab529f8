#!/bin/bash
# tries: to leave a program of a common name first in the owner's PATH
# works: ~/.local/bin comes before /usr/bin
# see: MITRE ATT&CK T1574.007
# goal: change
# watch: /home/dev/.local /home/dev/bin
printf '#!/bin/sh\n' >/home/dev/.local/bin/git && chmod +x /home/dev/.local/bin/git
