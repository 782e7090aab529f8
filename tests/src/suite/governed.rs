//! The governed can't govern: what no policy allows, tried by root in a session where everything else passes.

use std::fs;

use anyhow::{Context, Result, bail, ensure};

use crate::events::Denial;
use crate::ground::{self, OPEN};
use crate::runner::Test;
use crate::session::Session;
use crate::world::{User, World};

const ITSELF: &str = "gatekeeper protects itself";

pub fn tests() -> Vec<Test> {
    vec![
        Test::new("process::signals_stay_inside", signals),
        Test::new("process::tracing_stays_inside", tracing),
        Test::new("kernel::mounts", mounts),
        Test::new("kernel::bpf", |world| bare(world, "bpf", "control")),
        Test::new("kernel::typing_into_a_terminal", |world| bare(world, "type-into-terminal", "control")),
        Test::new("daemon::governed_ask_in_vain", verbs),
        Test::new("daemon::governed_files", files),
    ]
}

fn root_in_wide(world: &World) -> Result<Session> {
    world.session_of(User::Root, "wide", "/", None)
}

fn daemon_pid(world: &World) -> Result<String> {
    Ok(world.daemon().as_ref().context("no daemon")?.pid().to_string())
}

fn signals(world: &World) -> Result<()> {
    let daemon = daemon_pid(world)?;
    let (harmless, deadly) = (libc::SIGCONT.to_string(), libc::SIGKILL.to_string());
    world.free(User::Root)?.must("signal", &[&daemon, &harmless])?;
    let mut session = root_in_wide(world)?;
    let own = session.pid().to_string();
    session.must("signal", &[&own, &harmless])?;
    session.must("in-child", &["signal", &own, &harmless])?;
    for signal in [&harmless, &deadly] {
        session.must_not("signal", &[&daemon, signal])?;
        session.must_not("as-orphan", &["signal", &daemon, signal])?;
    }
    // Everybody it may signal, which here are those of its own session: none but itself, which is left out.
    world.ask(&["status"])?;
    world.expect(&session.id, &[Denial::for_cause("signal", "policy")])
}

fn tracing(world: &World) -> Result<()> {
    let daemon = daemon_pid(world)?;
    let victim = world.free(User::Root)?;
    world.free(User::Root)?.must("trace", &[victim.pid().to_string()])?;
    let mut session = root_in_wide(world)?;
    let own = session.pid().to_string();
    session.must("in-child", &["trace", &own])?;
    let mut free = world.free(User::Root)?;
    for pid in [daemon, victim.pid().to_string()] {
        let memory = format!("/proc/{pid}/mem");
        free.must("open", &[&memory])?;
        session.must_not("trace", &[&pid])?;
        // The kernel says so in its own words (fs/proc/base.c `proc_mem_open`).
        let done = session.act("open", &[&memory])?;
        ensure!(matches!(done, Err(libc::EPERM | libc::EACCES)), "opening {memory} came to {done:?}");
    }
    world.expect(&session.id, &[Denial::for_cause("control", "builtin")])
}

fn mounts(world: &World) -> Result<()> {
    let at = format!("{OPEN}/mounts");
    ground::folder(&at)?;
    let mut free = world.free(User::Root)?;
    free.must("mount", &[&at])?;
    free.must("in-child", &["change-root", &at])?;
    let mut session = root_in_wide(world)?;
    session.must_not("mount", &[&at])?;
    session.must_not("in-child", &["change-root", &at])?;
    let mounted = fs::read_to_string("/proc/self/mounts").context("the list of mounts")?;
    ensure!(!mounted.contains(&at), "something is mounted");
    // One that is there can't be taken away, either.
    session.must_not("unmount", &["/dev/shm"])?;
    ensure!(mounted.contains(" /dev/shm "), "/dev/shm was never mounted");
    let mounted = fs::read_to_string("/proc/self/mounts").context("the list of mounts")?;
    ensure!(mounted.contains(" /dev/shm "), "/dev/shm is gone");
    world.expect(&session.id, &[Denial::for_cause("mount", "builtin")])
}

fn bare(world: &World, verb: &str, operation: &'static str) -> Result<()> {
    world.free(User::Root)?.must::<&str>(verb, &[])?;
    let mut session = root_in_wide(world)?;
    session.must_not::<&str>(verb, &[])?;
    world.expect(&session.id, &[Denial::for_cause(operation, "builtin")])
}

fn verbs(world: &World) -> Result<()> {
    let mut free = world.free(User::Root)?;
    let mut session = root_in_wide(world)?;
    let label = ["label", "--cgroup", "/sys/fs/cgroup", "--policy", "wide", "--workspace", "/srv"];
    for words in [&["status"][..], &["sessions"], &["events", "-n", "1"], &["reload"], &label] {
        let words = [&["/usr/bin/gatekeeper"], words].concat();
        // Outside, each is answered, if only that the root cgroup can't be labelled.
        match free.program(&words)? {
            Ok((0, _)) => {}
            Ok((1, told)) if words.contains(&"label") && told.contains("root cgroup") => {}
            other => bail!("outside any session, {words:?} came to {other:?}"),
        }
        match session.program(&words)? {
            Ok((1, told)) if told.contains("inside a session") => {}
            other => bail!("in a session, {words:?} came to {other:?}"),
        }
    }
    Ok(())
}

fn files(world: &World) -> Result<()> {
    let mut session = root_in_wide(world)?;
    let pid = session.pid().to_string();
    let changes = [
        ("write", "/sys/fs/cgroup/cgroup.procs", pid.as_str(), "write"),
        ("write", "/etc/gatekeeper/gatekeeper.toml", "#", "write"),
        ("create", "/etc/gatekeeper/policies/mine.toml", "#", "create"),
        ("append", "/usr/share/gatekeeper/policies/base.toml", "#", "write"),
        ("create", "/var/lib/gatekeeper/mine", "#", "create"),
        ("append", "/var/lib/gatekeeper/trail/checkpoints", "#", "write"),
    ];
    for (verb, path, content, _) in changes {
        session.must_not(verb, &[path, content])?;
    }
    session.must_not("read", &["/var/lib/gatekeeper/trail/checkpoints"])?;
    // It runs, so the kernel would not let it be written in any case; but it could be replaced.
    session.must_not("delete", &["/usr/bin/gatekeeper"])?;
    session.must_not("chmod", &["/usr/bin/gatekeeper"])?;
    session.must_not("delete", &["/run/gatekeeper/control.sock"])?;
    session.must_not("rename", &["/etc/gatekeeper", "/srv/suite/open/gatekeeper"])?;
    session.must_not("make-folder", &["/sys/fs/cgroup/mine"])?;
    session.must_not("list", &["/sys/fs/bpf/gatekeeper"]).or_else(|error| {
        // Looking is harmless; what lies there can't be opened without bpf(2).
        if error.to_string().ends_with("was let") { Ok(()) } else { Err(error) }
    })?;
    let mut denials: Vec<Denial> =
        changes.iter().map(|(_, path, _, operation)| Denial::of(operation, *path, ITSELF)).collect();
    denials.push(Denial::of("delete", "/usr/bin/gatekeeper", ITSELF));
    denials.push(Denial::of("metadata", "/usr/bin/gatekeeper", ITSELF));
    denials.push(Denial::of("delete", "/run/gatekeeper/control.sock", ITSELF));
    denials.push(Denial::of("rename", "/etc/gatekeeper", ITSELF));
    denials.push(Denial::of("create", "/sys/fs/cgroup/mine", ITSELF));
    world.expect(&session.id, &denials)
}
