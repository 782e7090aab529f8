//! `gatekeeper console`: what waits, who asks, and deciding it, on a person's own terminal. `state` says what keys do,
//! `layout` and `view` what is seen, `feed` asks the daemon.

mod feed;
mod keys;
mod layout;
mod state;
#[cfg(test)]
mod tests;
mod view;

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, DisableBracketedPaste, EnableBracketedPaste, Event};
use ratatui::crossterm::execute;

use state::{Command, News, State};

use crate::sys::termination::on_termination;

/// Interval between two pictures where nothing happens: the time that is left counts down.
const TICK: Duration = Duration::from_millis(250);
/// News taken in before the next picture.
const AT_ONCE: usize = 1_000;

/// Event that the console waits for.
enum ConsoleEvent {
    Terminal(Event),
    News(News),
    Over(Option<io::Error>),
}

/// Shows the console until it is left.
///
/// # Errors
/// Where there is no terminal, or it is gone.
pub fn run(socket: &Path) -> io::Result<()> {
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return Err(io::Error::other("this needs a terminal; `gatekeeper holds` does not"));
    }
    let (tell, receiver) = mpsc::channel();
    let over = tell.clone();
    on_termination(move || drop(over.send(ConsoleEvent::Over(None))))?;
    let mut screen = Screen::open()?;
    keyboard(tell.clone())?;
    let begun = Instant::now();
    let size = screen.0.size()?;
    let mut state = State::new((size.width, size.height));
    let tell_news = move |news| tell.send(ConsoleEvent::News(news)).is_ok();
    feed::start(socket, tell_news.clone())?;
    loop {
        state.tick(begun.elapsed());
        screen.0.draw(|frame| view::draw(&state, frame))?;
        let mut next = match receiver.recv_timeout(TICK) {
            Ok(event) => Some(event),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        };
        state.tick(begun.elapsed());
        let mut count = 0;
        while let Some(event) = next {
            match event {
                ConsoleEvent::Over(None) => return Ok(()),
                ConsoleEvent::Over(Some(error)) => return Err(error),
                ConsoleEvent::News(news) => state.receive(news),
                ConsoleEvent::Terminal(event) => match act(&mut state, &event) {
                    Some(Command::Quit) => return Ok(()),
                    Some(Command::Decide(answer)) => feed::decide(socket, answer, tell_news.clone())?,
                    None => {}
                },
            }
            count += 1;
            next = if count < AT_ONCE { receiver.try_recv().ok() } else { None };
        }
        if state.take_bell() {
            let mut out = io::stdout();
            out.write_all(b"\x07")?;
            out.flush()?;
        }
    }
}

fn act(state: &mut State, event: &Event) -> Option<Command> {
    match event {
        Event::Key(event) => keys::key(*event).and_then(|key| state.press(key)),
        Event::Resize(columns, rows) => {
            state.resize((*columns, *rows));
            None
        }
        // What is pasted was not meant for here.
        _ => None,
    }
}

/// The terminal, which is as it was once this is dropped; a panic puts it back, too.
struct Screen(DefaultTerminal);

impl Screen {
    fn open() -> io::Result<Self> {
        let screen = Self(ratatui::try_init()?);
        execute!(io::stdout(), EnableBracketedPaste)?;
        Ok(screen)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // The terminal may be gone, and then nobody minds.
        let _ = execute!(io::stdout(), DisableBracketedPaste);
        ratatui::restore();
    }
}

/// Ends with the process: until then it waits for keys.
fn keyboard(tell: Sender<ConsoleEvent>) -> io::Result<()> {
    let read = move || {
        loop {
            let event = match event::read() {
                Ok(event) => ConsoleEvent::Terminal(event),
                Err(error) => {
                    let _ = tell.send(ConsoleEvent::Over(Some(error)));
                    return;
                }
            };
            if tell.send(event).is_err() {
                return;
            }
        }
    };
    thread::Builder::new().name("keys".to_owned()).spawn(read).map(drop)
}
