//! The programs' directory cache must never outlive what it knows: a directory that moves, by rename or by
//! mount, one that is replaced by another, and a policy that changes, are judged anew at once. Runs in the
//! guest, as root. Each part first fills the cache with an allowed open, twice, then changes the world.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use gatekeeper::kernel::Kernel;
use gatekeeper::policy::links::NoLinks;
use gatekeeper::policy::source::Source;
use gatekeeper::policy::{Compiled, Policy, Resolved, SearchPath, Vars};
use gatekeeper_common::label::Label;

const PINS: &str = "/sys/fs/bpf/gatekeeper-stale";
const GROUP: &str = "/sys/fs/cgroup/stale";
const OPEN: &str = r#"
version = 1
name = "stale"
[[exec]]
verdict = "allow"
program = ["/usr/**", "/mnt/**"]
[[file]]
verdict = "allow"
path = ["/usr/**", "/etc/**", "/dev/**", "/proc/**", "/mnt/**", "/srv/open/**", "/tmp/open/**"]
[[file]]
verdict = "deny"
path = ["**/secret/**"]
"#;

fn main() -> Result<()> {
    if std::env::args().nth(1).as_deref() == Some("open") {
        return open_for_ever();
    }
    // Beside a daemon, if there is one: its programs know nothing of this one's tasks.
    let mut kernel = Kernel::load(Path::new(PINS))?;
    let image = compile(OPEN)?.image;
    let layer = kernel.publish(&image.head(), image.comb(), 1)?;
    fs::create_dir_all(GROUP)?;
    let mut label = Label { session: 1, count: 1, ..Label::default() };
    label.layers[0] = layer;
    kernel.mark(fs::metadata(GROUP)?.ino(), &label)?;
    let mut task = Task::start()?;
    for root in ["/srv", "/tmp"] {
        renamed(&mut task, root)?;
        renamed_above(&mut task, root)?;
        replaced(&mut task, root)?;
        mounted(&mut task, root)?;
        println!("{root}: moved, replaced and mounted directories are judged anew");
    }
    open_dir(&mut task, "/srv/open/policy")?;
    let image = compile(&OPEN.replace("\"/srv/open/**\", ", ""))?.image;
    // The same generation, even: an image is told from others by itself.
    kernel.replace(layer, &image.head(), image.comb(), 1)?;
    task.refused("/srv/open/policy/file")?;
    println!("a policy that changes is judged anew");
    fs::remove_dir_all(PINS).context("letting the programs go")
}

fn compile(text: &str) -> Result<Compiled> {
    let vars = Vars::new(Path::new("/home/dev"), Path::new("/home/dev"), "dev", 1000, Path::new("/tmp"), "s");
    Policy::from_source(Source::new("stale", None, text.to_owned()), &SearchPath { directories: Vec::new() })
        .and_then(|policy| policy.resolve(&vars, &NoLinks))
        .and_then(Resolved::compile)
        .map_err(|error| anyhow::anyhow!("{error}"))
}

/// The labelled task: opens what it is told.
struct Task {
    _child: Child,
    ask: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Task {
    fn start() -> Result<Self> {
        let mut child = Command::new("/bin/sh")
            .args([
                "-c",
                &format!(
                    "echo $$ > {GROUP}/cgroup.procs && exec {} open",
                    std::env::current_exe()?.display()
                ),
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let ask = child.stdin.take().context("no pipe")?;
        let answers = BufReader::new(child.stdout.take().context("no pipe")?);
        Ok(Self { _child: child, ask, answers })
    }

    fn open(&mut self, path: &str) -> Result<String> {
        writeln!(self.ask, "{path}")?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        Ok(line.trim().to_owned())
    }

    fn allowed(&mut self, path: &str) -> Result<()> {
        let answer = self.open(path)?;
        ensure!(answer == "0", "{path}: should open, errno {answer}");
        Ok(())
    }

    fn refused(&mut self, path: &str) -> Result<()> {
        let answer = self.open(path)?;
        if answer == "0" {
            bail!("{path}: opened by what the cache remembers");
        }
        ensure!(answer == libc::EPERM.to_string(), "{path}: should be refused, errno {answer}");
        Ok(())
    }
}

fn open_for_ever() -> Result<()> {
    for path in std::io::stdin().lines() {
        let answer = fs::File::open(path?).map_or_else(|error| error.raw_os_error().unwrap_or(-1), |_| 0);
        println!("{answer}");
    }
    Ok(())
}

/// A directory with a file, met twice by the task.
fn open_dir(task: &mut Task, path: &str) -> Result<()> {
    fs::create_dir_all(path)?;
    fs::write(format!("{path}/file"), "x")?;
    task.allowed(&format!("{path}/file"))?;
    task.allowed(&format!("{path}/file"))
}

fn renamed(task: &mut Task, root: &str) -> Result<()> {
    fs::create_dir_all(format!("{root}/shut"))?;
    open_dir(task, &format!("{root}/open/a"))?;
    fs::rename(format!("{root}/open/a"), format!("{root}/shut/a"))?;
    task.refused(&format!("{root}/shut/a/file"))?;
    fs::rename(format!("{root}/shut/a"), format!("{root}/open/secret"))?;
    task.refused(&format!("{root}/open/secret/file"))?;
    fs::rename(format!("{root}/open/secret"), format!("{root}/open/b"))?;
    task.allowed(&format!("{root}/open/b/file"))
}

fn renamed_above(task: &mut Task, root: &str) -> Result<()> {
    open_dir(task, &format!("{root}/open/c/d/e"))?;
    fs::rename(format!("{root}/open/c"), format!("{root}/shut/c"))?;
    task.refused(&format!("{root}/shut/c/d/e/file"))
}

/// The next directory made often gets the inode number, and the memory, of the last one removed.
fn replaced(task: &mut Task, root: &str) -> Result<()> {
    let (mut same, rounds) = (0, 100);
    for round in 0..rounds {
        let (old, new) = (format!("{root}/open/r{round}"), format!("{root}/shut/r{round}"));
        open_dir(task, &old)?;
        let number = fs::metadata(&old)?.ino();
        fs::remove_dir_all(&old)?;
        fs::create_dir(&new)?;
        fs::write(format!("{new}/file"), "x")?;
        same += u32::from(fs::metadata(&new)?.ino() == number);
        task.refused(&format!("{new}/file"))?;
    }
    println!("{root}: {same} of {rounds} directories got the number of the one before");
    Ok(())
}

fn mounted(task: &mut Task, root: &str) -> Result<()> {
    let run = |words: &[&str]| -> Result<()> {
        let status = Command::new(words[0]).args(&words[1..]).status()?;
        ensure!(status.success(), "{words:?} ended with {status}");
        Ok(())
    };
    let (from, to) = (format!("{root}/open/m"), format!("{root}/shut/m"));
    fs::create_dir_all(&from)?;
    fs::create_dir_all(&to)?;
    run(&["mount", "-t", "tmpfs", "none", &from])?;
    open_dir(task, &format!("{from}/in"))?;
    run(&["mount", "--move", &from, &to])?;
    task.refused(&format!("{to}/in/file"))?;
    run(&["mount", "--bind", &format!("{to}/in"), &from])?;
    task.allowed(&format!("{from}/file"))?;
    task.refused(&format!("{to}/in/file"))?;
    run(&["umount", &from])?;
    run(&["umount", &to])
}
