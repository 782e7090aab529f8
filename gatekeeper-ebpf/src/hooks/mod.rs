//! The hooks: from a hook's arguments to an operation. A body has the name of its hook, and above it stands a
//! line `// proto:` with the hook's prototype in the kernel.
//!
//! A system call with many commands is judged by command. What is not known is refused where it could change others.
//!
//! | call | answer |
//! |---|---|
//! | bpf, `perf_event_open`, quotactl, userfaultfd | every command is refused (`kernel`) |
//! | keyctl, `add_key`, `request_key` | a table; an unknown command takes a key of one's own (`key`) |
//! | fcntl | owners of signals, leases and delegations; others change the descriptor alone (`kernel`) |
//! | ioctl | a table of what reaches beyond a descriptor opened to read; devices by their path (`ioctl`) |
//! | fanotify, inotify, dnotify | `path_notify` (`file`) |
//! | netlink | one protocol, whose changes take a capability (`net`) |
//! | mount calls, setns | their hooks (`kernel`), or the capability that a call uses (`process`) |
//! | `io_uring` | each operation meets the hooks of the call that does the same |
//! | prctl, futex, rseq, membarrier | change the caller alone; `PR_SCHED_CORE` asks `ptrace_access_check` |

mod builtin;
pub mod exec;
pub mod file;
pub mod ioctl;
pub mod ipc;
pub mod kernel;
pub mod key;
pub mod net;
pub mod process;
mod received;
pub mod terminal;
pub mod unix;
