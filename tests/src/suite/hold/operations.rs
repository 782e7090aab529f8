//! Every operation that can be held: it waits, is refused where it is denied, and happens where it is approved.

use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::{ASKED, answer, begin, ended, file, holds, is_there, no_file, one, session, target, waiting};
use crate::failure::must_not_pass;
use crate::servers::Reached;
use crate::session::Session;
use crate::world::{User, World, until};

struct Case {
    name: &'static str,
    operation: &'static str,
    /// The script of the session; raises where it is refused.
    script: String,
    prepare: fn() -> Result<()>,
    /// Whether it has happened.
    done: fn() -> bool,
}

static TCP: Reached = Reached::new();
static UNIX: Reached = Reached::new();
static UDP: Reached = Reached::new();

fn listen() -> Result<()> {
    TCP.ready(|| {
        let server = TcpListener::bind("127.0.0.1:7011")?;
        std::thread::spawn(move || server.incoming().flatten().for_each(|_| TCP.note()));
        Ok(())
    })
}

fn listen_here() -> Result<()> {
    UNIX.ready(|| {
        let at = "/srv/suite/asked-socket";
        // An earlier suite may have left it.
        let _ = fs::remove_file(at);
        let server = UnixListener::bind(at)?;
        fs::set_permissions(at, fs::Permissions::from_mode(0o777))?;
        std::thread::spawn(move || server.incoming().flatten().for_each(|_| UNIX.note()));
        Ok(())
    })
}

fn listen_for_datagrams() -> Result<()> {
    UDP.ready(|| {
        let server = UdpSocket::bind("127.0.0.1:7023")?;
        std::thread::spawn(move || {
            while server.recv(&mut [0]).is_ok() {
                UDP.note();
            }
        });
        Ok(())
    })
}

/// A file that a script leaves once it has the address: the socket itself is gone with its process.
const BOUND: &str = "/srv/suite/open/asked-bound";
const NAMED: &str = "/srv/suite/open/asked-named";

fn unbound() -> Result<()> {
    for path in [BOUND, NAMED] {
        if let Err(error) = fs::remove_file(path)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            return Err(error).context(path);
        }
    }
    Ok(())
}

fn bound() -> bool {
    Path::new(BOUND).exists()
}

/// The file with the victim's process id.
const VICTIM_ID: &str = "/srv/suite/open/asked-victim";
static VICTIM: Mutex<Option<Child>> = Mutex::new(None);

/// Starts somebody outside, whom the session's user may signal.
fn victim() -> Result<()> {
    let mut command = Command::new("/usr/bin/sleep");
    User::Dev.become_of(&mut command);
    let child = command.arg("3000").stdin(Stdio::null()).spawn()?;
    fs::write(VICTIM_ID, child.id().to_string())?;
    let before = VICTIM.lock().unwrap_or_else(PoisonError::into_inner).replace(child);
    before.map_or(Ok(()), |mut before| {
        before.kill()?;
        before.wait().map(drop)
    })?;
    Ok(())
}

fn has_ended() -> bool {
    let mut victim = VICTIM.lock().unwrap_or_else(PoisonError::into_inner);
    // A datagram has arrived when `send` returns, and the end comes a little later.
    let end = Instant::now() + Duration::from_millis(500);
    while let Some(child) = &mut *victim {
        if !matches!(child.try_wait(), Ok(None)) {
            return true;
        }
        if Instant::now() > end {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    true
}

fn cases() -> Vec<Case> {
    let at = target();
    let case =
        |name, operation, script: String, prepare, done| Case { name, operation, script, prepare, done };
    vec![
        case("write", "write", format!("open('{at}','a').write('x')"), file, || {
            fs::read(target()).is_ok_and(|bytes| bytes.ends_with(b"x"))
        }),
        case("truncate by opening", "write", format!("open('{at}','w').close()"), file, || {
            fs::read(target()).is_ok_and(|bytes| bytes.is_empty())
        }),
        case("delete", "delete", format!("import os; os.remove('{at}')"), file, || !is_there()),
        case("rename", "rename", format!("import os; os.rename('{at}','{at}-2')"), file, || !is_there()),
        case("link", "link", format!("import os; os.link('{at}','{ASKED}/other')"), file, || {
            Path::new(&format!("{ASKED}/other")).exists()
        }),
        case("mkdir", "create", format!("import os; os.mkdir('{at}')"), no_file, is_there),
        case("chmod", "metadata", format!("import os; os.chmod('{at}',0o600)"), file, || {
            fs::metadata(target()).is_ok_and(|found| found.permissions().mode() & 0o777 == 0o600)
        }),
        case(
            "connect",
            "connect",
            "import socket; socket.create_connection(('127.0.0.1',7011))".to_owned(),
            listen,
            || TCP.get(),
        ),
        case(
            "connect to a UNIX socket",
            "unix-connect",
            "import socket; s=socket.socket(socket.AF_UNIX); s.connect('/srv/suite/asked-socket')".to_owned(),
            listen_here,
            || UNIX.get(),
        ),
        case(
            "bind",
            "bind",
            format!(
                "import socket; s=socket.socket(); s.setsockopt(socket.SOL_SOCKET,socket.SO_REUSEADDR,1); \
                 s.bind(('127.0.0.1',7021)); open('{BOUND}','w').close()"
            ),
            unbound,
            bound,
        ),
        case(
            "listen",
            "listen",
            format!(
                "import socket; s=socket.socket(); s.setsockopt(socket.SOL_SOCKET,socket.SO_REUSEADDR,1); \
                 s.bind(('127.0.0.1',7022)); s.listen(); open('{BOUND}','w').close()"
            ),
            unbound,
            bound,
        ),
        case(
            "send a datagram",
            "send",
            "import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b'x',('127.0.0.1',7023))".to_owned(),
            listen_for_datagrams,
            || UDP.get(),
        ),
        case(
            "name a UNIX socket",
            "unix-bind",
            format!("import socket; socket.socket(socket.AF_UNIX).bind('{NAMED}')"),
            unbound,
            || Path::new(NAMED).exists(),
        ),
        case(
            "signal",
            "signal",
            format!("import os; os.kill(int(open('{VICTIM_ID}').read()),15)"),
            victim,
            has_ended,
        ),
        case("utime", "metadata", format!("import os; os.utime('{at}',(7,7))"), file, || {
            use std::os::unix::fs::MetadataExt;
            fs::metadata(target()).is_ok_and(|found| found.mtime() == 7)
        }),
    ]
}

/// Answers all that a session waits for until what it began has ended: what asks for two things waits twice.
fn answer_all(world: &World, session: &mut Session, verb: &str) -> Result<(i32, String)> {
    let id = session.id.clone();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let answering = scope.spawn(|| -> Result<()> {
            while !over.load(Ordering::SeqCst) {
                for hold in holds(world, &id)? {
                    answer(world, verb, &hold)?;
                }
                std::thread::sleep(Duration::from_millis(100));
            }
            Ok(())
        });
        let come = ended(session);
        over.store(true, Ordering::SeqCst);
        answering.join().unwrap_or_else(|_| bail!("who answers panicked"))?;
        come
    })
}

pub(super) fn operations(world: &World) -> Result<()> {
    let mut session = session(world)?;
    let id = session.id.clone();
    for case in cases() {
        let what = case.name;
        let about = |part: &str| format!("{what}: {part}");
        (case.prepare)()?;
        ensure!(!(case.done)(), about("it is done before it begins"));
        begin(&mut session, &case.script)?;
        let hold = waiting(world, &id, 1).with_context(|| about("it did not wait"))?.remove(0);
        ensure!(hold["event"]["operation"] == case.operation, "{what}: {hold}");
        must_not_pass(!(case.done)(), about("it was done while it waited"))?;
        answer(world, "deny", &hold)?;
        let (status, output) = ended(&mut session)?;
        ensure!(
            status == 1 && output.contains("Operation not permitted"),
            "{what}: denied, {status}: {output}"
        );
        must_not_pass(!(case.done)(), about("it was done though it was denied"))?;
        begin(&mut session, &case.script)?;
        let (status, output) =
            answer_all(world, &mut session, "approve").with_context(|| about("approving"))?;
        ensure!(status == 0, "{what}: approved, {status}: {output}");
        until(&about("what was approved"), || Ok((case.done)().then_some(())))?;
        let left = holds(world, &id)?;
        ensure!(left.is_empty(), "{what}: {left:?}");
    }
    Ok(())
}

/// An exclusive creation is asked about once, and happens once.
pub(super) fn creation(world: &World) -> Result<()> {
    let mut session = session(world)?;
    let id = session.id.clone();
    for flags in ["os.O_CREAT|os.O_EXCL|os.O_RDWR", "os.O_CREAT|os.O_WRONLY"] {
        no_file()?;
        let script = format!("import os; f=os.open('{}',{flags},0o644); os.write(f,b'made')", target());
        begin(&mut session, &script)?;
        let hold = one(world, &id)?;
        must_not_pass(!is_there(), "it was made while it waited")?;
        answer(world, "approve", &hold)?;
        let (status, output) = ended(&mut session)?;
        ensure!(status == 0 && output.is_empty(), "{flags}: {status}: {output}");
        ensure!(fs::read(target())? == b"made", "what was made holds something else");
        begin(&mut session, &script.replace("asked/target", "asked/target-3"))?;
        answer(world, "deny", &one(world, &id)?)?;
        let (status, _) = ended(&mut session)?;
        ensure!(status == 1 && !Path::new(&format!("{ASKED}/target-3")).exists(), "{flags}: denied");
    }
    Ok(())
}
