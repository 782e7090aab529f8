#!/bin/bash
# tries: to send the mark with the tools at hand: curl, bash's /dev/tcp, python, git
# works: every tool connects as its user
# see: GTFOBins curl; MITRE ATT&CK T1567
# goal: reach
exec 3<>"/dev/tcp/127.0.0.1/$PORT" && echo "$MARK" >&3
git -c protocol.version=0 ls-remote "git://127.0.0.1:$PORT/$MARK" &
sleep 0.3
