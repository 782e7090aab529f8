//! The list of programs: what each guards, and whether sessions can do without it.

use gatekeeper_btf::Btf;

use super::attachment::Attachment;

/// How a program is attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A hook of the Linux security modules; its program can refuse.
    Lsm,
    /// A tracepoint; its program keeps labels.
    Tracepoint,
    /// The entry of a kernel function; its program only watches.
    Entry,
    /// The end of a kernel function; its program only watches.
    Exit,
}

/// One program of the object file; its name is its hook's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Program {
    /// The hook's name.
    pub name: &'static str,
    /// How it is attached.
    pub kind: Kind,
    /// Whether kernels may lack the hook: what it judges goes through another there.
    pub optional: bool,
    /// Whether a canary can see it refuse. Others only keep labels or note whose an object is, or can't be
    /// reached without meeting another hook before: they are attached, and no more is known.
    pub provable: bool,
}

const fn lsm(name: &'static str) -> Program {
    Program { name, kind: Kind::Lsm, optional: false, provable: true }
}

const fn silent(name: &'static str) -> Program {
    Program { name, kind: Kind::Lsm, optional: false, provable: false }
}

const fn optional(name: &'static str) -> Program {
    Program { name, kind: Kind::Lsm, optional: true, provable: true }
}

const fn tracepoint(name: &'static str) -> Program {
    Program { name, kind: Kind::Tracepoint, optional: false, provable: false }
}

const fn entry(name: &'static str) -> Program {
    Program { name, kind: Kind::Entry, optional: false, provable: false }
}

const fn exit(name: &'static str) -> Program {
    Program { name, kind: Kind::Exit, optional: false, provable: false }
}

/// Every program. The tracepoints come first, so that no label is missed once hooks judge.
pub const PROGRAMS: &[Program] = &[
    tracepoint("sched_process_exec"),
    tracepoint("sched_process_fork"),
    tracepoint("cgroup_attach_task"),
    tracepoint("sched_process_exit"),
    lsm("task_alloc"),
    lsm("bprm_check_security"),
    silent("bprm_creds_from_file"),
    lsm("file_open"),
    lsm("mmap_file"),
    lsm("file_mprotect"),
    lsm("file_lock"),
    lsm("file_receive"),
    lsm("path_notify"),
    lsm("path_mknod"),
    lsm("path_mkdir"),
    lsm("path_symlink"),
    lsm("path_unlink"),
    lsm("path_rmdir"),
    lsm("path_link"),
    lsm("path_rename"),
    lsm("path_truncate"),
    lsm("path_chmod"),
    lsm("path_chown"),
    lsm("inode_setattr"),
    lsm("inode_setxattr"),
    lsm("inode_removexattr"),
    // Before Linux 6.2 access control lists are extended attributes like others.
    optional("inode_set_acl"),
    optional("inode_remove_acl"),
    // Before Linux 6.17 flags of files are changed by ioctl(2) alone.
    optional("inode_file_setattr"),
    silent("inode_alloc_security"),
    silent("inode_free_security"),
    lsm("inode_getxattr"),
    lsm("inode_readlink"),
    lsm("file_fcntl"),
    lsm("socket_create"),
    silent("socket_post_create"),
    silent("sock_graft"),
    lsm("unix_stream_connect"),
    lsm("unix_may_send"),
    lsm("socket_connect"),
    lsm("socket_bind"),
    lsm("socket_sendmsg"),
    lsm("socket_listen"),
    lsm("socket_accept"),
    lsm("socket_setsockopt"),
    lsm("ptrace_access_check"),
    lsm("ptrace_traceme"),
    lsm("task_kill"),
    lsm("task_setpgid"),
    lsm("task_setnice"),
    lsm("task_setioprio"),
    lsm("task_setscheduler"),
    lsm("task_setrlimit"),
    lsm("capable"),
    lsm("userns_create"),
    silent("msg_queue_alloc_security"),
    silent("shm_alloc_security"),
    silent("sem_alloc_security"),
    silent("msg_queue_free_security"),
    silent("shm_free_security"),
    silent("sem_free_security"),
    lsm("ipc_permission"),
    lsm("msg_queue_msgctl"),
    lsm("shm_shmctl"),
    lsm("sem_semctl"),
    silent("key_alloc"),
    lsm("key_permission"),
    entry("security_key_free"),
    lsm("sb_mount"),
    lsm("sb_umount"),
    silent("sb_remount"),
    lsm("sb_pivotroot"),
    lsm("move_mount"),
    lsm("path_chroot"),
    lsm("bpf"),
    lsm("file_ioctl"),
    silent("file_ioctl_compat"),
    lsm("perf_event_open"),
    silent("kernel_load_data"),
    silent("kernel_read_file"),
    silent("locked_down"),
    lsm("syslog"),
    lsm("quotactl"),
    lsm("inode_init_security_anon"),
];

/// Beside them, where the programs of hooks are attached at functions.
pub const AT_FUNCTIONS: &[Program] = &[entry("security_sk_free"), exit("security_bprm_creds_from_file")];

/// The programs for one way of attaching that this kernel has hooks for.
#[must_use]
pub fn programs(attachment: Attachment, kernel: &Btf) -> Vec<&'static Program> {
    let more = if attachment == Attachment::Function { AT_FUNCTIONS } else { &[] };
    let has =
        |program: &&Program| !program.optional || kernel.has_function(&format!("bpf_lsm_{}", program.name));
    more.iter().chain(PROGRAMS).filter(has).collect()
}

/// The iterator over tasks.
pub const CENSUS: &str = "census";

/// The maps, pinned by these names.
pub const MAPS: &[&str] = &[
    "CGROUPS",
    "EVENTS",
    "COUNTERS",
    "RECORDING",
    "SCRATCH",
    "LABELS",
    "EXECS",
    "WAITS",
    "HOLDS",
    "DECISIONS",
    "GRANTS",
    "SOCKETS",
    "OBJECTS",
    "IMAGES_SMALL",
    "IMAGES_LARGE",
];
