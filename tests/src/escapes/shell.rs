//! A shell of root's outside any session, and whatever it leaves running.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};

/// A shell that has ended. It is not waited for before the drop, so that its process group's number stays its own; the
/// drop kills what is left of the group.
pub struct Shell(Child);

impl Shell {
    /// Runs a command to its end. Returns how it failed, where it did.
    pub fn run(mut command: Command) -> io::Result<(Self, Option<String>)> {
        let shell = Self(command.process_group(0).spawn()?);
        let failed = shell.end()?;
        Ok((shell, failed))
    }

    fn end(&self) -> io::Result<Option<String>> {
        // SAFETY: all zeroes is a siginfo_t.
        let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
        let how = libc::WEXITED | libc::WNOWAIT;
        // SAFETY: a siginfo_t to be written.
        while unsafe { libc::waitid(libc::P_PID, self.0.id(), &raw mut info, how) } < 0 {
            let error = io::Error::last_os_error();
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(error);
            }
        }
        // SAFETY: waitid has filled it for a child.
        Ok(match (info.si_code, unsafe { info.si_status() }) {
            (libc::CLD_EXITED, 0) => None,
            (libc::CLD_EXITED, status) => Some(format!("status {status}")),
            (_, signal) => Some(format!("signal {signal}")),
        })
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        // SAFETY: no pointers; the leader has not been waited for.
        unsafe { libc::kill(-(self.0.id() as i32), libc::SIGKILL) };
        let _ = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(words: &str) -> (Shell, Option<String>) {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", words]);
        Shell::run(command).unwrap()
    }

    #[test]
    fn processes_left_running_end_with_the_shell() {
        let pipe = std::process::Stdio::piped();
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "sleep 1000 & exit 0"]).stdout(pipe);
        let (mut shell, failed) = Shell::run(command).unwrap();
        assert_eq!(failed, None);
        let mut output = shell.0.stdout.take().unwrap();
        drop(shell);
        // The other end is shut once the last that has it is gone.
        assert_eq!(io::Read::read(&mut output, &mut [0]).unwrap(), 0);
    }

    #[test]
    fn how_it_failed() {
        assert_eq!(run("exit 3").1.as_deref(), Some("status 3"));
        assert_eq!(run("kill -TERM $$").1.as_deref(), Some("signal 15"));
    }
}
