//! The place where programs that judge are attached: the hooks of the security modules where the kernel asks those of BPF,
//! else the functions that ask the modules (`security_*`).

use std::fs;

use serde::{Deserialize, Serialize};

use super::preemption::preemptible;
use super::programs::{Kind, Program};
use crate::sys::tracing::TracingType;

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

/// The kernel's attach type of a program, as `status` shows it (include/uapi/linux/bpf.h `enum bpf_attach_type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttachType {
    /// As a hook of the security modules.
    Lsm,
    /// At the function that asks the modules; what it refuses, they are not asked.
    ModifyReturn,
    /// At the entry of a kernel function.
    Fentry,
    /// At the end of a kernel function.
    Fexit,
    /// At a tracepoint.
    Tracepoint,
}

impl AttachType {
    /// Returns that of a program.
    #[must_use]
    pub fn of(program: &Program, attachment: Attachment) -> Self {
        match (program.kind, attachment) {
            (Kind::Tracepoint, _) => Self::Tracepoint,
            (Kind::Entry, _) => Self::Fentry,
            (Kind::Exit, _) => Self::Fexit,
            (Kind::Lsm, Attachment::Lsm) => Self::Lsm,
            (Kind::Lsm, Attachment::Function) => match function(program.name).1 {
                TracingType::ModifyReturn => Self::ModifyReturn,
                TracingType::Fentry => Self::Fentry,
            },
        }
    }
}

/// Returns the function that asks the modules of a hook (security/security.c, Linux 6.1 to 7.3), and the type of a program
/// at it.
#[must_use]
pub fn function(hook: &str) -> (String, TracingType) {
    let plain = hook.strip_suffix("_security").unwrap_or(hook);
    let name = match hook {
        "userns_create" => "create_user_ns",
        _ => plain,
    };
    let kind = match hook {
        // They return nothing.
        "msg_queue_free_security" | "shm_free_security" | "sem_free_security" => TracingType::Fentry,
        _ => TracingType::ModifyReturn,
    };
    (format!("security_{name}"), kind)
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

    #[test]
    fn functions_have_names_of_their_own() {
        assert_eq!(function("file_open"), ("security_file_open".to_owned(), TracingType::ModifyReturn));
        assert_eq!(function("bprm_check_security").0, "security_bprm_check");
        assert_eq!(function("inode_init_security_anon").0, "security_inode_init_security_anon");
        assert_eq!(function("userns_create").0, "security_create_user_ns");
        assert_eq!(function("sem_free_security"), ("security_sem_free".to_owned(), TracingType::Fentry));
    }
}
