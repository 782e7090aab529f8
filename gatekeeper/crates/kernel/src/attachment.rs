//! How programs that judge are attached: as hooks of the security modules where the kernel asks those of BPF, else at the
//! functions that ask the modules (`security_*`).

use std::fs;

use serde::{Deserialize, Serialize};

use super::preemption::preemptible;
use super::programs::{Kind, Program};
use crate::sys::tracing::When;

/// Where the kernel tells which security modules it asks.
const LIST: &str = "/sys/kernel/security/lsm";

/// One of the two ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attachment {
    /// As hooks of the security modules.
    Lsm,
    /// At the functions that ask the modules.
    Function,
}

impl Attachment {
    /// The way for the running kernel.
    #[must_use]
    pub fn here() -> Self {
        Self::of(fs::read_to_string(LIST).ok().as_deref())
    }

    /// Where the list can't be read, the canaries tell whether hooks fire.
    fn of(list: Option<&str>) -> Self {
        match list {
            Some(list) if !list.trim().split(',').any(|module| module == "bpf") => Self::Function,
            _ => Self::Lsm,
        }
    }

    /// Why programs attached so can't be relied on here, and the help.
    #[must_use]
    pub fn doubt(self) -> Option<String> {
        if self == Self::Lsm {
            return None;
        }
        preemptible().map(|why| {
            format!(
                "bpf is not in this kernel's LSM list, and a program at a kernel function can be skipped, because \
                 {why}: add bpf to lsm= or, on kernels that have it, preempt=voluntary to the kernel's command line"
            )
        })
    }
}

/// How one program is attached, as `status` tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
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

impl Way {
    /// That of a program.
    #[must_use]
    pub fn of(program: &Program, attachment: Attachment) -> Self {
        match (program.kind, attachment) {
            (Kind::Tracepoint, _) => Self::Tracepoint,
            (Kind::Entry, _) => Self::Fentry,
            (Kind::Exit, _) => Self::Fexit,
            (Kind::Lsm, Attachment::Lsm) => Self::Lsm,
            (Kind::Lsm, Attachment::Function) => match function(program.name).1 {
                When::Instead => Self::ModifyReturn,
                When::Before => Self::Fentry,
            },
        }
    }
}

/// The function that asks the modules of a hook (security/security.c), and when a program runs at it.
#[must_use]
pub fn function(hook: &str) -> (String, When) {
    let plain = hook.strip_suffix("_security").unwrap_or(hook);
    let name = match hook {
        "userns_create" => "create_user_ns",
        _ => plain,
    };
    let when = match hook {
        // They return nothing.
        "msg_queue_free_security" | "shm_free_security" | "sem_free_security" => When::Before,
        _ => When::Instead,
    };
    (format!("security_{name}"), when)
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
        assert_eq!(function("file_open"), ("security_file_open".to_owned(), When::Instead));
        assert_eq!(function("bprm_check_security").0, "security_bprm_check");
        assert_eq!(function("inode_init_security_anon").0, "security_inode_init_security_anon");
        assert_eq!(function("userns_create").0, "security_create_user_ns");
        assert_eq!(function("sem_free_security"), ("security_sem_free".to_owned(), When::Before));
    }
}
