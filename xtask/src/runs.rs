//! The files of a run, and how long they stay: a work folder, and the console's log.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result};

use crate::paths;

/// Where the logs are.
pub fn dir() -> Result<PathBuf> {
    paths::guest("logs")
}

/// A new log of a guest's console; the last twenty are kept.
pub fn log_file(kernel: &str) -> Result<PathBuf> {
    static RUN: AtomicU32 = AtomicU32::new(0);
    let run = RUN.fetch_add(1, Ordering::Relaxed);
    let name = format!("{kernel}-{}-{run}.log", std::process::id());
    let dir = dir()?;
    let mut logs: Vec<_> = fs::read_dir(&dir).context("cannot list the logs")?.flatten().collect();
    logs.sort_by_key(|entry| entry.metadata().and_then(|meta| meta.modified()).ok());
    for old in logs.iter().rev().skip(20) {
        let _ = fs::remove_file(old.path());
    }
    Ok(dir.join(name))
}

/// A folder for one run, gone when it ends.
pub struct WorkDir(pub PathBuf);

impl WorkDir {
    /// A new one; those of runs that were killed go.
    pub fn new() -> Result<WorkDir> {
        static RUN: AtomicU32 = AtomicU32::new(0);
        let runs = paths::guest("runs")?;
        for old in fs::read_dir(&runs).context("cannot list the runs")?.flatten() {
            let name = old.file_name().to_string_lossy().into_owned();
            let pid = name.split('-').next().unwrap_or_default().to_owned();
            if !Path::new("/proc").join(pid).exists() {
                let _ = fs::remove_dir_all(old.path());
            }
        }
        let dir = runs.join(format!("{}-{}", std::process::id(), RUN.fetch_add(1, Ordering::Relaxed)));
        fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
        Ok(WorkDir(dir))
    }
}

impl Drop for WorkDir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
