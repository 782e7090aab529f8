//! Acts that start programs.

use std::ffi::{CString, OsStr};
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use super::Done;
use super::file::owned;
use crate::sys::{c, check, errno};

pub fn act(verb: &str, arguments: &[Vec<u8>]) -> Option<Done> {
    let done = match (verb, arguments.len()) {
        ("run", 1..) => run(arguments, false),
        // From a thread that is not the leader, in a process of its own.
        ("run-from-thread", 1..) => run(arguments, true),
        ("run-descriptor", 1) => c(&arguments[0]).and_then(|path| {
            // SAFETY: the string ends in NUL and outlives the call.
            let fd = check(unsafe { libc::open(path.as_ptr(), libc::O_PATH) })?;
            by_descriptor(owned(fd).as_raw_fd())
        }),
        ("run-memory", 1) => from_memory(&arguments[0]),
        _ => return None,
    };
    Some(done)
}

/// Starts a program and waits: its exit status on the first line, then all it wrote.
fn run(words: &[Vec<u8>], from_thread: bool) -> Done {
    let mut command = Command::new(OsStr::from_bytes(&words[0]));
    command.args(words[1..].iter().map(|word| OsStr::from_bytes(word)));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    if from_thread {
        let words = words.iter().map(|word| c(word)).collect::<Result<Vec<_>, _>>()?;
        // SAFETY: the child is a copy of this one thread; it makes one more and waits.
        unsafe { command.pre_exec(move || exec_in_thread(&words)) };
    }
    let output = command.output().map_err(|error| errno(&error))?;
    let status = output.status.code().unwrap_or(-1);
    let mut bytes = format!("{status}\n").into_bytes();
    bytes.extend(output.stdout);
    bytes.extend(output.stderr);
    Ok(bytes)
}

/// Only returns where the exec failed: else the thread has become the program.
fn exec_in_thread(words: &[CString]) -> std::io::Result<()> {
    let words = words.to_vec();
    let thread = std::thread::spawn(move || {
        let mut pointers: Vec<_> = words.iter().map(|word| word.as_ptr()).collect();
        pointers.push(std::ptr::null());
        // SAFETY: both end in NUL; the strings outlive the call.
        unsafe { libc::execv(pointers[0], pointers.as_ptr()) };
        std::io::Error::last_os_error()
    });
    Err(thread.join().unwrap_or_else(|_| std::io::Error::other("the thread panicked")))
}

/// Starts the program behind a descriptor; the error comes back through a pipe.
fn by_descriptor(fd: i32) -> Done {
    let (mut reader, mut writer) = std::io::pipe().map_err(|error| errno(&error))?;
    // SAFETY: the child only makes system calls until it execs or exits.
    let child = check(unsafe { libc::fork() })?;
    if child == 0 {
        let arguments = [c"program".as_ptr(), c"--version".as_ptr(), std::ptr::null()];
        let environment: [*const libc::c_char; 1] = [std::ptr::null()];
        // SAFETY: everything ends in NUL; the child leaves by exec or _exit.
        unsafe {
            libc::dup2(libc::open(c"/dev/null".as_ptr(), libc::O_WRONLY), 1);
            libc::syscall(
                libc::SYS_execveat,
                fd,
                c"".as_ptr(),
                arguments.as_ptr(),
                environment.as_ptr(),
                libc::AT_EMPTY_PATH,
            );
            let failed = errno(&std::io::Error::last_os_error());
            let _ = writer.write_all(&failed.to_ne_bytes());
            libc::_exit(1);
        }
    }
    drop(writer);
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).map_err(|error| errno(&error))?;
    let mut status = 0;
    // SAFETY: the child is ours and the pointer good.
    check(unsafe { libc::waitpid(child as i32, &raw mut status, 0) })?;
    match bytes.try_into() {
        Ok(bytes) => Err(i32::from_ne_bytes(bytes)),
        Err(_) => Ok(format!("{}\n", libc::WEXITSTATUS(status)).into_bytes()),
    }
}

/// Copies a program into memory that has no name in any folder, and starts that.
fn from_memory(path: &[u8]) -> Done {
    let content = std::fs::read(OsStr::from_bytes(path)).map_err(|error| errno(&error))?;
    // SAFETY: the name ends in NUL.
    let memory = check(unsafe { libc::memfd_create(c"program".as_ptr(), libc::MFD_CLOEXEC) })?;
    let mut memory = std::fs::File::from(owned(memory));
    memory.write_all(&content).map_err(|error| errno(&error))?;
    // A file that is open for writing can't be started; this descriptor only names it.
    let named = c(format!("/proc/self/fd/{}", memory.as_raw_fd()).as_bytes())?;
    // SAFETY: the string ends in NUL and outlives the call.
    let named = owned(check(unsafe { libc::open(named.as_ptr(), libc::O_PATH | libc::O_CLOEXEC) })?);
    drop(memory);
    by_descriptor(named.as_raw_fd())
}
