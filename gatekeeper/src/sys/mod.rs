//! Every unsafe and libc call of user space, each behind a small safe function.

pub mod acts;
pub mod bpf;
pub mod watch;
