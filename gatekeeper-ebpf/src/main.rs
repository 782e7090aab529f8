//! The register of programs: every program and the hook it is attached to. Thin wrappers only.
//!
//! Modules import downwards only, in this order from the bottom:
//!
//! 1. `atomic`, `bounds`, `layers`, `outcome`: instructions and numbers that the verifier accepts
//! 2. `kernel`: views of the kernel's structures
//! 3. `ruling`, `layout`: the structures of maps and of the scratch buffer
//! 4. `maps`, then `scratch`, `image`, `label`: access to them
//! 5. `path`, `cache`: from a place in the tree to its path
//! 6. `decide`, then `arguments`: the verdict of the layers
//! 7. `emit`, then `hold`: events, and operations that wait
//! 8. `judge`, then `all_mounts`: from a request to a hook's result
//! 9. `hooks`: from a hook's arguments to a request
#![no_std]
#![no_main]
#![feature(asm_experimental_arch)]
#![expect(clippy::needless_pass_by_value, reason = "a program gets its context by value")]

mod all_mounts;
mod arguments;
mod atomic;
mod bounds;
mod cache;
mod decide;
mod emit;
mod hold;
mod hooks;
mod image;
mod judge;
mod kernel;
mod label;
mod layers;
mod layout;
mod maps;
mod outcome;
mod path;
mod ruling;
mod scratch;

use aya_ebpf::macros::{btf_tracepoint, fentry, fexit, lsm};
use aya_ebpf::programs::{BtfTracePointContext, FEntryContext, FExitContext, LsmContext};

macro_rules! lsm_programs {
    ($($name:ident => $body:path;)*) => {
        $(
            // A frame of its own would count against the stack (kernel/bpf/verifier.c `check_max_stack_depth`).
            #[lsm]
            #[inline(always)]
            fn $name(context: LsmContext) -> i32 {
                $body(&context)
            }
        )*
    };
}

lsm_programs! {
    bprm_check_security => hooks::exec::bprm_check_security;
    bprm_creds_from_file => hooks::exec::bprm_creds_from_file;
    file_open => hooks::file::file_open;
    mmap_file => hooks::file::mmap_file;
    file_mprotect => hooks::file::file_mprotect;
    file_lock => hooks::file::file_lock;
    file_receive => hooks::file::file_receive;
    path_notify => hooks::file::path_notify;
    path_mknod => hooks::file::path_mknod;
    path_mkdir => hooks::file::path_mkdir;
    path_symlink => hooks::file::path_symlink;
    path_unlink => hooks::file::path_unlink;
    path_rmdir => hooks::file::path_rmdir;
    path_link => hooks::file::path_link;
    path_rename => hooks::file::path_rename;
    path_truncate => hooks::file::path_truncate;
    path_chmod => hooks::file::path_chmod;
    path_chown => hooks::file::path_chown;
    inode_setattr => hooks::file::inode_setattr;
    inode_setxattr => hooks::file::inode_setxattr;
    inode_removexattr => hooks::file::inode_removexattr;
    inode_set_acl => hooks::file::inode_set_acl;
    inode_remove_acl => hooks::file::inode_remove_acl;
    inode_file_setattr => hooks::file::inode_file_setattr;
    inode_alloc_security => hooks::terminal::inode_alloc_security;
    inode_free_security => hooks::terminal::inode_free_security;
    inode_getxattr => hooks::file::inode_getxattr;
    inode_readlink => hooks::file::inode_readlink;
    file_fcntl => hooks::kernel::file_fcntl;
    socket_create => hooks::net::socket_create;
    socket_post_create => hooks::unix::socket_post_create;
    sock_graft => hooks::unix::sock_graft;
    unix_stream_connect => hooks::unix::unix_stream_connect;
    unix_may_send => hooks::unix::unix_may_send;
    socket_connect => hooks::net::socket_connect;
    socket_bind => hooks::net::socket_bind;
    socket_sendmsg => hooks::net::socket_sendmsg;
    socket_listen => hooks::net::socket_listen;
    socket_accept => hooks::net::socket_accept;
    socket_setsockopt => hooks::net::socket_setsockopt;
    task_alloc => hooks::process::task_alloc;
    ptrace_access_check => hooks::process::ptrace_access_check;
    ptrace_traceme => hooks::process::ptrace_traceme;
    task_kill => hooks::process::task_kill;
    task_setpgid => hooks::process::task_setpgid;
    task_setnice => hooks::process::task_setnice;
    task_setioprio => hooks::process::task_setioprio;
    task_setscheduler => hooks::process::task_setscheduler;
    task_setrlimit => hooks::process::task_setrlimit;
    capable => hooks::process::capable;
    userns_create => hooks::process::userns_create;
    msg_queue_alloc_security => hooks::ipc::msg_queue_alloc_security;
    shm_alloc_security => hooks::ipc::shm_alloc_security;
    sem_alloc_security => hooks::ipc::sem_alloc_security;
    msg_queue_free_security => hooks::ipc::msg_queue_free_security;
    shm_free_security => hooks::ipc::shm_free_security;
    sem_free_security => hooks::ipc::sem_free_security;
    ipc_permission => hooks::ipc::ipc_permission;
    msg_queue_msgctl => hooks::ipc::msg_queue_msgctl;
    shm_shmctl => hooks::ipc::shm_shmctl;
    sem_semctl => hooks::ipc::sem_semctl;
    key_alloc => hooks::key::key_alloc;
    key_permission => hooks::key::key_permission;
    sb_mount => hooks::kernel::sb_mount;
    sb_umount => hooks::kernel::sb_umount;
    sb_remount => hooks::kernel::sb_remount;
    sb_pivotroot => hooks::kernel::sb_pivotroot;
    move_mount => hooks::kernel::move_mount;
    path_chroot => hooks::kernel::path_chroot;
    bpf => hooks::kernel::bpf;
    file_ioctl => hooks::ioctl::file_ioctl;
    file_ioctl_compat => hooks::ioctl::file_ioctl_compat;
    perf_event_open => hooks::kernel::perf_event_open;
    kernel_load_data => hooks::kernel::kernel_load_data;
    kernel_read_file => hooks::kernel::kernel_read_file;
    locked_down => hooks::kernel::locked_down;
    syslog => hooks::kernel::syslog;
    quotactl => hooks::kernel::quotactl;
    inode_init_security_anon => hooks::kernel::inode_init_security_anon;
}

/// The hook `key_free` is not one of the security modules' any more since Linux 6.12.
#[fentry(function = "security_key_free")]
fn security_key_free(context: FEntryContext) -> i32 {
    hooks::ipc::security_key_free(context.arg(0));
    0
}

/// Attached only where the programs above run at functions: see [`hooks::unix`].
#[fentry(function = "security_sk_free")]
fn security_sk_free(context: FEntryContext) -> i32 {
    hooks::ipc::security_sk_free(context.arg(0));
    0
}

/// Attached only where the programs above run at functions.
#[fexit(function = "security_bprm_creds_from_file")]
fn security_bprm_creds_from_file(context: FExitContext) -> i32 {
    hooks::exec::security_bprm_creds_from_file(context.arg(0), context.arg(1));
    0
}

#[btf_tracepoint(function = "sched_process_exec")]
fn sched_process_exec(context: BtfTracePointContext) -> i32 {
    hooks::exec::sched_process_exec(&context);
    0
}

#[btf_tracepoint(function = "sched_process_fork")]
fn sched_process_fork(context: BtfTracePointContext) -> i32 {
    hooks::process::sched_process_fork(&context);
    0
}

#[btf_tracepoint(function = "sched_process_exit")]
fn sched_process_exit(context: BtfTracePointContext) -> i32 {
    hooks::process::sched_process_exit(&context);
    0
}

#[btf_tracepoint(function = "cgroup_attach_task")]
fn cgroup_attach_task(context: BtfTracePointContext) -> i32 {
    hooks::process::cgroup_attach_task(&context);
    0
}

/// The iterator over all tasks; run by the daemon, not by an event.
#[unsafe(no_mangle)]
#[unsafe(link_section = "iter/task")]
extern "C" fn census(context: *const hooks::process::TaskIteration) -> i32 {
    // SAFETY: the kernel gives the iterator's own context.
    hooks::process::census(unsafe { &*context });
    0
}

#[cfg(not(test))]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    loop {}
}

#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";
