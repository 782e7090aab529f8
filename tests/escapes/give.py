"""Somebody outside who hands a descriptor to whoever connects: give.py SOCKET KIND ARGUMENTS."""
import os
import socket
import sys

at, kind, *words = sys.argv[1:]


def made():
    if kind == "file":
        return os.open(words[0], os.O_RDONLY)
    family = socket.AF_UNIX if kind == "unix" else socket.AF_INET
    connected = socket.socket(family, socket.SOCK_STREAM)
    connected.connect(words[0] if kind == "unix" else (words[0], int(words[1])))
    return connected.detach()


if os.path.exists(at):
    os.unlink(at)
giver = socket.socket(socket.AF_UNIX)
giver.bind(at)
giver.listen()
os.chmod(at, 0o666)
if os.fork():
    os._exit(0)
while True:
    taker, _ = giver.accept()
    fd = made()
    socket.send_fds(taker, [b"x"], [fd])
    os.close(fd)
    taker.close()
