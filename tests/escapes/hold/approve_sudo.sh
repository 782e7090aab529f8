#!/usr/bin/bash
# tries: to approve what it asks for itself, as root by sudo
# works: many developers' sudo asks for nothing
# see: sudo(8), NOPASSWD
# goal: change
# first: printf 'dev ALL=(ALL) NOPASSWD: ALL\n' >/etc/sudoers.d/hold; chmod 440 /etc/sudoers.d/hold; . "$KIT/attacks/approver.sh"; meanwhile show_holds
# undo: rm -f /etc/sudoers.d/hold
# alone: sudo is everybody's
rm -f "$ASKED" &
for turn in $(seq 12); do
	grep -o '"hold":[0-9]*' "$WORK/ids" | cut -d: -f2 | sort -u | while read -r id; do
		/usr/bin/sudo -n gatekeeper approve "$id"
	done
	sleep 0.2
done
wait
