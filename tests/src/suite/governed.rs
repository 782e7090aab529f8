//! The governed can't govern: what no policy allows, tried by root in a session where everything else passes.

use std::fs;

use anyhow::{Context, Result, bail, ensure};

use crate::events::Denial;
use crate::failure::must_not_pass;
use crate::fixtures::{self, OPEN};
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
        Test::new("kernel::performance_counters", |world| bare(world, "count-faults", "control")),
        Test::new("kernel::log", |world| bare(world, "read-log", "control")),
        Test::new("kernel::fault_handlers", |world| bare(world, "handle-faults", "control")),
        Test::new("kernel::quotas", |world| bare(world, "sync-quotas", "control")),
        Test::new("kernel::commands_of_file_systems", commands),
        Test::new("kernel::filters_on_sockets", |world| bare(world, "filter-socket", "control")),
        Test::new("kernel::shared_memory_of_others", shared),
        Test::new("process::settings_of_others", settings),
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
        // The kernel answers with another error (fs/proc/base.c `proc_mem_open`).
        let done = session.act("open", &[&memory])?;
        ensure!(matches!(done, Err(libc::EPERM | libc::EACCES)), "opening {memory} came to {done:?}");
    }
    world.expect(&session.id, &[Denial::for_cause("control", "builtin")])
}

/// Commands of file systems by ioctl that reach beyond their file. Outside a session they fail with errors of all kinds,
/// because none of them gets valid arguments.
fn commands(world: &World) -> Result<()> {
    let at = format!("{OPEN}/commands");
    fixtures::file(&at)?;
    let (mut free, mut session) = (world.free(User::Root)?, root_in_wide(world)?);
    // FS_IOC_REMOVE_ENCRYPTION_KEY, FIDEDUPERANGE, BTRFS_IOC_SNAP_CREATE, SNAP_CREATE_V2, SUBVOL_CREATE, SNAP_DESTROY
    for number in [0xc040_6618_u32, 0xc018_9436, 0x5000_9401, 0x5000_9417, 0x5000_940e, 0x5000_940f] {
        let words = [at.clone(), number.to_string()];
        let done = free.act("ioctl", &words)?;
        ensure!(done.is_err() && done != Err(libc::EPERM), "outside, {number:#x} came to {done:?}");
        session.must_not("ioctl", &words)?;
    }
    // Sharing content with one's own copy is nothing but that: FICLONE.
    let done = session.act("ioctl", &[at, 0x4004_9409_u32.to_string()])?;
    ensure!(done != Err(libc::EPERM), "cloning came to {done:?}");
    world.expect(&session.id, &[Denial::for_cause("control", "builtin")])
}

fn mounts(world: &World) -> Result<()> {
    let at = format!("{OPEN}/mounts");
    fixtures::folder(&at)?;
    let mut free = world.free(User::Root)?;
    free.must("mount", &[&at])?;
    free.must("in-child", &["change-root", &at])?;
    let mut session = root_in_wide(world)?;
    session.must_not("mount", &[&at])?;
    session.must_not("in-child", &["change-root", &at])?;
    let mounted = fs::read_to_string("/proc/self/mounts").context("the list of mounts")?;
    must_not_pass(!mounted.contains(&at), "something is mounted")?;
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

/// A session's own objects are free; of another's it can neither use nor remove one.
fn shared(world: &World) -> Result<()> {
    let mut free = world.free(User::Root)?;
    let id = |bytes: Vec<u8>| String::from_utf8(bytes).context("no number");
    let others = id(free.must::<&str>("make-shared", &[])?)?;
    world.free(User::Root)?.must("attach-shared", &[&others])?;
    let mut session = root_in_wide(world)?;
    let own = id(session.must::<&str>("make-shared", &[])?)?;
    session.must("attach-shared", &[&own])?;
    session.must("in-child", &["remove-shared", &own])?;
    // The kernel answers with another error (ipc/shm.c `do_shmat`).
    let done = session.act("attach-shared", &[&others])?;
    ensure!(matches!(done, Err(libc::EPERM | libc::EACCES)), "attaching another's came to {done:?}");
    session.must_not("remove-shared", &[&others])?;
    free.must("attach-shared", &[&others])?;
    free.must("remove-shared", &[&others])?;
    world.expect(&session.id, &[Denial::for_cause("control", "builtin")])
}

/// Priority, affinity and limits of other processes are out of reach.
fn settings(world: &World) -> Result<()> {
    let target = world.free(User::Root)?;
    let (pid, limits) = (target.pid().to_string(), format!("/proc/{}/limits", target.pid()));
    let mut session = root_in_wide(world)?;
    let own = session.pid().to_string();
    let before = fs::read_to_string(&limits)?;
    for what in ["priority", "io-priority", "processors", "limit"] {
        session.must("adjust", &[what, &own]).context(what)?;
        session.must_not("adjust", &[what, &pid]).context(what)?;
        ensure!(fs::read_to_string(&limits)? == before, "{what}: refused, and changed all the same");
        if what != "limit" {
            world.free(User::Root)?.must("adjust", &[what, &pid]).context(what)?;
        }
    }
    world.free(User::Root)?.must("adjust", &["limit", &pid])?;
    ensure!(fs::read_to_string(&limits)? != before, "outside any session nothing changes, either");
    world.expect(&session.id, &[Denial::for_cause("control", "builtin")])
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
            Ok((1, output)) if words.contains(&"label") && output.contains("root cgroup") => {}
            other => bail!("outside any session, {words:?} came to {other:?}"),
        }
        match session.program(&words)? {
            Ok((1, output)) if output.contains("inside a session") => {}
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
        if error.to_string().ends_with(" passed") { Ok(()) } else { Err(error) }
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
