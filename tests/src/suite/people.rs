//! People's decisions: checks and notices here, the prompt and the console in `screens`, programs as they are used in
//! `programs`. The kernel's part of a hold is tested in `hold`.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::channel;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

mod programs;
mod screens;

use super::hold::{answer, begin, ended, number, one};
use crate::fixtures;
use crate::policies::policy;
use crate::runner::Test;
use crate::session::Session;
use crate::world::{PATIENCE, User, World, in_full, until};

/// The folder of these tests.
const PLACE: &str = "/srv/suite/people";

const POLICY: &str = policy!("people");

const CHECK: &str = r#"#!/bin/sh
read -r hold
case $hold in
  *checked/yes*) echo allow ;;
  *checked/no*) echo '{"answer":"deny","reason":"no ticket"}' ;;
  *checked/slow*) sleep 100; echo allow ;;
  *checked/who*) printf '{"answer":"ask","reason":"as %s"}' "$(id -u):$(id -G)" ;;
  *) echo perhaps ;;
esac
"#;

pub fn tests() -> Vec<Test> {
    // All of it is the daemon's doing, and differs from kernel to kernel in nothing.
    if !in_full() {
        return Vec::new();
    }
    vec![
        Test::new("people::prompt", screens::prompt),
        Test::new("people::console", screens::console),
        Test::new("people::prompt_needs_a_terminal", screens::no_terminal),
        Test::new("people::checks_decide_or_leave_it_to_people", checks),
        Test::new("people::hashes_decide_or_leave_it_to_people", hashes),
        Test::new("people::notices", notices),
        Test::new("people::programs_notice_nothing_but_time", programs::programs),
        Test::new("people::a_debugger_sees_its_child_stopped", programs::debugger),
        Test::new("people::job_control", screens::job_control),
    ]
}

fn session(world: &World) -> Result<Session> {
    lay(world)?;
    world.session("people")
}

fn lay(world: &World) -> Result<()> {
    fs::create_dir_all("/etc/gatekeeper/checks")?;
    let check = "/etc/gatekeeper/checks/ticket";
    fs::write(check, CHECK)?;
    fs::set_permissions(check, fs::Permissions::from_mode(0o755))?;
    for folder in ["asked", "checked", "work"] {
        fixtures::folder(&format!("{PLACE}/{folder}"))?;
    }
    world.policy("people", POLICY)
}

fn asked(name: &str) -> String {
    format!("{PLACE}/asked/{name}")
}

fn target() -> Result<()> {
    fixtures::file(&asked("target"))
}

fn is_gone() -> bool {
    !Path::new(&asked("target")).exists()
}

/// The decisions in the record of a session.
fn decisions(world: &World, session: &str) -> Result<Vec<Value>> {
    let mut records = world.ask_json(&["events", "--json", "--session", session])?;
    records.retain(|record| record["type"] == "decision");
    Ok(records)
}

fn remove(name: &str) -> String {
    format!("import os; os.remove('{PLACE}/checked/{name}')")
}

fn checks(world: &World) -> Result<()> {
    let mut session = session(world)?;
    let id = session.id.clone();
    for name in ["yes", "no", "slow", "who", "odd"] {
        fixtures::file(&format!("{PLACE}/checked/{name}"))?;
    }
    let check = "command:/etc/gatekeeper/checks/ticket";
    begin(&mut session, &remove("yes"))?;
    ensure!(ended(&mut session)? == (0, String::new()), "allowed by the check");
    begin(&mut session, &remove("no"))?;
    let (status, output) = ended(&mut session)?;
    ensure!(status == 1 && output.contains("Operation not permitted"), "{status}: {output}");
    let decided = decisions(world, &id)?;
    ensure!(decided.len() == 2, "{decided:?}");
    for (decision, approves, reason) in
        [(&decided[0], true, Value::Null), (&decided[1], false, "no ticket".into())]
    {
        ensure!(decision["decided_by"] == serde_json::json!({ "check": check }), "{decision}");
        ensure!(decision["approved"] == approves && decision["reason"] == reason, "{decision}");
        ensure!(decision["checks"][0]["check"] == check, "{decision}");
    }
    for (name, part) in
        [("who", "as 65534:65534"), ("odd", "failed: "), ("slow", "failed: no answer after 20 s")]
    {
        begin(&mut session, &remove(name))?;
        let hold = one(world, &id)?;
        let check = &hold["checks"][0];
        ensure!(
            check["verdict"] == "ask" && check["reason"].as_str().is_some_and(|why| why.starts_with(part)),
            "{hold}"
        );
        let shown = world.ask(&["show", &number(&hold)?])?;
        ensure!(shown.contains("check") && shown.contains(part), "{shown}");
        answer(world, "deny", &hold)?;
        ensure!(ended(&mut session)?.0 == 1, "{name}");
    }
    let last = decisions(world, &id)?.pop().context("no decision")?;
    ensure!(last["checks"][0]["verdict"] == "ask" && last["decided_by"]["person"]["name"] == "dev", "{last}");
    // A user's own policy has the daemon run nothing.
    let own = "/home/dev/own-check.toml";
    fixtures::file_with(own, b"version = 1\n[approval]\ncheck = ['command:/bin/true']\n")?;
    let output = world.gatekeeper(User::Dev, &["run", "--policy", own, "--", "/bin/true"])?;
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(!output.status.success() && errors.contains("own-check.toml:3:"), "{errors}");
    Ok(())
}

fn hashes(world: &World) -> Result<()> {
    let mut session = session(world)?;
    let id = session.id.clone();
    let folder = format!("{PLACE}/programs");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)?;
    for (number, name) in ["good", "bad", "other", "theirs"].into_iter().enumerate() {
        let path = format!("{folder}/{name}");
        fs::copy("/usr/bin/uname", &path)?;
        fs::OpenOptions::new().append(true).open(&path)?.write_all(&[0, number as u8])?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    }
    fixtures::give(Path::new(&format!("{folder}/theirs")))?;
    let sums = |names: &[&str]| -> Result<Vec<u8>> {
        let paths = names.iter().map(|name| format!("{folder}/{name}"));
        Ok(Command::new("/usr/bin/sha256sum").args(paths).output()?.stdout)
    };
    fs::write("/etc/gatekeeper/allowed.sha256", sums(&["good", "theirs"])?)?;
    fs::write("/etc/gatekeeper/denied.sha256", sums(&["bad"])?)?;
    let path = |name: &str| format!("{folder}/{name}");
    ensure!(session.must_run(&[&path("good"), "-s"])? == "Linux\n", "on the list of those allowed");
    ensure!(session.program(&[&path("bad"), "-s"])? == Err(libc::EPERM), "on the list of those denied");
    for (name, part) in [("other", "is on no list"), ("theirs", "could change the file")] {
        session.send("run", &[&path(name), "-s"])?;
        let hold = one(world, &id)?;
        let why = hold["checks"][0]["reason"].as_str().unwrap_or_default();
        ensure!(why.contains(part) && why.starts_with("sha256:"), "{hold}");
        answer(world, "approve", &hold)?;
        ensure!(ended(&mut session)? == (0, "Linux\n".to_owned()), "{name}");
    }
    let decided = decisions(world, &id)?;
    let by: Vec<&Value> = decided.iter().map(|decision| &decision["decided_by"]["check"]).collect();
    ensure!(by == [&Value::from("hash"), &Value::from("hash"), &Value::Null, &Value::Null], "{decided:?}");
    Ok(())
}

/// A chat tool, and the client of a session bus that writes down what it receives: the guest has neither.
fn notices(world: &World) -> Result<()> {
    let mut session = session(world)?;
    let id = session.id.clone();
    let listener = TcpListener::bind("127.0.0.1:7013")?;
    let (sender, heard) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let Ok(body) = request(&stream) else { continue };
            if sender.send(body).is_err() {
                return;
            }
        }
    });
    let bus = "/run/user/1000";
    fs::create_dir_all(bus)?;
    fixtures::give(Path::new(bus))?;
    let _ = fs::remove_file(format!("{bus}/bus"));
    let _bus = std::os::unix::net::UnixListener::bind(format!("{bus}/bus"))?;
    fixtures::give(Path::new(&format!("{bus}/bus")))?;
    // By the shell alone, which is given little time.
    let notices = "/run/user/1000/notices";
    let _ = fs::remove_file(notices);
    fs::write(
        "/usr/bin/busctl",
        format!(
            "#!/bin/sh\n\
             {{ while read -r key uid _; do [ \"$key\" = Uid: ] && echo \"$uid\"; done </proc/self/status; \
             printf '%s\\n' \"$@\" end; }} >{notices}\n"
        ),
    )?;
    fs::set_permissions("/usr/bin/busctl", fs::Permissions::from_mode(0o755))?;

    fixtures::file(&asked("noticed"))?;
    begin(&mut session, &format!("import os; os.remove('{}')", asked("noticed")))?;
    let hold = one(world, &id)?;
    let (hold, number) = (number(&hold)?, hold["hold"].as_u64());
    let notice = loop {
        let (head, body) = heard.recv_timeout(PATIENCE).context("no notice")?;
        let body: Value = serde_json::from_str(&body)?;
        if body["hold"].as_u64() == number {
            ensure!(head.to_lowercase().contains("gatekeeper-signature: t="), "{head}");
            break body;
        }
    };
    ensure!(
        notice["type"] == "hold" && notice["text"].as_str().is_some_and(|text| text.contains("noticed")),
        "{notice}"
    );
    ensure!(notice["link"] == format!("https://bastion.example.org/holds/{hold}"), "{notice}");
    let words = until("the desktop's notice", || {
        Ok(fs::read_to_string(notices).ok().filter(|words| words.ends_with("\nend\n")))
    })?;
    let _ = fs::remove_file("/usr/bin/busctl");
    let words: Vec<&str> = words.lines().collect();
    ensure!(words.first() == Some(&"1000") && words.contains(&"Notify"), "{words:?}");
    ensure!(words.iter().any(|word| word.contains(&format!("gatekeeper show {hold}"))), "{words:?}");
    decide_and_hear(world, &mut session, &hold)?;
    loop {
        let (_, body) = heard.recv_timeout(PATIENCE).context("no word of the decision")?;
        let body: Value = serde_json::from_str(&body)?;
        if body["type"] == "decision" && body["hold"].as_u64() == number {
            ensure!(body["approved"] == true, "{body}");
            return Ok(());
        }
    }
}

fn decide_and_hear(world: &World, session: &mut Session, hold: &str) -> Result<()> {
    let output = world.gatekeeper(User::Dev, &["approve", hold])?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    ensure!(ended(session)?.0 == 0, "it was approved");
    Ok(())
}

fn request(stream: &TcpStream) -> Result<(String, String)> {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        ensure!(reader.read_line(&mut line)? > 0, "it ends in the middle");
        if let Some(number) = line.to_lowercase().strip_prefix("content-length:") {
            length = number.trim().parse()?;
        }
        if line.trim().is_empty() {
            break;
        }
        head += &line;
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let mut stream = stream;
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")?;
    Ok((head, String::from_utf8(body)?))
}
