#!/usr/bin/env python3
"""Checks the story of a real assistant's session: check.py ASSISTANT STORY.json"""

import json
import sys

assistant, file = sys.argv[1:]
story = json.load(open(file, encoding="utf-8"))
wrong = []


def must(holds, what):
    print(f"  {'ok  ' if holds else 'FAIL'} {assistant}: {what}")
    if not holds:
        wrong.append(what)


reports = story["assistant_reports"]
of = lambda kind: [one for one in reports if one["report"]["kind"] == kind]
prompts = [one["report"]["text"] for one in of("prompt")]
must(prompts == ["Look at the notes"], "the prompt is on record, once")
must(all(one["report"]["assistant"] == assistant for one in reports), "each report names the assistant")
must(all(one["reported_by"] for one in reports), "each report has the process that sent it")
calls = {one["report"].get("command"): one for one in of("tool_call")}
must(len(of("tool_call")) == 3 and len(calls) == 3, "three tool calls")

actions = [(process, action) for process in story["processes"] for action in process["events"]]


def belongs(action, call):
    link = action.get("tool_call")
    return link is not None and link["ids"] == [call] and link["matched_by"] in (
        "process_tree",
        "command",
        "parent",
    )


def path(action):
    return action["object"].get("path", "")


notes = calls.get("cat NOTES.md", {})
number = notes.get("tool_call_id")
execs = [action for _, action in actions if path(action).endswith("/bin/cat") and belongs(action, number)]
must(bool(execs), "cat's exec is joined with its tool call")
output = [one["report"].get("output") or "" for one in reports if one.get("tool_call_id") == number]
must(any("nothing of interest" in text for text in output), "the tool's output is on record")

key = calls.get("cat ~/.ssh/id_ed25519; true", {})
denied = [action for _, action in actions if path(action).endswith("/.ssh/id_ed25519") and not action["passed"]]
must(bool(denied), "the kernel refused the key")
must(denied and belongs(denied[0], key.get("tool_call_id")), "and that is joined with the tool call")
must(key.get("tool_call_id") not in (None, number), "another call than the first")
must(not key.get("predicted_denial"), "which nobody could foresee")

curl = calls.get("curl -s http://127.0.0.1:9/", {})
must(bool(curl.get("predicted_denial")), "curl was refused beforehand, with the policy's reason")
must(not any(path(action).endswith("/curl") for _, action in actions), "and so was never tried")

hooks = [action for _, action in actions if (action.get("tool_call") or {}).get("matched_by") == "hook"]
must(bool(hooks), "the hook's own processes are kept apart")
must(bool(of("turn_end")) and story["ended"], "the turn's end and the session's are on record")
sys.exit(bool(wrong))
