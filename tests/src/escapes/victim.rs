//! The victim of attacks: a process of the same user outside any session, that keeps the token in every
//! place a process has.

use std::ffi::{CString, c_void};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::os::fd::AsRawFd;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::sys::{Errno, check};

/// One that the runner has started.
pub struct Victim {
    child: Child,
    worker: usize,
    ids: Vec<i32>,
    was: String,
    /// The variables that name it to attacks.
    pub environment: Vec<(&'static str, String)>,
}

impl Victim {
    pub fn start(mut command: Command, worker: usize) -> Result<Self> {
        let child = command.stdout(Stdio::piped()).spawn().context("starting the victim")?;
        let (ids, was, environment) = Default::default();
        let mut victim = Self { child, worker, ids, was, environment };
        let mut line = String::new();
        BufReader::new(victim.child.stdout.take().context("no output")?).read_line(&mut line)?;
        let words: Vec<&str> = line.split_whitespace().collect();
        let &[pid, address, fd, shared, queue, semaphore] = words.as_slice() else {
            bail!("the victim wrote {line:?}")
        };
        let environment = [
            ("VICTIM", pid),
            ("VICTIM_ADDRESS", address),
            ("VICTIM_FD", fd),
            ("VICTIM_SHM", shared),
            ("VICTIM_QUEUE", queue),
            ("VICTIM_SEM", semaphore),
        ];
        victim.environment = environment.map(|(key, value)| (key, value.to_owned())).to_vec();
        victim.ids = [shared, queue, semaphore].iter().filter_map(|id| id.parse().ok()).collect();
        victim.was = health(victim.child.id());
        Ok(victim)
    }

    /// Returns the harm that it has suffered.
    pub fn harm(&self) -> Option<String> {
        let is = health(self.child.id());
        (is != self.was).then(|| format!("the victim was {}, is {is}", self.was))
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        bury(self.worker, &self.ids);
    }
}

/// The command's words: the guarded folder and the number of the worker. The token comes in the environment.
pub fn serve(mut words: impl Iterator<Item = String>) -> ExitCode {
    let (Some(guarded), Some(worker)) = (words.next(), words.next()) else { return ExitCode::from(2) };
    let token = std::env::var("TOKEN").unwrap_or_default();
    match keep(&guarded, &worker, &token) {
        Ok(never) => never,
        Err(errno) => {
            eprintln!("victim: {}", std::io::Error::from_raw_os_error(errno));
            ExitCode::FAILURE
        }
    }
}

fn keep(guarded: &str, worker: &str, token: &str) -> Errno<ExitCode> {
    let worker: i32 = worker.parse().map_err(|_| libc::EINVAL)?;
    let secret = File::open(format!("{guarded}/secret")).map_err(|error| crate::sys::errno(&error))?;
    let mut memory = [0_u8; 64];
    memory[..token.len()].copy_from_slice(token.as_bytes());
    let (size, key) = (64, 0x6b00 + worker);
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
    post(worker, &memory)?;
    keep_key(worker, token)?;
    let at = memory.as_ptr();
    println!("{} {:#x} {} {shared} {queue} {semaphore}", std::process::id(), at as usize, secret.as_raw_fd());
    let _ = std::io::stdout().flush();
    let was = memory;
    loop {
        std::thread::sleep(Duration::from_millis(5));
        // SAFETY: the array lives as long as this function; others write it behind our back.
        let is = unsafe { at.cast::<[u8; 64]>().read_volatile() };
        if is != was {
            let _ = fs::write(format!("{guarded}/memory-changed"), is);
        }
    }
}

/// A message in a POSIX queue, and a file of shared memory.
fn post(worker: i32, memory: &[u8]) -> Errno<()> {
    let name = CString::new(format!("/escapes-{worker}")).map_err(|_| libc::EINVAL)?;
    let flags = libc::O_CREAT | libc::O_RDWR;
    // SAFETY: the name ends in NUL; the kernel's usual sizes.
    let queue =
        check(unsafe { libc::mq_open(name.as_ptr(), flags, 0o600, std::ptr::null::<libc::mq_attr>()) })?;
    // SAFETY: a message of the given length.
    check(unsafe { libc::mq_send(queue as i32, memory.as_ptr().cast(), memory.len(), 0) })?;
    fs::write(format!("/dev/shm/escapes-{worker}"), memory).map_err(|error| crate::sys::errno(&error))
}

/// The token in the user's keyring, readable for the user.
fn keep_key(worker: i32, token: &str) -> Errno<()> {
    const USER_KEYRING: i32 = -4;
    const KEYCTL_SETPERM: i32 = 5;
    const ALL_FOR_USER: u32 = 0x3f3f_0000;
    let name = CString::new(format!("escapes-{worker}")).map_err(|_| libc::EINVAL)?;
    // SAFETY: strings that end in NUL, and a payload of the given length.
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
fn bury(worker: usize, ids: &[i32]) {
    if let &[shared, queue, semaphore] = ids {
        // SAFETY: no pointers.
        unsafe {
            libc::shmctl(shared, libc::IPC_RMID, std::ptr::null_mut());
            libc::msgctl(queue, libc::IPC_RMID, std::ptr::null_mut());
            libc::semctl(semaphore, 0, libc::IPC_RMID);
        }
    }
    if let Ok(name) = CString::new(format!("/escapes-{worker}")) {
        // SAFETY: ends in NUL.
        unsafe { libc::mq_unlink(name.as_ptr()) };
    }
    let _ = fs::remove_file(format!("/dev/shm/escapes-{worker}"));
}

/// All of a process that somebody else could change, in a few words.
fn health(pid: u32) -> String {
    let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { return "gone".into() };
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    let field = |number: usize| fields.get(number - 3).copied().unwrap_or("-").to_owned();
    let state = match field(3).as_str() {
        "T" | "t" => "stopped",
        "Z" | "X" => "gone",
        _ => "running",
    };
    let read = |name: &str| fs::read_to_string(format!("/proc/{pid}/{name}")).unwrap_or_default();
    let status = read("status");
    let of_status = |key: &str| {
        status.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default().trim().to_owned()
    };
    let files = read("limits").lines().find(|line| line.starts_with("Max open files")).map(str::to_owned);
    // SAFETY: no pointers.
    let priority = unsafe { libc::syscall(libc::SYS_ioprio_get, 1, pid) };
    format!(
        "{state}, nice {}, policy {}, group {}, processors {}, oom {}, I/O {priority}, {}, in {}",
        field(19),
        field(41),
        field(5),
        of_status("Cpus_allowed:"),
        read("oom_score_adj").trim(),
        files.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" "),
        read("cgroup").trim()
    )
}
