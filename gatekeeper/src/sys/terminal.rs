//! A command on a terminal of its own.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{
    OptionalActions, QueueSelector, Termios, Winsize, ioctl_tiocexcl, ioctl_tiocnxcl, tcflush, tcgetattr,
    tcgetwinsize, tcsetattr, tcsetwinsize,
};

/// The descriptor at which the command finds the one handed over to it.
pub const HANDED: i32 = 3;

/// Starts the command on a new terminal of this size, which it controls; `handed` becomes its descriptor
/// [`HANDED`]. Returns the terminal's other end.
///
/// # Errors
/// Where there is no terminal left, or the command can't be started.
pub fn spawn(mut command: Command, size: Winsize, handed: OwnedFd) -> io::Result<(Child, OwnedFd)> {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    grantpt(&master)?;
    unlockpt(&master)?;
    let name = ptsname(&master, Vec::new())?;
    let flags = rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY | rustix::fs::OFlags::CLOEXEC;
    let slave = rustix::fs::open(&name, flags, rustix::fs::Mode::empty())?;
    tcsetwinsize(&master, size)?;
    command.stdin(slave.try_clone()?).stdout(slave.try_clone()?).stderr(slave);
    let take = move || {
        rustix::process::setsid()?;
        rustix::process::ioctl_tiocsctty(rustix::stdio::stdin())?;
        let mut at = rustix::fd::AsRawFd::as_raw_fd(&handed.as_fd());
        if at == HANDED {
            return Ok(rustix::io::fcntl_setfd(&handed, rustix::io::FdFlags::empty())?);
        }
        // rustix would have us own the descriptor.
        // SAFETY: dup2 takes no pointers; nothing in this process owns the descriptor HANDED any more, for the
        // program that the child is about to become starts with none of ours.
        at = unsafe { libc::dup2(at, HANDED) };
        super::check(at).map(drop)
    };
    // SAFETY: between fork and exec the closure makes system calls only: it allocates nothing and takes no lock.
    let child = unsafe { command.pre_exec(take) }.spawn()?;
    Ok((child, master))
}

/// Takes the socket that the parent handed to this process at [`HANDED`].
///
/// # Errors
/// Where the descriptor is not open.
pub fn handed() -> io::Result<std::os::unix::net::UnixStream> {
    use std::os::fd::FromRawFd;
    // SAFETY: only asks whether the descriptor is open.
    super::check(unsafe { libc::fcntl(HANDED, libc::F_GETFD) })?;
    // SAFETY: it is open, and this process, which was just started with it, has not given it to anybody.
    Ok(unsafe { OwnedFd::from_raw_fd(HANDED) }.into())
}

/// A terminal that hands every key on as it is, until dropped.
#[derive(Debug)]
pub struct Raw(Option<Termios>);

impl Raw {
    /// Makes standard input so, where it is a terminal.
    ///
    /// # Errors
    /// Where the terminal is gone.
    pub fn begin() -> io::Result<Self> {
        let input = rustix::stdio::stdin();
        let Ok(before) = tcgetattr(input) else { return Ok(Self(None)) };
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(input, OptionalActions::Flush, &raw)?;
        Ok(Self(Some(before)))
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            // The terminal may be gone, and then nobody minds.
            let _ = tcsetattr(rustix::stdio::stdin(), OptionalActions::Flush, before);
        }
    }
}

/// Returns whether standard input and output are a terminal.
#[must_use]
pub fn both_are() -> bool {
    use std::io::IsTerminal;
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// Throws away the characters that were typed at standard input and not read yet.
///
/// # Errors
/// Where it is no terminal.
pub fn flush_input() -> io::Result<()> {
    Ok(tcflush(rustix::stdio::stdin(), QueueSelector::IFlush)?)
}

/// The terminal at standard input, which nobody but root can open by its name until this is dropped.
#[derive(Debug)]
pub struct Exclusive(());

impl Exclusive {
    /// Keeps others out (`ioctl_tty(2)`, `TIOCEXCL`).
    ///
    /// # Errors
    /// Where standard input is no terminal.
    pub fn begin() -> io::Result<Self> {
        ioctl_tiocexcl(rustix::stdio::stdin())?;
        Ok(Self(()))
    }
}

impl Drop for Exclusive {
    fn drop(&mut self) {
        // The terminal may be gone, and then nobody minds.
        let _ = ioctl_tiocnxcl(rustix::stdio::stdin());
    }
}

/// Returns the size of the terminal at standard input or output; a usual one where there is none.
#[must_use]
pub fn size() -> Winsize {
    let found = tcgetwinsize(rustix::stdio::stdin()).or_else(|_| tcgetwinsize(rustix::stdio::stdout()));
    let usual = Winsize { ws_col: 80, ws_row: 24, ws_xpixel: 0, ws_ypixel: 0 };
    found.ok().filter(|size| size.ws_col > 0 && size.ws_row > 0).unwrap_or(usual)
}

/// Gives a terminal another size.
///
/// # Errors
/// Where it is gone.
pub fn resize(master: &OwnedFd, size: Winsize) -> io::Result<()> {
    Ok(tcsetwinsize(master, size)?)
}
