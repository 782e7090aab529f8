#!/usr/bin/python3
# tries: the same with recvmsg of an interpreter and mmap instead of read
# works: a descriptor that is open is checked no more
# see: unix(7) SCM_RIGHTS; mmap(2)
# goal: read
import array
import mmap
import os
import socket

s = socket.socket(socket.AF_UNIX)
s.connect(os.environ["HAND"])
_, control, _, _ = s.recvmsg(1, socket.CMSG_SPACE(4))
fd = array.array("i", control[0][2])[0]
print(mmap.mmap(fd, 0, mmap.MAP_PRIVATE, mmap.PROT_READ)[:])
