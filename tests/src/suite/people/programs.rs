//! Programs as they are used: they notice nothing but time.

use std::io::Write;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::{PLACE, asked, is_gone, session, target};
use crate::failure::must_not_pass;
use crate::fixtures;
use crate::servers::Reached;
use crate::suite::hold::{answer, ended, holds, one, waiting};
use crate::world::{User, World, until};

/// A program as it is used: what it is to do, and whether it has.
struct Case {
    name: &'static str,
    script: String,
    prepare: fn() -> Result<()>,
    done: fn() -> bool,
    /// Part of its output where it is denied.
    refusal: &'static str,
}

/// Runs a script as the developer, outside any session.
fn shell(script: &str) -> Result<String> {
    let mut command = Command::new("/bin/sh");
    command.args(["-ec", script]);
    User::Dev.become_of(&mut command);
    let output = command.current_dir(PLACE).output()?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{script}: {errors}");
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn repository() -> Result<()> {
    fixtures::folder(&format!("{PLACE}/work"))?;
    shell(
        "cd work; git init -q --bare -b main bare.git; git clone -q bare.git clone 2>/dev/null; cd clone; \
         git -c user.name=dev -c user.email=dev@example.org commit -q --allow-empty -m first; git branch -M main",
    )
    .map(drop)
}

fn is_pushed() -> bool {
    shell("git -C work/bare.git rev-parse -q --verify refs/heads/main").is_ok()
}

fn folder() -> Result<()> {
    fixtures::folder(&format!("{PLACE}/work/folder"))?;
    fixtures::file(&format!("{PLACE}/work/folder/file"))
}

fn is_no_folder() -> bool {
    !Path::new(&format!("{PLACE}/work/folder")).exists()
}

static SERVED: Reached = Reached::new();

fn serve() -> Result<()> {
    SERVED.ready(|| {
        let server = TcpListener::bind("127.0.0.1:7012")?;
        std::thread::spawn(move || {
            for mut stream in server.incoming().flatten() {
                SERVED.note();
                let _ = stream.write_all(b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello");
            }
        });
        Ok(())
    })
}

fn is_served() -> bool {
    SERVED.get()
}

fn cases() -> Vec<Case> {
    let at = asked("target");
    let case = |name, script: String, prepare, done, refusal| Case { name, script, prepare, done, refusal };
    let denied = "not permitted";
    vec![
        case(
            "git push",
            format!("cd {PLACE}/work/clone && git push -q origin main"),
            repository,
            is_pushed,
            "",
        ),
        case("rm -rf", format!("rm -rf {PLACE}/work/folder"), folder, is_no_folder, ""),
        case("python", format!("python3 -c \"import os; os.remove('{at}')\""), target, is_gone, denied),
        case("node", format!("node -e \"require('fs').unlinkSync('{at}')\""), target, is_gone, denied),
        case(
            "node, in its pool of threads",
            format!("node -e \"require('fs').unlink('{at}', e => {{ if (e) throw e }})\""),
            target,
            is_gone,
            denied,
        ),
        case("curl", "curl -sS --max-time 600 http://127.0.0.1:7012/".to_owned(), serve, is_served, ""),
        case(
            "a connection that is waited for by poll",
            "python3 -c \"
import errno,select,socket
s=socket.socket(); s.setblocking(False)
e=s.connect_ex(('127.0.0.1',7012))
assert e in (0,errno.EINPROGRESS), e
p=select.poll(); p.register(s,select.POLLOUT); assert p.poll(600000)
assert s.getsockopt(socket.SOL_SOCKET,socket.SO_ERROR)==0
\""
            .to_owned(),
            serve,
            is_served,
            "",
        ),
        case(
            "a parent that waits in vfork",
            format!(
                "python3 -c \"import os; p=os.posix_spawn('/usr/bin/rm',['rm','-rf','{PLACE}/work/folder'],{{}}); exit(os.waitstatus_to_exitcode(os.waitpid(p,0)[1]))\""
            ),
            folder,
            is_no_folder,
            "",
        ),
    ]
}

pub fn programs(world: &World) -> Result<()> {
    let mut session = session(world)?;
    let id = session.id.clone();
    for Case { name, script, prepare, done, refusal } in cases() {
        let about = |part: &str| format!("{name}: {part}");
        for verb in ["deny", "approve"] {
            prepare().with_context(|| about("preparing"))?;
            ensure!(!done(), about("it is done before it begins"));
            session.send("run", &["/bin/bash", "-c", &script])?;
            let hold = waiting(world, &id, 1).with_context(|| about("it did not wait"))?.remove(0);
            must_not_pass(!done(), about("it was done while it waited"))?;
            answer(world, verb, &hold)?;
            let (status, output) = ended(&mut session)?;
            if verb == "approve" {
                ensure!(status == 0, "{name}, approved: {status}: {output}");
                until(&about("what was approved"), || Ok(done().then_some(())))?;
            } else {
                ensure!(
                    status != 0 && !done() && output.contains(refusal),
                    "{name}, denied: {status}: {output}"
                );
            }
            let left = holds(world, &id)?;
            ensure!(left.is_empty(), "{name}: {left:?}");
        }
    }
    Ok(())
}

/// A debugger of the session's own sees its child stopped by SIGSTOP, as any that is held; the
/// call passes once it is approved and not before.
pub fn debugger(world: &World) -> Result<()> {
    let mut session = session(world)?;
    let id = session.id.clone();
    let gdb = |commands: &[&str]| {
        let commands: String = commands.iter().map(|command| format!(" -ex '{command}'")).collect();
        format!(
            "gdb -nx -q -batch -ex 'set startup-with-shell off'{commands} --args /usr/bin/rm -f {}",
            asked("target")
        )
    };
    // Where it ignores the signal, it lets its child ask again and again.
    let patient = gdb(&["handle SIGSTOP nostop noprint pass", "handle SIGCONT nostop noprint pass", "run"]);
    for verb in ["deny", "approve"] {
        target()?;
        session.send("run", &["/bin/bash", "-c", &patient])?;
        let hold = one(world, &id)?;
        std::thread::sleep(Duration::from_secs(2));
        must_not_pass(!is_gone(), "it was done while it waited")?;
        answer(world, verb, &hold)?;
        let (status, output) = ended(&mut session)?;
        let wanted = if verb == "approve" { "exited normally" } else { "exited with code 01" };
        ensure!(is_gone() == (verb == "approve") && output.contains(wanted), "{verb}: {status}: {output}");
    }
    // As it comes, it stops, and a person goes on.
    target()?;
    session.send("run", &["/bin/bash", "-c", &gdb(&["run", "bt 1", "continue", "continue", "continue"])])?;
    // It goes on at once, so the hold may be over before anybody can look: it stands in the record.
    let (status, output) = ended(&mut session)?;
    must_not_pass(!is_gone(), format!("done without an answer: {status}: {output}"))?;
    ensure!(output.matches("received signal SIGSTOP").count() == 4, "{status}: {output}");
    let asked = |event: &Value| event["cause"] == "held" && event["object"]["path"] == asked("target");
    until("the third hold on record", || {
        let events = world.events(&id)?;
        Ok((events.iter().filter(|event| asked(event)).count() >= 3).then_some(()))
    })
}
