#!/bin/bash
# A session as a newcomer would see it: an assistant's shell at work, and the kernel saying no.
#
# Runs as root, in the guest or on a machine whose kernel can enforce. Every act is done twice: outside
# the session, where nothing is governed, and inside. Ends with a table, and with status 1 where anything
# came out differently from what is expected.
set -uo pipefail
shopt -s lastpipe
here=$(cd "$(dirname "$0")" && pwd)
gatekeeper=${GATEKEEPER:-gatekeeper}
work=$(mktemp -d /tmp/gatekeeper-demo.XXXXXX)
chmod 755 "$work"
cd /

if [ -t 1 ] || [ -n "${CLICOLOR_FORCE:-}" ]; then
	bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' green=$'\e[32m' plain=$'\e[0m'
else
	bold='' dim='' red='' green='' plain=''
fi
unexpected=0
denials=0
say() { printf '%s\n' "$*"; }
wrong() {
	unexpected=$((unexpected + 1))
	say "      ${red}unexpected${plain}: $*"
}
heading() {
	local line='────────────────────────────────────────────────────────────────────────────────'
	printf '\n%s── %s %s%s\n\n' "$bold" "$1" "${line:${#1}:$((74 - ${#1}))}" "$plain"
}
cut_short() {
	local text=${1%%$'\n'*}
	[ "${#text}" -le 96 ] || text="${text:0:95}…"
	printf '%s' "$text"
}

# ---- who, and where --------------------------------------------------------------------------------

user=dev made_user='' config=''
if ! id -u "$user" >/dev/null 2>&1; then
	user=gatekeeper-demo made_user=yes
	. "$here/home.sh"
fi
home=$(getent passwd "$user" | cut -d: -f6)
project=$home/project
if [ ! -d /usr/share/gatekeeper/policies ] || [ -S /run/gatekeeper/control.sock ]; then
	# Own places, apart from an installed gatekeeper.
	policies=/usr/share/gatekeeper/policies
	[ -d "$policies" ] || policies=$(cd "$here/../../policies" && pwd)
	config=$work/gatekeeper.toml
	cat >"$config" <<-TOML
		[paths]
		policies = ["$policies"]
		state = "$work/state"
		socket = "$work/control.sock"
		pins = "/sys/fs/bpf/gatekeeper-demo"
		cgroup = "/sys/fs/cgroup/gatekeeper-demo"
	TOML
fi
g() { "$gatekeeper" ${config:+--config "$config"} "$@"; }

daemon='' server=''
finish() {
	local status=$?
	trap - EXIT
	# shellcheck disable=SC2086
	for process in $server $daemon; do kill "$process" 2>/dev/null && wait "$process" 2>/dev/null; done
	[ -z "$made_user" ] || unmake_user
	rm -rf "$work"
	exit $status
}
trap finish EXIT

# ---- the daemon ------------------------------------------------------------------------------------

say "${bold}gatekeeper${plain} on Linux $(uname -r)"
say "${dim}LSMs: $(cat /sys/kernel/security/lsm 2>/dev/null)${plain}"
exec {daemon_out}< <(g daemon 2>"$work/daemon.log" & echo $!; wait)
read -r -u "$daemon_out" daemon
word=''
read -r -t 300 -u "$daemon_out" word
if [ "$word" != ready ]; then
	say "the daemon does not open sessions:"
	cat "$work/daemon.log"
	g status
	exit 1
fi
say "The daemon is ready: its programs are loaded, and a canary proved each hook."

# Servers on loopback that write down what reaches them.
cat >"$work/server.py" <<'PY'
import socket, sys, threading
seen = open(sys.argv[1], "a", buffering=1)
tcp, udp = socket.socket(), socket.socket(type=socket.SOCK_DGRAM)
tcp.bind(("127.0.0.1", 0)); tcp.listen(); port = tcp.getsockname()[1]
udp.bind(("127.0.0.1", port))
def receive():
    while True:
        seen.write("udp %s\n" % udp.recv(100).decode())
threading.Thread(target=receive, daemon=True).start()
print(port, flush=True)
while True:
    peer, _ = tcp.accept()
    seen.write("tcp %s\n" % peer.recv(100).decode())
    peer.close()
PY
exec {served}< <(python3 "$work/server.py" "$work/seen" & echo $!; wait)
read -r -u "$served" server
read -r -t 60 -u "$served" port || { say "the server did not start"; exit 1; }

# ---- two shells ------------------------------------------------------------------------------------

as_user=(setpriv --reuid "$user" --regid "$(id -g "$user")" --init-groups env -i
	HOME="$home" USER="$user" LOGNAME="$user" LANG=C.UTF-8 PATH=/usr/local/bin:/usr/bin:/bin TERM=dumb)
exec {events}< <(g events --follow)
# Each is fed through a named pipe and read through another.
mkfifo "$work/free" "$work/bound"
exec {free_in}<>"$work/free" {bound_in}<>"$work/bound"
exec {free_out}< <(cd "$project" && exec "${as_user[@]}" bash <"$work/free" 2>&1)
exec {bound_out}< <(cd "$project" && exec "${as_user[@]}" "$gatekeeper" ${config:+--config "$config"} \
	run --policy coding-assistant --name demo --purpose 'A demonstration' -- bash <"$work/bound" 2>&1)

# Runs a command in a shell; sets $output and $status.
output='' status=0
ask() {
	local in=$1 out=$2 line
	output=''
	printf '{ %s\n} 2>&1 </dev/null; echo "%%%%done $?"\n' "$3" >&"$in" || { status=gone; return; }
	while read -r -t 120 -u "$out" line; do
		case $line in
		*%%done\ *)
			output+=${line%%\%\%done *}
			status=${line##*%%done }
			return
			;;
		esac
		output+=$line$'\n'
	done
	status=gone
}
ask "$free_in" "$free_out" 'umask 022'
ask "$bound_in" "$bound_out" 'umask 022'
if [ "$status" != 0 ]; then
	say "the session did not open: $output"
	exit 1
fi
session=$(g sessions --json | python3 -c 'import json, sys
for line in sys.stdin:
    found = json.loads(line)
    if found["name"] == "demo": print(found["session"])')

# An act that works inside the session.
works() {
	local shown=$1 command=${2:-$1}
	say "  ${bold}\$ $shown${plain}"
	ask "$bound_in" "$bound_out" "$command"
	if [ "$status" = 0 ]; then
		say "      inside   ${green}$(cut_short "$(tail -n 1 <<<"${output%$'\n'}")")${plain}"
	else
		wrong "it ended with $status: $output"
	fi
}

# An act that works outside the session, and that the kernel refuses inside.
refused() {
	local operation=$1 shown=$2 command=${3:-$2} line event=''
	denials=$((denials + 1))
	say "  ${bold}\$ $shown${plain}"
	ask "$free_in" "$free_out" "$command"
	say "      outside  ${dim}$(cut_short "${output:-done}")${plain}"
	[ "$status" = 0 ] || wrong "outside the session it ended with $status: $output"
	ask "$bound_in" "$bound_out" "$command"
	case $status:$output in
	0:*) wrong "inside the session it passed" ;;
	*"not permitted"* | *PermissionError*)
		say "      inside   ${red}$(cut_short "$(grep -m 1 -E 'not permitted|PermissionError' <<<"$output")")${plain}"
		;;
	*) wrong "inside the session it ended with $status: $output" ;;
	esac
	if [ -n "$secret" ] && grep -qF -- "$secret" <<<"$output"; then wrong "the session saw the key"; fi
	while read -r -t 20 -u "$events" line; do
		case $line in *deny*) event=$line && break ;; esac
	done
	say "      event    $event"
	case $event in *deny*" $operation "*) ;; *) wrong "no event records a refused $operation" ;; esac
}

secret=$(sed -n 2p "$home/.ssh/id_ed25519")
python() { printf 'python3 -c %q' "$1"; }

heading '1. Work goes on, with the policy coding-assistant'
works 'git commit -am "Notes"' 'echo "A note." >>README.md && git commit -qam Notes && git log --oneline -1'
works 'python3 -m unittest' 'python3 -m unittest 2>&1'
works 'make hello && ./hello' 'make -s hello && ./hello'

heading '2. A secret stays one, whatever way leads to it'
refused read 'cat ~/.ssh/id_ed25519'
refused read "python3: open('~/.ssh/id_ed25519').read()" "$(python "print(open('$home/.ssh/id_ed25519').read())")"
refused read 'ln -s ~/.ssh/id_ed25519 notes.txt; cat notes.txt' \
	'ln -sf ~/.ssh/id_ed25519 notes.txt; cat notes.txt; s=$?; rm -f notes.txt; (exit $s)'
refused read 'cat /proc/self/root/home/…/id_ed25519' "cat /proc/self/root$home/.ssh/id_ed25519"
refused read 'cd src; cat ../../.ssh/id_ed25519' '(cd src && cat ../../.ssh/id_ed25519)'
refused read 'python3: open a descriptor of ~/.ssh, then /proc/self/fd/N/id_ed25519' \
	"$(python "import os; fd = os.open('$home/.ssh', os.O_PATH); print(open(f'/proc/self/fd/{fd}/id_ed25519').read())")"
refused read 'cat .env'

heading '3. A program that no rule names does not start'
refused exec 'curl --version'
refused map 'cp /usr/bin/curl /tmp/x; python3: map /tmp/x as executable' \
	"cp /usr/bin/curl /tmp/gatekeeper-demo-\$UID-\$\$; $(python "import glob, mmap, os
name = '/tmp/gatekeeper-demo-%d-%d' % (os.getuid(), os.getppid())
file = open(name, 'rb')
mmap.mmap(file.fileno(), 4096, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_EXEC)
print('mapped')"); s=\$?; rm -f /tmp/gatekeeper-demo-\$UID-\$\$; (exit \$s)"
refused exec '/lib64/ld-linux-x86-64.so.2 /usr/bin/curl --version'

heading "4. No rule allows the network: a server waits at 127.0.0.1:$port"
refused connect "python3: connect to 127.0.0.1:$port" \
	"$(python "import os, socket; socket.create_connection(('127.0.0.1', $port)).send(b'hello'); print('connected')")"
refused send "python3: send a datagram to 127.0.0.1:$port" \
	"$(python "import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b'hello', ('127.0.0.1', $port)); print('sent')")"
# Both are from outside; one more from here, so that whatever came before it has been seen.
python3 -c "import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b'last', ('127.0.0.1', $port))"
for _ in {1..500}; do
	grep -q 'udp last' "$work/seen" 2>/dev/null && break
	read -r -t 0.02 _ <> <(:)
done
tcp=$(grep -c '^tcp' "$work/seen") udp=$(grep -c '^udp hello' "$work/seen")
say "  The server saw $tcp connection and $udp datagram: those from outside the session."
[ "$tcp:$udp" = 1:1 ] || wrong "it should have been one of each"

heading '5. Nothing is left behind for the next shell'
refused write "echo 'alias ls=…' >>~/.bashrc" "cp ~/.bashrc $work/bashrc 2>/dev/null; echo >>~/.bashrc"
refused create 'touch .git/hooks/post-commit' 'touch .git/hooks/post-commit && rm .git/hooks/post-commit'

heading '6. The trail of this session'
echo exit >&"$free_in"
echo exit >&"$bound_in"
g events --json --session "$session" >"$work/events.json"
python3 - "$work/events.json" "$denials" <<'PY' || unexpected=$((unexpected + 1))
import collections, json, sys
counts, reasons = collections.Counter(), collections.defaultdict(collections.Counter)
for line in open(sys.argv[1]):
    event = json.loads(line)
    if event["type"] == "lost":
        print("  lost:", event["families"])
    if event["type"] != "event":
        continue
    key = event["operation"], event["verdict"]
    counts[key] += 1
    if event["verdict"] == "deny":
        reasons[key][event["reason"]] += 1
print("  %-10s %-8s %6s   %s" % ("OPERATION", "VERDICT", "COUNT", "WHY"))
for key in sorted(counts, key=lambda key: (key[1], key[0])):
    why = ", ".join("%s (%d)" % pair for pair in reasons[key].most_common(3))
    print("  %-10s %-8s %6d   %s" % (*key, counts[key], why))
denied = sum(count for (_, verdict), count in counts.items() if verdict == "deny")
print("\n  %d denials of %s acts that were to be refused" % (denied, sys.argv[2]))
sys.exit(denied != int(sys.argv[2]))
PY

say ''
if [ "$unexpected" = 0 ]; then
	say "${green}Everything came out as expected.${plain}"
	exit 0
fi
say "${red}$unexpected things came out differently from what was expected.${plain}"
exit 1
