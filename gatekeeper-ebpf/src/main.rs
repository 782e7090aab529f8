//! The register of programs: what runs in the kernel, and where. Thin wrappers only.
#![no_std]
#![no_main]
#![feature(asm_experimental_arch)]
#![expect(
    clippy::too_many_arguments,
    reason = "an event has many parts, and BPF has no place to gather them"
)]

mod atomic;
mod cache;
mod decide;
mod emit;
mod hooks;
mod image;
mod judge;
mod kernel;
mod label;
mod maps;
mod path;
mod scratch;

use aya_ebpf::macros::{btf_tracepoint, lsm};
use aya_ebpf::programs::{BtfTracePointContext, LsmContext};

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
    file_open => hooks::file::open;
    mmap_file => hooks::file::mmap;
    file_mprotect => hooks::file::mprotect;
    path_mknod => hooks::file::create;
    path_mkdir => hooks::file::mkdir;
    path_symlink => hooks::file::create;
    path_unlink => hooks::file::delete;
    path_rmdir => hooks::file::delete;
    path_link => hooks::file::link;
    path_rename => hooks::file::rename;
    path_truncate => hooks::file::truncate;
    path_chmod => hooks::file::metadata;
    path_chown => hooks::file::metadata;
    socket_create => hooks::net::create;
    socket_connect => hooks::net::connect;
    socket_bind => hooks::net::bind;
    socket_sendmsg => hooks::net::send;
    task_alloc => hooks::process::alloc;
    ptrace_access_check => hooks::process::trace;
    ptrace_traceme => hooks::process::traceme;
    task_kill => hooks::process::kill;
    sb_mount => hooks::kernel::mount;
    sb_umount => hooks::kernel::mount;
    sb_pivotroot => hooks::kernel::mount;
    move_mount => hooks::kernel::mount;
    path_chroot => hooks::kernel::mount;
    bpf => hooks::kernel::bpf;
    file_ioctl => hooks::kernel::ioctl;
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
