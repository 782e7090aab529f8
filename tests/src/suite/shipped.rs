//! The policies that ship, on a real project: work goes on, and secrets stay.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, bail, ensure};

use crate::failure::must_not_pass;
use crate::fixtures;
use crate::policies::policy;
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
    (
        "git_clone",
        "git clone -q file://$PWD copy && cd copy && echo more >>README.md && git commit -qam Copy && git push -q \
         origin HEAD:refs/heads/from-copy && cd .. && git branch -q -D from-copy && rm -rf copy",
    ),
    (
        "git_env_files",
        "printf 'A=\\n' >.env.example && git add .env.example && git commit -qm Form && printf 'A=1\\n' >.env.example && \
         git stash -q && git stash pop -q && git checkout -q .env.example && git clone -q file://$PWD copy && cat \
         copy/.env.example && rm -rf copy && git rm -q .env.example && git commit -qm Gone",
    ),
    (
        "git_clone_with_editor_settings",
        "git init -q made && cd made && mkdir .vscode .claude && echo '{}' >.vscode/settings.json && echo '{}' \
         >.claude/settings.json && git add -A && git commit -qm Settings && cd .. && git clone -q made copy && cd copy && \
         git checkout -q -b side && git rm -qr .vscode && git commit -qm Gone && git checkout -q - && cat \
         .vscode/settings.json && cd .. && rm -rf made copy",
    ),
    (
        "git_makes_and_removes_what_it_may_not_read",
        "blob=$(echo S=1 | git hash-object -w --stdin) && git update-index --add --cacheinfo 100644,$blob,sub/.env && \
         git commit -qm Tracked && git checkout -q -f -- sub/.env && test -s sub/.env && ! cat sub/.env && \
         git rm -q -f sub/.env && git commit -qm Untracked && test ! -e sub/.env",
    ),
    (
        "git_rebase",
        "git checkout -q -b side && echo a >side.txt && git add side.txt && git commit -qm Side && git checkout -q \
         main && echo '# and more' >>README.md && git commit -qam Main && git rebase -q main side && git log \
         --oneline -2 && git checkout -q main && git branch -q -D side",
    ),
    (
        "git_worktree",
        "git worktree add -q tree -b tree && cd tree && echo b >tree.txt && git add tree.txt && git commit -qm Tree \
         && cd .. && git worktree remove tree && git branch -q -D tree && git stash list",
    ),
    (
        "python_multiprocessing",
        "printf '%s\\n' 'import multiprocessing as m' 'if __name__ == \"__main__\":' '    with m.Pool(2) as p:' \
         '        assert p.map(abs, [-1, -2]) == [1, 2]' >pool.py && python3 pool.py && rm pool.py",
    ),
    (
        "python_venv",
        "python3 -m venv --without-pip env && env/bin/python -c 'import sys; assert sys.prefix != sys.base_prefix' \
         && rm -r env",
    ),
    ("pip", PIP),
    (
        "npm_install",
        "mkdir local && echo '{\"name\":\"local\",\"version\":\"1.0.0\",\"main\":\"i.js\"}' >local/package.json && echo \
         'module.exports = 1' >local/i.js && npm install --silent --no-audit --no-fund --no-save ./local && node -e \
         'require(\"local\")' && rm -rf node_modules local",
    ),
    ("node", "node -e 'console.log(2 + 2)'"),
    ("npm", "npm test --silent"),
    ("cargo", "cd tool && cargo build -q --offline && ./target/debug/tool && cargo test -q --offline"),
    ("pytest", "python3 -m pytest -q tests && rm -rf .pytest_cache"),
    (
        "gdb",
        "printf 'int add(int a){return a+1;}int main(void){return add(1);}' >g.c && gcc -g -O0 -o g g.c && gdb -nx -q -batch \
         -ex 'break add' -ex run -ex bt -ex 'print a' -ex kill ./g >g.txt 2>&1; cat g.txt; grep -q '#1 .* in main' g.txt && \
         grep -q '= 1$' g.txt && rm g g.c g.txt",
    ),
    (
        "tmux",
        "alias t='tmux -f /dev/null -L suite'; shopt -s expand_aliases
         t new-session -d && t send-keys 'echo seen >tmux.txt; tmux -L suite wait-for -S done' Enter && t wait-for done && \
         cat tmux.txt && rm tmux.txt && t kill-server",
    ),
    (
        "files",
        "mkdir -p deep/er && touch deep/er/file && mv deep/er/file deep/ && rm -r deep && ls -la | wc -l",
    ),
];

const CLEAN: &str = "git worktree remove -f tree; git rebase --abort; git checkout -qf main; \
git branch -qD side tree from-copy; rm -rf copy made tree wheel vendor local node_modules env; true";

/// A wheel made by hand, installed without any network.
const PIP: &str = "mkdir wheel && python3 -c \"
import zipfile
with zipfile.ZipFile('wheel/local-1-py3-none-any.whl', 'w') as wheel:
    wheel.writestr('local.py', 'answer = 42')
    wheel.writestr('local-1.dist-info/METADATA', 'Metadata-Version: 2.1\\nName: local\\nVersion: 1\\n')
    wheel.writestr('local-1.dist-info/WHEEL', 'Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
    wheel.writestr('local-1.dist-info/RECORD', '')
\" && python3 -m pip install -q --no-index --target vendor wheel/local-1-py3-none-any.whl && \
PYTHONPATH=vendor python3 -c 'import local; assert local.answer == 42' && rm -r wheel vendor";

/// An owner's additions for a web service: loopback, and a tool to look at it.
const WEB: &str = policy!("web");

pub fn tests() -> Vec<Test> {
    // What these programs ask of the kernel differs from one to the other, and little from kernel to kernel.
    const EVERYWHERE: [&str; 5] = ["git_status_and_commit", "git_rebase", "git_clone", "make", "tmux"];
    let wanted = |(name, _): &&(&str, &str)| in_full() || EVERYWHERE.contains(name);
    let work = WORK.iter().filter(wanted).map(|(name, command)| {
        Test::new(format!("policy::coding_assistant_{name}"), move |world| {
            // What an earlier try left half done; errors mean that there is nothing of the kind.
            shell(world, None, CLEAN)?;
            let (well, output) = shell(world, Some("coding-assistant"), command)?;
            ensure!(well, "{command}: {output}");
            Ok(())
        })
    });
    if !in_full() {
        return work.collect();
    }
    let kept = [
        Test::new("policy::coding_assistant_with_a_web_server", serves),
        Test::new("policy::coding_assistant_keeps_secrets", keeps),
        Test::new("policy::coding_assistant_leaves_nothing_behind", leaves),
    ];
    work.chain(kept).collect()
}

/// A shell command in the project, in a session or outside: whether it went well, and what it wrote.
fn shell(world: &World, policy: Option<&str>, command: &str) -> Result<(bool, String)> {
    let words = ["/usr/bin/bash", "-c", command];
    let mut process = if let Some(policy) = policy {
        let start = ["run", "--policy", policy, "--workspace", PROJECT, "--"];
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

fn serves(world: &World) -> Result<()> {
    world.policy("web", WEB)?;
    let command = "python3 -m http.server -b 127.0.0.1 8123 >/dev/null 2>&1 & \
                   for i in $(seq 100); do curl -sf http://127.0.0.1:8123/README.md | grep -q calc && exit; sleep 0.2; \
                   done; exit 1";
    let (well, output) = shell(world, Some("web"), command)?;
    ensure!(well, "{command}: {output}");
    let (well, _) = shell(world, Some("coding-assistant"), "curl -sf http://127.0.0.1:8123/README.md")?;
    must_not_pass(!well, "curl runs where no rule allows it")?;
    Ok(())
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
        let (well, output) = shell(world, None, command)?;
        ensure!(well && output.contains(shows), "outside any session, {command}: {output}");
        let _ = fs::remove_file("/tmp/suite-curl");
        let (well, output) = shell(world, Some("coding-assistant"), command)?;
        must_not_pass(!well && !output.contains(shows), format!("in a session, {command}: {output}"))?;
    }
    let alices = "cat /home/alice/diary.txt";
    let (well, output) = shell(world, Some("coding-assistant"), alices)?;
    must_not_pass(!well && !output.contains("only for alice"), format!("in a session, {alices}: {output}"))?;
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
        ".devcontainer/devcontainer.json",
        "opencode.json",
        "~/.local/share/claude/versions/1.0.0",
        "~/.config/kitty/kitty.conf",
    ];
    fixtures::folder("/home/dev/.config/systemd/user")?;
    for folder in [".vscode", ".devcontainer"] {
        fixtures::folder(&format!("{PROJECT}/{folder}"))?;
    }
    for folder in ["/home/dev/.local/share/claude/versions", "/home/dev/.config/kitty"] {
        fixtures::folder(folder)?;
    }
    for place in places {
        let real = match place.strip_prefix("~/") {
            Some(rest) => format!("/home/dev/{rest}"),
            None => format!("{PROJECT}/{place}"),
        };
        let before = fs::read(&real).ok();
        let command = format!("echo '# left behind' >>{place}");
        let (well, output) = shell(world, Some("coding-assistant"), &command)?;
        ensure!(!well && output.contains("Operation not permitted"), "in a session, {command}: {output}");
        ensure!(fs::read(&real).ok() == before, "{place} changed all the same");
        let (well, output) = shell(world, None, &command)?;
        ensure!(well, "outside any session, {command}: {output}");
        match before {
            Some(content) => fs::write(&real, content)?,
            None if Path::new(&real).exists() => fs::remove_file(&real)?,
            None => bail!("{place} did not appear outside any session"),
        }
    }
    Ok(())
}
