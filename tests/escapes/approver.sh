# The approver outside whom attacks on a hold count on: read by the shell that runs their `first`, with `. "$KIT/attacks/approver.sh"`.

# The ids of the holds that show this text.
holds_of() {
	gatekeeper holds --json | grep -F -- "$1" | grep -o '^{"hold":[0-9]*' | cut -d: -f2
}

# Repeats a command while the attack runs; the runner ends it.
meanwhile() {
	(while :; do "$@"; sleep 0.05; done) >/dev/null 2>&1 &
}

# Writes the open holds where the attack can read them: the number of a hold is no secret.
show_holds() {
	gatekeeper holds --json | grep -F -- "$ASKED" >"$WORK/ids.new"
	mv "$WORK/ids.new" "$WORK/ids"
}

# Approves these holds.
approve() {
	for id; do gatekeeper approve "$id"; done
}

# Approves all that shows this text.
approve_all() {
	approve $(holds_of "$1")
}
