//! Waiting on a descriptor without blocking a thread.

use std::io;
use std::os::fd::AsFd;
use std::os::fd::AsRawFd;

use tokio::io::unix::AsyncFd;

/// Registers a descriptor's owner with the runtime.
///
/// # Errors
/// Where the runtime refuses, as where the descriptor can't be polled.
pub fn watch<T: AsRawFd + AsFd>(owner: T) -> io::Result<AsyncFd<T>> {
    // SAFETY: the owner's descriptor stays open and the same as long as the owner lives, and AsyncFd
    // takes it off the runtime before it drops the owner; nothing else here closes or replaces it.
    unsafe { AsyncFd::register(owner) }.map_err(Into::into)
}
