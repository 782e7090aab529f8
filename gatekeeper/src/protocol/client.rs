//! The command line's end of the control socket: no threads, nothing left open.

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use super::messages::{Answer, Envelope, PROTOCOL, Request};
use gatekeeper_record::refusal::Refusal;

/// The reason that there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens.
    #[error("no daemon answers at {socket}: {source}\n  start it: `systemctl start gatekeeper`, or as root `gatekeeper daemon`", socket = socket.display())]
    NoDaemon {
        /// The path of the socket.
        socket: PathBuf,
        /// The kernel's answer.
        source: io::Error,
    },
    /// The connection broke, or a line was no answer.
    #[error("talking to the daemon: {0}")]
    Broken(#[from] io::Error),
    /// The daemon refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// One request and its answers.
#[derive(Debug)]
pub struct Conversation {
    stream: BufReader<UnixStream>,
    over: bool,
}

/// Connects and asks.
///
/// # Errors
/// Where no daemon listens or the request can't be sent.
pub fn ask(socket: &Path, request: Request) -> Result<Conversation, ClientError> {
    let mut stream = UnixStream::connect(socket)
        .map_err(|source| ClientError::NoDaemon { socket: socket.into(), source })?;
    let mut line = serde_json::to_vec(&Envelope { protocol: PROTOCOL, request }).map_err(io::Error::from)?;
    line.push(b'\n');
    match stream.write_all(&line) {
        // The daemon may have refused and hung up before it read all: its answer is there to be read.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        written => written?,
    }
    Ok(Conversation { stream: BufReader::new(stream), over: false })
}

impl Iterator for Conversation {
    type Item = Result<Answer, ClientError>;

    /// The next answer; `None` after the last.
    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        let answer = self.read();
        match answer {
            Ok(Answer::Done) => {
                self.over = true;
                None
            }
            Ok(Answer::Refused(refusal)) => {
                self.over = true;
                Some(Err(refusal.into()))
            }
            Err(error) => {
                self.over = true;
                Some(Err(error))
            }
            answer => Some(answer),
        }
    }
}

impl Conversation {
    /// Sends another line, where the daemon reads on.
    ///
    /// # Errors
    /// Where the connection broke.
    pub fn say(&mut self, line: &[u8]) -> Result<(), ClientError> {
        Ok(self.stream.get_mut().write_all(line)?)
    }

    fn read(&mut self) -> Result<Answer, ClientError> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it hung up in the middle").into());
        }
        Ok(serde_json::from_str(&line).map_err(io::Error::from)?)
    }
}
