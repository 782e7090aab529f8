#!/bin/bash
# Codex and Gemini CLI, as their makers ship them, in sessions on a kernel that enforces, talking to a scripted model.
# Runs as root in a guest; /mnt/copy/stage holds the assistants. Ends with status 1 where an
# assistant's reports and the kernel's events are not joined.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
stage=/mnt/copy/stage
work=$(mktemp -d /tmp/assistants.XXXXXX)
chmod 755 "$work"
user=dev
home=$(getent passwd "$user" | cut -d: -f6)
project=$home/project

mkdir -p /etc/gatekeeper/policies
cp "$here/policy.toml" /etc/gatekeeper/policies/assistants.toml
# Emulation is slow; the assistants wait a minute.
printf '[hooks]\nseconds = 50\n' >/etc/gatekeeper/gatekeeper.toml

daemon='' model=''
finish() {
	local status=$?
	trap - EXIT
	for process in $model $daemon; do kill "$process" 2>/dev/null && wait "$process" 2>/dev/null; done
	exit $status
}
trap finish EXIT

exec {daemon_out}< <(gatekeeper daemon 2>"$work/daemon.log" & echo $!; wait)
read -r -u "$daemon_out" daemon
word=''
read -r -t 300 -u "$daemon_out" word
if [ "$word" != ready ]; then
	echo "the daemon does not open sessions:"
	cat "$work/daemon.log"
	exit 1
fi

echo 'In the README: nothing of interest.' >"$project/NOTES.md"
chown "$user" "$project/NOTES.md"
cat >"$work/steps.json" <<'JSON'
["cat NOTES.md", "cat ~/.ssh/id_ed25519; true", "curl -s http://127.0.0.1:9/", "I have looked at all of it."]
JSON
python3 "$here/model.py" "$work/port" "$work/steps.json" &
model=$!
for _ in {1..600}; do
	[ -s "$work/port" ] && break
	sleep 0.1
done
read -r port <"$work/port"

for assistant in codex gemini; do
	gatekeeper setup "$assistant" --system >"$work/setup" || { cat "$work/setup"; exit 1; }
	tail -n 1 "$work/setup"
done
as_user=(setpriv --reuid "$user" --regid "$(id -g "$user")" --init-groups env -i
	HOME="$home" USER="$user" LOGNAME="$user" LANG=C.UTF-8 PATH=/usr/local/bin:/usr/bin:/bin TERM=xterm-256color)
"${as_user[@]}" bash -eu <<SH
mkdir -p ~/.codex ~/.gemini ~/.ssh
[ -e ~/.ssh/id_ed25519 ] || echo secret >~/.ssh/id_ed25519
cat >~/.codex/config.toml <<TOML
model = "stub"
model_provider = "stub"
[model_providers.stub]
name = "stub"
base_url = "http://127.0.0.1:$port/v1"
wire_api = "responses"
TOML
cat >~/.gemini/settings.json <<JSON
{
  "security": { "auth": { "selectedType": "gemini-api-key" } },
  "privacy": { "usageStatisticsEnabled": false },
  "general": { "disableAutoUpdate": true }
}
JSON
SH

# One assistant in a session: its output, and the session's id on the last line.
session() {
	local name=$1
	shift
	(cd "$project" && timeout 900 "${as_user[@]}" "$@") </dev/null >"$work/$name.out" 2>&1
	echo "$name ended with status $?:"
	sed 's/^/    /' "$work/$name.out" | tail -n 25
	gatekeeper audit search --kind session --json |
		python3 -c 'import json, sys
name = sys.argv[1]
for line in sys.stdin:
    record = json.loads(line)
    if record["unmapped"].get("session_name") == name:
        print(record["actor"]["session"]["uid"])' "$name" | head -n 1 >"$work/$name.id"
}
run=(gatekeeper run --policy assistants --purpose 'A real assistant')
wrong=0
session codex "${run[@]}" --name codex -- "$stage/codex" exec --skip-git-repo-check \
	--dangerously-bypass-approvals-and-sandbox 'Look at the notes'
session gemini env GEMINI_API_KEY=none GOOGLE_GEMINI_BASE_URL="http://127.0.0.1:$port" \
	GEMINI_CLI_TRUST_WORKSPACE=true GEMINI_CLI_NO_RELAUNCH=true "${run[@]}" --name gemini -- "$stage/node" \
	"$stage/gemini-cli/bundle/gemini.js" --yolo -m gemini-2.5-pro -p 'Look at the notes'
sleep 7 # until the sessions' ends are on record
for assistant in codex gemini; do
	id=$(cat "$work/$assistant.id")
	echo
	gatekeeper audit session "$id"
	gatekeeper audit session "$id" --json >"$work/$assistant.json"
	python3 "$here/check.py" "$assistant" "$work/$assistant.json" || wrong=1
done
gatekeeper audit verify || wrong=1
[ $wrong = 0 ] || { echo; gatekeeper events -n 60; cat "$work/daemon.log"; }
exit $wrong
