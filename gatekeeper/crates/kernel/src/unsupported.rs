//! The operations that a kernel can't enforce, and the hooks that cover for those it lacks.

use gatekeeper_btf::Btf;
use gatekeeper_common::operation::Operation;
use serde::{Deserialize, Serialize};

use super::programs::{Kind, PROGRAMS};

/// An operation that another kernel would judge and this one does not, or not in the same way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unsupported {
    /// The operation, as in events.
    pub operation: String,
    /// The object, and the reason.
    pub description: String,
    /// The hook that judges it instead; without one, it is not enforced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub covered_by: Option<String>,
    /// The capability without which no process gets there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capability: Option<String>,
}

/// `CAP_PERFMON` (include/uapi/linux/capability.h).
const CAP_PERFMON: u8 = 38;
/// The first release in which it is enough to read others' memory maps (kernel/fork.c `may_access_mm`).
const PERFMON_READS: (u32, u32) = (6, 16);

impl Unsupported {
    /// Returns whether it matters to the sessions of a policy; `allows` answers whether that policy allows a capability.
    #[must_use]
    pub fn concerns(&self, allows: impl FnOnce(u8) -> bool) -> bool {
        self.covered_by.is_none() && (self.capability.is_none() || allows(CAP_PERFMON))
    }
}

/// Lists them for the running kernel; empty where it does not describe its types, as no session opens there.
#[must_use]
pub fn here() -> Vec<Unsupported> {
    Btf::of_kernel().map(|kernel| of(&kernel)).unwrap_or_default()
}

/// Lists them for the running kernel, whose types these are.
#[must_use]
pub fn of(kernel: &Btf) -> Vec<Unsupported> {
    list(|hook| kernel.has_function(&format!("bpf_lsm_{hook}")), release())
}

/// The first two numbers of the running kernel's release.
fn release() -> Option<(u32, u32)> {
    numbers(rustix::system::uname().release().to_str().ok()?)
}

/// The first two numbers of a release.
fn numbers(release: &str) -> Option<(u32, u32)> {
    let mut parts = release.split(|c: char| !c.is_ascii_digit());
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

fn list(has_hook: impl Fn(&str) -> bool, release: Option<(u32, u32)>) -> Vec<Unsupported> {
    let lacking = PROGRAMS.iter().filter(|program| program.kind == Kind::Lsm && !has_hook(program.name));
    let mut list: Vec<Unsupported> = lacking
        .map(|program| Unsupported {
            operation: operation(program.name).name().to_owned(),
            description: format!("this kernel has no hook {}", program.name),
            covered_by: cover(program.name).map(str::to_owned),
            capability: None,
        })
        .collect();
    // A release that can't be read counts as a new one.
    if release.is_none_or(|release| release >= PERFMON_READS) {
        list.push(Unsupported {
            operation: Operation::Control.name().to_owned(),
            description:
                "environment and maps of processes outside (/proc/PID/environ, maps): since Linux 6.16 \
                          CAP_PERFMON is enough to read them, and no hook is asked"
                    .to_owned(),
            covered_by: None,
            capability: Some("perfmon".to_owned()),
        });
    }
    list
}

/// The hook that judges the operation of one that kernels may lack, and the reason.
fn cover(hook: &str) -> Option<&'static str> {
    match hook {
        "inode_set_acl" => {
            Some("inode_setxattr: before Linux 6.2 access control lists are attributes like others")
        }
        "inode_remove_acl" => {
            Some("inode_removexattr: before Linux 6.2 access control lists are attributes like others")
        }
        "inode_file_setattr" => Some("file_ioctl: before Linux 6.17 flags are changed by ioctl alone"),
        _ => None,
    }
}

/// The operation that a hook's program judges, or without which it can't be judged.
fn operation(hook: &str) -> Operation {
    match hook {
        "bprm_check_security" => Operation::Exec,
        "bprm_creds_from_file" => Operation::Setuid,
        "mmap_file" | "file_mprotect" => Operation::Map,
        "file_open" | "file_receive" | "path_notify" | "inode_getxattr" | "inode_readlink" => Operation::Read,
        "path_truncate" => Operation::Write,
        "path_mknod" | "path_mkdir" | "path_symlink" => Operation::Create,
        "path_unlink" | "path_rmdir" => Operation::Delete,
        "path_link" => Operation::Link,
        "path_rename" => Operation::Rename,
        "socket_create" => Operation::Socket,
        "socket_post_create" | "unix_stream_connect" => Operation::UnixConnect,
        "unix_may_send" => Operation::UnixSend,
        "socket_connect" => Operation::Connect,
        "socket_bind" => Operation::Bind,
        "socket_sendmsg" => Operation::Send,
        "socket_listen" => Operation::Listen,
        "socket_accept" => Operation::Accept,
        "task_kill" => Operation::Signal,
        "capable" => Operation::Capability,
        "userns_create" => Operation::Namespace,
        "inode_init_security_anon" => Operation::Uring,
        "sb_mount" | "sb_umount" | "sb_remount" | "sb_pivotroot" | "move_mount" | "path_chroot" => {
            Operation::Mount
        }
        hook if hook.starts_with("path_ch") || hook.starts_with("inode_") => Operation::Metadata,
        _ => Operation::Control,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_hook_is_listed_by_its_operation() {
        let all = list(|hook| hook != "path_rename" && !hook.ends_with("_acl"), Some((6, 1)));
        let of = |operation: &str| all.iter().filter(|one| one.operation == operation).collect::<Vec<_>>();
        assert_eq!(all.len(), 3);
        assert_eq!(of("rename").len(), 1);
        assert!(of("rename")[0].covered_by.is_none());
        // Access control lists are judged all the same.
        assert!(of("metadata").len() == 2 && of("metadata").iter().all(|one| one.covered_by.is_some()));
        assert!(all.iter().all(|one| one.concerns(|_| false) == one.covered_by.is_none()));
    }

    #[test]
    fn reading_by_a_capability_is_listed_where_it_can_be_had() {
        let list = |release| list(|_| true, release);
        assert!(list(Some((6, 12))).is_empty());
        for release in [Some((6, 16)), Some((7, 3)), None] {
            assert_eq!(list(release).len(), 1, "{release:?}");
        }
        let gap = &list(None)[0];
        assert!(!gap.concerns(|_| false));
        assert!(gap.concerns(|capability| capability == CAP_PERFMON));
        assert!(release().is_some_and(|release| release >= (3, 0)));
    }
}
