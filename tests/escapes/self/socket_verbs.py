#!/usr/bin/python3
# tries: to have the daemon reload, label and answer, by its own socket
# works: the socket is there for all, and root is root
# see: design, invariant 8; the confused deputy
# goal: run
# user: root
# unrecorded: the daemon says no, which is no event of the kernel
# alone: there is one daemon
import json
import os
import socket


def ask(request):
    s = socket.socket(socket.AF_UNIX)
    s.connect("/run/gatekeeper/control.sock")
    s.sendall(json.dumps({"protocol": 2, "request": request}).encode() + b"\n")
    return s.makefile().read()


requests = [{"verb": "sessions"}, {"verb": "events", "last": 1}, {"verb": "reload"}, {"verb": "status"}]
answers = [ask(request) for request in requests]
print(answers)
if any('"refused"' not in answer for answer in answers):
    print(os.environ["MARK"][::-1])
