//! A kernel without bpf among its LSMs: their programs load there and never run. The same programs keep policies from the
//! functions that ask the LSMs, but where they can be skipped nobody may pretend. `full` preemption is that case, and the
//! kernel can be put in it as it runs.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::daemon::Daemon;
use crate::failure::must_not_pass;
use crate::runner::Test;
use crate::world::{User, World};

const LIST: &str = "/sys/kernel/security/lsm";
const PREEMPTION: &str = "/sys/kernel/debug/sched/preempt";

pub fn tests() -> Vec<Test> {
    vec![
        Test::new("without_bpf::status_says_how", how),
        Test::new("without_bpf::doctor_recommends", recommends),
        // Last: it starts the daemon anew.
        Test::new("without_bpf::nothing_is_promised_under_preemption", preemption),
    ]
}

fn how(world: &World) -> Result<()> {
    let list = fs::read_to_string(LIST).context(LIST)?;
    ensure!(!list.split(',').any(|name| name.trim() == "bpf"), "bpf is in {LIST}: {list}");
    let status = world.ask_json(&["status", "--json"])?.pop().context("no status")?;
    let hooks = status["hooks"].as_array().context("no hooks")?;
    let open = hooks.iter().find(|hook| hook["hook"] == "file_open").context("file_open is not listed")?;
    ensure!(open["attach_type"] == "modify_return" && open["state"] == "live", "{open}");
    ensure!(!hooks.iter().any(|hook| hook["attach_type"] == "lsm"), "{status}");
    let status = world.gatekeeper(User::Dev, &["status"])?;
    let words = String::from_utf8_lossy(&status.stdout);
    ensure!(words.contains("functions that ask the security modules"), "{words}");
    Ok(())
}

fn recommends(world: &World) -> Result<()> {
    for arguments in [&["doctor"][..], &["doctor", "--probe"]] {
        let output = world.gatekeeper(User::Root, arguments)?;
        let words = String::from_utf8_lossy(&output.stdout);
        ensure!(output.status.success(), "{arguments:?} is not content: {words}");
    }
    let output = world.gatekeeper(User::Root, &["doctor"])?;
    let words = String::from_utf8_lossy(&output.stdout);
    // The help for this system: the kernel's command line, with bpf added to what is there.
    ensure!(words.contains("lsm=") && words.contains(",bpf") && words.contains("grub"), "{words}");
    Ok(())
}

fn preemption(world: &World) -> Result<()> {
    let mut held = world.daemon();
    let mut again = |mode: &str, ready: bool| -> Result<()> {
        held.take().context("no daemon")?.stop();
        fs::write(PREEMPTION, mode).with_context(|| format!("writing {mode} to {PREEMPTION}"))?;
        *held = Some(Daemon::start(ready)?);
        Ok(())
    };
    again("full", false)?;
    let result = [sessions, status, doctor, label].into_iter().try_for_each(|part| part(world));
    again("voluntary", true)?;
    result
}

fn sessions(world: &World) -> Result<()> {
    let trace = "/tmp/suite-without-bpf";
    let touch = format!("echo started >{trace}");
    for (user, policy) in [(User::Dev, "wide"), (User::Dev, "coding-assistant"), (User::Root, "wide")] {
        let output = world.gatekeeper(
            user,
            &["run", "--policy", policy, "--workspace", "/srv/suite", "--", "/usr/bin/bash", "-c", &touch],
        )?;
        let words = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.code() == Some(125), "`run` ended with {}: {words}", output.status);
        ensure!(words.contains("would not enforce") && words.contains("preempt=voluntary"), "{words}");
        must_not_pass(!Path::new(trace).exists(), "the command was started")?;
    }
    Ok(())
}

fn status(world: &World) -> Result<()> {
    let output = world.gatekeeper(User::Root, &["status", "--json"])?;
    ensure!(!output.status.success(), "`status` is content");
    let status: serde_json::Value = serde_json::from_slice(&output.stdout).context("what `status` wrote")?;
    ensure!(status["ready"] == false, "{status}");
    let hooks = status["hooks"].as_array().context("no hooks")?;
    let open = hooks.iter().find(|hook| hook["hook"] == "file_open").context("file_open is not listed")?;
    ensure!(open["state"] == "dead", "{open}");
    ensure!(open["reason"].as_str().is_some_and(|why| why.contains("preemption is full")), "{open}");
    let status = world.gatekeeper(User::Dev, &["status"])?;
    let words = String::from_utf8_lossy(&status.stdout);
    ensure!(words.contains("not ready") && words.contains("bpf"), "{words}");
    Ok(())
}

fn doctor(world: &World) -> Result<()> {
    let output = world.gatekeeper(User::Root, &["doctor"])?;
    let words = String::from_utf8_lossy(&output.stdout);
    ensure!(!output.status.success(), "`doctor` is content: {words}");
    // The help for this system: the kernel's command line, with bpf added to what is there.
    ensure!(words.contains("lsm=") && words.contains("bpf") && words.contains("grub"), "{words}");
    let probe = world.gatekeeper(User::Root, &["doctor", "--probe"])?;
    ensure!(
        !probe.status.success(),
        "`doctor --probe` is content: {}",
        String::from_utf8_lossy(&probe.stdout)
    );
    Ok(())
}

fn label(world: &World) -> Result<()> {
    let cgroup = "/sys/fs/cgroup/suite-without";
    fs::create_dir_all(cgroup).context(cgroup)?;
    let output = world
        .gatekeeper(User::Root, &["label", "--cgroup", cgroup, "--policy", "wide", "--workspace", "/srv"])?;
    let words = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.code() == Some(1) && words.contains("would not enforce"),
        "{}: {words}",
        output.status
    );
    fs::remove_dir(cgroup).context("removing the cgroup")
}
