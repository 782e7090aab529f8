//! The operations that a canary tries: one for each hook, in two rounds.

use std::fs::{self, File};
use std::io::{self, BufRead, IoSlice, IoSliceMut, Write};
use std::mem::MaybeUninit;
use std::net::UdpSocket;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::{PermissionsExt, chown, chroot, symlink};
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::{
    AtFlags, CWD, FileType, FlockOperation, Mode, Timespec, Timestamps, UTIME_NOW, XattrFlags, flock,
    getxattr_query, inotify, mknodat, removexattr, setxattr, utimensat,
};
use rustix::io::Errno;
use rustix::mount::{MountFlags, MoveMountFlags, UnmountFlags, mount, move_mount, unmount};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketType, accept, listen, netlink, recvmsg, sendmsg, socket,
};
use rustix::process::{
    Pid, Signal, getpgid, getppid, getpriority_process, kill_process, pivot_root, setpgid,
    setpriority_process,
};
use rustix::thread::{sched_getaffinity, sched_setaffinity};
use rustix::time::{TimerfdClockId, TimerfdFlags, timerfd_create};

use crate::sys::bpf::first_program_id;
use crate::sys::canary_calls::{self, Objects};
use crate::sys::children::{in_child, in_child_of_cgroup};

/// The objects that the operations need, made before the canary is labelled: afterwards it can open nothing.
struct Fixtures {
    folder: PathBuf,
    program: File,
    cgroup: File,
    null: File,
    connecting: UdpSocket,
    sending: UdpSocket,
    parent: Pid,
    /// Sockets that belong to no session.
    listening: UnixListener,
    receiving: UnixDatagram,
    /// For each round.
    objects: [Objects; 2],
}

impl Fixtures {
    fn objects(&self, round: Round) -> &Objects {
        &self.objects[round as usize]
    }

    /// The parent's process id, for calls that take a plain number.
    fn parent_number(&self) -> u32 {
        self.parent.as_raw_pid().unsigned_abs()
    }
}

/// The two rounds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Round {
    Control,
    Labelled,
}

impl Round {
    fn name(self) -> &'static str {
        match self {
            Self::Control => "control",
            Self::Labelled => "labelled",
        }
    }
}

/// Takes the fixtures and the folder of the round, as [`prepare`] left it.
type Operation = fn(&Fixtures, &Path, Round) -> io::Result<()>;

const ATTRIBUTE: &str = "trusted.gatekeeper";
const ACCESS_LIST: &str = "system.posix_acl_access";

/// Every hook's operation. Where one is expected to fail, it fails behind the hook.
const OPERATIONS: &[(&str, Operation)] = &[
    ("file_open", |_, at, _| File::open(at.join("file")).map(drop)),
    ("bprm_check_security", |_, _, _| {
        // Started so, this program complains and ends with 2, which comes back as an errno: not EPERM.
        in_child(|| Err(Command::new("/proc/self/exe").arg("canary").exec()))
    }),
    ("task_alloc", |_, at, _| in_child(|| File::open(at.join("file")).map(drop))),
    // Into the daemon's group, from one of its own.
    ("task_setpgid", |fixtures, _, _| {
        in_child(|| {
            setpgid(None, None)?;
            Ok(setpgid(None, Some(getpgid(Some(fixtures.parent))?))?)
        })
    }),
    ("userns_create", |_, _, _| in_child(canary_calls::unshare_user)),
    ("mmap_file", |fixtures, _, _| canary_calls::map_executable(fixtures.program.as_fd(), false)),
    ("file_mprotect", |fixtures, _, _| canary_calls::map_executable(fixtures.program.as_fd(), true)),
    ("path_mknod", |_, at, _| Ok(mknodat(CWD, at.join("fifo"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)?)),
    ("path_mkdir", |_, at, _| fs::create_dir(at.join("new"))),
    ("path_symlink", |_, at, _| symlink("file", at.join("symlink"))),
    ("path_link", |_, at, _| fs::hard_link(at.join("file"), at.join("link"))),
    ("path_rename", |_, at, _| fs::rename(at.join("old"), at.join("other"))),
    ("path_truncate", |_, at, _| canary_calls::truncate(&at.join("file"))),
    ("path_chmod", |_, at, _| fs::set_permissions(at.join("file"), fs::Permissions::from_mode(0o600))),
    // The file is root's already.
    ("path_chown", |_, at, _| chown(at.join("file"), Some(0), Some(0))),
    ("inode_setattr", |_, at, _| touch(&at.join("file"))),
    ("inode_setxattr", |_, at, _| Ok(setxattr(at.join("file"), ATTRIBUTE, b"x", XattrFlags::empty())?)),
    ("inode_removexattr", |_, at, _| Ok(removexattr(at.join("file"), ATTRIBUTE)?)),
    ("inode_set_acl", |_, at, _| set_access_list(&at.join("file"))),
    ("inode_remove_acl", |_, at, _| Ok(removexattr(at.join("file"), ACCESS_LIST)?)),
    ("inode_file_setattr", |_, at, _| canary_calls::set_flags(&at.join("file"))),
    ("inode_getxattr", |_, at, _| Ok(getxattr_query(at.join("file"), "user.gatekeeper").map(drop)?)),
    ("inode_readlink", |_, at, _| fs::read_link(at.join("pointer")).map(drop)),
    ("file_fcntl", |fixtures, _, _| {
        canary_calls::give_signals(fixtures.null.as_fd(), fixtures.parent_number())
    }),
    ("path_unlink", |_, at, _| fs::remove_file(at.join("doomed"))),
    ("path_rmdir", |_, at, _| fs::remove_dir(at.join("folder"))),
    // A socket of a family that no rule can name.
    ("socket_create", |_, _, _| {
        Ok(socket(AddressFamily::NETLINK, SocketType::RAW, Some(netlink::GENERIC)).map(drop)?)
    }),
    ("socket_connect", |fixtures, _, _| fixtures.connecting.connect("127.0.0.1:9")),
    ("socket_bind", |_, _, _| UdpSocket::bind("127.0.0.1:0").map(drop)),
    ("socket_sendmsg", |fixtures, _, _| fixtures.sending.send_to(b"x", "127.0.0.1:9").map(drop)),
    ("ptrace_access_check", |fixtures, _, _| canary_calls::compare_with(fixtures.parent_number())),
    // From here on no operation may have a child: where the hook does not fire the daemon traces the canary, and the
    // signal of a child's end would stop it.
    ("ptrace_traceme", |_, _, round| match round {
        // To be traced by the daemon would stop the canary; by itself, only its child.
        Round::Control => in_child(canary_calls::be_traced),
        Round::Labelled => canary_calls::be_traced(),
    }),
    // Ignored by a process that does not wait for it.
    ("task_kill", |fixtures, _, _| Ok(kill_process(fixtures.parent, Signal::URG)?)),
    ("sb_mount", |_, at, _| mount_tmpfs(&at.join("mount"))),
    ("sb_umount", |_, at, _| Ok(unmount(at.join("mounted"), UnmountFlags::empty())?)),
    // The folder is no mount: EINVAL from both.
    ("sb_pivotroot", |_, at, _| Ok(pivot_root(at, at)?)),
    ("move_mount", |_, at, _| Ok(move_mount(CWD, at, CWD, at, MoveMountFlags::empty())?)),
    ("path_chroot", |_, _, _| chroot("/")),
    ("bpf", |_, _, _| first_program_id()),
    ("file_ioctl", |fixtures, _, _| canary_calls::type_into(fixtures.null.as_fd())),
    ("file_lock", |fixtures, _, _| Ok(flock(&fixtures.program, FlockOperation::NonBlockingLockExclusive)?)),
    ("file_receive", |fixtures, _, _| send_file(fixtures.program.as_fd())),
    ("path_notify", |_, at, _| {
        let queue = inotify::init(inotify::CreateFlags::CLOEXEC)?;
        Ok(inotify::add_watch(&queue, at, inotify::WatchFlags::CREATE).map(drop)?)
    }),
    ("unix_stream_connect", |fixtures, _, _| {
        UnixStream::connect_addr(&fixtures.listening.local_addr()?).map(drop)
    }),
    ("unix_may_send", |fixtures, _, _| {
        UnixDatagram::unbound()?.send_to_addr(b"x", &fixtures.receiving.local_addr()?).map(drop)
    }),
    ("socket_listen", |_, _, _| Ok(listen(tcp()?, 1)?)),
    // It does not listen: EINVAL.
    ("socket_accept", |_, _, _| Ok(accept(tcp()?).map(drop)?)),
    ("socket_setsockopt", |_, _, _| canary_calls::bind_to_device(tcp()?.as_fd())),
    // Priority, processors and limits become what they are.
    ("task_setnice", |fixtures, _, _| {
        let nice = getpriority_process(Some(fixtures.parent))?;
        Ok(setpriority_process(Some(fixtures.parent), nice)?)
    }),
    ("task_setioprio", |fixtures, _, _| canary_calls::set_io_priority(fixtures.parent_number())),
    ("task_setscheduler", |fixtures, _, _| {
        let processors = sched_getaffinity(Some(fixtures.parent))?;
        Ok(sched_setaffinity(Some(fixtures.parent), &processors)?)
    }),
    ("task_setrlimit", |fixtures, _, _| canary_calls::set_limit(fixtures.parent_number())),
    // A timer that wakes the machine needs CAP_WAKE_ALARM; it is not set.
    (
        "capable",
        |_, _, _| Ok(timerfd_create(TimerfdClockId::RealtimeAlarm, TimerfdFlags::CLOEXEC).map(drop)?),
    ),
    ("ipc_permission", |fixtures, _, round| fixtures.objects(round).attach()),
    ("msg_queue_msgctl", |fixtures, _, round| fixtures.objects(round).remove_queue()),
    ("shm_shmctl", |fixtures, _, round| fixtures.objects(round).remove_memory()),
    ("sem_semctl", |fixtures, _, round| fixtures.objects(round).remove_semaphores()),
    ("key_permission", |fixtures, _, round| fixtures.objects(round).read_key()),
    ("perf_event_open", |_, _, _| canary_calls::count_faults()),
    ("syslog", |_, _, _| canary_calls::ask_log()),
    ("quotactl", |_, _, _| canary_calls::sync_quotas()),
    ("inode_init_security_anon", |_, _, _| canary_calls::fault_handler()),
];

fn tcp() -> io::Result<OwnedFd> {
    Ok(socket(AddressFamily::INET, SocketType::STREAM, None)?)
}

fn mount_tmpfs(on: &Path) -> io::Result<()> {
    Ok(mount("none", on, "tmpfs", MountFlags::empty(), None)?)
}

/// Sets a file's times to now.
fn touch(path: &Path) -> io::Result<()> {
    let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
    let times = Timestamps { last_access: now, last_modification: now };
    Ok(utimensat(CWD, path, &times, AtFlags::empty())?)
}

/// Gives a file the access control list that its mode is (`include/uapi/linux/posix_acl_xattr.h`: version, then tag,
/// permissions and id of owner, group and others).
fn set_access_list(path: &Path) -> io::Result<()> {
    let entry = |tag: u16| [tag.to_le_bytes(), 6_u16.to_le_bytes(), [0xff; 2], [0xff; 2]].concat();
    let list = [2_u32.to_le_bytes().to_vec(), entry(0x01), entry(0x04), entry(0x20)].concat();
    Ok(setxattr(path, ACCESS_LIST, &list, XattrFlags::empty())?)
}

/// Sends a file over a socket pair and takes it at the other end; `EPERM` where it does not arrive.
fn send_file(file: BorrowedFd<'_>) -> io::Result<()> {
    let (one, other) = UnixDatagram::pair()?;
    let files = [file];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    control.push(SendAncillaryMessage::ScmRights(&files));
    sendmsg(&one, &[IoSlice::new(b"x")], &mut control, SendFlags::empty())?;
    let mut byte = [0];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut parts = [IoSliceMut::new(&mut byte)];
    let received = recvmsg(&other, &mut parts, &mut control, RecvFlags::CMSG_CLOEXEC)?;
    let arrived = control.drain().any(|message| matches!(message, RecvAncillaryMessage::ScmRights(_)));
    if received.flags.contains(ReturnFlags::CTRUNC) || !arrived {
        return Err(Errno::PERM.into());
    }
    Ok(())
}

/// Fills the folder of a round.
fn prepare(folder: &Path) -> io::Result<()> {
    for directory in ["folder", "mount", "mounted"] {
        fs::create_dir_all(folder.join(directory))?;
    }
    for file in ["file", "old", "doomed"] {
        fs::write(folder.join(file), "x")?;
    }
    symlink("file", folder.join("pointer"))?;
    mount_tmpfs(&folder.join("mounted"))
}

fn errno(result: io::Result<()>) -> i32 {
    result.err().map_or(0, |error| error.raw_os_error().unwrap_or(libc::EIO))
}

/// Runs the canary: see [the module above](super).
///
/// # Errors
/// Where it can't prepare itself; it has proved nothing then.
pub fn run(folder: &Path, cgroup: &Path) -> io::Result<()> {
    canary_calls::isolate()?;
    // Out of the daemon's group, which `task_setpgid` tries to enter. A leader has one already.
    let _ = setpgid(None, None);
    let name =
        |kind: &str| SocketAddr::from_abstract_name(format!("gatekeeper-{kind}-{}", std::process::id()));
    let fixtures = Fixtures {
        folder: folder.to_owned(),
        program: File::open("/proc/self/exe")?,
        cgroup: File::open(cgroup)?,
        null: File::open("/dev/null")?,
        connecting: UdpSocket::bind("127.0.0.1:0")?,
        sending: UdpSocket::bind("127.0.0.1:0")?,
        parent: getppid().ok_or_else(|| io::Error::other("the daemon is gone"))?,
        listening: UnixListener::bind_addr(&name("listening")?)?,
        receiving: UnixDatagram::bind_addr(&name("receiving")?)?,
        objects: [Objects::make()?, Objects::make()?],
    };
    let at = |round: Round| fixtures.folder.join(round.name());
    for round in [Round::Control, Round::Labelled] {
        prepare(&at(round))?;
    }
    let mut controls = Vec::new();
    for (_, operation) in OPERATIONS {
        controls.push(errno(operation(&fixtures, &at(Round::Control), Round::Control)));
    }
    // Before it is labelled itself, it has a child born into the labelled cgroup.
    let file = at(Round::Labelled).join("file");
    let born = errno(in_child_of_cgroup(fixtures.cgroup.as_fd(), || File::open(&file).map(drop)));
    let mut output = io::stdout().lock();
    writeln!(output, "ready")?;
    io::stdin().lock().read_line(&mut String::new())?;
    writeln!(output, "sched_process_fork 0 {born}")?;
    for ((name, operation), control) in OPERATIONS.iter().zip(controls) {
        let labelled = errno(operation(&fixtures, &at(Round::Labelled), Round::Labelled));
        writeln!(output, "{name} {control} {labelled}")?;
        if *name == "file_open" {
            // The denial itself shows that the tracepoint has labelled the canary.
            writeln!(output, "cgroup_attach_task {control} {labelled}")?;
        }
    }
    Ok(())
}
