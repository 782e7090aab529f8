//! The attach type of a program, and the function that stands in for a hook.

use serde::{Deserialize, Serialize};

use super::attachment::Attachment;
use super::programs::{Kind, Program};
use crate::sys::tracing::TracingType;

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
        "msg_queue_free_security"
        | "shm_free_security"
        | "sem_free_security"
        | "inode_free_security"
        | "sock_graft" => TracingType::Fentry,
        _ => TracingType::ModifyReturn,
    };
    (format!("security_{name}"), kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_have_names_of_their_own() {
        assert_eq!(function("file_open"), ("security_file_open".to_owned(), TracingType::ModifyReturn));
        assert_eq!(function("bprm_check_security").0, "security_bprm_check");
        assert_eq!(function("inode_init_security_anon").0, "security_inode_init_security_anon");
        assert_eq!(function("userns_create").0, "security_create_user_ns");
        assert_eq!(function("sem_free_security"), ("security_sem_free".to_owned(), TracingType::Fentry));
    }
}
