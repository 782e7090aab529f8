//! Asks the daemon, one request a connection, and goes on asking when it is away.

use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::state::News;
use crate::protocol::bounds::Count;
use crate::protocol::client::{ClientError, ask};
use crate::protocol::messages::{Answer, Events, HoldAnswer, Holds, Request};

/// Pause before the daemon is asked again.
const AGAIN: Duration = Duration::from_secs(1);
/// Records of the past.
const PAST: Count = Count::saturating(1_000);

/// Sends present and future news to `tell`, until it returns false.
///
/// # Errors
/// Where no thread can be started.
pub fn start(socket: &Path, tell: impl Fn(News) -> bool + Clone + Send + 'static) -> io::Result<()> {
    spawn("holds", socket, tell.clone(), holds)?;
    spawn("events", socket, tell.clone(), events)?;
    spawn("sessions", socket, tell, sessions)
}

/// One round; the error where the daemon says no or is away.
type Round<T> = fn(&Path, &T) -> Result<bool, ClientError>;

fn spawn<T>(name: &str, socket: &Path, tell: T, round: Round<T>) -> io::Result<()>
where
    T: Fn(News) -> bool + Send + 'static,
{
    let socket: PathBuf = socket.into();
    let rounds = move || {
        loop {
            let listened = match round(&socket, &tell) {
                Ok(listened) => listened,
                Err(error) => tell(News::Away(error.to_string())),
            };
            if !listened {
                return;
            }
            thread::sleep(AGAIN);
        }
    };
    thread::Builder::new().name(name.to_owned()).spawn(rounds).map(drop)
}

fn holds<T: Fn(News) -> bool>(socket: &Path, tell: &T) -> Result<bool, ClientError> {
    let answers = ask(socket, Request::Holds(Holds { follow: true, hold: None }))?;
    tell(News::HoldsAnew);
    for answer in answers {
        let listened = match answer {
            Ok(Answer::Hold(held)) => tell(News::Hold(held)),
            Ok(Answer::Updated { hold, approved_by: approved, flood_denied: flood }) => {
                tell(News::Amended { hold, approved, flood })
            }
            Ok(Answer::Closed { hold }) => tell(News::Gone(hold)),
            Ok(_) => true,
            Err(error) => {
                // What waits is not known any more.
                tell(News::HoldsAnew);
                return Err(error);
            }
        };
        if !listened {
            return Ok(false);
        }
    }
    Ok(tell(News::HoldsAnew))
}

fn events<T: Fn(News) -> bool>(socket: &Path, tell: &T) -> Result<bool, ClientError> {
    let answers = ask(socket, Request::Events(Events { follow: true, session: None, last: Some(PAST) }))?;
    tell(News::RecordsAnew);
    for answer in answers {
        if let Answer::Record(record) = answer?
            && !tell(News::Record(record))
        {
            return Ok(false);
        }
    }
    Ok(true)
}

fn sessions<T: Fn(News) -> bool>(socket: &Path, tell: &T) -> Result<bool, ClientError> {
    let mut sessions = Vec::new();
    for answer in ask(socket, Request::Sessions {})? {
        if let Answer::Session(summary) = answer? {
            sessions.push(*summary);
        }
    }
    Ok(tell(News::Sessions(sessions)))
}

/// Sends a person's answer to the daemon; the result comes as news.
///
/// # Errors
/// Where no thread can be started.
pub fn decide(
    socket: &Path,
    answer: HoldAnswer,
    tell: impl Fn(News) -> bool + Send + 'static,
) -> io::Result<()> {
    let socket: PathBuf = socket.into();
    let work = move || {
        let (hold, asked) = (answer.hold, answer.scope.into());
        let result = ask(&socket, Request::Decide(answer)).and_then(|answers| {
            for answer in answers {
                if let Answer::Decided(decision) = answer? {
                    return Ok(News::Decided { decision, asked });
                }
            }
            Ok(News::Trouble(format!("hold {hold}: the daemon did not say what came of it")))
        });
        tell(result.unwrap_or_else(|error| News::Trouble(format!("hold {hold}: {error}"))));
    };
    thread::Builder::new().name("decide".to_owned()).spawn(work).map(drop)
}
