//! Capabilities by name and by number.

use crate::error::Help;

/// By number (include/uapi/linux/capability.h).
const NAMES: [&str; 41] = [
    "chown",
    "dac_override",
    "dac_read_search",
    "fowner",
    "fsetid",
    "kill",
    "setgid",
    "setuid",
    "setpcap",
    "linux_immutable",
    "net_bind_service",
    "net_broadcast",
    "net_admin",
    "net_raw",
    "ipc_lock",
    "ipc_owner",
    "sys_module",
    "sys_rawio",
    "sys_chroot",
    "sys_ptrace",
    "sys_pacct",
    "sys_admin",
    "sys_boot",
    "sys_nice",
    "sys_resource",
    "sys_time",
    "sys_tty_config",
    "mknod",
    "lease",
    "audit_write",
    "audit_control",
    "setfcap",
    "mac_override",
    "mac_admin",
    "syslog",
    "wake_alarm",
    "block_suspend",
    "audit_read",
    "perfmon",
    "bpf",
    "checkpoint_restore",
];

/// A capability that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no capability")]
pub struct NoCapability(pub String);

impl Help for NoCapability {
    fn help(&self) -> String {
        "write a name as in capabilities(7), in lower case, such as `net_bind_service`; `*` is all".to_owned()
    }
}

/// The number of a capability, given by name with or without `cap_`.
///
/// # Errors
/// Where there is no such capability.
pub fn number(text: &str) -> Result<u8, NoCapability> {
    let name = text.strip_prefix("cap_").unwrap_or(text);
    let found = NAMES.iter().zip(0..).find(|(known, _)| **known == name);
    found.map(|(_, number)| number).ok_or_else(|| NoCapability(text.to_owned()))
}

/// The capabilities that a word in a policy stands for, as bits.
///
/// # Errors
/// Where there is no such capability.
pub fn bits(text: &str) -> Result<u64, NoCapability> {
    if text == "*" {
        // Those too that a later kernel adds.
        return Ok(u64::MAX);
    }
    Ok(1 << number(text)?)
}

/// The name of a capability, or its number where it has none.
#[must_use]
pub fn name(number: u8) -> String {
    NAMES.get(usize::from(number)).map_or_else(|| number.to_string(), |name| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_the_kernels() {
        for (name, known) in [("chown", 0), ("cap_setuid", 7), ("sys_admin", 21), ("checkpoint_restore", 40)]
        {
            assert_eq!(number(name), Ok(known), "{name}");
        }
        for known in 0..41 {
            assert_eq!(number(&name(known)), Ok(known));
        }
        assert_eq!(name(63), "63");
        assert_eq!(bits("bpf"), Ok(1 << 39));
        assert_eq!(bits("*"), Ok(u64::MAX));
        for text in ["", "CAP_KILL", "root", "cap_", "cap_*", "7"] {
            assert!(bits(text).is_err(), "{text}");
        }
    }
}
