//! A terminal that somebody sits at: tmux types the keys and shows the screen.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::world::{User, World, until};

/// A terminal with something running on it.
pub struct Tmux {
    name: String,
    user: User,
}

impl Tmux {
    /// Runs a shell's command line on a terminal of this size.
    pub fn start(world: &World, user: User, (columns, rows): (u16, u16), line: &str) -> Result<Self> {
        let tmux = Self { name: format!("suite-{}", world.number()), user };
        let (columns, rows) = (columns.to_string(), rows.to_string());
        // What is left on the screen when the command ends stays to be read.
        let options = ["set", "-g", "remain-on-exit", "on", ";", "set", "-g", "escape-time", "0", ";"];
        let session = ["new-session", "-d", "-x", &columns, "-y", &rows, line];
        tmux.ask(&[&["start-server", ";"], &options[..], &session[..]].concat())?;
        Ok(tmux)
    }

    fn ask(&self, words: &[&str]) -> Result<String> {
        let mut command = Command::new("/usr/bin/tmux");
        command.args(["-u", "-f", "/dev/null", "-L", &self.name]).args(words);
        self.user.become_of(&mut command);
        command.env("TERM", "xterm-256color").current_dir("/").stdin(Stdio::null());
        let output = command.output().context("starting tmux")?;
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(output.status.success(), "tmux {words:?}: {errors}");
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Returns the text on the screen.
    pub fn screen(&self) -> Result<String> {
        self.ask(&["capture-pane", "-p"])
    }

    /// Returns a property of the terminal, by tmux's name for it.
    pub fn knows(&self, what: &str) -> Result<String> {
        Ok(self.ask(&["display-message", "-p", &format!("#{{{what}}}")])?.trim().to_owned())
    }

    /// Types a text as it is.
    pub fn types(&self, text: &str) -> Result<()> {
        self.ask(&["send-keys", "-l", text]).map(drop)
    }

    /// Presses a key that has a name.
    pub fn press(&self, key: &str) -> Result<()> {
        self.ask(&["send-keys", key]).map(drop)
    }

    /// Types a line and Enter.
    pub fn line(&self, text: &str) -> Result<()> {
        self.types(text)?;
        self.press("Enter")
    }

    /// The screen, once it shows this.
    pub fn shows(&self, part: &str) -> Result<String> {
        let seen = until(&format!("{part:?} on the screen"), || {
            Ok(Some(self.screen()?).filter(|screen| screen.contains(part)))
        });
        seen.with_context(|| format!("instead: {:?}", self.screen().unwrap_or_default()))
    }

    /// The screen, once it shows this no more.
    pub fn hides(&self, part: &str) -> Result<String> {
        let seen = until(&format!("a screen without {part:?}"), || {
            Ok(Some(self.screen()?).filter(|screen| !screen.contains(part)))
        });
        seen.with_context(|| format!("instead: {:?}", self.screen().unwrap_or_default()))
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        let _ = self.ask(&["kill-server"]);
    }
}
