//! Whom attacks are after: a process of the same user outside any session, that keeps the token in every
//! place a process has.

use std::ffi::{CString, c_void};
use std::fs::File;
use std::io::Write;
use std::os::fd::AsRawFd;
use std::process::ExitCode;
use std::time::Duration;

use crate::sys::{Errno, check};

/// The command's words: the guarded folder and the number of the lane. The token comes in the environment.
pub fn serve(mut words: impl Iterator<Item = String>) -> ExitCode {
    let (Some(guarded), Some(lane)) = (words.next(), words.next()) else { return ExitCode::from(2) };
    let token = std::env::var("TOKEN").unwrap_or_default();
    match keep(&guarded, &lane, &token) {
        Ok(never) => never,
        Err(errno) => {
            eprintln!("victim: {}", std::io::Error::from_raw_os_error(errno));
            ExitCode::FAILURE
        }
    }
}

fn keep(guarded: &str, lane: &str, token: &str) -> Errno<ExitCode> {
    let lane: i32 = lane.parse().map_err(|_| libc::EINVAL)?;
    let secret = File::open(format!("{guarded}/secret")).map_err(|error| crate::sys::errno(&error))?;
    let mut memory = [0_u8; 64];
    memory[..token.len()].copy_from_slice(token.as_bytes());
    let (size, key) = (64, 0x6b00 + lane);
    let mode = libc::IPC_CREAT | 0o600;
    // SAFETY: no pointers.
    let shared = check(unsafe { libc::shmget(key, size, mode) })? as i32;
    // SAFETY: a new mapping of `size` bytes, written within.
    unsafe {
        let at = libc::shmat(shared, std::ptr::null(), 0);
        at.copy_from_nonoverlapping(memory.as_ptr().cast::<c_void>(), size);
    }
    // SAFETY: no pointers.
    let queue = check(unsafe { libc::msgget(key, mode) })? as i32;
    let mut message = vec![1_u8, 0, 0, 0, 0, 0, 0, 0];
    message.extend(memory);
    // SAFETY: a type and `size` bytes.
    check(unsafe { libc::msgsnd(queue, message.as_ptr().cast(), size, libc::IPC_NOWAIT) })?;
    // SAFETY: no pointers.
    let semaphore = check(unsafe { libc::semget(key, 1, mode) })? as i32;
    // SAFETY: SETVAL takes a number.
    check(unsafe { libc::semctl(semaphore, 0, libc::SETVAL, 7) })?;
    post(lane, &memory)?;
    keep_key(lane, token)?;
    let at = memory.as_ptr();
    println!("{} {:#x} {} {shared} {queue} {semaphore}", std::process::id(), at as usize, secret.as_raw_fd());
    let _ = std::io::stdout().flush();
    let was = memory;
    loop {
        std::thread::sleep(Duration::from_millis(5));
        // SAFETY: the array lives as long as this function; others write it behind our back.
        let is = unsafe { at.cast::<[u8; 64]>().read_volatile() };
        if is != was {
            let _ = std::fs::write(format!("{guarded}/memory-changed"), is);
        }
    }
}

/// A message in a POSIX queue, and a file of shared memory.
fn post(lane: i32, memory: &[u8]) -> Errno<()> {
    let name = CString::new(format!("/escapes-{lane}")).map_err(|_| libc::EINVAL)?;
    let flags = libc::O_CREAT | libc::O_RDWR;
    // SAFETY: the name ends in NUL; the kernel's usual sizes.
    let queue =
        check(unsafe { libc::mq_open(name.as_ptr(), flags, 0o600, std::ptr::null::<libc::mq_attr>()) })?;
    // SAFETY: a message of the length told.
    check(unsafe { libc::mq_send(queue as i32, memory.as_ptr().cast(), memory.len(), 0) })?;
    std::fs::write(format!("/dev/shm/escapes-{lane}"), memory).map_err(|error| crate::sys::errno(&error))
}

/// The token in the user's keyring, readable for the user.
fn keep_key(lane: i32, token: &str) -> Errno<()> {
    const USER_KEYRING: i32 = -4;
    const KEYCTL_SETPERM: i32 = 5;
    const ALL_FOR_USER: u32 = 0x3f3f_0000;
    let name = CString::new(format!("escapes-{lane}")).map_err(|_| libc::EINVAL)?;
    // SAFETY: strings that end in NUL, and a payload of the length told.
    let key = check(unsafe {
        libc::syscall(
            libc::SYS_add_key,
            c"user".as_ptr(),
            name.as_ptr(),
            token.as_ptr(),
            token.len(),
            USER_KEYRING,
        )
    })?;
    // SAFETY: no pointers.
    check(unsafe { libc::syscall(libc::SYS_keyctl, KEYCTL_SETPERM, key, ALL_FOR_USER) }).map(drop)
}

/// Takes away what a victim leaves behind when it is killed.
pub fn bury(lane: usize, ids: &[i32]) {
    if let &[shared, queue, semaphore] = ids {
        // SAFETY: no pointers.
        unsafe {
            libc::shmctl(shared, libc::IPC_RMID, std::ptr::null_mut());
            libc::msgctl(queue, libc::IPC_RMID, std::ptr::null_mut());
            libc::semctl(semaphore, 0, libc::IPC_RMID);
        }
    }
    if let Ok(name) = CString::new(format!("/escapes-{lane}")) {
        // SAFETY: ends in NUL.
        unsafe { libc::mq_unlink(name.as_ptr()) };
    }
    let _ = std::fs::remove_file(format!("/dev/shm/escapes-{lane}"));
}
