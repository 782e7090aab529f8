//! What the canary does: one act a hook, twice.

use std::fs::{self, File};
use std::io::{self, BufRead, Write};
use std::net::UdpSocket;
use std::os::fd::AsFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::{PermissionsExt, chroot, symlink};
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::sys::acts;
use crate::sys::canary_calls::{self, Objects};

/// What both rounds of acts need, made before the canary is labelled: afterwards it can open nothing.
struct Cage {
    folder: PathBuf,
    program: File,
    cgroup: File,
    nothing: File,
    connecting: UdpSocket,
    sending: UdpSocket,
    parent: u32,
    /// Sockets that belong to no session.
    listening: UnixListener,
    taking: UnixDatagram,
    /// For each round.
    objects: [Objects; 2],
}

impl Cage {
    fn objects(&self, round: Round) -> &Objects {
        &self.objects[round as usize]
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

type Act = fn(&Cage, &Path, Round) -> io::Result<()>;

/// Every hook's act. The path is the folder of the round, furnished by [`furnish`].
const ACTS: &[(&str, Act)] = &[
    ("file_open", |_, at, _| File::open(at.join("file")).map(drop)),
    ("bprm_check_security", |_, _, _| {
        // Started so, this program complains and ends with 2, which comes back as an errno: not EPERM.
        acts::in_child(|| Err(Command::new("/proc/self/exe").arg("canary").exec()))
    }),
    ("task_alloc", |_, at, _| acts::in_child(|| File::open(at.join("file")).map(drop))),
    ("userns_create", |_, _, _| acts::in_child(canary_calls::unshare_user)),
    ("mmap_file", |cage, _, _| acts::map_executable(cage.program.as_fd(), false)),
    ("file_mprotect", |cage, _, _| acts::map_executable(cage.program.as_fd(), true)),
    ("path_mknod", |_, at, _| acts::make_fifo(&at.join("fifo"))),
    ("path_mkdir", |_, at, _| fs::create_dir(at.join("new"))),
    ("path_symlink", |_, at, _| symlink("file", at.join("symlink"))),
    ("path_link", |_, at, _| fs::hard_link(at.join("file"), at.join("link"))),
    ("path_rename", |_, at, _| fs::rename(at.join("old"), at.join("other"))),
    ("path_truncate", |_, at, _| acts::truncate(&at.join("file"))),
    ("path_chmod", |_, at, _| fs::set_permissions(at.join("file"), fs::Permissions::from_mode(0o600))),
    ("path_chown", |_, at, _| acts::chown(&at.join("file"))),
    ("inode_setattr", |_, at, _| canary_calls::touch(&at.join("file"))),
    ("inode_setxattr", |_, at, _| canary_calls::set_attribute(&at.join("file"))),
    ("inode_removexattr", |_, at, _| canary_calls::remove_attribute(&at.join("file"))),
    ("inode_set_acl", |_, at, _| canary_calls::set_list(&at.join("file"))),
    ("inode_remove_acl", |_, at, _| canary_calls::remove_list(&at.join("file"))),
    ("inode_file_setattr", |_, at, _| canary_calls::set_flags(&at.join("file"))),
    ("inode_getxattr", |_, at, _| canary_calls::get_attribute(&at.join("file"))),
    ("inode_readlink", |_, at, _| fs::read_link(at.join("pointer")).map(drop)),
    ("file_fcntl", |cage, _, _| canary_calls::give_signals(cage.nothing.as_fd(), cage.parent)),
    ("path_unlink", |_, at, _| fs::remove_file(at.join("doomed"))),
    ("path_rmdir", |_, at, _| fs::remove_dir(at.join("folder"))),
    ("socket_create", |_, _, _| acts::odd_socket()),
    ("socket_connect", |cage, _, _| cage.connecting.connect("127.0.0.1:9")),
    ("socket_bind", |_, _, _| UdpSocket::bind("127.0.0.1:0").map(drop)),
    ("socket_sendmsg", |cage, _, _| cage.sending.send_to(b"x", "127.0.0.1:9").map(drop)),
    ("ptrace_access_check", |cage, _, _| acts::compare_with(cage.parent)),
    // From here on no act may have a child: where the hook does not fire the daemon traces the canary, and the
    // signal of a child's end would stop it.
    ("ptrace_traceme", |_, _, round| match round {
        // To be traced by the daemon would stop the canary; by itself, only its child.
        Round::Control => acts::in_child(acts::be_traced),
        Round::Labelled => acts::be_traced(),
    }),
    ("task_kill", |cage, _, _| acts::nudge(cage.parent)),
    ("sb_mount", |_, at, _| acts::mount(&at.join("mount"))),
    ("sb_umount", |_, at, _| acts::unmount(&at.join("mounted"))),
    ("sb_pivotroot", |_, at, _| acts::pivot(at)),
    ("move_mount", |_, at, _| acts::move_mount(at)),
    ("path_chroot", |_, _, _| chroot("/")),
    ("bpf", |_, _, _| acts::ask_bpf()),
    ("file_ioctl", |cage, _, _| acts::type_into(cage.nothing.as_fd())),
    ("file_receive", |cage, _, _| canary_calls::receive(cage.program.as_fd())),
    ("path_notify", |_, at, _| canary_calls::watch(at)),
    ("unix_stream_connect", |cage, _, _| UnixStream::connect_addr(&cage.listening.local_addr()?).map(drop)),
    ("unix_may_send", |cage, _, _| {
        UnixDatagram::unbound()?.send_to_addr(b"x", &cage.taking.local_addr()?).map(drop)
    }),
    ("socket_listen", |_, _, _| canary_calls::listen()),
    ("socket_accept", |_, _, _| canary_calls::accept()),
    ("socket_setsockopt", |_, _, _| canary_calls::bind_to_device()),
    ("task_setnice", |cage, _, _| canary_calls::set_nice(cage.parent)),
    ("task_setioprio", |cage, _, _| canary_calls::set_io_priority(cage.parent)),
    ("task_setscheduler", |cage, _, _| canary_calls::set_affinity(cage.parent)),
    ("task_setrlimit", |cage, _, _| canary_calls::set_limit(cage.parent)),
    ("capable", |_, _, _| canary_calls::wake_alarm()),
    ("ipc_permission", |cage, _, round| cage.objects(round).attach()),
    ("msg_queue_msgctl", |cage, _, round| cage.objects(round).remove_queue()),
    ("shm_shmctl", |cage, _, round| cage.objects(round).remove_memory()),
    ("sem_semctl", |cage, _, round| cage.objects(round).remove_semaphores()),
    ("key_permission", |cage, _, round| cage.objects(round).read_key()),
    ("perf_event_open", |_, _, _| canary_calls::count_faults()),
    ("syslog", |_, _, _| canary_calls::ask_log()),
    ("quotactl", |_, _, _| canary_calls::sync_quotas()),
    ("inode_init_security_anon", |_, _, _| canary_calls::fault_handler()),
];

fn furnish(folder: &Path) -> io::Result<()> {
    for directory in ["folder", "mount", "mounted"] {
        fs::create_dir_all(folder.join(directory))?;
    }
    for file in ["file", "old", "doomed"] {
        fs::write(folder.join(file), "x")?;
    }
    symlink("file", folder.join("pointer"))?;
    acts::mount(&folder.join("mounted"))
}

fn errno(result: io::Result<()>) -> i32 {
    result.err().map_or(0, |error| error.raw_os_error().unwrap_or(libc::EIO))
}

/// The canary's whole life: see the module above.
///
/// # Errors
/// Where it can't prepare itself; it has proved nothing then.
pub fn sing(folder: &Path, cgroup: &Path) -> io::Result<()> {
    acts::leave()?;
    let name =
        |kind: &str| SocketAddr::from_abstract_name(format!("gatekeeper-{kind}-{}", std::process::id()));
    let cage = Cage {
        folder: folder.to_owned(),
        program: File::open("/proc/self/exe")?,
        cgroup: File::open(cgroup)?,
        nothing: File::open("/dev/null")?,
        connecting: UdpSocket::bind("127.0.0.1:0")?,
        sending: UdpSocket::bind("127.0.0.1:0")?,
        parent: std::os::unix::process::parent_id(),
        listening: UnixListener::bind_addr(&name("listening")?)?,
        taking: UnixDatagram::bind_addr(&name("taking")?)?,
        objects: [Objects::make()?, Objects::make()?],
    };
    let mut controls = Vec::new();
    for round in [Round::Control, Round::Labelled] {
        furnish(&cage.folder.join(round.name()))?;
    }
    for (_, act) in ACTS {
        controls.push(errno(act(&cage, &cage.folder.join(Round::Control.name()), Round::Control)));
    }
    // Before it is labelled itself, it has a child born into the labelled cgroup.
    let file = cage.folder.join(Round::Labelled.name()).join("file");
    let born = errno(acts::in_child_of_cgroup(cage.cgroup.as_fd(), || File::open(&file).map(drop)));
    let mut output = io::stdout().lock();
    writeln!(output, "ready")?;
    io::stdin().lock().read_line(&mut String::new())?;
    writeln!(output, "sched_process_fork 0 {born}")?;
    for ((name, act), control) in ACTS.iter().zip(controls) {
        let labelled = errno(act(&cage, &cage.folder.join(Round::Labelled.name()), Round::Labelled));
        writeln!(output, "{name} {control} {labelled}")?;
        if *name == "file_open" {
            // That it is denied at all is the tracepoint's work.
            writeln!(output, "cgroup_attach_task {control} {labelled}")?;
        }
    }
    Ok(())
}
