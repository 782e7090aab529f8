//! The policies that ship, on a real project: work goes on, and secrets stay.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, bail, ensure};

use crate::ground;
use crate::runner::Test;
use crate::world::{User, World, in_full};

const PROJECT: &str = "/home/dev/project";

/// Work that goes on in a session.
const WORK: &[(&str, &str)] = &[
    (
        "git_status_and_commit",
        "git status --short && echo '# more' >>README.md && git commit -qam 'More' && git log --oneline -1",
    ),
    (
        "git_branch_and_diff",
        "git checkout -q -b side && git checkout -q main && git branch -q -d side && git diff --stat",
    ),
    ("python", "python3 -m unittest -q"),
    ("make", "make -s hello && ./hello && make -s clean"),
    ("gcc", "printf 'int main(void){return 0;}' >t.c && gcc -o t t.c && ./t && rm t t.c"),
    ("node", "node -e 'console.log(2 + 2)'"),
    ("npm", "npm test --silent"),
    ("cargo", "cd tool && cargo build -q --offline && ./target/debug/tool"),
    (
        "files",
        "mkdir -p deep/er && touch deep/er/file && mv deep/er/file deep/ && rm -r deep && ls -la | wc -l",
    ),
];

pub fn tests() -> Vec<Test> {
    // These two start slowly, and differ from kernel to kernel in nothing.
    let wanted = |(name, _): &&(&str, &str)| in_full() || !["npm", "cargo"].contains(name);
    let work = WORK.iter().filter(wanted).map(|(name, command)| {
        // Compilers and package tools take minutes where a busy machine emulates the guest.
        Test::new(format!("policy::coding_assistant_{name}"), move |world| {
            let (well, told) = shell(world, true, command)?;
            ensure!(well, "{command}: {told}");
            Ok(())
        })
        .within(240)
    });
    let kept = [
        Test::new("policy::coding_assistant_keeps_secrets", keeps),
        Test::new("policy::coding_assistant_leaves_nothing_behind", leaves),
    ];
    work.chain(kept).collect()
}

/// A shell command in the project, in a session or outside: whether it went well, and what it wrote.
fn shell(world: &World, bound: bool, command: &str) -> Result<(bool, String)> {
    let words = ["/usr/bin/bash", "-c", command];
    let mut process = if bound {
        let start = ["run", "--policy", "coding-assistant", "--workspace", PROJECT, "--"];
        world.command(&[&start[..], &words].concat())
    } else {
        let mut process = std::process::Command::new(words[0]);
        process.args(&words[1..]);
        process
    };
    User::Dev.become_of(&mut process);
    let output = {
        process.current_dir(PROJECT).process_group(0).stdin(Stdio::null());
        let child =
            process.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().context("starting a shell")?;
        world.remember(child.id());
        child.wait_with_output().context("waiting for a shell")?
    };
    let both = [output.stdout, output.stderr].concat();
    Ok((output.status.success(), String::from_utf8_lossy(&both).into_owned()))
}

fn keeps(world: &World) -> Result<()> {
    // What each shows of itself where it is not kept.
    let secrets = [
        ("cat ~/.ssh/id_ed25519", "PRIVATE KEY"),
        ("cat ~/.aws/credentials", "aws_secret_access_key"),
        ("cat .env", "API_TOKEN"),
        ("python3 -c \"print(open('.env').read())\"", "API_TOKEN"),
        ("cat ~/.config/gh/hosts.yml", "oauth_token"),
        ("cat ~/.netrc", "not-a-real-password"),
        ("curl --version", "libcurl"),
        ("/lib64/ld-linux-x86-64.so.2 /usr/bin/curl --version", "libcurl"),
        ("cp /usr/bin/curl /tmp/suite-curl && /tmp/suite-curl --version", "libcurl"),
    ];
    for (command, shows) in secrets {
        let (well, told) = shell(world, false, command)?;
        ensure!(well && told.contains(shows), "outside any session, {command}: {told}");
        let _ = fs::remove_file("/tmp/suite-curl");
        let (well, told) = shell(world, true, command)?;
        ensure!(!well && !told.contains(shows), "in a session, {command}: {told}");
    }
    let alices = "cat /home/alice/diary.txt";
    let (well, told) = shell(world, true, alices)?;
    ensure!(!well && !told.contains("only for alice"), "in a session, {alices}: {told}");
    Ok(())
}

fn leaves(world: &World) -> Result<()> {
    let places = [
        "~/.bashrc",
        "~/.profile",
        ".git/hooks/post-commit",
        ".git/config",
        "~/.config/systemd/user/x.service",
        ".vscode/tasks.json",
    ];
    ground::folder("/home/dev/.config/systemd/user")?;
    ground::folder(&format!("{PROJECT}/.vscode"))?;
    for place in places {
        let real = match place.strip_prefix("~/") {
            Some(rest) => format!("/home/dev/{rest}"),
            None => format!("{PROJECT}/{place}"),
        };
        let before = fs::read(&real).ok();
        let command = format!("echo '# left behind' >>{place}");
        let (well, told) = shell(world, true, &command)?;
        ensure!(!well && told.contains("Operation not permitted"), "in a session, {command}: {told}");
        ensure!(fs::read(&real).ok() == before, "{place} changed all the same");
        let (well, told) = shell(world, false, &command)?;
        ensure!(well, "outside any session, {command}: {told}");
        match before {
            Some(content) => fs::write(&real, content)?,
            None if Path::new(&real).exists() => fs::remove_file(&real)?,
            None => bail!("{place} did not appear outside any session"),
        }
    }
    Ok(())
}
