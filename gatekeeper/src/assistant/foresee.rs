//! The operations that a tool call would ask of the kernel, as far as its text shows them. The names are looked up
//! here, in the session and with its rights, so that the daemon need not touch a file on its behalf.

use std::ffi::OsStr;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{patch, shell};
use gatekeeper_policy::links::{Links, real_path};
use gatekeeper_record::hook_report::{HookReport, ReportKind};

use crate::protocol::action::{ACTIONS, BYTES};
pub use crate::protocol::action::{Access, Action};

/// The surroundings in which a tool call's words mean something.
#[derive(Clone, Debug)]
pub struct Place {
    /// The folder it works in.
    pub folder: PathBuf,
    /// Folders searched for programs.
    pub path: Vec<PathBuf>,
    /// Names of the variables set.
    pub env: Vec<String>,
}

impl Place {
    /// This process's own, but for the folder that the assistant names.
    #[must_use]
    pub fn here(report: &HookReport) -> Self {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let own = std::env::current_dir().unwrap_or_else(|_| "/".into());
        let named = report.working_directory.as_deref().map(Path::new).filter(|path| path.is_absolute());
        Self {
            folder: named.map_or(own, Path::to_path_buf),
            path: std::env::split_paths(&path).collect(),
            env: std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()).collect(),
        }
    }

    fn absolute(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    /// Returns the program that a shell here would start.
    fn program(&self, word: &str) -> Option<PathBuf> {
        if word.contains('/') {
            return Some(self.absolute(word)).filter(|file| file.is_file());
        }
        self.path.iter().map(|folder| self.folder.join(folder).join(word)).find(|file| file.is_file())
    }
}

/// Returns the actions that the tool call would take, at most [`ACTIONS`] of them in [`BYTES`] bytes.
#[must_use]
pub fn foresee(report: &HookReport, place: &Place, links: &dyn Links) -> Vec<Action> {
    if !matches!(report.kind, ReportKind::ToolCall | ReportKind::PermissionRequest) {
        return Vec::new();
    }
    let mut actions = Vec::new();
    for argv in report.command.as_deref().map(shell::commands).unwrap_or_default() {
        let found = argv.first().and_then(|word| place.program(word));
        if let Some(program) = found.and_then(|found| real(&found, links, true)) {
            actions.push(Action::Exec { program, argv, env: place.env.clone() });
        }
    }
    let input = report.input.as_deref().and_then(|input| serde_json::from_str::<Value>(input).ok());
    if let Some(input) = input.filter(|_| report.command.is_none()) {
        for (write, path) in files(report.tool.as_deref().unwrap_or_default(), &input) {
            let path = place.absolute(&path);
            let there = path.symlink_metadata().is_ok();
            let access = match write {
                Use::Read => Access::Read,
                Use::Write if there => Access::Write,
                Use::Write => Access::Create,
                Use::Delete => Access::Delete,
            };
            // Who removes a link removes the link.
            if let Some(path) = real(&path, links, access != Access::Delete) {
                actions.push(Action::File { path, access });
            }
        }
    }
    let mut left = BYTES;
    actions.retain(|action| {
        let fits = action.size() <= left;
        left -= if fits { action.size() } else { 0 };
        fits
    });
    actions.truncate(ACTIONS);
    actions
}

#[derive(Clone, Copy)]
enum Use {
    Read,
    Write,
    Delete,
}

/// The files a tool of the assistant's own uses, by what such tools are called.
fn files(tool: &str, input: &Value) -> Vec<(Use, String)> {
    let text = |keys: &[&str]| {
        keys.iter().find_map(|key| input.get(*key)).and_then(Value::as_str).map(str::to_owned)
    };
    let body = text(&["command", "input", "patch"]).or_else(|| input.as_str().map(str::to_owned));
    if let Some(body) = body.filter(|body| patch::is_patch(body)) {
        let change = |(change, path): (patch::Change, &str)| match change {
            patch::Change::Write => (Use::Write, path.to_owned()),
            patch::Change::Delete => (Use::Delete, path.to_owned()),
        };
        return patch::files(&body).map(change).collect();
    }
    let Some(path) = text(&["file_path", "absolute_path", "filePath", "notebook_path", "path"]) else {
        return Vec::new();
    };
    let act = match tool.to_ascii_lowercase().as_str() {
        "read" | "read_file" | "view" | "notebookread" => Use::Read,
        "write" | "edit" | "multiedit" | "notebookedit" | "write_file" | "replace" | "create"
        | "str_replace" | "edit_file" => Use::Write,
        "delete_file" => Use::Delete,
        _ => return Vec::new(),
    };
    vec![(act, path)]
}

/// The path the kernel judges.
fn real(path: &Path, links: &dyn Links, last: bool) -> Option<String> {
    let path = std::path::absolute(path).ok()?;
    let path = real_path(path.as_os_str().as_bytes(), links, last);
    std::ffi::OsString::from_vec(path).into_string().ok().filter(|path| !OsStr::new(path).is_empty())
}
