//! The rules of policies, kept for as long as their events arrive.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tracing::warn;

use super::{AFTERMATH, Trail};
use crate::files;
use gatekeeper_policy::rulebook::{PolicyVersion, Rules};

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

    /// Reads back the rules that an earlier daemon kept for these serials, and removes all others.
    ///
    /// # Errors
    /// Where the folder or a file in it can't be read, or an old file can't be removed.
    pub fn recall_rules(&mut self, serials: &[u32]) -> io::Result<()> {
        for entry in fs::read_dir(self.folder.join("rules"))? {
            let path = entry?.path();
            let version = version_of(&path);
            match version.filter(|version| serials.contains(&version.serial)) {
                Some(version) => {
                    let rules = serde_json::from_slice(&fs::read(&path)?)?;
                    self.context.rules.add(version, rules);
                }
                None => fs::remove_file(&path)?,
            }
        }
        Ok(())
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
