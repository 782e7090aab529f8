//! The place where programs that judge are attached: the hooks of the security modules where the kernel asks those of BPF,
//! else the functions that ask the modules (`security_*`).

use std::fs;

use super::preemption::preemptible;

/// The list of the security modules that the kernel asks, separated by commas.
const LIST: &str = "/sys/kernel/security/lsm";

/// One of the two places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attachment {
    /// As hooks of the security modules.
    Lsm,
    /// At the functions that ask the modules.
    Function,
}

impl Attachment {
    /// The one for the running kernel.
    #[must_use]
    pub fn here() -> Self {
        Self::of(fs::read_to_string(LIST).ok().as_deref())
    }

    /// A list that can't be read counts as one with bpf: the canaries show whether hooks fire.
    fn of(list: Option<&str>) -> Self {
        match list {
            Some(list) if !list.trim().split(',').any(|module| module == "bpf") => Self::Function,
            _ => Self::Lsm,
        }
    }

    /// Returns why programs attached here are unreliable, and the help; none where they are not.
    #[must_use]
    pub fn unreliable(self) -> Option<String> {
        if self == Self::Lsm {
            return None;
        }
        preemptible().map(|reason| {
            format!(
                "bpf is not in this kernel's LSM list, and a program at a kernel function can be skipped, because \
                 {reason}: add bpf to lsm= or, on kernels that have it, preempt=voluntary to the kernel's command line"
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_read_word_by_word() {
        assert_eq!(Attachment::of(Some("lockdown,capability,bpf\n")), Attachment::Lsm);
        assert_eq!(Attachment::of(Some("lockdown,capability,bpfx\n")), Attachment::Function);
        assert_eq!(Attachment::of(Some("")), Attachment::Function);
        assert_eq!(Attachment::of(None), Attachment::Lsm);
    }
}
