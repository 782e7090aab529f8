//! The operations, and how they are measured: the median of several batches.

use std::ffi::CStr;
use std::fs;
use std::io::Error;
use std::net::UdpSocket;
use std::os::fd::AsRawFd;
use std::time::Instant;

use anyhow::{Context, Result};

pub const OPERATIONS: [&str; 5] = ["open 2", "open 6", "fork+exec", "connect", "mmap"];

/// Instructions of one operation each, in the order of [`OPERATIONS`].
pub type Figures = [u64; 5];

const SHORT: &CStr = c"/etc/hosts";
const LONG: &CStr = c"/usr/lib/python3/dist-packages/requests/adapters.py";
const PROGRAM: &CStr = c"/usr/bin/true";
const BATCHES: usize = 7;

/// The files to be opened.
pub fn prepare() -> Result<()> {
    for path in [SHORT, LONG] {
        let path = path.to_str()?;
        let folder = path.rsplit_once('/').map_or("/", |(folder, _)| folder);
        fs::create_dir_all(folder).context("making a folder")?;
        if !fs::exists(path)? {
            fs::write(path, "x")?;
        }
    }
    Ok(())
}

/// Nanoseconds of one `act`, the median of batches of so many.
fn median(count: u64, mut act: impl FnMut() -> Result<()>) -> Result<u64> {
    let mut batches = [0; BATCHES];
    for _ in 0..count {
        act()?;
    }
    for batch in &mut batches {
        let start = Instant::now();
        for _ in 0..count {
            act()?;
        }
        *batch = start.elapsed().as_nanos() as u64 / count;
    }
    batches.sort_unstable();
    Ok(batches[BATCHES / 2])
}

fn checked(result: i64, what: &str) -> Result<i32> {
    if result < 0 { Err(Error::last_os_error()).with_context(|| what.to_owned()) } else { Ok(result as i32) }
}

fn open_close(path: &CStr) -> Result<()> {
    // SAFETY: a path that lives, and a descriptor that nobody else has.
    unsafe {
        let fd = checked(libc::open(path.as_ptr(), libc::O_RDONLY).into(), "open")?;
        libc::close(fd);
    }
    Ok(())
}

fn fork_exec() -> Result<()> {
    let arguments = [PROGRAM.as_ptr(), std::ptr::null()];
    // SAFETY: the child only execs or ends; a vfork would leave the fork out of the count.
    unsafe {
        let child = checked(libc::fork().into(), "fork")?;
        if child == 0 {
            libc::execv(PROGRAM.as_ptr(), arguments.as_ptr());
            libc::_exit(127);
        }
        let mut status = 0;
        checked(libc::waitpid(child, &raw mut status, 0).into(), "wait")?;
        anyhow::ensure!(status == 0, "{PROGRAM:?} ended with {status:#x}");
    }
    Ok(())
}

fn map(fd: i32) -> Result<()> {
    // SAFETY: a new mapping, gone again at once.
    unsafe {
        let at = libc::mmap(
            std::ptr::null_mut(),
            4096,
            libc::PROT_READ | libc::PROT_EXEC,
            libc::MAP_PRIVATE,
            fd,
            0,
        );
        anyhow::ensure!(at != libc::MAP_FAILED, "mmap: {}", Error::last_os_error());
        libc::munmap(at, 4096);
    }
    Ok(())
}

/// Measures all and prints the figures.
pub fn measure() -> Result<()> {
    let short = median(1000, || open_close(SHORT))?;
    let long = median(1000, || open_close(LONG))?;
    let exec = median(10, fork_exec)?;
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    let target = libc::sockaddr_in {
        sin_family: libc::AF_INET as u16,
        sin_port: 9_u16.to_be(),
        sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes([127, 0, 0, 1]) },
        sin_zero: [0; 8],
    };
    let connect = median(1000, || {
        // SAFETY: an address of the size given.
        let done = unsafe {
            libc::connect(socket.as_raw_fd(), (&raw const target).cast(), size_of_val(&target) as u32)
        };
        checked(done.into(), "connect").map(drop)
    })?;
    let file = fs::File::open(LONG.to_str()?)?;
    let mapping = median(1000, || map(file.as_raw_fd()))?;
    println!("{short} {long} {exec} {connect} {mapping}");
    Ok(())
}
