//! Acts on files.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::{ffi::OsStr, io};

use super::Done;
use crate::sys::{Errno, c, check, errno};

pub fn act(verb: &str, arguments: &[Vec<u8>]) -> Option<Done> {
    let path = |at: usize| Path::new(OsStr::from_bytes(&arguments[at]));
    let done = match (verb, arguments.len()) {
        ("read", 1) => bytes(fs::read(path(0))),
        ("open", 1) => unit(File::open(path(0)).map(drop)),
        ("write", 2) => write(OpenOptions::new().write(true), path(0), &arguments[1]),
        ("append", 2) => write(OpenOptions::new().append(true), path(0), &arguments[1]),
        ("create", 2) => write(OpenOptions::new().write(true).create_new(true), path(0), &arguments[1]),
        ("open-truncating", 1) => write(OpenOptions::new().write(true).truncate(true), path(0), b""),
        // Truncates although it opens for reading only.
        ("read-truncating", 1) => {
            bytes(OpenOptions::new().read(true).custom_flags(libc::O_TRUNC).open(path(0)).and_then(whole))
        }
        ("truncate", 1) => {
            // SAFETY: the string ends in NUL and outlives the call.
            nothing(c(&arguments[0]).and_then(|name| check(unsafe { libc::truncate(name.as_ptr(), 0) })))
        }
        ("list", 1) => bytes(list(path(0))),
        ("delete", 1) => unit(fs::remove_file(path(0))),
        ("delete-folder", 1) => unit(fs::remove_dir(path(0))),
        ("make-folder", 1) => unit(fs::create_dir(path(0))),
        ("make-fifo", 1) => {
            // SAFETY: as above.
            nothing(c(&arguments[0]).and_then(|name| check(unsafe { libc::mkfifo(name.as_ptr(), 0o644) })))
        }
        ("symlink", 2) => unit(std::os::unix::fs::symlink(path(0), path(1))),
        ("link", 2) => unit(fs::hard_link(path(0), path(1))),
        ("rename", 2) => unit(fs::rename(path(0), path(1))),
        ("chmod", 1) => unit(fs::set_permissions(path(0), fs::Permissions::from_mode(0o600))),
        ("chown", 1) => unit(std::os::unix::fs::chown(path(0), None, Some(1000))),
        ("touch", 1) => unit(touch(path(0))),
        ("ioctl", 2) => nothing(command(path(0), &arguments[1])),
        ("set-attribute", 2) => nothing(attribute(&arguments[0], Some(&arguments[1]))),
        ("remove-attribute", 1) => nothing(attribute(&arguments[0], None)),
        ("read-attribute", 1) => read_attribute(&arguments[0]),
        ("read-link", 1) => bytes(fs::read_link(path(0)).map(|to| to.as_os_str().as_bytes().to_vec())),
        ("watch", 1) => nothing(watch(&arguments[0])),
        ("enter", 1) => unit(std::env::set_current_dir(path(0))),
        ("read-at", 2) => folder(&arguments[0]).and_then(|at| read_at(&at, &arguments[1])),
        ("read-through-descriptor", 2) => folder(&arguments[0]).and_then(|at| {
            let name = format!("/proc/self/fd/{}/", at.as_raw_fd()).into_bytes();
            bytes(fs::read(OsStr::from_bytes(&[name, arguments[1].clone()].concat())))
        }),
        // The test passed this descriptor as one of the three that a session keeps.
        ("read-at-stderr", 1) => {
            // SAFETY: descriptor 2 is open; the copy is ours.
            let copy = check(unsafe { libc::dup(2) });
            copy.and_then(|fd| read_at(&owned(fd), &arguments[0]))
        }
        ("read-by-handle", 1) => by_handle(&arguments[0]),
        ("read-deep", _) => deep(arguments),
        ("open-each-way", _) => open_each_way(arguments),
        ("map", 1) => mapped(path(0), libc::PROT_READ | libc::PROT_EXEC, false),
        ("map-then-protect", 1) => mapped(path(0), libc::PROT_READ, true),
        ("map-plainly", 1) => mapped(path(0), libc::PROT_READ, false),
        // As an old program, to which whatever can be read can be executed.
        ("map-as-old-program", 1) => as_old_program(|| mapped(path(0), libc::PROT_READ, false)),
        _ => return None,
    };
    Some(done)
}

pub fn bytes(result: io::Result<Vec<u8>>) -> Done {
    result.map_err(|error| errno(&error))
}

pub fn unit(result: io::Result<()>) -> Done {
    result.map(|()| Vec::new()).map_err(|error| errno(&error))
}

pub fn nothing<T>(result: Errno<T>) -> Done {
    result.map(|_| Vec::new())
}

fn whole(mut file: File) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    file.read_to_end(&mut content).map(|_| content)
}

fn write(options: &OpenOptions, path: &Path, content: &[u8]) -> Done {
    unit(options.open(path).and_then(|mut file| file.write_all(content)))
}

/// Sets the times to the beginning of all times.
fn touch(path: &Path) -> io::Result<()> {
    let path = c(path.as_os_str().as_bytes()).map_err(io::Error::from_raw_os_error)?;
    let times = [libc::timespec { tv_sec: 1, tv_nsec: 0 }; 2];
    // SAFETY: the string ends in NUL, and there are two times.
    check(unsafe { libc::utimensat(libc::AT_FDCWD, path.as_ptr(), times.as_ptr(), 0) })
        .map(drop)
        .map_err(io::Error::from_raw_os_error)
}

const ATTRIBUTE: &std::ffi::CStr = c"user.suite";

fn attribute(path: &[u8], value: Option<&[u8]>) -> Errno<i64> {
    let path = c(path)?;
    let (path, name) = (path.as_ptr(), ATTRIBUTE.as_ptr());
    match value {
        // SAFETY: the strings end in NUL, and the value has the given length.
        Some(value) => check(unsafe { libc::setxattr(path, name, value.as_ptr().cast(), value.len(), 0) }),
        // SAFETY: as above.
        None => check(unsafe { libc::removexattr(path, name) }),
    }
}

fn read_attribute(path: &[u8]) -> Done {
    let path = c(path)?;
    let mut value = vec![0_u8; 256];
    let length =
        // SAFETY: the strings end in NUL, and the buffer has the given length.
        check(unsafe { libc::getxattr(path.as_ptr(), ATTRIBUTE.as_ptr(), value.as_mut_ptr().cast(), value.len()) } as i64)?;
    value.truncate(length as usize);
    Ok(value)
}

/// Watches a folder or a file.
fn watch(path: &[u8]) -> Errno<i64> {
    let path = c(path)?;
    // SAFETY: no pointers.
    let watcher = owned(check(unsafe { libc::inotify_init1(libc::IN_CLOEXEC) })?);
    // SAFETY: the string ends in NUL.
    check(unsafe { libc::inotify_add_watch(watcher.as_raw_fd(), path.as_ptr(), libc::IN_ALL_EVENTS) })
}

fn list(path: &Path) -> io::Result<Vec<u8>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(path)? {
        names.extend(entry?.file_name().as_bytes());
        names.push(b'\n');
    }
    Ok(names)
}

pub fn owned(fd: i64) -> OwnedFd {
    // SAFETY: a system call has just returned it and nobody else owns it.
    unsafe { OwnedFd::from_raw_fd(fd as i32) }
}

fn open_at(at: i32, name: &[u8], flags: i32) -> Errno<OwnedFd> {
    let name = c(name)?;
    // SAFETY: the string ends in NUL and outlives the call.
    check(unsafe { libc::openat(at, name.as_ptr(), flags | libc::O_CLOEXEC) }).map(owned)
}

/// A descriptor of a folder that only names it, which no rule applies to.
fn folder(path: &[u8]) -> Errno<OwnedFd> {
    open_at(libc::AT_FDCWD, path, libc::O_PATH | libc::O_DIRECTORY)
}

fn read_at(at: &OwnedFd, name: &[u8]) -> Done {
    bytes(whole(File::from(open_at(at.as_raw_fd(), name, libc::O_RDONLY)?)))
}

/// Goes down one name after another, so that no limit on a path's length is met before the hook.
fn deep(names: &[Vec<u8>]) -> Done {
    let (last, folders) = names.split_last().ok_or(libc::EINVAL)?;
    let mut at = folder(b"/")?;
    for name in folders {
        at = open_at(at.as_raw_fd(), name, libc::O_PATH | libc::O_DIRECTORY)?;
    }
    read_at(&at, last)
}

/// `struct file_handle` with room for the longest.
#[repr(C)]
struct Handle {
    bytes: u32,
    kind: i32,
    identifier: [u8; libc::MAX_HANDLE_SZ as usize],
}

/// Reads a file that is named by its number on the disk, for which root needs no path.
fn by_handle(path: &[u8]) -> Done {
    let mount = folder(path.rsplitn(2, |byte| *byte == b'/').nth(1).ok_or(libc::EINVAL)?)?;
    let path = c(path)?;
    let mut handle = Handle { bytes: libc::MAX_HANDLE_SZ as u32, kind: 0, identifier: [0; 128] };
    let (at, mut id) = (&raw mut handle, 0);
    // SAFETY: the string ends in NUL; the handle has the room that it names.
    check(unsafe { libc::name_to_handle_at(libc::AT_FDCWD, path.as_ptr(), at.cast(), &raw mut id, 0) })?;
    let at_mount =
        File::open(format!("/proc/self/fd/{}", mount.as_raw_fd())).map_err(|error| errno(&error))?;
    // SAFETY: filled above.
    let opened = check(unsafe { libc::open_by_handle_at(at_mount.as_raw_fd(), at.cast(), libc::O_RDONLY) });
    bytes(whole(File::from(owned(opened?))))
}

/// Opens paths of any length, each in its way (`r`, `w` or `b` for both): of each whether it was allowed,
/// refused, or failed otherwise.
fn open_each_way(words: &[Vec<u8>]) -> Done {
    let mut results = Vec::new();
    for pair in words.chunks_exact(2) {
        let flags = match pair[0].as_slice() {
            b"r" => libc::O_RDONLY,
            b"w" => libc::O_WRONLY,
            b"b" => libc::O_RDWR,
            _ => return Err(libc::EINVAL),
        };
        results.push(match open_long(&pair[1], flags) {
            Ok(_) => b'l',
            Err(libc::EPERM) => b'r',
            Err(_) => b'f',
        });
    }
    Ok(results)
}

/// Goes the first half of the way by a descriptor where the whole is longer than a call takes.
fn open_long(path: &[u8], flags: i32) -> Errno<OwnedFd> {
    if path.len() < 4_000 {
        return open_at(libc::AT_FDCWD, path, flags);
    }
    let middle = path[2_000..].iter().position(|byte| *byte == b'/').ok_or(libc::EINVAL)? + 2_000;
    let half = folder(&path[..middle])?;
    open_at(half.as_raw_fd(), &path[middle + 1..], flags)
}

/// Maps a file's first page, and then perhaps makes it executable.
fn as_old_program(act: impl FnOnce() -> Done) -> Done {
    // SAFETY: no pointers.
    let before = check(unsafe { libc::personality(libc::READ_IMPLIES_EXEC as libc::c_ulong) })?;
    let done = act();
    // SAFETY: as above.
    check(unsafe { libc::personality(before as libc::c_ulong) })?;
    done
}

fn mapped(path: &Path, protection: i32, then_executable: bool) -> Done {
    let file = File::open(path).map_err(|error| errno(&error))?;
    let private = libc::MAP_PRIVATE;
    // SAFETY: a new mapping, of a page that is only read below and unmapped at the end.
    let page = unsafe { libc::mmap(std::ptr::null_mut(), 4096, protection, private, file.as_raw_fd(), 0) };
    if page == libc::MAP_FAILED {
        return Err(errno(&io::Error::last_os_error()));
    }
    let both = libc::PROT_READ | libc::PROT_EXEC;
    // SAFETY: the page was mapped above.
    let protect = || check(unsafe { libc::mprotect(page, 4096, both) });
    let done = if then_executable { protect().map(|_| ()) } else { Ok(()) };
    // SAFETY: mapped above and readable whatever came of the rest; the file is longer than this.
    let start = unsafe { std::slice::from_raw_parts(page.cast::<u8>(), 4) }.to_vec();
    // SAFETY: as above; nothing refers to it any more.
    unsafe { libc::munmap(page, 4096) };
    done.map(|()| start)
}

/// The command of this number, without an argument.
fn command(path: &Path, number: &[u8]) -> Errno<i64> {
    let number =
        std::str::from_utf8(number).ok().and_then(|text| text.parse::<u64>().ok()).ok_or(libc::EINVAL)?;
    let file = fs::File::open(path).map_err(|error| errno(&error))?;
    // SAFETY: the commands that are asked for refuse what is no address.
    check(unsafe { libc::ioctl(file.as_raw_fd(), number, std::ptr::null_mut::<u8>()) })
}
