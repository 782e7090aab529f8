//! The unsafe calls of the kernel side, each behind a small safe function.

pub mod bpf;
pub(crate) mod canary_calls;
pub(crate) mod children;
pub(crate) mod tracing;
pub(crate) mod watch;

use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// A path as the kernel takes it.
fn path_text(path: &Path) -> io::Result<CString> {
    Ok(CString::new(path.as_os_str().as_bytes())?)
}
