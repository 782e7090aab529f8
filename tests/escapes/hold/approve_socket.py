#!/usr/bin/python3
# tries: to approve what it asks for itself, by gatekeeper's socket
# works: the socket is there for all, and who runs as the owner is the owner
# see: design, invariant 8; the confused deputy
# goal: change
# first: . "$KIT/attacks/approver.sh"; meanwhile show_holds
import json
import os
import re
import socket
import time


def approve(hold):
    s = socket.socket(socket.AF_UNIX)
    s.connect("/run/gatekeeper/control.sock")
    request = {"verb": "decide", "hold": int(hold), "approve": True}
    s.sendall(json.dumps({"protocol": 2, "request": request}).encode() + b"\n")
    return s.makefile().read()


child = os.fork()
if child == 0:
    os.unlink(os.environ["ASKED"])
    os._exit(0)
end = time.time() + 5
while time.time() < end and os.waitpid(child, os.WNOHANG)[0] == 0:
    try:
        for hold in set(re.findall(r'"hold":(\d+)', open(os.environ["WORK"] + "/ids").read())):
            print(approve(hold))
    except OSError as error:
        print(error)
    time.sleep(0.1)
