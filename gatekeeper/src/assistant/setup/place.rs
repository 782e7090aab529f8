//! Which file.

use std::path::{Path, PathBuf};

use crate::assistant::Assistant;

/// For whom hooks are set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everybody on this machine: root's files, which no user can change.
    System {
        /// The root of the tree, for tests.
        root: PathBuf,
    },
    /// One user, by home folder.
    User(PathBuf),
    /// Whoever works in this folder.
    Project(PathBuf),
}

impl Scope {
    /// The folder below which the assistant's file lies.
    #[must_use]
    pub fn folder(&self) -> &Path {
        let (Self::System { root: folder } | Self::User(folder) | Self::Project(folder)) = self;
        folder
    }
}

/// Form of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// JSON, with comments where they are.
    Json,
    /// TOML.
    Toml,
    /// A program of the assistant's own language: the whole file is gatekeeper's.
    Plugin,
}

/// The assistant's file for hooks, if it has one for that.
#[must_use]
pub fn of(assistant: Assistant, scope: &Scope) -> Option<(PathBuf, Form)> {
    let (folder, [system, user, project]) = match scope {
        Scope::System { root } => (root, [true, false, false]),
        Scope::User(home) => (home, [false, true, false]),
        Scope::Project(folder) => (folder, [false, false, true]),
    };
    let names = match assistant {
        Assistant::Claude => {
            ["etc/claude-code/managed-settings.json", ".claude/settings.json", ".claude/settings.json"]
        }
        Assistant::Codex => ["etc/codex/requirements.toml", ".codex/hooks.json", ".codex/hooks.json"],
        Assistant::Gemini => {
            ["etc/gemini-cli/settings.json", ".gemini/settings.json", ".gemini/settings.json"]
        }
        Assistant::Cursor => ["etc/cursor/hooks.json", ".cursor/hooks.json", ".cursor/hooks.json"],
        Assistant::Copilot => [
            "etc/github-copilot/policy.d/gatekeeper.json",
            ".copilot/hooks/gatekeeper.json",
            ".github/hooks/gatekeeper.json",
        ],
        Assistant::Opencode => {
            ["", ".config/opencode/plugin/gatekeeper.js", ".opencode/plugin/gatekeeper.js"]
        }
    };
    let wanted = [system, user, project].into_iter().position(|wanted| wanted)?;
    let name = names.get(wanted).filter(|name| !name.is_empty())?;
    let form = match name.rsplit('.').next() {
        Some("toml") => Form::Toml,
        Some("js") => Form::Plugin,
        _ => Form::Json,
    };
    Some((folder.join(name), form))
}
