//! `gatekeeper daemon --detach-all`: takes every program out of the kernel. There is no other way to unload: the end of a
//! daemon leaves them.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use tracing::warn;

use crate::config::Config;
use crate::daemon::{DaemonError, alone};
use crate::session::store::Store;
use crate::sys::process::boot_id;
use gatekeeper_record::record::{HookChange, Record};
use gatekeeper_record::time::Moment;
use gatekeeper_trail::trail::Trail;

/// Detaches and unloads everything; how many programs there were. The trail says so first: what can't be put on record is
/// not done.
///
/// # Errors
/// Where the caller is not root, a daemon runs, a session is open, nothing is attached, or the trail can't be written.
pub fn detach(config: &Config) -> Result<usize, DaemonError> {
    let _lock = alone(config)?;
    let refuse = |words: String| DaemonError::at("detaching")(io::Error::other(words));
    let links = config.pins.join("links");
    let entries = fs::read_dir(&links).map_err(DaemonError::at(links.display().to_string()))?;
    let mut hooks = Vec::new();
    for entry in entries {
        let entry = entry.map_err(DaemonError::at(links.display().to_string()))?;
        hooks.push(entry.file_name().to_string_lossy().into_owned());
    }
    hooks.sort();
    // Their tasks would run unbound, and the next daemon would take them for bound.
    let mut set_aside = Vec::new();
    let store = Store::open(&config.state).map_err(DaemonError::at("sessions"))?;
    let open = store.load(&mut set_aside).map_err(DaemonError::at("sessions"))?;
    if let Some(damaged) = store.damaged().map_err(DaemonError::at("sessions"))?.first() {
        return Err(refuse(format!(
            "{}: a session whose file is damaged may be open\nhelp: end its processes, then remove the file",
            damaged.display()
        )));
    }
    if !open.is_empty() {
        let names: Vec<String> = open.iter().map(|session| session.id.to_string()).collect();
        return Err(refuse(format!(
            "open sessions would run on unbound, end them first: {}",
            names.join(", ")
        )));
    }
    let boot = boot_id().map_err(DaemonError::at("the boot's id"))?;
    let mut trail =
        Trail::open(&config.trail_settings(), &boot).map_err(DaemonError::at("the audit trail"))?;
    for hook in &hooks {
        trail.note(Record::Hook(HookChange {
            time: Moment::now(),
            hook: hook.clone(),
            live: false,
            reason: Some("detached by `gatekeeper daemon --detach-all`".to_owned()),
        }));
    }
    let health = Arc::clone(trail.health());
    // Writes what waits.
    drop(trail);
    if let Some(trouble) = health.trouble() {
        return Err(refuse(format!("the trail can't be written: {trouble}")));
    }
    remove_pins(&config.pins).map_err(DaemonError::at(config.pins.display().to_string()))?;
    Ok(hooks.len())
}

/// Removes what daemons pinned, and the folders that are empty then. What else lies in the folder of pins is somebody else's.
fn remove_pins(pins: &Path) -> io::Result<()> {
    // The links are what holds the programs.
    for folder in ["links", "maps"].map(|name| pins.join(name)) {
        match fs::read_dir(&folder) {
            Ok(entries) => {
                for entry in entries {
                    let entry = entry?;
                    if entry.file_type()?.is_file() {
                        fs::remove_file(entry.path())?;
                    }
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        }
        remove_if_empty(&folder)?;
    }
    match fs::remove_file(pins.join("built")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    remove_if_empty(pins)
}

fn remove_if_empty(folder: &Path) -> io::Result<()> {
    match fs::remove_dir(folder) {
        // A mount point is busy.
        Err(error)
            if matches!(error.kind(), io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::ResourceBusy) =>
        {
            warn!("{} stays: it is not empty, or a mount point", folder.display());
            Ok(())
        }
        removed => removed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_daemons_pinned_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let pins = folder.path().join("pins");
        for name in ["links", "maps"] {
            fs::create_dir_all(pins.join(name)).unwrap();
            fs::write(pins.join(name).join("one"), "").unwrap();
        }
        fs::write(pins.join("built"), "").unwrap();
        let other = pins.join("cilium/globals");
        fs::create_dir_all(&other).unwrap();
        fs::write(other.join("theirs"), "").unwrap();
        remove_pins(&pins).unwrap();
        assert!(other.join("theirs").is_file());
        let left: Vec<_> = fs::read_dir(&pins).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["cilium"]);
        fs::remove_dir_all(pins.join("cilium")).unwrap();
        remove_pins(&pins).unwrap();
        assert!(!pins.exists());
    }
}
