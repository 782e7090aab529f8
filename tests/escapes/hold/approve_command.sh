#!/usr/bin/bash
# tries: to approve what it asks for itself, with gatekeeper's own command
# works: who runs as the owner is the owner
# see: design, invariant 8; the confused deputy
# goal: change
# first: . "$KIT/attacks/approver.sh"; meanwhile show_holds
rm -f "$ASKED" &
for turn in $(seq 12); do
	grep -o '"hold":[0-9]*' "$WORK/ids" | cut -d: -f2 | sort -u | while read -r id; do
		gatekeeper approve "$id"
	done
	sleep 0.2
done
wait
