//! `gatekeeper run --record` and `--prompt`: the command on a terminal of its own, whose other end this process holds.
//!
//! This process stays outside the session. What comes out of the session's terminal it takes down and shows, what is
//! typed it hands on; while a question stands it does neither.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitCode};

use anyhow::{Context, bail};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::Winsize;

use super::record::Taken;
use crate::config::Config;
use crate::prompt::Prompter;
use crate::sys::terminal::{self, Exclusive, Raw};
use crate::sys::termination::on_termination;
use gatekeeper_record::session_id::SessionId;

/// Interval at which the terminal's size, and whether the command has ended, is looked at.
const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
/// Bytes read from the terminal at once.
const CHUNK: usize = 16 << 10;
/// Bytes that are typed and not yet taken by the session, at most.
const TYPED: usize = 64 << 10;
/// The end of input, as a terminal has it typed.
const END: u8 = 4;

/// Purpose of the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    /// The terminal's output is recorded.
    pub record: bool,
    /// Holds are asked about.
    pub prompt: bool,
}

/// Starts this very command once more, on a terminal of its own.
///
/// # Errors
/// Where there is no terminal, the session can't be recorded or asked about, or the terminal fails.
pub fn run(config: &Config, words: &[std::ffi::OsString], wish: Wish) -> anyhow::Result<ExitCode> {
    if wish.prompt && !terminal::both_are() {
        bail!(
            "--prompt asks on a terminal, and standard input and output are none\n  leave it out, and decide with `gatekeeper console` or `gatekeeper approve` on another terminal"
        );
    }
    let (here, there) = UnixStream::pair()?;
    let program = std::env::current_exe().context("the path of this program")?;
    let mut command = Command::new(program);
    command.args(words);
    let size = terminal::size();
    let (child, master) =
        terminal::spawn(command, size, there.into()).context("a terminal for the session")?;
    let mut keeper = PtyProxy::new(child, File::from(master), size);
    // Nothing is started before it can be taken down and asked about.
    let Some(session) = opened(&here)? else { return keeper.end() };
    if wish.record {
        keeper.taken = Some(Taken::begin(config, session, size)?);
    }
    if wish.prompt {
        let prompter = Prompter::begin(&config.socket, session, (size.ws_col, size.ws_row));
        keeper.prompter = Some(prompter.context("asking about holds")?);
    }
    let raw = Raw::begin().context("the terminal")?;
    // The session's processes are the owner's, too, and could open this terminal by its name.
    let exclusive = if wish.prompt { Some(Exclusive::begin().context("the terminal")?) } else { None };
    let signals = signals().context("listening for signals")?;
    (&here).write_all(b"\n").context("letting the session begin")?;
    drop(here);
    keeper.begun = true;
    let kept = keeper.keep(&signals);
    if let Some(prompter) = &mut keeper.prompter {
        out(&prompter.end())?;
    }
    drop((raw, exclusive));
    kept?;
    keeper.end()
}

/// The session that the child opened; `None` where it could not.
fn opened(from: &UnixStream) -> anyhow::Result<Option<SessionId>> {
    let mut line = String::new();
    BufReader::new(from.take(100)).read_line(&mut line)?;
    Ok(match line.trim_end() {
        "" => None,
        id => Some(id.parse()?),
    })
}

/// The child's side: tells which session it opened, and waits until all is ready.
///
/// # Errors
/// Where the parent is gone, or handed nothing to this process.
pub fn wait_for_leave(session: SessionId) -> anyhow::Result<()> {
    let mut parent =
        terminal::handed().context("this is for `gatekeeper run --record` and `--prompt` to use")?;
    writeln!(parent, "{session}")?;
    let mut leave = [0];
    parent.read_exact(&mut leave).context("the session can't be kept, so nothing is started in it")
}

/// Returns a stream that is readable once a signal asks this process to end: the terminal is put back first.
fn signals() -> io::Result<UnixStream> {
    let (signalled, signal) = UnixStream::pair()?;
    on_termination(move || drop(signal))?;
    Ok(signalled)
}

fn out(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

/// Readiness of the descriptors.
#[expect(clippy::struct_excessive_bools, reason = "one for each descriptor that is waited for")]
#[derive(Clone, Copy, Debug, Default)]
struct Ready {
    shown: bool,
    takes: bool,
    typed: bool,
    news: bool,
    over: bool,
}

/// Stands between two terminals.
pub(super) struct PtyProxy {
    child: Child,
    master: File,
    size: Winsize,
    /// Recorder of the terminal's output.
    pub(super) taken: Option<Taken>,
    prompter: Option<Prompter>,
    /// Input for the session, which has not taken it yet.
    typed: Vec<u8>,
    /// Whether there may be more input.
    input: bool,
    /// Whether the command was let begin.
    pub(super) begun: bool,
}

impl PtyProxy {
    /// Makes a proxy between this process's terminal and that of the child.
    pub(super) fn new(child: Child, master: File, size: Winsize) -> Self {
        Self {
            child,
            master,
            size,
            taken: None,
            prompter: None,
            typed: Vec::new(),
            input: true,
            begun: false,
        }
    }

    fn is_asking(&self) -> bool {
        self.prompter.as_ref().is_some_and(Prompter::is_asking)
    }

    /// Until the command has ended and all it wrote is shown.
    pub(super) fn keep(&mut self, signals: &UnixStream) -> anyhow::Result<()> {
        let flags = rustix::fs::fcntl_getfl(&self.master)? | rustix::fs::OFlags::NONBLOCK;
        rustix::fs::fcntl_setfl(&self.master, flags)?;
        let mut ended = false;
        loop {
            self.look_at_size()?;
            let ready = self.wait(signals)?;
            if ready.over {
                bail!("asked to end; the session's terminal is closed");
            }
            if let Some(prompter) = &mut self.prompter {
                let shows = if ready.news { prompter.receive()? } else { prompter.tick() };
                out(&shows)?;
            }
            if ready.typed {
                self.read_keys()?;
            }
            if ready.takes {
                self.hand_on()?;
            }
            // A question may have come up since: what is shown waits then.
            if ready.shown && !self.is_asking() {
                if !self.read_output()? {
                    return Ok(());
                }
            } else if !ready.shown && !self.is_asking() {
                // Once the command has ended, what it left behind is not waited for.
                if ended {
                    return Ok(());
                }
                ended = self.child.try_wait()?.is_some();
            }
        }
    }

    fn wait(&self, signals: &UnixStream) -> anyhow::Result<Ready> {
        let asking = self.is_asking();
        let mut wanted = PollFlags::empty();
        wanted.set(PollFlags::IN, !asking);
        wanted.set(PollFlags::OUT, !self.typed.is_empty());
        let mut waiting = vec![PollFd::new(signals, PollFlags::IN)];
        let (mut master, mut keys, mut news) = (None, None, None);
        let add = |waiting: &mut Vec<_>, entry| {
            waiting.push(entry);
            Some(waiting.len() - 1)
        };
        // A terminal that was closed is always ready; while a question stands that would keep us busy.
        if !wanted.is_empty() {
            master = add(&mut waiting, PollFd::new(&self.master, wanted));
        }
        let stdin = rustix::stdio::stdin();
        if self.input && (asking || self.typed.len() < TYPED) {
            keys = add(&mut waiting, PollFd::from_borrowed_fd(stdin, PollFlags::IN));
        }
        if let Some(prompter) = &self.prompter {
            news = add(&mut waiting, PollFd::from_borrowed_fd(prompter.readable(), PollFlags::IN));
        }
        match poll(&mut waiting, Some(&LOOK)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let events =
            |at: Option<usize>| at.and_then(|at| waiting.get(at)).map_or(PollFlags::empty(), PollFd::revents);
        let gone = PollFlags::HUP | PollFlags::ERR;
        let of_master = events(master);
        Ok(Ready {
            shown: !asking && of_master.intersects(PollFlags::IN | gone),
            takes: of_master.contains(PollFlags::OUT),
            typed: events(keys).intersects(PollFlags::IN | gone),
            news: !events(news).is_empty(),
            over: !events(Some(0)).is_empty(),
        })
    }

    fn look_at_size(&mut self) -> anyhow::Result<()> {
        let now = terminal::size();
        if (now.ws_col, now.ws_row) == (self.size.ws_col, self.size.ws_row) {
            return Ok(());
        }
        self.size = now;
        let master: OwnedFd = self.master.as_fd().try_clone_to_owned()?;
        terminal::resize(&master, now)?;
        if let Some(taken) = &mut self.taken {
            taken.resized(now)?;
        }
        if let Some(prompter) = &mut self.prompter {
            out(&prompter.resize((now.ws_col, now.ws_row)))?;
        }
        Ok(())
    }

    fn read_keys(&mut self) -> anyhow::Result<()> {
        let mut keys = vec![0; 1024];
        let count = match rustix::io::read(rustix::stdio::stdin(), &mut keys) {
            Ok(count) => count,
            Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => return Ok(()),
            // The terminal is gone.
            Err(_) => 0,
        };
        let keys = keys.get(..count).unwrap_or_default();
        if count == 0 {
            self.input = false;
            // What was piped in is at its end.
            self.typed.push(END);
        } else if let Some(prompter) = self.prompter.as_mut().filter(|prompter| prompter.is_asking()) {
            out(&prompter.press(keys)?)?;
        } else {
            self.typed.extend_from_slice(keys);
        }
        Ok(())
    }

    /// Hands on what was typed, as much as the session takes.
    fn hand_on(&mut self) -> anyhow::Result<()> {
        match self.master.write(&self.typed) {
            Ok(count) => drop(self.typed.drain(..count)),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
            // Nobody has it open any more, and whoever would read it is gone.
            Err(error) if error.raw_os_error() == Some(libc::EIO) => self.typed.clear(),
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Takes down and shows what the session wrote; false where nobody is left to write.
    fn read_output(&mut self) -> anyhow::Result<bool> {
        let mut chunk = vec![0; CHUNK];
        let count = match self.master.read(&mut chunk) {
            // The last process that had it open is gone.
            Ok(0) => return Ok(false),
            Err(error) if error.raw_os_error() == Some(libc::EIO) => return Ok(false),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {
                return Ok(true);
            }
            Err(error) => return Err(error.into()),
            Ok(count) => count,
        };
        let bytes = chunk.get(..count).unwrap_or_default();
        // On record first, then on the screen.
        if let Some(taken) = &mut self.taken {
            taken.shown(bytes)?;
        }
        if let Some(prompter) = &mut self.prompter {
            prompter.shown(bytes);
        }
        out(bytes)?;
        Ok(true)
    }

    /// The command's own exit status.
    pub(super) fn end(mut self) -> anyhow::Result<ExitCode> {
        if !self.begun {
            // It could not open a session: what it says is why.
            io::copy(&mut Until(&mut self.master), &mut io::stderr())?;
        }
        let status = self.child.wait()?;
        let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
        if let Some(taken) = &mut self.taken {
            taken.ended(code)?;
        }
        Ok(ExitCode::from(u8::try_from(code).unwrap_or(1)))
    }
}

/// A terminal whose end is no error.
struct Until<'a>(&'a mut File);

impl Read for Until<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer) {
            Err(error) if error.raw_os_error() == Some(libc::EIO) => Ok(0),
            read => read,
        }
    }
}
