//! The register of programs: what runs in the kernel, and where. Thin wrappers only.
#![no_std]
#![no_main]
#![feature(asm_experimental_arch)]

mod arguments;
mod atomic;
mod bounds;
mod cache;
mod decide;
mod emit;
mod everywhere;
mod hold;
mod hooks;
mod image;
mod judge;
mod kernel;
mod label;
mod layout;
mod maps;
mod path;
mod ruling;
mod scratch;

use aya_ebpf::macros::{btf_tracepoint, fentry, fexit, lsm};
use aya_ebpf::programs::{BtfTracePointContext, FEntryContext, FExitContext, LsmContext};

macro_rules! lsm_programs {
    ($($name:ident => $body:path;)*) => {
        $(
            #[lsm]
            fn $name(context: LsmContext) -> i32 {
                $body(&context)
            }
        )*
    };
}

lsm_programs! {
    bprm_check_security => hooks::exec::check;
    bprm_creds_from_file => hooks::exec::credentials;
    file_open => hooks::file::open;
    mmap_file => hooks::file::mmap;
    file_mprotect => hooks::file::mprotect;
    file_receive => hooks::file::receive;
    path_notify => hooks::file::watch;
    path_mknod => hooks::file::mknod;
    path_mkdir => hooks::file::mkdir;
    path_symlink => hooks::file::create;
    path_unlink => hooks::file::delete;
    path_rmdir => hooks::file::delete;
    path_link => hooks::file::link;
    path_rename => hooks::file::rename;
    path_truncate => hooks::file::truncate;
    path_chmod => hooks::file::metadata;
    path_chown => hooks::file::metadata;
    inode_setattr => hooks::file::times;
    inode_setxattr => hooks::file::attribute;
    inode_removexattr => hooks::file::attribute;
    inode_set_acl => hooks::file::attribute;
    inode_remove_acl => hooks::file::attribute;
    inode_file_setattr => hooks::file::flags;
    inode_getxattr => hooks::file::attribute_read;
    inode_readlink => hooks::file::link_read;
    file_fcntl => hooks::kernel::fcntl;
    socket_create => hooks::net::create;
    socket_post_create => hooks::unix::made;
    unix_stream_connect => hooks::unix::connect;
    unix_may_send => hooks::unix::send;
    socket_connect => hooks::net::connect;
    socket_bind => hooks::net::bind;
    socket_sendmsg => hooks::net::send;
    socket_listen => hooks::net::listen;
    socket_accept => hooks::net::accept;
    socket_setsockopt => hooks::net::option;
    task_alloc => hooks::process::alloc;
    ptrace_access_check => hooks::process::trace;
    ptrace_traceme => hooks::process::traceme;
    task_kill => hooks::process::kill;
    task_setnice => hooks::process::adjust;
    task_setioprio => hooks::process::adjust;
    task_setscheduler => hooks::process::adjust;
    task_setrlimit => hooks::process::adjust;
    capable => hooks::process::capable;
    userns_create => hooks::process::namespace;
    msg_queue_alloc_security => hooks::ipc::made;
    shm_alloc_security => hooks::ipc::made;
    sem_alloc_security => hooks::ipc::made;
    msg_queue_free_security => hooks::ipc::freed;
    shm_free_security => hooks::ipc::freed;
    sem_free_security => hooks::ipc::freed;
    ipc_permission => hooks::ipc::used;
    msg_queue_msgctl => hooks::ipc::used;
    shm_shmctl => hooks::ipc::used;
    sem_semctl => hooks::ipc::used;
    key_alloc => hooks::ipc::key_made;
    key_permission => hooks::ipc::key_used;
    sb_mount => hooks::kernel::mount;
    sb_umount => hooks::kernel::mount;
    sb_pivotroot => hooks::kernel::mount;
    move_mount => hooks::kernel::mount;
    path_chroot => hooks::kernel::mount;
    bpf => hooks::kernel::bpf;
    file_ioctl => hooks::ioctl::ioctl;
    file_ioctl_compat => hooks::ioctl::ioctl;
    perf_event_open => hooks::kernel::perf;
    syslog => hooks::kernel::syslog;
    quotactl => hooks::kernel::quota;
    inode_init_security_anon => hooks::kernel::anonymous;
}

/// The hook `key_free` is not one of the security modules' any more since Linux 6.12.
#[fentry(function = "security_key_free")]
fn security_key_free(context: FEntryContext) -> i32 {
    hooks::ipc::forget(context.arg(0));
    0
}

/// Attached only where the programs above run at functions: see [`hooks::unix`].
#[fentry(function = "security_sk_free")]
fn security_sk_free(context: FEntryContext) -> i32 {
    hooks::ipc::forget(context.arg(0));
    0
}

/// Attached only where the programs above run at functions.
#[fexit(function = "security_bprm_creds_from_file")]
fn security_bprm_creds_from_file(context: FExitContext) -> i32 {
    hooks::exec::gained(context.arg(0), context.arg(1));
    0
}

#[btf_tracepoint(function = "sched_process_exec")]
fn sched_process_exec(context: BtfTracePointContext) -> i32 {
    hooks::exec::done(&context);
    0
}

#[btf_tracepoint(function = "sched_process_fork")]
fn sched_process_fork(context: BtfTracePointContext) -> i32 {
    hooks::process::forked(&context);
    0
}

#[btf_tracepoint(function = "sched_process_exit")]
fn sched_process_exit(context: BtfTracePointContext) -> i32 {
    hooks::process::ended(&context);
    0
}

#[btf_tracepoint(function = "cgroup_attach_task")]
fn cgroup_attach_task(context: BtfTracePointContext) -> i32 {
    hooks::process::attached(&context);
    0
}

/// Visits every task; run by the daemon, not by an event.
#[unsafe(no_mangle)]
#[unsafe(link_section = "iter/task")]
fn census(context: *const hooks::process::TaskIteration) -> i32 {
    // SAFETY: the kernel gives the iterator's own context.
    hooks::process::visit(unsafe { &*context });
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
