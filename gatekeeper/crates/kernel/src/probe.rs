//! The probe of a machine: the list of security modules may name bpf, and the programs still be refused.

use std::path::Path;

use super::error::ProgramFailure;
use super::{Kernel, KernelError, Liveness};
use crate::Hooks;

impl Kernel {
    /// Checks that every hook is live.
    ///
    /// # Errors
    /// Where one is not: names the first, and the reason.
    pub fn all_live(&self) -> Result<(), KernelError> {
        for hook in self.hooks() {
            let source = match &hook.liveness {
                Liveness::Live | Liveness::Attached => continue,
                Liveness::Unproved => ProgramFailure::Unproved,
                Liveness::Dead(reason) => ProgramFailure::Dead(reason.clone()),
            };
            return Err(KernelError::Program { program: hook.name, source });
        }
        Ok(())
    }
}

/// Loads everything under a pin folder of its own, proves it, and takes it away again.
///
/// # Errors
/// Where policies can't be enforced here: names the obstacle.
pub fn probe(bpffs: &Path, cgroups: &Path, program: &Path) -> Result<(), KernelError> {
    let pins = bpffs.join(format!("gatekeeper-probe-{}", std::process::id()));
    let result = Kernel::load(&pins).and_then(|mut kernel| {
        kernel.prove(&std::env::temp_dir(), cgroups, program)?;
        kernel.all_live()
    });
    let _ = std::fs::remove_dir_all(&pins);
    result
}
