//! Rules about the subcommands of a tool, with real git: no spelling of a push passes them, and no other work is asked
//! about.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::hold::{answer, ended, holds, waiting};
use crate::failure::must_not_pass;
use crate::fixtures::{self, OPEN};
use crate::policies::policy;
use crate::runner::Test;
use crate::world::{User, World};

/// Spellings of one push.
const PUSHES: &[&str] = &[
    "git push -q origin main",
    "git -C . push -q origin main",
    "git --no-pager push -q origin main",
    "(exec -a git-push git -q origin main)",
    "/usr/lib/git-core/git push -q origin main",
    "git send-pack ../bare.git main",
];

/// Work with git that nobody is asked about.
const WORK: &[&str] = &[
    "git status --short",
    "git -C . status --short",
    "echo more >>file && git commit -qam 'push the button'",
    "git --no-pager log --oneline -2",
    "git fetch -q origin",
    // 90 KiB of arguments.
    "mkdir many && touch $(seq -f many/a-file-with-a-name-of-its-own-%g 2500) && git add many/* && git commit -qm many",
    "git -c core.pager=cat branch push && git branch -D push",
];

pub fn tests() -> Vec<Test> {
    vec![Test::new("exec::subcommands_of_git_by_any_spelling", pushes)]
}

fn place() -> String {
    format!("{OPEN}/tools")
}

/// Runs a script as the developer, outside any session.
fn shell(script: &str) -> Result<String> {
    let mut command = Command::new("/bin/bash");
    command.args(["-ec", script]);
    User::Dev.become_of(&mut command);
    let output = command.current_dir(place()).output()?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{script}: {errors}");
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// A repository without a branch, and a clone of it with a commit.
fn repository() -> Result<()> {
    fixtures::folder(&place())?;
    shell(
        "git init -q --bare -b main bare.git; git clone -q bare.git clone 2>/dev/null; cd clone; \
         git config user.name dev; git config user.email dev@example.org; \
         echo content >file; git add file; git commit -qm first; git branch -M main",
    )
    .map(drop)
}

fn is_pushed() -> bool {
    shell("git -C bare.git rev-parse -q --verify refs/heads/main").is_ok()
}

fn forget() -> Result<()> {
    shell("git -C bare.git update-ref -d refs/heads/main").map(drop)
}

fn pushes(world: &World) -> Result<()> {
    world.policy("tools", policy!("tools"))?;
    repository()?;
    for push in PUSHES {
        shell(&format!("cd clone; {push}")).with_context(|| format!("{push}, outside"))?;
        ensure!(is_pushed(), "{push} pushed nothing outside");
        forget()?;
    }
    let mut session = world.session("tools")?;
    let id = session.id.clone();
    let in_clone = |script: &str| format!("cd {}/clone && {script}", place());
    for push in PUSHES {
        session.send("run", &["/bin/bash", "-c", &in_clone(push)])?;
        let hold = waiting(world, &id, 1).with_context(|| format!("{push} did not wait"))?.remove(0);
        must_not_pass(!is_pushed(), format!("{push} pushed while it waited"))?;
        answer(world, "deny", &hold)?;
        let (status, output) = ended(&mut session)?;
        must_not_pass(!is_pushed(), format!("{push} pushed, denied: {output}"))?;
        ensure!(status != 0, "{push}, denied, ended well: {output}");
        ensure!(holds(world, &id)?.is_empty(), "{push} left holds");
    }
    for work in WORK {
        let output = session.must_run(&["/bin/bash", "-ec", &in_clone(work)])?;
        ensure!(holds(world, &id)?.is_empty(), "{work} was asked about: {output}");
    }
    session.send("run", &["/bin/bash", "-c", &in_clone(PUSHES[1])])?;
    let hold = waiting(world, &id, 1)?.remove(0);
    answer(world, "approve", &hold)?;
    let (status, output) = ended(&mut session)?;
    ensure!(status == 0 && is_pushed(), "approved, it ended with {status}: {output}");
    Ok(())
}
