//! The kernel side as sessions need it, so that they can be tried without it.

use gatekeeper_kernel::{Holds, Hook, Hooks, Images, KernelError, Labels, Liveness};

use crate::config::Config;

/// The kernel side: [`gatekeeper_kernel::Kernel`] in earnest.
pub trait Enforcer: Hooks + Images + Labels + Holds {}

impl<T: Hooks + Images + Labels + Holds> Enforcer for T {}

/// Proves each hook with a canary: the result is in [`Hooks::hooks`].
///
/// # Errors
/// Where it can't be tried.
pub fn prove(kernel: &mut dyn Enforcer, config: &Config) -> Result<(), KernelError> {
    let program = std::env::current_exe().map_err(KernelError::call("finding this program's file"))?;
    kernel.prove(&config.state, &config.cgroup, &program)
}

/// The reason that no session can be opened, if so: every hook must be proved, for with one missing a policy would
/// promise what nothing keeps.
#[must_use]
pub fn not_enforcing(hooks: &[Hook]) -> Option<String> {
    let failing: Vec<String> = hooks
        .iter()
        .filter_map(|hook| match &hook.liveness {
            Liveness::Live | Liveness::Attached => None,
            Liveness::Unproved => Some(format!("{}: attached, but no canary proved it", hook.name)),
            Liveness::Dead(why) => Some(format!("{}: {why}", hook.name)),
        })
        .collect();
    match failing.as_slice() {
        [] if hooks.is_empty() => Some("no hook is attached".to_owned()),
        [] => None,
        [only] => Some(only.clone()),
        [first, rest @ ..] => {
            Some(format!("{first} (and {} more hooks: see `gatekeeper status`)", rest.len()))
        }
    }
}

#[cfg(test)]
pub mod fake {
    //! A kernel side that knows of no label, and of nothing else.

    use std::os::fd::BorrowedFd;
    use std::path::Path;

    use gatekeeper_common::hold::{Hold, Scope, TableKey};
    use gatekeeper_common::label::{Label, Layer};
    use gatekeeper_kernel::{Census, Unsupported};

    use super::*;

    /// See the module.
    #[derive(Debug)]
    pub struct Unlabelled;

    impl Hooks for Unlabelled {
        fn prove(&mut self, _: &Path, _: &Path, _: &Path) -> Result<(), KernelError> {
            Ok(())
        }
        fn hooks(&self) -> &[Hook] {
            &[]
        }
        fn unsupported(&self) -> &[Unsupported] {
            &[]
        }
        fn counters(&self) -> Result<Vec<u64>, KernelError> {
            Ok(Vec::new())
        }
    }

    impl Images for Unlabelled {
        fn publish(&mut self, _: &[u8], _: &[u8], _: u64) -> Result<Layer, KernelError> {
            Err(KernelError::NoSlot(0))
        }
        fn replace(&mut self, _: Layer, _: &[u8], _: &[u8], _: u64) -> Result<(), KernelError> {
            Ok(())
        }
        fn retire(&mut self, _: Layer) -> Result<(), KernelError> {
            Ok(())
        }
        fn layers(&self) -> Vec<Layer> {
            Vec::new()
        }
    }

    impl Labels for Unlabelled {
        fn mark(&mut self, _: u64, _: &Label) -> Result<(), KernelError> {
            Ok(())
        }
        fn unmark(&mut self, _: u64) -> Result<(), KernelError> {
            Ok(())
        }
        fn label_of(&self, _: BorrowedFd<'_>) -> Result<Option<Label>, KernelError> {
            Ok(None)
        }
        fn census(&mut self) -> Result<Census, KernelError> {
            Ok(Census::default())
        }
    }

    impl Holds for Unlabelled {
        fn holds(&self) -> Result<Vec<Hold>, KernelError> {
            Ok(Vec::new())
        }
        fn decide(&mut self, _: u64, _: bool) -> Result<(), KernelError> {
            Ok(())
        }
        fn forget(&mut self, _: u64) -> Result<(), KernelError> {
            Ok(())
        }
        fn room(&self, _: &Hold, _: u64) -> Result<TableKey, KernelError> {
            Ok(TableKey::default())
        }
        fn grant(&mut self, _: &Hold, _: Scope, _: u64, _: u64) -> Result<(), KernelError> {
            Ok(())
        }
        fn revoke(&mut self, _: u64) -> Result<(), KernelError> {
            Ok(())
        }
    }
}
