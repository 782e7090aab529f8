//! One run of an attack: its fixtures, the attack itself, its effect, and the clean-up.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::attack::{Attack, Goal, Kind};
use super::driver::Driver;
use super::guard::Guard;
use super::shell::Shell;
use super::victim::Victim;
use super::worker::Worker;
use super::{KIT, hold, inside, session_events};
use crate::random::Random;
use crate::world::{PATIENCE, World};

/// Within this what an attack did outside must come to light. In a session it is given thrice the time that it took
/// outside, within the other two.
const HOPED_FOR: Duration = Duration::from_secs(30);
const EARLIEST: Duration = Duration::from_millis(150);
const LATEST: Duration = Duration::from_secs(4);
/// A daemon that doesn't answer within this is what the attack wanted. In a session that is an escape, and outside it is
/// hoped for.
const SILENT_OUTSIDE: Duration = Duration::from_secs(5);
pub const SILENT: Duration = Duration::from_mins(1);

/// The outcome of one run.
pub struct Outcome {
    /// Evidence that the goal is reached.
    pub reached: Option<String>,
    pub ended: String,
    pub output: String,
    /// Operations refused in its session, each in a few words.
    pub denials: Vec<String>,
    /// Whether work went on in the session, and the fixtures could be cleared.
    pub work: Result<()>,
    /// Durations of the set-up, the attack and the work.
    pub took: [Duration; 3],
    /// Time from the end of the attack to its effect.
    arrival: Duration,
}

/// Fixtures of one run, to be cleared away however far it came.
struct Fixtures {
    token: String,
    mark: String,
    environment: Vec<(&'static str, String)>,
    victim: Option<Victim>,
    first: Option<Shell>,
    guard: Option<Guard>,
    driver: Option<Driver>,
}

impl Worker {
    /// One run of an attack, in a session or outside, on fresh fixtures. What it reached is returned whatever happens
    /// afterwards.
    pub fn run(
        &self,
        world: &World,
        attack: &Attack,
        labelled: bool,
        before: Option<&Outcome>,
    ) -> Result<Outcome> {
        // One that kills everybody would kill the session that others share.
        if !labelled && attack.alone && attack.goal == Goal::Harm {
            self.finish();
        }
        let mut random = Random::new(Random::seed());
        let mut letters =
            || -> String { (0..16).map(|_| *random.pick(b"abcdefghkmnpqrtuwxyz") as char).collect() };
        let (token, mark) = (letters(), letters());
        let environment = self.environment(world, &mark)?;
        let mut fixtures =
            Fixtures { token, mark, environment, victim: None, first: None, guard: None, driver: None };
        let outcome = self.attempt(world, attack, labelled, before, &mut fixtures);
        let cleared = self.clear(attack, fixtures).context("clearing the fixtures");
        let mut outcome = outcome?;
        if outcome.work.is_ok() {
            outcome.work = cleared;
        }
        Ok(outcome)
    }

    fn attempt(
        &self,
        world: &World,
        attack: &Attack,
        labelled: bool,
        before: Option<&Outcome>,
        fixtures: &mut Fixtures,
    ) -> Result<Outcome> {
        let start = Instant::now();
        let Fixtures { token, mark, environment, victim, first, guard, driver: place } = fixtures;
        self.lay_guarded(token)?;
        if attack.victim {
            let victim = victim.insert(self.victim(token)?);
            environment.append(&mut victim.environment);
        }
        if let Some(command) = &attack.first {
            *first = Some(self.shell(command, environment, token).context("what comes first")?);
        }
        let mut places: Vec<PathBuf> =
            attack.watch.iter().map(|path| PathBuf::from(expand(path, environment))).collect();
        places.push(self.path("guarded").into());
        let guard = guard.insert(Guard::set(places));
        self.seen.wait_for(mark);

        let driver = place.insert(self.driver(world, attack, labelled)?);
        let session = driver.session.clone();
        let last = session.as_deref().map_or(Ok(0), session_events::last)?;
        let mut reached = None;
        let laid = start.elapsed();
        driver.attack(&attack.name, &words(attack), environment)?;
        let ended = driver.hear(inside::LIMIT + PATIENCE, |driver| {
            // Killed once it is found, and not looked for again.
            if let Goal::Hold(what) = &attack.goal
                && reached.is_none()
                && driver.output().contains("holding")
            {
                reached = hold::find(&driver.others(), &expand(what, environment));
                driver.kill_others();
            }
        });
        let backwards: String = mark.chars().rev().collect();
        let look = || match &attack.goal {
            Goal::Read => driver.output().contains(&*token).then(|| "it has read the token".to_owned()),
            Goal::Run => driver.output().contains(&backwards).then(|| "its program ran".to_owned()),
            Goal::Change => guard.difference(),
            Goal::Reach => self.seen.who_saw(mark).map(|who| format!("{who} saw it")),
            Goal::Harm => victim.as_ref().and_then(Victim::harm),
            Goal::Daemon => super::trouble(world, if labelled { SILENT } else { SILENT_OUTSIDE }),
            Goal::Hold(_) => None,
        };
        let begun = Instant::now();
        let patience = match before {
            _ if !labelled => HOPED_FOR,
            Some(before) => (before.arrival * 3).clamp(EARLIEST, LATEST),
            None => LATEST,
        };
        let mut pause = Duration::from_millis(10);
        while reached.is_none() && !matches!(attack.goal, Goal::Hold(_)) {
            // Helpers, servers and the victim take their time; where nothing of the attack's is left, nothing more is printed.
            let is_over = matches!(attack.goal, Goal::Read | Goal::Run) && driver.left(self).is_empty();
            reached = look();
            if reached.is_some() || is_over || begun.elapsed() > patience {
                break;
            }
            std::thread::sleep(pause);
            pause = (pause * 5 / 4).min(Duration::from_millis(200));
        }
        let arrival = begun.elapsed();
        let mut denials = Vec::new();
        if let (None, None, Some(session)) = (&reached, self.peer, &session) {
            // What comes late must come before it is killed: both what is refused and what is not.
            denials = await_denials(
                session,
                last,
                if attack.unrecorded.is_none() { LATEST } else { Duration::ZERO },
            );
            reached = look();
        }
        // The attack may have taken the driver with it.
        let spoilt = ended.is_err();
        let ended = match ended {
            Ok(ended) => ended.strip_prefix("ended ").unwrap_or(&ended).to_owned(),
            Err(error) => format!("without a word: {error:#}"),
        };
        let output = driver.output();
        let attacked = start.elapsed();
        let work = if labelled { self.go_on(world, attack, place, spoilt) } else { Ok(()) };
        let worked = start.elapsed();
        let took = [laid, attacked.saturating_sub(laid), worked.saturating_sub(attacked)];
        // Who has lost the daemon once is not asked to go on; of a peer each attack gets one of its own.
        if labelled && self.peer.is_none() && work.is_ok() && attack.goal != Goal::Daemon && !attack.last {
            *self.shared() = place.take();
        }
        Ok(Outcome { reached, ended, output, denials, work, took, arrival })
    }

    /// The least of the work, in the attack's session, or in another where that has ended.
    fn go_on(&self, world: &World, attack: &Attack, place: &mut Option<Driver>, spoilt: bool) -> Result<()> {
        let driver = place.as_mut().context("nothing to work with")?;
        driver.clear(self)?;
        let driver = if spoilt || !driver.lives() {
            place.take().map_or(Ok(()), |driver| driver.end(self))?;
            place.insert(self.open(world, attack.user, Some(attack.policy))?)
        } else {
            driver
        };
        driver.work(false)
    }

    /// Clears all fixtures, also where a part of that fails.
    fn clear(&self, attack: &Attack, fixtures: Fixtures) -> Result<()> {
        let Fixtures { token, environment, victim, first, guard, driver, .. } = fixtures;
        let ended = driver.map_or(Ok(()), |driver| driver.end(self));
        drop(first);
        drop(victim);
        if let Some(command) = &attack.undo {
            // There may be nothing to undo.
            let _ = self.shell(command, &environment, &token);
        }
        let restored = guard.map_or(Ok(()), |guard| guard.restore());
        let cleaned = self.clean_workspace();
        ended.and(restored).and(cleaned)
    }
}

/// Operations refused in a session after that event; waits up to the limit for the first.
fn await_denials(session: &str, after: u64, limit: Duration) -> Vec<String> {
    let begun = Instant::now();
    loop {
        // A daemon that does not answer is looked at elsewhere.
        let found = session_events::denials(session, after).unwrap_or_default();
        if !found.is_empty() || begun.elapsed() >= limit {
            return found;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// `$NAME` becomes the value of that variable of the attack.
fn expand(text: &str, environment: &[(&'static str, String)]) -> String {
    let names = environment.iter().rev();
    names.fold(text.to_owned(), |text, (name, value)| text.replace(&format!("${name}"), value))
}

/// The command line of an attack.
fn words(attack: &Attack) -> Vec<String> {
    let file = |ending: &str| format!("{KIT}/attacks/{}.{ending}", attack.name);
    match attack.kind {
        Kind::C => vec![format!("{KIT}/kit"), attack.name.clone()],
        Kind::Python => vec!["/usr/bin/python3".into(), "-S".into(), "-E".into(), file("py")],
        Kind::Bash => vec!["/usr/bin/bash".into(), file("sh")],
    }
}
