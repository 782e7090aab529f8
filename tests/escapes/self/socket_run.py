#!/usr/bin/python3
# tries: to ask the daemon for a session with a policy that lets all, and act in that
# works: outside a session anyone may ask for any policy
# see: design, invariant 2: layers only narrow
# goal: read
# unrecorded: the refusal is recorded of the session that it has opened within its own
# alone: there is one daemon
import json
import os
import socket

s = socket.socket(socket.AF_UNIX)
s.connect("/run/gatekeeper/control.sock")
run = {"verb": "run", "policy": {"name": "wide"}, "workspace": "/srv"}
s.sendall(json.dumps({"protocol": 2, "request": run}).encode() + b"\n")
print(s.makefile().read())
print(open(os.environ["SECRET"]).read())
