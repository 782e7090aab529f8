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
/// Entering the process group of another.
pub const PROCESS_GROUP: u32 = 14;
/// A child in another cgroup.
pub const CGROUP: u32 = 15;
/// Code and data that the kernel would load into itself.
pub const KERNEL_IMAGE: u32 = 16;
/// What the kernel's lockdown refuses: raw memory, I/O ports, registers, its own views.
pub const LOCKDOWN: u32 = 17;
/// A file that the kernel would write what others do or hold into.
pub const KERNEL_FILE: u32 = 18;
/// A terminal of others.
pub const TERMINAL: u32 = 20;
/// A watch on a whole file system, or one that decides for others.
pub const WATCH: u32 = 19;
