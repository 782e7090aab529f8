//! `gatekeeper run --record`: everything that the session's terminal shows, taken down by the daemon, which writes it
//! where no session can reach.

use anyhow::{Context, bail};
use rustix::termios::Winsize;

use crate::config::Config;
use crate::protocol::client::{Conversation, ask};
use crate::protocol::messages::{Answer, Record, Request};
use gatekeeper_record::session_id::SessionId;
use gatekeeper_trail::cast::CastEvent;

/// Recorder of a session's terminal: it sends the daemon all that is shown.
pub struct Taken {
    conversation: Conversation,
    /// The beginning of a character whose end has not come yet.
    rest: Vec<u8>,
}

impl Taken {
    /// Begins to record a session.
    ///
    /// # Errors
    /// Where the daemon does not answer or does not record.
    pub fn begin(config: &Config, session: SessionId, size: Winsize) -> anyhow::Result<Self> {
        let request =
            Record { session, columns: size.ws_col, rows: size.ws_row, terminal: std::env::var("TERM").ok() };
        let mut conversation = ask(&config.socket, Request::Record(request))?;
        match conversation.next() {
            Some(Ok(Answer::Recording)) => Ok(Self { conversation, rest: Vec::new() }),
            Some(Err(error)) => Err(error.into()),
            _ => bail!("the daemon did not say whether it records"),
        }
    }

    /// The session has written this.
    ///
    /// # Errors
    /// Where the daemon records no more.
    pub fn shown(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        self.rest.extend_from_slice(bytes);
        let whole = whole(&self.rest);
        let text = String::from_utf8_lossy(self.rest.get(..whole).unwrap_or_default()).into_owned();
        self.rest.drain(..whole);
        if text.is_empty() { Ok(()) } else { self.tell(&CastEvent::Output(text)) }
    }

    /// The terminal has another size.
    ///
    /// # Errors
    /// Where the daemon records no more.
    pub fn resized(&mut self, size: Winsize) -> anyhow::Result<()> {
        self.tell(&CastEvent::Resize((size.ws_col, size.ws_row)))
    }

    /// The command has ended.
    ///
    /// # Errors
    /// Where the daemon records no more.
    pub fn ended(&mut self, code: i32) -> anyhow::Result<()> {
        self.tell(&CastEvent::Exit(code))
    }

    fn tell(&mut self, event: &CastEvent) -> anyhow::Result<()> {
        let mut line = serde_json::to_vec(event)?;
        line.push(b'\n');
        self.conversation.say(&line).context("the daemon records no more; the session's terminal is closed")
    }
}

/// Bytes up to where a character is cut in two.
fn whole(bytes: &[u8]) -> usize {
    // Of a character, three bytes at most can be there without the last.
    let tail = bytes.len().saturating_sub(3);
    let cut = (tail..bytes.len()).find(|at| {
        let rest = bytes.get(*at..).unwrap_or_default();
        std::str::from_utf8(rest).is_err_and(|error| error.valid_up_to() == 0 && error.error_len().is_none())
    });
    cut.unwrap_or(bytes.len())
}

#[cfg(test)]
mod tests;
