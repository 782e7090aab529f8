//! `gatekeeper run --prompt`: the session's holds are asked about on the owner's own terminal, from outside the session.
//! While a question stands, the session's output waits, and nothing that is typed reaches it. `question` says what keys
//! do, `screen` what the terminal was like, `news` asks the daemon.

mod news;
mod question;
mod screen;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::io;
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use news::{Feed, News};
use question::{Question, Step};
use screen::Screen;

use crate::protocol::client::{ClientError, ask};
use crate::protocol::messages::{Answer, Request};
use crate::sys::terminal;
use gatekeeper_record::held::Held;
use gatekeeper_record::random;
use gatekeeper_record::session_id::SessionId;

/// A hold, and when it is denied.
struct Waiting {
    held: Held,
    until: Instant,
}

/// Prompter of one session's holds on this terminal.
pub struct Prompter {
    socket: PathBuf,
    feed: Feed,
    screen: Screen,
    waiting: VecDeque<Waiting>,
    asking: Option<(Question, Instant)>,
}

impl Prompter {
    /// Begins to listen for the holds of a session.
    ///
    /// # Errors
    /// Where the daemon lists no holds for this caller.
    pub fn begin(socket: &Path, session: SessionId, size: (u16, u16)) -> Result<Self, ClientError> {
        Ok(Self {
            socket: socket.into(),
            feed: Feed::start(socket, session)?,
            screen: Screen::new(size),
            waiting: VecDeque::new(),
            asking: None,
        })
    }

    /// Readable where there are news.
    #[must_use]
    pub fn readable(&self) -> BorrowedFd<'_> {
        self.feed.readable()
    }

    /// Whether a question stands.
    #[must_use]
    pub fn is_asking(&self) -> bool {
        self.asking.is_some()
    }

    /// Takes in the terminal's new size; returns the bytes to show.
    pub fn resize(&mut self, size: (u16, u16)) -> Vec<u8> {
        self.screen.resize(size);
        match &mut self.asking {
            Some((question, until)) => {
                question.resize(size);
                question.draw(left(*until))
            }
            None => Vec::new(),
        }
    }

    /// The session has shown this.
    pub fn shown(&mut self, bytes: &[u8]) {
        self.screen.show(bytes);
    }

    /// Takes in news; returns the bytes to show.
    ///
    /// # Errors
    /// Where the terminal is gone.
    pub fn receive(&mut self) -> io::Result<Vec<u8>> {
        let mut over = false;
        for news in self.feed.take() {
            match news {
                News::Anew => {
                    self.waiting.clear();
                    if let Some((question, _)) = &mut self.asking {
                        question.mark_stale();
                    }
                }
                News::Hold(held) => {
                    let until = Instant::now() + Duration::from_secs(held.seconds_left);
                    match &mut self.asking {
                        Some((question, time)) if question.hold() == held.hold => {
                            *time = until;
                            question.trust();
                        }
                        _ => self.waiting.push_back(Waiting { held: *held, until }),
                    }
                }
                // A hold that is not announced again is no longer open.
                News::All => over |= self.asking.as_ref().is_some_and(|(question, _)| question.is_stale()),
                News::Gone(hold) => {
                    self.waiting.retain(|waiting| waiting.held.hold != hold);
                    over |= self.asking.as_ref().is_some_and(|(question, _)| question.hold() == hold);
                }
            }
        }
        if over {
            return self.over();
        }
        let shows = self.tick();
        self.next(shows)
    }

    /// The next question, where none stands.
    fn next(&mut self, mut shows: Vec<u8>) -> io::Result<Vec<u8>> {
        if self.asking.is_some() {
            return Ok(shows);
        }
        if let Some(Waiting { held, until }) = self.waiting.pop_front() {
            let question = Question::new(held, self.screen.size(), code()?);
            shows.extend(self.screen.reset());
            shows.extend(question.draw(left(until)));
            self.asking = Some((question, until));
            // What was typed before the question was seen answers nothing.
            terminal::flush_input()?;
        }
        Ok(shows)
    }

    /// The question is answered, or there is nothing to answer any more.
    fn over(&mut self) -> io::Result<Vec<u8>> {
        self.asking = None;
        terminal::flush_input()?;
        let back = self.screen.restore();
        self.next(back)
    }

    /// Handles keys; returns the bytes to show.
    ///
    /// # Errors
    /// Where the terminal is gone.
    pub fn press(&mut self, keys: &[u8]) -> io::Result<Vec<u8>> {
        let Some((question, until)) = &mut self.asking else { return Ok(Vec::new()) };
        match question.press(keys) {
            Step::Stay => Ok(question.draw(left(*until))),
            Step::Later => self.over(),
            Step::Decide(answer) => match decide(&self.socket, answer) {
                // Where others must agree, they are asked elsewhere.
                Ok(()) => self.over(),
                Err(error) => {
                    question.note(&error.to_string());
                    Ok(question.draw(left(*until)))
                }
            },
        }
    }

    /// Counts down the time that is left; returns the bytes to show.
    pub fn tick(&mut self) -> Vec<u8> {
        match &mut self.asking {
            Some((question, until)) => question.tick(left(*until)),
            None => Vec::new(),
        }
    }

    /// Ends the prompter; returns the bytes that put the terminal back.
    pub fn end(&mut self) -> Vec<u8> {
        if self.asking.take().is_some() { self.screen.restore() } else { Vec::new() }
    }
}

fn left(until: Instant) -> u64 {
    until.saturating_duration_since(Instant::now()).as_secs()
}

/// Three digits that nobody could know before they are shown.
fn code() -> io::Result<String> {
    Ok(format!("{:03}", random::number()? % 1000))
}

fn decide(socket: &Path, answer: crate::protocol::messages::HoldAnswer) -> Result<(), ClientError> {
    for answer in ask(socket, Request::Decide(answer))? {
        if let Answer::Decided(_) = answer? {
            return Ok(());
        }
    }
    Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it did not say what it came to").into())
}
