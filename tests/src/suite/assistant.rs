//! Assistants' reports through hooks, joined with the kernel's events; and recorded terminals.

use std::os::unix::process::CommandExt;
use std::process::Stdio;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::hold::number;
use crate::fixtures;
use crate::policies::policy;
use crate::runner::Test;
use crate::world::{User, World, in_full, until};

const PROJECT: &str = "/home/dev/project";

pub fn tests() -> Vec<Test> {
    // All of it is the daemon's doing, and differs from kernel to kernel in nothing.
    if !in_full() {
        return Vec::new();
    }
    vec![
        Test::new("assistant::calls_are_joined_with_commands", joined),
        Test::new("assistant::a_whole_session_is_in_its_story", whole),
        Test::new("assistant::two_agents_at_once_are_kept_apart", two),
        Test::new("assistant::outside_a_session_nothing_is_recorded", outside),
        Test::new("assistant::a_flood_is_turned_away_and_counted", flood),
        Test::new("assistant::a_terminal_is_recorded_where_no_session_reaches", recorded),
    ]
}

/// A hook's input, and the hook.
fn hook(event: &str, call: &str, command: &str) -> String {
    let input = serde_json::json!({
        "session_id": "s", "hook_event_name": event, "cwd": PROJECT, "tool_name": "Bash", "tool_use_id": call,
        "tool_input": {"command": command}, "tool_response": "done", "prompt": "look around",
    });
    format!("echo '{input}' | /usr/bin/gatekeeper hook --agent claude\n")
}

/// Runs a script in a session of the developer's; what it wrote, and the session's story once it has ended.
fn story(world: &World, script: &str) -> Result<(String, Value)> {
    let name = format!("a{}", world.number());
    let words = ["run", "--policy", "coding-assistant", "--name", &name, "--", "bash", "-c", script];
    let mut command = world.command(&words);
    User::Dev.become_of(&mut command);
    let output = command.current_dir(PROJECT).output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "{}: {text} {errors}", output.status);
    let id = ended(world, &name)?;
    let story = whole_story(world, &id)?;
    Ok((text + &errors, story))
}

/// A session's story from its records on disk, where its end comes to stand a little later than in memory.
fn whole_story(world: &World, id: &str) -> Result<Value> {
    until("the session's whole story", || {
        let story = world.ask_json(&["audit", "session", id, "--json"])?.pop().context("no story")?;
        Ok((!story["ended"].is_null()).then_some(story))
    })
}

/// The id of the session of this name, once its end is on record.
fn ended(world: &World, name: &str) -> Result<String> {
    until("the session's end", || {
        let events = world.ask_json(&["events", "--json", "-n", "500"])?;
        let ended = events.iter().find(|event| {
            event["type"] == "session" && event["change"] == "ended" && event["session_name"] == name
        });
        Ok(ended.and_then(|event| event["session"].as_str()).map(str::to_owned))
    })
}

fn reports<'a>(story: &'a Value, kind: &str) -> Vec<&'a Value> {
    let all = story["assistant_reports"].as_array().map(Vec::as_slice).unwrap_or_default();
    all.iter().filter(|one| one["report"]["kind"] == kind).collect()
}

/// The calls that the start of a program was matched with, and how.
fn started(story: &Value, program: &str) -> Vec<(String, String)> {
    let processes = story["processes"].as_array().map(Vec::as_slice).unwrap_or_default();
    let actions = processes.iter().flat_map(|process| process["events"].as_array().into_iter().flatten());
    actions
        .filter(|action| action["operation"] == "exec" && action["passed"] == true)
        .filter(|action| action["object"]["path"].as_str().is_some_and(|path| path.ends_with(program)))
        .map(|action| {
            let calls = action["tool_call"]["ids"].as_array().map(Vec::as_slice).unwrap_or_default();
            let calls: Vec<&str> = calls.iter().filter_map(Value::as_str).collect();
            (calls.join(" "), action["tool_call"]["matched_by"].as_str().unwrap_or_default().to_owned())
        })
        .collect()
}

fn joined(world: &World) -> Result<()> {
    let script = [
        hook("UserPromptSubmit", "", ""),
        hook("PreToolUse", "a", "uname; sh -c nproc"),
        "uname; sh -c 'nproc; true'; cat ~/.ssh/id_ed25519\n".to_owned(),
        hook("PostToolUse", "a", "uname; sh -c nproc"),
        "arch\n".to_owned(),
        hook("PreToolUse", "b", "curl http://127.0.0.1/"),
        "true\n".to_owned(),
    ];
    let (output, story) = story(world, &script.concat())?;
    ensure!(output.contains("\"permissionDecision\":\"deny\"") && output.contains("curl"), "{output}");
    let (prompt, tools) = (reports(&story, "prompt"), reports(&story, "tool_call"));
    ensure!(prompt.len() == 1 && prompt[0]["report"]["text"] == "look around", "{prompt:?}");
    ensure!(tools.len() == 2 && reports(&story, "tool_result").len() == 1, "{story}");
    let call = tools[0]["tool_call_id"].as_str().context("a call without a number")?.to_owned();
    ensure!(tools[0]["predicted_denial"].is_null() && !tools[1]["predicted_denial"].is_null(), "{tools:?}");
    let expected = |by: &str| vec![(call.clone(), by.to_owned())];
    ensure!(started(&story, "/uname") == expected("process_tree"), "{:?}", started(&story, "/uname"));
    ensure!(started(&story, "/nproc") == expected("parent"), "{:?}", started(&story, "/nproc"));
    // After the call nothing is open any more.
    ensure!(started(&story, "/arch") == [(String::new(), String::new())], "{:?}", started(&story, "/arch"));
    let processes = story["processes"].as_array().context("no processes")?;
    // A hook's start is known for one by its arguments only, which come after it; so the process is looked at.
    let is_hook = |process: &&Value| {
        let actions = process["events"].as_array().into_iter().flatten();
        actions
            .into_iter()
            .any(|action| action["object"]["path"] == "/usr/bin/gatekeeper" && action["passed"] == true)
    };
    let hooks: Vec<_> =
        processes.iter().skip(1).filter(is_hook).map(|process| &process["tool_call"]).collect();
    ensure!(!hooks.is_empty(), "no hook's process");
    let is_nobodys = |tool: &&&Value| tool["ids"].as_array().is_none_or(Vec::is_empty);
    ensure!(hooks.iter().all(|tool| is_nobodys(&tool)), "a hook is a tool: {hooks:?}");
    let denied =
        processes.iter().flat_map(|process| process["events"].as_array().into_iter().flatten()).find(
            |action| action["passed"] == false && action["object"]["path"].to_string().contains("id_ed25519"),
        );
    let denied = denied.context("no denial of the key")?;
    ensure!(denied["tool_call"]["ids"][0] == call.as_str(), "{denied}");
    ensure!(tools[0]["reported_by"].as_array().is_some_and(|chain| chain.len() >= 2), "{}", tools[0]);
    Ok(())
}

const WHOLE: &str = policy!("whole");

/// The folder of the session that `whole` looks at.
const WHOLE_PLACE: &str = "/srv/suite/whole";

/// Prompts, tool calls, programs, a denial, a hold that is approved and one that a person denies with a reason: each
/// is in the story, and page, story and statistics count alike.
fn whole(world: &World) -> Result<()> {
    let id = whole_session(world)?;
    let counts = check_story(world, &id)?;
    check_decision(world, &id)?;
    check_statistics(world, &id, &counts)?;
    check_page(world, &id, &counts)
}

/// Runs the session to its end. Returns its id.
fn whole_session(world: &World) -> Result<String> {
    world.policy("whole", WHOLE)?;
    fixtures::folder(&format!("{WHOLE_PLACE}/asked"))?;
    for name in ["asked/yes", "asked/no", "shut"] {
        fixtures::file(&format!("{WHOLE_PLACE}/{name}"))?;
    }
    let work = format!("rm {WHOLE_PLACE}/asked/yes; rm {WHOLE_PLACE}/asked/no; cat {WHOLE_PLACE}/shut");
    let script = [
        hook("UserPromptSubmit", "", ""),
        hook("PreToolUse", "a", &work),
        format!("{work}\n"),
        hook("PostToolUse", "a", &work),
        "true\n".to_owned(),
    ];
    let name = format!("a{}", world.number());
    let script = script.concat();
    let mut command =
        world.command(&["run", "--policy", "whole", "--name", &name, "--", "bash", "-c", &script]);
    User::Dev.become_of(&mut command);
    let mut child = command.current_dir(PROJECT).stdin(Stdio::null()).process_group(0).spawn()?;
    world.remember(child.id());
    for (file, verb, reason) in [("yes", "approve", "it is mine"), ("no", "deny", "the audit needs it")] {
        let hold = until("the hold", || {
            let holds = world.ask_json(&["holds", "--json"])?;
            Ok(holds.into_iter().find(|hold| {
                hold["event"]["session_name"] == name.as_str()
                    && hold["event"]["object"]["path"] == format!("{WHOLE_PLACE}/asked/{file}")
            }))
        })?;
        let output = world.gatekeeper(User::Dev, &[verb, &number(&hold)?, "--reason", reason])?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    ensure!(child.wait()?.success(), "the session's command failed");
    let left =
        ["yes", "no"].map(|file| std::path::Path::new(&format!("{WHOLE_PLACE}/asked/{file}")).exists());
    ensure!(left == [false, true], "{left:?}");

    ended(world, &name)
}

/// Checks the story of the session. Returns its counts.
fn check_story(world: &World, id: &str) -> Result<Value> {
    let story = whole_story(world, id)?;
    let counts = &story["counts"];
    let expected =
        [("prompts", 1), ("tool_calls", 1), ("held", 2), ("approved", 1), ("denied", 1), ("refused", 2)];
    for (what, count) in expected {
        ensure!(counts[what] == count, "{what}: {counts}");
    }
    for (held, reason) in
        story["holds"].as_array().into_iter().flatten().zip(["it is mine", "the audit needs it"])
    {
        let answer = &held["decisions"][0];
        ensure!(answer["decided_by"]["person"]["name"] == "dev" && answer["reason"] == reason, "{held}");
    }
    let shown = world.ask(&["audit", "session", id])?;
    for words in [
        "look around",
        "asked/yes",
        "it is mine",
        "the audit needs it",
        "dev (uid 1000)",
        "nobody reads this",
        "/cat",
    ] {
        ensure!(shown.contains(words), "the story does not show {words:?}: {shown}");
    }
    Ok(counts.clone())
}

/// Checks that a decision's record names by itself what was asked.
fn check_decision(world: &World, id: &str) -> Result<()> {
    let decisions =
        world.ask_json(&["audit", "search", "--json", "--session", id, "--decision", "denied"])?;
    let decision = decisions.first().context("no decision found")?;
    let unmapped = &decision["unmapped"];
    ensure!(unmapped["file"]["path"] == format!("{WHOLE_PLACE}/asked/no"), "{decision}");
    ensure!(unmapped["process"]["cmd_line"] == format!("rm {WHOLE_PLACE}/asked/no"), "{decision}");
    ensure!(
        decision["firewall_rule"]["uid"] == "whole/asked" && decision["policy"]["name"] == "whole",
        "{decision}"
    );
    Ok(())
}

fn check_statistics(world: &World, id: &str, counts: &Value) -> Result<()> {
    let stats = world.ask_json(&["audit", "stats", "--json", "--last", "1000", "--session", id])?;
    let stats = stats.first().context("no statistics")?;
    let sum = |list: &str, fits: &dyn Fn(&str) -> bool| -> u64 {
        let list = stats[list].as_array().into_iter().flatten();
        list.filter(|one| one["value"].as_str().is_some_and(fits))
            .filter_map(|one| one["count"].as_u64())
            .sum()
    };
    for (what, counted) in [
        ("records", stats["records"].as_u64().unwrap_or_default()),
        ("refused", sum("operations", &|what| what.ends_with(" refused"))),
        ("held", sum("operations", &|what| what.ends_with(" held"))),
        ("programs", sum("programs", &|_| true)),
        ("approved", sum("decisions", &|what| what == "approved by dev")),
        ("denied", sum("decisions", &|what| what == "denied by dev")),
    ] {
        ensure!(counts[what] == counted, "{what}: {counts}, and the statistics {stats}");
    }
    Ok(())
}

fn check_page(world: &World, id: &str, counts: &Value) -> Result<()> {
    let file = format!("/run/gatekeeper-suite/{id}.html");
    world.ask(&["audit", "report", id, "--html", &file])?;
    let page = std::fs::read_to_string(&file)?;
    for (what, words) in [
        ("refused", "refused"),
        ("held", "held for a decision"),
        ("approved", "approved"),
        ("denied", "denied"),
        ("prompts", "prompts"),
        ("tool_calls", "tool calls"),
        ("programs", "programs started"),
        ("audited", "operations recorded"),
        ("processes", "processes"),
        ("records", "records"),
    ] {
        let shown = format!("<b>{}</b> {words}</li>", counts[what]);
        ensure!(page.contains(&shown), "the page does not say {shown}");
    }
    Ok(())
}

fn two(world: &World) -> Result<()> {
    // Each waits until the other's call is open, too.
    let agent = |call: &str, other: &str, program: &str| {
        [
            "bash -c '".to_owned(),
            hook("PreToolUse", call, "same").replace('\'', "'\\''"),
            format!(
                "touch open-{call}; until [ -e open-{other} ]; do sleep 0.05; done; {program}; sleep 1\n"
            ),
            hook("PostToolUse", call, "same").replace('\'', "'\\''"),
            "' &\n".to_owned(),
        ]
        .concat()
    };
    let script =
        [agent("a", "b", "nproc"), agent("b", "a", "arch"), "wait; rm -f open-a open-b\n".to_owned()]
            .concat();
    let (_, story) = story(world, &script)?;
    let number = |call: &str| {
        let tools = reports(&story, "tool_call");
        let one = tools.into_iter().find(|one| one["report"]["tool_use_id"] == call);
        one.and_then(|one| one["tool_call_id"].as_str()).map(str::to_owned).context("no such call")
    };
    let tree = |call: &str| anyhow::Ok(vec![(number(call)?, "process_tree".to_owned())]);
    ensure!(started(&story, "/nproc") == tree("a")?, "{:?}", started(&story, "/nproc"));
    ensure!(started(&story, "/arch") == tree("b")?, "{:?}", started(&story, "/arch"));
    Ok(())
}

fn outside(world: &World) -> Result<()> {
    let mut command = std::process::Command::new("bash");
    User::Dev.become_of(&mut command);
    let before = world
        .ask_json(&["events", "--json"])?
        .iter()
        .filter(|event| event["type"] == "assistant_report")
        .count();
    let script = hook("PreToolUse", "a", "curl http://127.0.0.1/");
    let output = command.args(["-c", &script]).current_dir(PROJECT).output()?;
    ensure!(output.status.success() && output.stdout.is_empty(), "{output:?}");
    let after = world
        .ask_json(&["events", "--json"])?
        .iter()
        .filter(|event| event["type"] == "assistant_report")
        .count();
    ensure!(before == after, "it was recorded all the same");
    Ok(())
}

/// Straight to the socket, as fast as it takes them: the daemon answers everybody else meanwhile.
fn flood(world: &World) -> Result<()> {
    let message = serde_json::json!({"protocol": 2, "request": {"verb": "hook", "report": {
        "assistant": "codex", "kind": "other", "event": "flood"}}});
    // Emulated, a guest is slow: until fifty were turned away, three at a time.
    let script = format!(
        "import socket\nsent = no = 0\ndef send():\n  s = socket.socket(socket.AF_UNIX)\n  \
         s.connect('/run/gatekeeper/control.sock')\n  s.sendall(b\'\'\'{message}\\n\'\'\')\n  return s\n\
         while no < 50 and sent < 9000:\n  all = [send() for n in range(3)]\n  \
         for s in all: no += b'refused' in s.recv(4096); s.close()\n  sent += len(all)\n\
         print('sent', sent, no)\n"
    );
    let (output, story) = story(world, &format!("python3 - <<'PY'\n{script}PY\n"))?;
    let numbers: Vec<u64> = output.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let [sent, no] = numbers[..] else { bail!("{output}") };
    let all = all_reports(&story);
    let whole = all.iter().filter(|one| one["dropped"].is_null()).count() as u64;
    let dropped: u64 = all.iter().filter_map(|one| one["dropped"].as_u64()).sum();
    ensure!(
        no >= 50 && dropped == no && whole + dropped == sent,
        "{output}: {whole} recorded, {dropped} dropped"
    );
    ensure!(world.gatekeeper(User::Alice, &["status"])?.status.success(), "the daemon answers nobody");
    Ok(())
}

fn all_reports(story: &Value) -> Vec<&Value> {
    story["assistant_reports"].as_array().into_iter().flatten().collect()
}

fn recorded(world: &World) -> Result<()> {
    let name = format!("a{}", world.number());
    let script = "stty size; cat /var/lib/gatekeeper/recordings/*; echo >/var/lib/gatekeeper/recordings/x.cast; \
                  echo shown-this; exit 7";
    let words =
        ["run", "--record", "--policy", "coding-assistant", "--name", &name, "--", "bash", "-c", script];
    let mut command = world.command(&words);
    User::Dev.become_of(&mut command);
    let output = command.current_dir(PROJECT).stdin(std::process::Stdio::null()).output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(output.status.code() == Some(7), "{}: {text}", output.status);
    ensure!(text.contains("24 80") && text.contains("shown-this"), "{text}");
    let id = ended(world, &name)?;
    let recorded = until("the recording's digest on record", || {
        let found = world.ask_json(&["audit", "search", "--session", &id, "--kind", "session", "--json"])?;
        Ok(found.into_iter().find(|record| record.to_string().contains("sha256:")))
    });
    recorded.context("the recording")?;
    let shown = world.gatekeeper(User::Root, &["audit", "play", &id, "--text"])?;
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    ensure!(shown.contains("shown-this") && !shown.contains("\"version\""), "{shown}");
    let parts = world.ask_json(&["audit", "play", &id, "--json"])?;
    ensure!(parts.last().is_some_and(|last| last["exit"] == 7), "{parts:?}");
    // Who changes it afterwards, root included, is found out.
    let file = format!("/var/lib/gatekeeper/recordings/{id}.cast");
    let text = std::fs::read_to_string(&file)?;
    std::fs::write(&file, text.replace("shown-this", "shown-that"))?;
    let changed = world.gatekeeper(User::Root, &["audit", "play", &id, "--text"])?;
    ensure!(!changed.status.success(), "a changed recording is shown as if it were whole");
    std::fs::write(&file, text)?;
    Ok(())
}
