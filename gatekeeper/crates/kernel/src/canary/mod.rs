//! The canary: a process that tries every hook, first free and then labelled with a policy that denies everything, and
//! reports the results. Only a hook seen to refuse counts as live.
//!
//! The daemon starts it (`gatekeeper canary FOLDER CGROUP`), and they talk in lines: the canary writes `ready`, is moved
//! into a labelled cgroup, reads `go`, and answers with a line a hook: its name, the control's errno and the labelled
//! try's errno, 0 for success.

mod operations;

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use gatekeeper_common::image::{COLUMNS, Header, MAGIC, ROWS_AT, Row, VERSION};
use gatekeeper_common::label::Label;
use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::{Cell, RULE_DEFAULT, Verdict};

use super::attach_type::AttachType;
use super::{Hook, Kernel, KernelError, Liveness};
use crate::labels::Labels;
use crate::publish::Images;

pub use operations::run;

/// The session that canaries belong to; no real session has this id.
pub const CANARY_SESSION: u64 = 0;

/// An image that denies everything but capabilities, lest they be refused before the hook that is to be tried;
/// of those it denies the one that shows that they can be.
fn deny_all() -> (Vec<u8>, Vec<u8>) {
    const CAP_WAKE_ALARM: usize = 35;
    let mut header = Header {
        magic: MAGIC,
        version: VERSION,
        rows: 1,
        defaults: [Cell::new(Verdict::Deny, RULE_DEFAULT); COLUMNS],
        ..bytemuck::Zeroable::zeroed()
    };
    header.defaults[Operation::Capability as usize] = Cell::new(Verdict::Allow, RULE_DEFAULT);
    header.capabilities[CAP_WAKE_ALARM] = Cell::new(Verdict::Deny, RULE_DEFAULT);
    // The row of all paths: where a link leads no default decides.
    let mut row = Row::default();
    row[Operation::Read as usize] = Cell::new(Verdict::Deny, 0);
    let mut head = bytemuck::bytes_of(&header).to_vec();
    head.resize(ROWS_AT, 0);
    head.extend_from_slice(bytemuck::bytes_of(&row));
    (head, Vec::new())
}

/// The two tries of one hook, as errno or 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Tries {
    control: i32,
    labelled: i32,
}

impl Tries {
    fn liveness(self) -> Liveness {
        let Self { control, labelled } = self;
        if labelled == libc::EPERM && control != libc::EPERM {
            Liveness::Live
        } else if control == libc::EPERM {
            Liveness::Dead(
                "can't be proved: the kernel refuses the canary's operation even to an unlabelled task"
                    .into(),
            )
        } else if labelled == 0 || labelled == control {
            Liveness::Dead("attached, and does not fire".into())
        } else {
            let error = io::Error::from_raw_os_error(labelled);
            Liveness::Dead(format!("the canary got {error} where EPERM was due"))
        }
    }
}

fn parse(line: &str) -> Option<(&str, Tries)> {
    let mut words = line.split_whitespace();
    let name = words.next()?;
    let control = words.next()?.parse().ok()?;
    let labelled = words.next()?.parse().ok()?;
    Some((name, Tries { control, labelled }))
}

impl Kernel {
    /// Runs the canary in these two folders, which it makes, and takes its answers for the hooks' state.
    ///
    /// # Errors
    /// Where the canary can't be labelled or run.
    pub(crate) fn prove_in(
        &mut self,
        folder: &Path,
        cgroup: &Path,
        program: &Path,
    ) -> Result<(), KernelError> {
        let _ = fs::remove_dir_all(folder);
        for path in [folder, cgroup] {
            fs::create_dir_all(path).map_err(KernelError::call(format!("making {}", path.display())))?;
        }
        let id = fs::metadata(cgroup).map_err(KernelError::call("looking at the canary's cgroup"))?.ino();
        let (head, comb) = deny_all();
        let layer = self.publish(&head, &comb, 0)?;
        let mut label = Label { session: CANARY_SESSION, count: 1, ..Label::default() };
        label.layers[0] = layer;
        let result = self
            .mark(id, &label)
            .and_then(|()| listen(folder, cgroup, program).map_err(KernelError::call("running the canary")));
        let unmarked = self.unmark(id);
        self.retire(layer)?;
        unmarked?;
        let answers = result?;
        for hook in &mut self.hooks {
            hook.liveness = match &self.unreliable {
                Some(reason) if hook.attach_type == AttachType::ModifyReturn => {
                    Liveness::Dead(reason.clone())
                }
                _ => judge(hook, &answers),
            };
        }
        Ok(())
    }
}

fn judge(hook: &Hook, answers: &[String]) -> Liveness {
    let tries = answers.iter().filter_map(|line| parse(line)).find(|(name, _)| *name == hook.name);
    match tries {
        Some((_, tries)) => tries.liveness(),
        None if hook.provable => Liveness::Dead("the canary ended before it tried this hook".into()),
        None => Liveness::Attached,
    }
}

fn listen(folder: &Path, cgroup: &Path, program: &Path) -> io::Result<Vec<String>> {
    let mut canary = Command::new(program)
        .arg("canary")
        .args([folder, cgroup])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let result = converse(&mut canary, cgroup);
    let _ = canary.kill();
    canary.wait()?;
    result
}

fn converse(canary: &mut Child, cgroup: &Path) -> io::Result<Vec<String>> {
    let silent = || io::Error::other("the canary has no output");
    let mut lines = BufReader::new(canary.stdout.take().ok_or_else(silent)?).lines();
    let ready = lines.next().ok_or_else(silent)??;
    if ready != "ready" {
        return Err(io::Error::other(format!("the canary wrote {ready:?}")));
    }
    fs::write(cgroup.join("cgroup.procs"), canary.id().to_string())?;
    canary.stdin.take().ok_or_else(silent)?.write_all(b"go\n")?;
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_refusal_that_the_control_did_not_get_counts() {
        let live = |control, labelled| Tries { control, labelled }.liveness() == Liveness::Live;
        assert!(live(0, libc::EPERM));
        assert!(live(libc::EINVAL, libc::EPERM));
        assert!(!live(libc::EPERM, libc::EPERM));
        assert!(!live(0, 0));
        assert!(!live(libc::EINVAL, libc::EINVAL));
        assert!(!live(0, libc::EACCES));
    }
}
