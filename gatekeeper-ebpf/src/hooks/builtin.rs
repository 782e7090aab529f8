//! Numbers of the built-in limits, as an event's `detail` gives them. They stand in trails: a number is never
//! used again.

/// Tracing a task outside the session.
pub const PTRACE: u32 = 1;
/// The system call bpf(2).
pub const BPF: u32 = 3;
/// Performance events.
pub const PERF: u32 = 4;
/// Handling the page faults of memory in user space.
pub const USERFAULTFD: u32 = 5;
/// The kernel's log.
pub const SYSLOG: u32 = 7;
/// System V objects of others.
pub const IPC: u32 = 8;
/// Keys of others.
pub const KEY: u32 = 9;
/// Priority, scheduling and limits of a task outside the session.
pub const SCHEDULING: u32 = 10;
/// Options of a socket that change the way of packets, or who sees them.
pub const SOCKET_OPTION: u32 = 11;
/// The owner of a file's signals.
pub const SIGNAL_OWNER: u32 = 12;
/// Disk quotas.
pub const QUOTA: u32 = 13;
