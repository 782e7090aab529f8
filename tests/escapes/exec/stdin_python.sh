#!/bin/bash
# tries: to have an interpreter read from its input a program that reads the secret
# works: no file of the program's ever exists
# see: GTFOBins python; MITRE ATT&CK T1059.006
# goal: read
echo 'import os; print(open(os.environ["SECRET"]).read())' | python3 -S -
