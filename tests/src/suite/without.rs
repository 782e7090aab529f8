//! A kernel without bpf among its LSMs: programs load there and never run. The daemon must not pretend.

use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::runner::Test;
use crate::world::{User, World};

const LIST: &str = "/sys/kernel/security/lsm";

pub fn tests() -> Vec<Test> {
    vec![
        Test::new("without_bpf::no_session_opens", sessions),
        Test::new("without_bpf::status_says_why", status),
        Test::new("without_bpf::doctor_says_what_to_change", doctor),
        Test::new("without_bpf::label_is_refused", label),
    ]
}

fn sessions(world: &World) -> Result<()> {
    let list = std::fs::read_to_string(LIST).context(LIST)?;
    ensure!(!list.split(',').any(|name| name.trim() == "bpf"), "bpf is in {LIST}: {list}");
    let trace = "/tmp/suite-without-bpf";
    let touch = format!("echo started >{trace}");
    for (user, policy) in [(User::Dev, "wide"), (User::Dev, "coding-assistant"), (User::Root, "wide")] {
        let output = world.gatekeeper(
            user,
            &["run", "--policy", policy, "--workspace", "/srv/suite", "--", "/usr/bin/bash", "-c", &touch],
        )?;
        let words = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.code() == Some(125), "`run` ended with {}: {words}", output.status);
        ensure!(words.contains("would not enforce"), "{words}");
        ensure!(!Path::new(trace).exists(), "the command was started");
    }
    ensure!(world.ask_json(&["sessions", "--json"])?.is_empty(), "a session is listed");
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
    ensure!(open["why"].as_str().is_some_and(|why| why.contains("LSM") || why.contains("lsm")), "{open}");
    let told = world.gatekeeper(User::Dev, &["status"])?;
    let words = String::from_utf8_lossy(&told.stdout);
    ensure!(words.contains("not ready") && words.contains("bpf"), "{words}");
    Ok(())
}

fn doctor(world: &World) -> Result<()> {
    let output = world.gatekeeper(User::Root, &["doctor"])?;
    let words = String::from_utf8_lossy(&output.stdout);
    ensure!(!output.status.success(), "`doctor` is content: {words}");
    // The mend for this system: the kernel's command line, with bpf added to what is there.
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
    std::fs::create_dir_all(cgroup).context(cgroup)?;
    let output = world
        .gatekeeper(User::Root, &["label", "--cgroup", cgroup, "--policy", "wide", "--workspace", "/srv"])?;
    let words = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.code() == Some(1) && words.contains("would not enforce"),
        "{}: {words}",
        output.status
    );
    std::fs::remove_dir(cgroup).context("removing the cgroup")
}
