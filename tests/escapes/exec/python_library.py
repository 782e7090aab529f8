#!/usr/bin/python3
# tries: to load native code into an interpreter that may run
# works: ctypes loads any shared object
# see: ctypes; GTFOBins python "Library load"
# goal: run
import ctypes
import os

ctypes.CDLL(os.environ["PAYLOAD_LIBRARY"])
