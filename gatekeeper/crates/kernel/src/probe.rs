//! Whether an LSM program loads and fires on this machine: the list may name bpf and the load still be refused.

use std::path::Path;

use super::{Kernel, KernelError, Liveness};

impl Kernel {
    /// Whether every hook is live; else the first that isn't, and why.
    ///
    /// # Errors
    /// Names the hook and the help.
    pub fn all_live(&self) -> Result<(), KernelError> {
        for hook in self.hooks() {
            let message = match &hook.liveness {
                Liveness::Live | Liveness::Attached => continue,
                Liveness::Unproved => "attached, not proved by a canary".to_owned(),
                Liveness::Dead(why) => why.clone(),
            };
            return Err(KernelError::Program { program: hook.name, message });
        }
        Ok(())
    }
}

/// Loads everything under a pin folder of its own, proves it, and takes it away again.
///
/// # Errors
/// What stands in the way of enforcement here.
pub fn probe(bpffs: &Path, cgroups: &Path, program: &Path) -> Result<(), KernelError> {
    let pins = bpffs.join(format!("gatekeeper-probe-{}", std::process::id()));
    let result = Kernel::load(&pins).and_then(|mut kernel| {
        kernel.prove(&std::env::temp_dir(), cgroups, program)?;
        kernel.all_live()
    });
    let _ = std::fs::remove_dir_all(&pins);
    result
}
