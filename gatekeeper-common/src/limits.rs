//! Every bound in the system, each with its reason.

/// Bytes of a path, at most. The kernel's own `PATH_MAX` (include/uapi/linux/limits.h) is 4,096 with
/// the closing NUL; a longer path can exist (built with relative calls) and is denied.
pub const PATH_BYTES: usize = 4096;

/// Bytes of one path component, at most (`NAME_MAX`, include/uapi/linux/limits.h).
pub const NAME_BYTES: usize = 255;

/// Components of a path, at most; what lies deeper is denied.
pub const COMPONENTS: u32 = 255;

/// Mounts crossed between a file and the root of its mount namespace, at most.
pub const MOUNTS: u32 = 32;

/// Layers of policy on one task: a session, what it nests in, and the floor under all.
pub const LAYERS: usize = 8;

/// Policies that can be live in the kernel at once, over all sessions.
pub const SLOTS: u32 = 1024;

/// Cgroups that can carry a label of their own (descendants need no entry).
pub const CGROUPS: u32 = 4096;

/// Ancestors of a process whose controlling terminal it may open: more than a shell's jobs have above them.
pub const ANCESTORS: u32 = 16;

/// Children of a process among which one in a process group is looked for: more than the jobs of a shell.
pub const SIBLINGS: u32 = 1024;

/// Levels of the cgroup tree searched for a labelled ancestor: more than a path of [`PATH_BYTES`] can name.
pub const CGROUP_DEPTH: u32 = 2048;

/// Bytes of one plane of a small image. Two planes make an image, so a session costs 1 MiB of kernel
/// memory; every policy that ships fits.
pub const PLANE_SMALL: usize = 512 << 10;

/// Bytes of one plane of a large image: the most that one array element may have on Linux 6.1
/// (`KMALLOC_MAX_SIZE`, checked in kernel/bpf/arraymap.c `array_map_alloc_check`).
pub const PLANE_LARGE: usize = 4 << 20;

/// Scratch buffers a CPU has. A hook can be preempted by another task's hook on the same CPU, so each
/// takes a buffer of its own; with all in use the operation is denied.
pub const SCRATCH_SLOTS: u32 = 16;

/// Bytes of the ring buffer that carries events to the daemon.
pub const RING_BYTES: u32 = 8 << 20;

/// Directories that each CPU remembers: more than a build works in at a time, in 90 KiB.
pub const CACHE_ENTRIES: u32 = 1024;

/// Bytes between the kernel's two sequence counters of path changes, at most, for both to be read at once.
pub const SEQUENCES_SPAN: u32 = 128;

/// Keys and System V objects of sessions that can exist at once.
pub const OBJECTS: u32 = 1 << 14;

/// Bytes of the name of an abstract UNIX socket with the NUL before it: `sun_path` of `struct sockaddr_un`
/// (include/uapi/linux/un.h).
pub const UNIX_BYTES: u32 = 108;

/// Bytes of arguments that rules look at, where the policy sets no other limit: as many as Linux takes with the
/// usual stack of 8 MiB, of which a quarter is for arguments and environment (fs/exec.c `bprm_stack_limits`, 6.12).
pub const ARGUMENT_BYTES: u32 = 2 << 20;

/// The largest limit a policy can set on the bytes of arguments: as many as Linux takes with any stack, three
/// quarters of 8 MiB (fs/exec.c `bprm_stack_limits`, 6.12). A loop of bpf takes 8 Mi turns (`BPF_MAX_LOOPS`,
/// include/linux/bpf_verifier.h).
pub const ARGUMENT_BYTES_MOST: u32 = 6 << 20;

/// Bytes of environment a program may have, where a rule asks for names in it.
pub const ENVIRONMENT_BYTES: u32 = 256 << 10;

/// Operations of one session that can wait for a decision at once; what is asked beyond is denied, so that
/// nobody is asked more than can be read.
pub const HOLDS_PER_SESSION: u32 = 64;

/// Approvals for more than once that a session can have at once.
pub const GRANTS_PER_SESSION: u32 = 16;

/// Holds of all sessions; 8 KiB each, as far as they are used.
pub const HOLDS: u32 = 2048;

/// Grants of all sessions; 8 KiB each, as far as they are used.
pub const GRANTS: u32 = 2048;

/// Holds of one thread that can be under way: one system call can ask for more than one thing.
pub const HOLDS_PER_THREAD: usize = 4;

/// Arguments that an exec can have to be held. With more, or with more than [`PATH_BYTES`] bytes of them,
/// nobody can be shown all, and it is denied.
pub const HELD_ARGUMENTS: u32 = 1024;

/// Mounts of one file system looked at, where a hook does not say which one is meant.
pub const SIBLING_MOUNTS: u32 = 128;
