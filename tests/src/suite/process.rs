//! Processes: signals that a rule lets, capabilities, user namespaces, `io_uring` as a whole.

use std::fs;
use std::os::unix::fs::MetadataExt;

use anyhow::{Result, ensure};

use crate::events::Denial;
use crate::fixtures::{self, ACTOR, OPEN, REASON, SILENT};
use crate::policies::{fill, policy};
use crate::runner::Test;
use crate::world::{User, World};

pub fn tests() -> Vec<Test> {
    vec![
        Test::new("process::signals_by_rule", signals),
        Test::new("process::capabilities", capabilities),
        Test::new("process::user_namespaces", namespaces),
        Test::new("kernel::io_uring_as_a_whole", rings),
        Test::new("process::shells_move_their_jobs", jobs),
        Test::new("process::own_numbers_in_a_namespace", own_numbers),
        Test::new("process::own_terminals", terminals),
        Test::new("net::own_sockets_can_be_handed_on", handed_on),
        Test::new("file::ordinary_locks", locks),
    ]
}

fn signals(world: &World) -> Result<()> {
    world.policy("signals", &fill(policy!("signals"), &[("ACTOR", ACTOR), ("REASON", REASON)]))?;
    let numbers =
        [libc::SIGCONT, libc::SIGWINCH, libc::SIGTERM, libc::SIGKILL].map(|signal| signal.to_string());
    let [go_on, window, end, kill] = numbers;
    let doomed = world.free(User::Dev)?;
    world.free(User::Dev)?.must("signal", &[&doomed.pid().to_string(), &kill])?;

    let mut target = world.free(User::Dev)?;
    let pid = target.pid().to_string();
    let mut session = world.session("signals")?;
    // Whether it is there may be asked.
    for signal in [go_on.as_str(), &window, "0"] {
        session.must("signal", &[&pid, signal])?;
    }
    session.must_not("signal", &[&pid, &end])?;
    session.must_not("in-child", &["signal", &pid, &kill])?;
    target.must::<&str>("pid", &[])?;
    let denials = [Denial::of("signal", ACTOR, REASON), Denial::of("signal", ACTOR, SILENT)];
    world.expect(&session.id, &denials)?;
    world.expect_no_other(&session.id, &denials)
}

fn capabilities(world: &World) -> Result<()> {
    world.policy("capabilities", &fill(policy!("capabilities"), &[("REASON", REASON)]))?;
    let owner = |pid: u32| fs::metadata(format!("/proc/{pid}")).map(|about| about.uid());
    let mut free = world.free(User::Root)?;
    free.must("become-user", &["1000"])?;
    let mut session = world.session_of(User::Root, "suite", "/", None)?;
    session.must("become-user", &["1000"])?;
    ensure!(owner(session.pid())? == 1000, "it became nobody else");

    let mut session = world.session_of(User::Root, "capabilities", "/", None)?;
    session.must_not("become-user", &["1000"])?;
    ensure!(owner(session.pid())? == 0, "it became somebody else");
    let denial = [Denial::of("capability", "setuid", REASON)];
    world.expect(&session.id, &denial)?;
    world.expect_no_other(&session.id, &denial)
}

fn namespaces(world: &World) -> Result<()> {
    world.policy("namespaces", policy!("namespaces"))?;
    world.free(User::Dev)?.must::<&str>("unshare", &[])?;
    world.session("suite")?.must::<&str>("unshare", &[])?;
    let mut session = world.session("namespaces")?;
    let before = fs::read_link(format!("/proc/{}/ns/user", session.pid()))?;
    session.must_not::<&str>("unshare", &[])?;
    session.must_not("in-child", &["unshare"])?;
    ensure!(fs::read_link(format!("/proc/{}/ns/user", session.pid()))? == before, "it has another namespace");
    world.expect(&session.id, &[Denial::for_cause("user-namespace", "policy")])
}

/// Pipelines of a shell with job control, one that such a shell starts, and one that takes its place.
fn jobs(world: &World) -> Result<()> {
    let script = "set -m; true | cat | cat; sleep 0 & wait; (true | cat); \
                  bash -c 'set -m; true | cat; sleep 0 | cat'; exec bash -mc 'true | cat; true'";
    let mut session = world.session("suite")?;
    session.must_run(&["/usr/bin/bash", "-c", script])?;
    world.expect_no_other(&session.id, &[])
}

/// A process gets a descriptor's signals itself, and leads a group, by the number it has in a pid namespace of its own.
fn own_numbers(world: &World) -> Result<()> {
    let script = r"
import ctypes, fcntl, os, socket
if ctypes.CDLL(None).unshare(0x30000000): raise SystemExit('no namespaces')
if not os.fork():
    fcntl.fcntl(socket.socketpair()[0], fcntl.F_SETOWN, os.getpid())
    other = os.fork()
    if not other:
        os.setpgid(0, 0)
        os._exit(0)
    os._exit(os.waitpid(other, 0)[1] or os.getpid() != 1)
print(os.wait()[1])
";
    let mut session = world.session("suite")?;
    let ended = session.must_run(&["/usr/bin/python3", "-c", script])?;
    ensure!(ended.trim() == "0", "{ended}");
    world.expect_no_other(&session.id, &[])
}

/// A terminal that a session has made is opened by its name: by its maker, by a child on it, and by one without any.
fn terminals(world: &World) -> Result<()> {
    let script = r"
import os, pty
near, far = pty.openpty()
name = os.ttyname(far)
os.close(os.open(name, os.O_RDWR | os.O_NOCTTY))
for action in ['open', 'leave']:
    if not os.fork():
        os.setsid()
        if action == 'open':
            os.close(os.open(name, os.O_RDWR))
            os.close(os.open('/dev/tty', os.O_RDWR))
        os.close(os.open(name, os.O_WRONLY | os.O_NOCTTY))
        os._exit(0)
    assert os.wait()[1] == 0
print('opened')
";
    let mut session = world.session("suite")?;
    let ended = session.must_run(&["/usr/bin/python3", "-c", script])?;
    ensure!(ended.trim() == "opened", "{ended}");
    world.expect_no_other(&session.id, &[])
}

/// Sockets that a session has made, connected or accepted, sent from one of its processes to another.
fn handed_on(world: &World) -> Result<()> {
    let script = r#"
import os, socket, sys
def handed(one):
    near, far = socket.socketpair()
    child = os.fork()
    if not child:
        os._exit(0 if socket.recv_fds(far, 1, 1)[1] else 1)
    socket.send_fds(near, [b"x"], [one.fileno()])
    return os.waitpid(child, 0)[1] == 0
def three(listener, address):
    listener.bind(address)
    listener.listen()
    client = socket.socket(listener.family)
    client.connect(address)
    return [listener, client, listener.accept()[0]]
ip = three(socket.socket(socket.AF_INET), ("127.0.0.1", 7003))
local = three(socket.socket(socket.AF_UNIX), sys.argv[1])
print([handed(one) for one in ip + local + list(socket.socketpair())])
"#;
    let path = format!("{OPEN}/handed-{}", world.number());
    let mut session = world.session("suite")?;
    let arrived = session.must_run(&["/usr/bin/python3", "-c", script, &path])?;
    ensure!(arrived.trim() == format!("[{}]", ["True"; 8].join(", ")), "{arrived}");
    world.expect_no_other(&session.id, &[])
}

/// An exclusive lock on a file that may be written, and shared ones on files that may only be read.
fn locks(world: &World) -> Result<()> {
    let script = "import fcntl, sys; f = open(sys.argv[1]); fcntl.flock(f, fcntl.LOCK_EX); \
                  fcntl.fcntl(f, fcntl.F_SETLEASE, fcntl.F_RDLCK); fcntl.fcntl(f, fcntl.F_SETLEASE, fcntl.F_UNLCK); \
                  g = open('/etc/passwd'); fcntl.flock(g, fcntl.LOCK_SH); fcntl.lockf(g, fcntl.LOCK_SH)";
    let path = format!("{OPEN}/locked");
    fixtures::file(&path)?;
    let mut session = world.session("suite")?;
    session.must_run(&["/usr/bin/python3", "-c", script, &path])?;
    world.expect_no_other(&session.id, &[])
}

fn rings(world: &World) -> Result<()> {
    world.policy("rings", policy!("rings"))?;
    world.free(User::Dev)?.must::<&str>("make-ring", &[])?;
    world.session("suite")?.must::<&str>("make-ring", &[])?;
    let mut session = world.session("rings")?;
    session.must_not::<&str>("make-ring", &[])?;
    world.expect(&session.id, &[Denial::for_cause("io_uring", "policy")])
}
