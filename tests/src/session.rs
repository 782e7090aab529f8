//! A session opened by the real command, with an actor in it.

use std::fs::{self, File};
use std::ops::{Deref, DerefMut};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::actor::Actor;
use crate::fixtures;
use crate::world::{User, World, until};

/// An actor in a session.
pub struct Session {
    actor: Actor,
    /// The session's id, as `gatekeeper sessions` shows it.
    pub id: String,
}

impl Deref for Session {
    type Target = Actor;
    fn deref(&self) -> &Actor {
        &self.actor
    }
}

impl DerefMut for Session {
    fn deref_mut(&mut self) -> &mut Actor {
        &mut self.actor
    }
}

impl Session {
    /// The actor and the session's id.
    pub fn parts(self) -> (Actor, String) {
        (self.actor, self.id)
    }
}

impl World {
    /// Opens a session of the developer's with a policy found by name.
    pub fn session(&self, policy: &str) -> Result<Session> {
        self.session_of(User::Dev, policy, "/", None)
    }

    /// Opens a session of a user's, in a folder; `stderr` is handed in as descriptor 2.
    pub fn session_of(&self, user: User, policy: &str, at: &str, stderr: Option<OwnedFd>) -> Result<Session> {
        let name = format!("t{}", self.number());
        let arguments = [
            "run",
            "--policy",
            policy,
            "--name",
            &name,
            "--workspace",
            fixtures::WORK,
            "--",
            fixtures::ACTOR,
        ];
        let mut command = self.command(&arguments);
        command.arg("actor").current_dir(at);
        let stderr = stderr.map(|fd| Stdio::from(File::from(fd)));
        let actor = Actor::start(self, command, user, stderr)?;
        let id = self.session_named(&name)?["session"].as_str().context("a session without id")?.to_owned();
        Ok(Session { actor, id })
    }

    /// Waits until no session is open. One of an earlier test's that does not end by itself is named and ended.
    pub fn end_sessions(&self) -> Result<()> {
        let begun = Instant::now();
        until("the end of all sessions", || {
            let open = self.ask_json(&["sessions", "--json"])?;
            if begun.elapsed() > Duration::from_secs(10) {
                for session in &open {
                    println!("  left open: {session}");
                    let folder = session["cgroup"].as_str().context("a session without cgroup")?;
                    fs::write(Path::new(folder).join("cgroup.kill"), "1").context(folder.to_owned())?;
                }
            }
            Ok(open.is_empty().then_some(()))
        })
    }

    /// Returns the entry of `gatekeeper sessions` for the session of this name.
    pub fn session_named(&self, name: &str) -> Result<Value> {
        let sessions = self.ask_json(&["sessions", "--json"])?;
        match sessions.iter().find(|session| session["name"] == name) {
            Some(found) => Ok(found.clone()),
            None => bail!("`gatekeeper sessions` does not list {name}: {sessions:?}"),
        }
    }

    /// Returns its entry for the session with this id.
    pub fn session_listed(&self, id: &str) -> Result<Option<Value>> {
        let sessions = self.ask_json(&["sessions", "--json"])?;
        Ok(sessions.into_iter().find(|session| session["session"] == id))
    }
}
