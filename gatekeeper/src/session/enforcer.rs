//! What sessions need of the kernel side, so that they can be tried without it.

use std::fmt::Debug;
use std::os::fd::BorrowedFd;

use gatekeeper_common::hold::{Hold, Place, Scope};
use gatekeeper_common::label::{Label, Layer};

use crate::config::Config;
use gatekeeper_kernel::{Census, Hook, Kernel, KernelError, Liveness, Unsupported};

/// The kernel side. [`Kernel`] in earnest; see there for each method.
pub trait Enforcer: Debug {
    /// See [`Kernel::prove`].
    fn prove(&mut self, config: &Config) -> Result<(), KernelError>;
    /// See [`Kernel::hooks`].
    fn hooks(&self) -> &[Hook];
    /// See [`Kernel::unsupported`].
    fn unsupported(&self) -> &[Unsupported];
    /// See [`Kernel::publish`].
    fn publish(&mut self, head: &[u8], comb: &[u8], generation: u64) -> Result<Layer, KernelError>;
    /// See [`Kernel::replace`].
    fn replace(&mut self, layer: Layer, head: &[u8], comb: &[u8], generation: u64)
    -> Result<(), KernelError>;
    /// See [`Kernel::retire`].
    fn retire(&mut self, layer: Layer) -> Result<(), KernelError>;
    /// See [`Kernel::layers`].
    fn layers(&self) -> Vec<Layer>;
    /// See [`Kernel::mark`].
    fn mark(&mut self, cgroup: u64, label: &Label) -> Result<(), KernelError>;
    /// See [`Kernel::unmark`].
    fn unmark(&mut self, cgroup: u64) -> Result<(), KernelError>;
    /// See [`Kernel::label_of`].
    fn label_of(&self, pidfd: BorrowedFd<'_>) -> Result<Option<Label>, KernelError>;
    /// See [`Kernel::census`].
    fn census(&mut self) -> Result<Census, KernelError>;
    /// See [`Kernel::counters`].
    fn counters(&self) -> Result<Vec<u64>, KernelError>;
    /// See [`Kernel::holds`].
    fn holds(&self) -> Result<Vec<Hold>, KernelError>;
    /// See [`Kernel::decide`].
    fn decide(&mut self, hold: u64, passes: bool) -> Result<(), KernelError>;
    /// See [`Kernel::forget`].
    fn forget(&mut self, hold: u64) -> Result<(), KernelError>;
    /// See [`Kernel::room`].
    fn room(&self, hold: &Hold, now: u64) -> Result<Place, KernelError>;
    /// See [`Kernel::grant`].
    fn grant(&mut self, hold: &Hold, scope: Scope, until: u64, now: u64) -> Result<(), KernelError>;
    /// See [`Kernel::revoke`].
    fn revoke(&mut self, session: u64) -> Result<(), KernelError>;
}

impl Enforcer for Kernel {
    fn prove(&mut self, config: &Config) -> Result<(), KernelError> {
        let program = std::env::current_exe().map_err(KernelError::call("finding this program's file"))?;
        Self::prove(self, &config.state, &config.cgroup, &program)
    }
    fn hooks(&self) -> &[Hook] {
        Self::hooks(self)
    }
    fn unsupported(&self) -> &[Unsupported] {
        Self::unsupported(self)
    }
    fn publish(&mut self, head: &[u8], comb: &[u8], generation: u64) -> Result<Layer, KernelError> {
        Self::publish(self, head, comb, generation)
    }
    fn replace(
        &mut self,
        layer: Layer,
        head: &[u8],
        comb: &[u8],
        generation: u64,
    ) -> Result<(), KernelError> {
        Self::replace(self, layer, head, comb, generation)
    }
    fn retire(&mut self, layer: Layer) -> Result<(), KernelError> {
        Self::retire(self, layer)
    }
    fn layers(&self) -> Vec<Layer> {
        Self::layers(self).collect()
    }
    fn mark(&mut self, cgroup: u64, label: &Label) -> Result<(), KernelError> {
        Self::mark(self, cgroup, label)
    }
    fn unmark(&mut self, cgroup: u64) -> Result<(), KernelError> {
        Self::unmark(self, cgroup)
    }
    fn label_of(&self, pidfd: BorrowedFd<'_>) -> Result<Option<Label>, KernelError> {
        Self::label_of(self, pidfd)
    }
    fn census(&mut self) -> Result<Census, KernelError> {
        Self::census(self)
    }
    fn counters(&self) -> Result<Vec<u64>, KernelError> {
        Self::counters(self)
    }
    fn holds(&self) -> Result<Vec<Hold>, KernelError> {
        Self::holds(self)
    }
    fn decide(&mut self, hold: u64, passes: bool) -> Result<(), KernelError> {
        Self::decide(self, hold, passes)
    }
    fn forget(&mut self, hold: u64) -> Result<(), KernelError> {
        Self::forget(self, hold)
    }
    fn room(&self, hold: &Hold, now: u64) -> Result<Place, KernelError> {
        Self::room(self, hold, now)
    }
    fn grant(&mut self, hold: &Hold, scope: Scope, until: u64, now: u64) -> Result<(), KernelError> {
        Self::grant(self, hold, scope, until, now)
    }
    fn revoke(&mut self, session: u64) -> Result<(), KernelError> {
        Self::revoke(self, session)
    }
}

/// Why no session can be opened, if so: every hook must be proved, for with one missing a policy would
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

    use super::*;

    /// See the module.
    #[derive(Debug)]
    pub struct Unlabelled;

    impl Enforcer for Unlabelled {
        fn prove(&mut self, _: &Config) -> Result<(), KernelError> {
            Ok(())
        }
        fn hooks(&self) -> &[Hook] {
            &[]
        }
        fn unsupported(&self) -> &[Unsupported] {
            &[]
        }
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
        fn counters(&self) -> Result<Vec<u64>, KernelError> {
            Ok(Vec::new())
        }
        fn holds(&self) -> Result<Vec<Hold>, KernelError> {
            Ok(Vec::new())
        }
        fn decide(&mut self, _: u64, _: bool) -> Result<(), KernelError> {
            Ok(())
        }
        fn forget(&mut self, _: u64) -> Result<(), KernelError> {
            Ok(())
        }
        fn room(&self, _: &Hold, _: u64) -> Result<Place, KernelError> {
            Ok(Place::default())
        }
        fn grant(&mut self, _: &Hold, _: Scope, _: u64, _: u64) -> Result<(), KernelError> {
            Ok(())
        }
        fn revoke(&mut self, _: u64) -> Result<(), KernelError> {
            Ok(())
        }
    }
}
