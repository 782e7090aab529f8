//! The holds of one session and of those within it, as the daemon tells of them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use crate::protocol::client::{ClientError, Conversation, ask};
use crate::protocol::messages::{Answer, Holds, Request};
use gatekeeper_record::decision::HoldId;
use gatekeeper_record::held::Held;
use gatekeeper_record::session_id::SessionId;

/// Pause before a daemon that was away is asked again.
const AGAIN: Duration = Duration::from_millis(500);

/// News of open holds.
#[derive(Debug)]
pub enum News {
    /// The list of holds begins anew: the open ones follow.
    Anew,
    /// A hold is open.
    Hold(Box<Held>),
    /// The list of open holds is complete.
    All,
    /// A hold is no longer open.
    Gone(HoldId),
}

/// Thread that listens to the daemon, and a descriptor that is readable where there are news.
pub struct Feed {
    news: Receiver<News>,
    woken: UnixStream,
}

impl Feed {
    /// Begins to listen.
    ///
    /// # Errors
    /// Where the daemon does not answer, or no thread can be started.
    pub fn start(socket: &Path, session: SessionId) -> Result<Self, ClientError> {
        let (tell, news) = channel();
        let (woken, wake) = UnixStream::pair()?;
        woken.set_nonblocking(true)?;
        let first = follow(socket)?;
        let listener =
            Listener { socket: socket.into(), tell, wake, session, within: BTreeSet::from([session]) };
        thread::Builder::new().name("holds".to_owned()).spawn(move || listener.listen(first))?;
        Ok(Self { news, woken })
    }

    /// Readable where there are news.
    pub fn readable(&self) -> BorrowedFd<'_> {
        self.woken.as_fd()
    }

    /// Takes the news that have come.
    pub fn take(&mut self) -> Vec<News> {
        let mut bytes = [0; 256];
        // Nothing there is no error here, and neither is a byte that is left for the next time.
        let _ = self.woken.read(&mut bytes);
        self.news.try_iter().collect()
    }
}

fn follow(socket: &Path) -> Result<Conversation, ClientError> {
    ask(socket, Request::Holds(Holds { follow: true, hold: None }))
}

struct Listener {
    socket: PathBuf,
    tell: Sender<News>,
    wake: UnixStream,
    session: SessionId,
    /// The session and those known to lie in it.
    within: BTreeSet<SessionId>,
}

impl Listener {
    /// Until nobody listens any more.
    fn listen(mut self, first: Conversation) {
        let mut next = Some(first);
        loop {
            if let Some(answers) = next.take() {
                for answer in answers {
                    let listened = match answer {
                        Ok(Answer::Hold(held)) if self.is_ours(&held) => self.say(News::Hold(held)),
                        Ok(Answer::Live) => self.say(News::All),
                        Ok(Answer::Closed { hold }) => self.say(News::Gone(hold)),
                        Ok(_) => true,
                        Err(_) => break,
                    };
                    if !listened {
                        return;
                    }
                }
                if !self.say(News::Anew) {
                    return;
                }
            }
            thread::sleep(AGAIN);
            next = follow(&self.socket).ok();
        }
    }

    fn say(&self, news: News) -> bool {
        // A pipe that is full wakes as well as one with a byte more.
        self.tell.send(news).is_ok() && (&self.wake).write(b"!").is_ok()
    }

    fn is_ours(&mut self, held: &Held) -> bool {
        let Some(session) = held.event.session else { return false };
        if !self.within.contains(&session)
            && let Ok(parents) = parents(&self.socket)
        {
            self.within = within(self.session, &parents);
        }
        self.within.contains(&session)
    }
}

fn parents(socket: &Path) -> Result<BTreeMap<SessionId, Option<SessionId>>, ClientError> {
    let mut parents = BTreeMap::new();
    for answer in ask(socket, Request::Sessions {})? {
        if let Answer::Session(summary) = answer? {
            parents.insert(summary.session, summary.parent);
        }
    }
    Ok(parents)
}

/// A session and all that were opened in it.
fn within(session: SessionId, parents: &BTreeMap<SessionId, Option<SessionId>>) -> BTreeSet<SessionId> {
    let is_within = |one: &&SessionId| {
        let mut at = **one;
        // No chain is longer than there are sessions.
        for _ in 0..=parents.len() {
            match parents.get(&at).copied().flatten() {
                _ if at == session => return true,
                Some(parent) => at = parent,
                None => return false,
            }
        }
        false
    };
    parents.keys().filter(is_within).copied().chain([session]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_within_sessions_are_ours_and_others_are_not() {
        let id = |number| SessionId::from_kernel(number).unwrap();
        let parents = BTreeMap::from([
            (id(1), None),
            (id(2), Some(id(1))),
            (id(3), Some(id(2))),
            (id(4), None),
            (id(5), Some(id(4))),
            // Would never end.
            (id(6), Some(id(7))),
            (id(7), Some(id(6))),
        ]);
        assert_eq!(within(id(2), &parents), BTreeSet::from([id(2), id(3)]));
        assert_eq!(within(id(1), &parents), BTreeSet::from([id(1), id(2), id(3)]));
        assert_eq!(within(id(9), &parents), BTreeSet::from([id(9)]));
    }
}
