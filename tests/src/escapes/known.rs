//! The attacks that are known to succeed still, each with its reason.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::attack::Attack;

/// One line: `KERNELS ATTACK: REASON`, kernels apart by commas or `*`.
pub struct Known {
    kernels: String,
    attack: String,
}

/// Reads the list; every line must name an attack that is there, and say why.
pub fn read(file: &Path, attacks: &[Attack]) -> Result<Vec<Known>> {
    let text = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    let mut known = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
        let parts = line.split_once(": ").and_then(|(head, reason)| Some((head.split_once(' ')?, reason)));
        let ((kernels, attack), reason) = parts.with_context(|| format!("cannot read {line:?}"))?;
        ensure!(attacks.iter().any(|other| other.name == attack), "there is no attack {attack}");
        ensure!(reason.trim().len() > 8, "no reason for {attack}");
        known.push(Known { kernels: kernels.to_owned(), attack: attack.to_owned() });
    }
    Ok(known)
}

/// Whether an attack is listed for the running kernel.
pub fn lists(known: &[Known], attack: &str) -> bool {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    known.iter().filter(|line| line.attack == attack).any(|line| {
        line.kernels == "*"
            || line.kernels.split(',').any(|series| release.starts_with(&format!("{series}.")))
    })
}
