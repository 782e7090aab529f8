//! The rules of policies, kept for as long as their events arrive.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tracing::warn;

use super::{AFTERMATH, Trail};
use crate::files;
use crate::state_file::{FOLDER_HELP, json, named, read_or_set_aside};
use gatekeeper_policy::rulebook::{PolicyVersion, Rules};

/// The treatment of rules that no open session has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Others {
    /// They are removed.
    Remove,
    /// They stay: they may be those of a session whose file is damaged.
    Keep,
}

impl Trail {
    /// Makes the rules of a policy's version known, now and to later daemons.
    ///
    /// # Errors
    /// Where they can't be written for later daemons.
    pub fn rules(&mut self, version: PolicyVersion, rules: Rules) -> io::Result<()> {
        files::write_atomically(&self.rules_path(version), &serde_json::to_vec(&rules)?)?;
        for old in self.context.rules.add(version, rules) {
            self.remove_rules(old);
        }
        for (serials, mask) in self.masks.values_mut() {
            if serials.contains(&version.serial) {
                *mask = self.mask.with(self.context.rules.secrets(serials));
            }
        }
        Ok(())
    }

    /// Whether these are the rules of a policy's version. Patterns of secrets don't count: the kernel has none of them.
    #[must_use]
    pub fn has_rules(&self, version: PolicyVersion, rules: &Rules) -> bool {
        let bare = |rules: &Rules| Rules { secrets: Vec::new(), ..rules.clone() };
        self.context.rules.get(version).map(bare) == Some(bare(rules))
    }

    /// Reads back the rules that an earlier daemon kept for these serials, and removes those of other serials. Files with
    /// other names are none of its own, and stay. Returns whether rules of these serials are lost: records lack their names
    /// then, and root alone decides holds by them, until the policies are loaded anew.
    ///
    /// # Errors
    /// Where the folder can't be read, or a damaged file can't be renamed.
    pub fn recall_rules(&mut self, serials: &[u32], others: Others) -> io::Result<bool> {
        let folder = self.folder.join("rules");
        let mut set_aside = Vec::new();
        for entry in fs::read_dir(&folder).map_err(named(&folder, FOLDER_HELP))? {
            let path = entry?.path();
            let Some(version) = version_of(&path) else { continue };
            if serials.contains(&version.serial) {
                if let Some(rules) = read_or_set_aside(&path, &mut set_aside, json)? {
                    self.context.rules.add(version, rules);
                }
            } else if others == Others::Remove {
                self.remove_rules(version);
            }
        }
        self.set_aside(&set_aside);
        for serial in set_aside.iter().filter_map(|file| version_of(&file.path)).map(|lost| lost.serial) {
            // A number means another rule in another generation.
            self.context.rules.forget(serial);
        }
        Ok(serials.iter().any(|serial| !self.context.rules.has(*serial)))
    }

    /// Layers are retired; their rules are forgotten after a while.
    pub fn retire(&mut self, serials: impl IntoIterator<Item = u32>) {
        self.retired.extend(serials);
        while self.retired.len() > AFTERMATH {
            let Some(old) = self.retired.pop_front() else { return };
            for version in self.context.rules.forget(old) {
                self.remove_rules(version);
            }
        }
    }

    fn rules_path(&self, version: PolicyVersion) -> PathBuf {
        self.folder.join("rules").join(format!("{}-{}.json", version.serial, version.generation))
    }

    fn remove_rules(&self, version: PolicyVersion) {
        let path = self.rules_path(version);
        if let Err(error) = fs::remove_file(&path) {
            warn!("{}: {error}", path.display());
        }
    }
}

fn version_of(path: &Path) -> Option<PolicyVersion> {
    let (serial, generation) = path.file_name()?.to_str()?.strip_suffix(".json")?.split_once('-')?;
    Some(PolicyVersion { serial: serial.parse().ok()?, generation: generation.parse().ok()? })
}
