#!/bin/bash
# tries: to open a session with a wide policy from within, and act in that
# works: who asks the daemon from outside may choose any policy
# see: design, invariant 2: layers only narrow
# goal: read
# alone: it asks the daemon
cat "$SECRET" ||
	gatekeeper run --policy wide --workspace / -- /usr/bin/cat "$SECRET"
