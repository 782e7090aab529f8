//! What this kernel can't enforce, by operation, and what stands in for a hook that it lacks.

use std::fs;

use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::Verdict;
use serde::{Deserialize, Serialize};

use super::programs::{Kind, PROGRAMS};
use gatekeeper_btf::Btf;
use gatekeeper_policy::Compiled;
use gatekeeper_policy::question::Question;

/// Something that another kernel would judge and this one does not, or not in the same way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unsupported {
    /// The operation, as in events.
    pub operation: String,
    /// Of what, and why.
    pub what: String,
    /// What judges it instead; where nothing does, it is not enforced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead: Option<String>,
    /// The capability without which nobody gets there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capability: Option<String>,
}

/// (include/uapi/linux/capability.h)
const CAP_PERFMON: u8 = 38;
/// Since then it is enough to look at others' processes (kernel/fork.c `may_access_mm`).
const PERFMON_LOOKS: (u32, u32) = (6, 16);

impl Unsupported {
    /// Whether it matters to sessions of this policy.
    #[must_use]
    pub fn concerns(&self, policy: &Compiled) -> bool {
        if self.instead.is_some() {
            return false;
        }
        let (_, cell) = policy.judge(&Question::Capability(CAP_PERFMON));
        self.capability.is_none() || matches!(cell.verdict(), Some(Verdict::Allow | Verdict::Audit))
    }
}

/// What is to be said of the running kernel; nothing where it does not describe itself, as no session opens there.
#[must_use]
pub fn here() -> Vec<Unsupported> {
    Btf::of_kernel().map(|kernel| of(&kernel)).unwrap_or_default()
}

/// What is to be said of the running kernel, whose description this is.
#[must_use]
pub fn of(kernel: &Btf) -> Vec<Unsupported> {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    told(|hook| kernel.has_function(&format!("bpf_lsm_{hook}")), numbers(&release))
}

/// The first two numbers of a release.
fn numbers(release: &str) -> Option<(u32, u32)> {
    let mut parts = release.split(|c: char| !c.is_ascii_digit());
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

fn told(has_hook: impl Fn(&str) -> bool, release: Option<(u32, u32)>) -> Vec<Unsupported> {
    let lacking = PROGRAMS.iter().filter(|program| program.kind == Kind::Lsm && !has_hook(program.name));
    let mut told: Vec<Unsupported> = lacking
        .map(|program| Unsupported {
            operation: operation(program.name).name().to_owned(),
            what: format!("this kernel has no hook {}", program.name),
            instead: stand_in(program.name).map(str::to_owned),
            capability: None,
        })
        .collect();
    // A release that can't be read counts as a new one.
    if release.is_none_or(|release| release >= PERFMON_LOOKS) {
        told.push(Unsupported {
            operation: Operation::Control.name().to_owned(),
            what: "environment and maps of processes outside (/proc/PID/environ, maps): since Linux 6.16 \
                   CAP_PERFMON is enough to read them, and no hook is asked"
                .to_owned(),
            instead: None,
            capability: Some("perfmon".to_owned()),
        });
    }
    told
}

/// What judges the operation of a hook that kernels may lack.
fn stand_in(hook: &str) -> Option<&'static str> {
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
        "sb_mount" | "sb_umount" | "sb_pivotroot" | "move_mount" | "path_chroot" => Operation::Mount,
        hook if hook.starts_with("path_ch") || hook.starts_with("inode_") => Operation::Metadata,
        _ => Operation::Control,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_hook_is_told_by_its_operation() {
        let told = told(|hook| hook != "path_rename" && !hook.ends_with("_acl"), Some((6, 1)));
        let of = |operation: &str| told.iter().filter(|one| one.operation == operation).collect::<Vec<_>>();
        assert_eq!(told.len(), 3);
        assert_eq!(of("rename").len(), 1);
        assert!(of("rename")[0].instead.is_none());
        // Access control lists are judged all the same.
        assert!(of("metadata").len() == 2 && of("metadata").iter().all(|one| one.instead.is_some()));
    }

    #[test]
    fn looking_by_a_capability_is_told_where_it_can_be_had() {
        let told = |release| told(|_| true, release);
        assert!(told(Some((6, 12))).is_empty());
        for release in [Some((6, 16)), Some((7, 3)), None] {
            assert_eq!(told(release).len(), 1, "{release:?}");
        }
        let policy = |rules: &str| {
            let text = format!("version = 1\nname = \"x\"\n{rules}");
            gatekeeper_policy::testing::compile(&text).unwrap()
        };
        let gap = &told(None)[0];
        assert!(!gap.concerns(&policy("")));
        assert!(gap.concerns(&policy("[[capability]]\nverdict = \"allow\"\ncapability = [\"*\"]\n")));
    }
}
