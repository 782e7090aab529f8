//! Processes: signals that a rule lets, capabilities, user namespaces, `io_uring` as a whole.

use std::fs;
use std::os::unix::fs::MetadataExt;

use anyhow::{Result, ensure};

use crate::events::Denial;
use crate::fixtures::{ACTOR, REASON, SILENT};
use crate::policies::{fill, policy};
use crate::runner::Test;
use crate::world::{User, World};

pub fn tests() -> Vec<Test> {
    vec![
        Test::new("process::signals_by_rule", signals),
        Test::new("process::capabilities", capabilities),
        Test::new("process::user_namespaces", namespaces),
        Test::new("kernel::io_uring_as_a_whole", rings),
    ]
}

fn signals(world: &World) -> Result<()> {
    world.policy("signals", &fill(policy!("signals"), &[("ACTOR", ACTOR), ("REASON", REASON)]))?;
    let numbers =
        [libc::SIGCONT, libc::SIGWINCH, libc::SIGTERM, libc::SIGKILL].map(|signal| signal.to_string());
    let [go_on, window, end, kill] = numbers;
    let doomed = world.free(User::Dev)?;
    world.free(User::Dev)?.must("signal", &[&doomed.pid().to_string(), &kill])?;

    let mut target = world.free(User::Dev)?;
    let pid = target.pid().to_string();
    let mut session = world.session("signals")?;
    // Whether it is there may be asked.
    for signal in [go_on.as_str(), &window, "0"] {
        session.must("signal", &[&pid, signal])?;
    }
    session.must_not("signal", &[&pid, &end])?;
    session.must_not("in-child", &["signal", &pid, &kill])?;
    target.must::<&str>("pid", &[])?;
    let denials = [Denial::of("signal", ACTOR, REASON), Denial::of("signal", ACTOR, SILENT)];
    world.expect(&session.id, &denials)?;
    world.expect_no_other(&session.id, &denials)
}

fn capabilities(world: &World) -> Result<()> {
    world.policy("capabilities", &fill(policy!("capabilities"), &[("REASON", REASON)]))?;
    let owner = |pid: u32| fs::metadata(format!("/proc/{pid}")).map(|about| about.uid());
    let mut free = world.free(User::Root)?;
    free.must("become-user", &["1000"])?;
    let mut session = world.session_of(User::Root, "suite", "/", None)?;
    session.must("become-user", &["1000"])?;
    ensure!(owner(session.pid())? == 1000, "it became nobody else");

    let mut session = world.session_of(User::Root, "capabilities", "/", None)?;
    session.must_not("become-user", &["1000"])?;
    ensure!(owner(session.pid())? == 0, "it became somebody else");
    let denial = [Denial::of("capability", "setuid", REASON)];
    world.expect(&session.id, &denial)?;
    world.expect_no_other(&session.id, &denial)
}

fn namespaces(world: &World) -> Result<()> {
    world.policy("namespaces", policy!("namespaces"))?;
    world.free(User::Dev)?.must::<&str>("unshare", &[])?;
    world.session("suite")?.must::<&str>("unshare", &[])?;
    let mut session = world.session("namespaces")?;
    let before = fs::read_link(format!("/proc/{}/ns/user", session.pid()))?;
    session.must_not::<&str>("unshare", &[])?;
    session.must_not("in-child", &["unshare"])?;
    ensure!(fs::read_link(format!("/proc/{}/ns/user", session.pid()))? == before, "it has another namespace");
    world.expect(&session.id, &[Denial::for_cause("user-namespace", "policy")])
}

fn rings(world: &World) -> Result<()> {
    world.policy("rings", policy!("rings"))?;
    world.free(User::Dev)?.must::<&str>("make-ring", &[])?;
    world.session("suite")?.must::<&str>("make-ring", &[])?;
    let mut session = world.session("rings")?;
    session.must_not::<&str>("make-ring", &[])?;
    world.expect(&session.id, &[Denial::for_cause("io_uring", "policy")])
}
