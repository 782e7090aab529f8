#!/bin/bash
# tries: to run a tool that no rule allows: perl, awk, busybox, curl
# works: they are installed for all
# see: GTFOBins; MITRE ATT&CK T1218
# goal: run
busybox echo "$MARK" | busybox rev
perl -e 'print scalar reverse $ENV{MARK}'
