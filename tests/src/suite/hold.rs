//! Holds: what is asked about waits, and then passes or fails as if nothing had happened.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::daemon::Daemon;
use crate::failure::sealed;
use crate::follower::Follower;
use crate::ground;
use crate::runner::Test;
use crate::session::Session;
use crate::world::{User, World, in_full, until};

/// Where everything is asked about.
pub(super) const ASKED: &str = "/srv/suite/asked";
const PYTHON: &str = "/usr/bin/python3";

const POLICY: &str = r#"
version = 1
name = "asking"
extends = ["suite"]
[approval]
timeout = "10m"
per_minute = 10000

[[file]]
id = "production"
verdict = "ask"
path = ["/srv/suite/asked/**"]
access = ["write", "create", "delete", "rename", "link", "metadata"]
reason = "production"
[[file]]
verdict = "allow"
path = ["/srv/suite/asked/**"]
access = ["read"]
[[file]]
id = "short"
verdict = "ask"
path = ["/srv/suite/asked-short/**"]
timeout = "2s"
[[file]]
id = "two"
verdict = "ask"
path = ["/srv/suite/asked-two/**"]
access = ["write", "delete"]
quorum = 2
approvers = ["user:alice", "user:dev"]
separation = true
[[exec]]
id = "names"
verdict = "ask"
program = ["/usr/bin/uname"]
[[exec]]
verdict = "allow"
program = ["/usr/bin/echo"]
args = ["quiet", "**"]
[[exec]]
id = "loud"
verdict = "ask"
program = ["/usr/bin/echo"]
args = ["loud", "**"]
[[net]]
id = "far"
verdict = "ask"
to = ["127.0.0.1:7011"]
[[unix]]
id = "socket"
verdict = "ask"
path = ["/srv/suite/asked-socket"]
[[unix]]
id = "naming"
verdict = "ask"
path = ["/srv/suite/open/asked-named"]
operation = ["bind"]
[[net]]
id = "port"
verdict = "ask"
to = ["127.0.0.1:7021"]
operation = ["bind"]
[[net]]
verdict = "allow"
to = ["127.0.0.1:7022"]
operation = ["bind"]
[[net]]
id = "server"
verdict = "ask"
to = ["127.0.0.1:7022"]
operation = ["listen"]
[[net]]
id = "datagram"
verdict = "ask"
to = ["127.0.0.1:7023"]
protocol = "udp"
operation = ["send"]
[[signal]]
id = "ending"
verdict = "ask"
program = ["/usr/bin/sleep"]
signal = ["TERM"]
"#;

pub fn tests() -> Vec<Test> {
    let mut tests = vec![
        Test::new("hold::each_operation_waits_and_passes_or_fails", operations),
        Test::new("hold::making_a_file_is_asked_once", creation),
        Test::new("hold::arguments_are_shown_and_bind", arguments),
        Test::new("hold::threads", threads),
        Test::new("hold::the_held_can_not_let_themselves_go", escape),
    ];
    // What follows is the daemon's doing, and differs from kernel to kernel in nothing.
    if in_full() {
        tests.extend([
            Test::new("hold::outlives_the_daemon", outlives),
            Test::new("hold::nobody_in_time_means_no", timeout),
            Test::new("hold::an_approval_covers_what_was_chosen", scopes),
            Test::new("hold::what_changes_is_asked_anew", changed),
            Test::new("hold::who_may_decide", rights),
            Test::new("hold::a_session_is_told_why_and_no_other", reasons),
            Test::new("hold::a_flood_is_shown_once_and_denied", flood),
        ]);
    }
    tests
}

pub(super) fn session(world: &World) -> Result<Session> {
    world.policy("asking", POLICY)?;
    for folder in [ASKED, "/srv/suite/asked-short", "/srv/suite/asked-two"] {
        ground::folder(folder)?;
    }
    world.session("asking")
}

/// The holds of a session, oldest first.
pub fn holds(world: &World, session: &str) -> Result<Vec<Value>> {
    let mut holds = world.ask_json(&["holds", "--json"])?;
    holds.retain(|hold| hold["event"]["session"] == session);
    Ok(holds)
}

pub fn number(hold: &Value) -> Result<String> {
    Ok(hold["hold"].as_u64().context("a hold without number")?.to_string())
}

/// Waits until so many wait, and gives them.
pub fn waiting(world: &World, session: &str, count: usize) -> Result<Vec<Value>> {
    until("the holds", || {
        let holds = holds(world, session)?;
        Ok((holds.len() >= count).then_some(holds))
    })
}

pub fn one(world: &World, session: &str) -> Result<Value> {
    let mut holds = waiting(world, session, 1)?;
    ensure!(holds.len() == 1, "{} holds instead of one: {holds:?}", holds.len());
    Ok(holds.remove(0))
}

fn decide(world: &World, user: User, words: &[&str]) -> Result<String> {
    let output = world.gatekeeper(user, words)?;
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(text) } else { bail!("{words:?}: {text}") }
}

pub fn answer(world: &World, verb: &str, hold: &Value) -> Result<()> {
    decide(world, User::Dev, &[verb, &number(hold)?]).map(drop)
}

/// Has the actor run something in the background of the test; what came of it is heard later.
pub fn begin(session: &mut Session, script: &str) -> Result<()> {
    session.tell("run", &[PYTHON, "-c", script])
}

/// The exit status and the output of what was begun.
pub fn ended(session: &mut Session) -> Result<(i32, String)> {
    let told = session.hear()?.map_err(|errno| anyhow::anyhow!("it did not start: {errno}"))?;
    let told = String::from_utf8_lossy(&told).into_owned();
    let (status, output) = told.split_once('\n').unwrap_or(("-1", ""));
    Ok((status.parse().unwrap_or(-1), output.to_owned()))
}

struct Case {
    name: &'static str,
    operation: &'static str,
    /// What a session does; raises where it is refused.
    script: String,
    prepare: fn() -> Result<()>,
    /// Whether it has happened.
    done: fn() -> bool,
}

fn target() -> String {
    format!("{ASKED}/target")
}

fn file() -> Result<()> {
    let _ = fs::remove_file(format!("{ASKED}/other"));
    let _ = fs::remove_dir(target());
    ground::file(&target())
}

fn no_file() -> Result<()> {
    let _ = fs::remove_file(target());
    let _ = fs::remove_dir(target());
    Ok(())
}

fn is_there() -> bool {
    Path::new(&target()).exists()
}

/// Set by servers once somebody has connected.
static REACHED: AtomicBool = AtomicBool::new(false);

fn reached() -> bool {
    // What connects is told so before the server has looked.
    std::thread::sleep(Duration::from_millis(200));
    REACHED.load(Ordering::SeqCst)
}

/// Serves from the first call on: a port that a thread still waits at can't be had again.
fn serve(begun: &Mutex<bool>, serve: impl FnOnce() -> Result<()>) -> Result<()> {
    REACHED.store(false, Ordering::SeqCst);
    let mut begun = begun.lock().unwrap_or_else(PoisonError::into_inner);
    if !*begun {
        serve()?;
        *begun = true;
    }
    Ok(())
}

fn listen() -> Result<()> {
    static BEGUN: Mutex<bool> = Mutex::new(false);
    serve(&BEGUN, || {
        let server = std::net::TcpListener::bind("127.0.0.1:7011")?;
        std::thread::spawn(move || {
            server.incoming().flatten().for_each(|_| REACHED.store(true, Ordering::SeqCst))
        });
        Ok(())
    })
}

fn listen_here() -> Result<()> {
    REACHED.store(false, Ordering::SeqCst);
    let at = "/srv/suite/asked-socket";
    let _ = fs::remove_file(at);
    let server = std::os::unix::net::UnixListener::bind(at)?;
    fs::set_permissions(at, std::os::unix::fs::PermissionsExt::from_mode(0o777))?;
    std::thread::spawn(move || {
        server.incoming().flatten().for_each(|_| REACHED.store(true, Ordering::SeqCst))
    });
    Ok(())
}

fn listen_for_datagrams() -> Result<()> {
    static BEGUN: Mutex<bool> = Mutex::new(false);
    serve(&BEGUN, || {
        let server = std::net::UdpSocket::bind("127.0.0.1:7023")?;
        std::thread::spawn(move || {
            while server.recv(&mut [0]).is_ok() {
                REACHED.store(true, Ordering::SeqCst);
            }
        });
        Ok(())
    })
}

/// Left by what has the address; gone with the socket, it could not be seen otherwise.
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

/// Where the process id of the victim stands.
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
    // What is sent has arrived when the sender is told, and the end comes a little later.
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
            use std::os::unix::fs::PermissionsExt;
            fs::metadata(target()).is_ok_and(|found| found.permissions().mode() & 0o777 == 0o600)
        }),
        case(
            "connect",
            "connect",
            "import socket; socket.create_connection(('127.0.0.1',7011))".to_owned(),
            listen,
            reached,
        ),
        case(
            "connect to a UNIX socket",
            "unix-connect",
            "import socket; s=socket.socket(socket.AF_UNIX); s.connect('/srv/suite/asked-socket')".to_owned(),
            listen_here,
            reached,
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
            reached,
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

fn operations(world: &World) -> Result<()> {
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
        sealed(!(case.done)(), about("it was done while it waited"))?;
        answer(world, "deny", &hold)?;
        let (status, told) = ended(&mut session)?;
        ensure!(status == 1 && told.contains("Operation not permitted"), "{what}: denied, {status}: {told}");
        sealed(!(case.done)(), about("it was done though it was denied"))?;
        begin(&mut session, &case.script)?;
        let (status, told) =
            answer_all(world, &mut session, "approve").with_context(|| about("approving"))?;
        ensure!(status == 0, "{what}: approved, {status}: {told}");
        until(&about("what was approved"), || Ok((case.done)().then_some(())))?;
        let left = holds(world, &id)?;
        ensure!(left.is_empty(), "{what}: {left:?}");
    }
    Ok(())
}

/// What is made exclusively is asked about once, and comes into being once.
fn creation(world: &World) -> Result<()> {
    let mut session = session(world)?;
    let id = session.id.clone();
    for flags in ["os.O_CREAT|os.O_EXCL|os.O_RDWR", "os.O_CREAT|os.O_WRONLY"] {
        no_file()?;
        let script = format!("import os; f=os.open('{}',{flags},0o644); os.write(f,b'made')", target());
        begin(&mut session, &script)?;
        let hold = one(world, &id)?;
        sealed(!is_there(), "it was made while it waited")?;
        answer(world, "approve", &hold)?;
        let (status, told) = ended(&mut session)?;
        ensure!(status == 0 && told.is_empty(), "{flags}: {status}: {told}");
        ensure!(fs::read(target())? == b"made", "what was made holds something else");
        begin(&mut session, &script.replace("asked/target", "asked/target-3"))?;
        answer(world, "deny", &one(world, &id)?)?;
        let (status, _) = ended(&mut session)?;
        ensure!(status == 1 && !Path::new(&format!("{ASKED}/target-3")).exists(), "{flags}: denied");
    }
    Ok(())
}

fn arguments(world: &World) -> Result<()> {
    let mut session = session(world)?;
    let id = session.id.clone();
    ensure!(session.must_run(&["/usr/bin/echo", "quiet", "words"])? == "quiet words\n", "quiet");
    session.tell("run", &["/usr/bin/echo", "loud", "a b", "c"])?;
    let hold = one(world, &id)?;
    ensure!(hold["arguments"] == serde_json::json!(["/usr/bin/echo", "loud", "a b", "c"]), "{hold}");
    answer(world, "approve", &hold)?;
    ensure!(ended(&mut session)? == (0, "loud a b c\n".to_owned()), "the approved program said otherwise");
    session.tell("run", &["/usr/bin/echo", "loud", "again"])?;
    answer(world, "deny", &one(world, &id)?)?;
    ensure!(session.hear()? == Err(libc::EPERM), "the denied program started");
    // Arguments that no rule speaks of are refused at once, and the program never starts.
    ensure!(session.program(&["/usr/bin/echo", "other"])? == Err(libc::EPERM), "other arguments");
    session.tell("run", &["/usr/bin/uname", "-s"])?;
    answer(world, "approve", &one(world, &id)?)?;
    ensure!(ended(&mut session)? == (0, "Linux\n".to_owned()), "uname");
    Ok(())
}

fn outlives(world: &World) -> Result<()> {
    let mut session = session(world)?;
    let id = session.id.clone();
    file()?;
    begin(&mut session, &format!("import os; os.remove('{}')", target()))?;
    let hold = one(world, &id)?;
    let mut daemon = world.daemon();
    daemon.take().context("no daemon")?.kill()?;
    std::thread::sleep(Duration::from_secs(1));
    sealed(is_there(), "it was done while no daemon ran")?;
    *daemon = Some(Daemon::start(true)?);
    drop(daemon);
    let again = one(world, &id)?;
    ensure!(again["hold"] == hold["hold"], "{hold} became {again}");
    answer(world, "approve", &again)?;
    ensure!(ended(&mut session)?.0 == 0 && !is_there(), "it was not done");
    Ok(())
}

/// Made once a test has seen enough of what its script does.
fn enough() -> Result<&'static str> {
    let at = "/srv/suite/open/asked-enough";
    match fs::remove_file(at) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error).context(at),
        _ => Ok(at),
    }
}

fn timeout(world: &World) -> Result<()> {
    let mut session = session(world)?;
    let at = "/srv/suite/asked-short/file";
    ground::file(at)?;
    begin(&mut session, &format!("import os; os.remove('{at}')"))?;
    let (status, told) = ended(&mut session)?;
    ensure!(status == 1 && told.contains("Operation not permitted"), "{status}: {told}");
    sealed(Path::new(at).exists(), "it was done though nobody answered")?;
    let records = world.ask_json(&["events", "--json", "--session", &session.id])?;
    let decided: Vec<&Value> = records.iter().filter(|record| record["type"] == "decision").collect();
    ensure!(decided.len() == 1 && decided[0]["by"] == "timeout", "{decided:?}");
    // Nobody can decide any more where the task is gone; the story of the session tells of both.
    file()?;
    let enough = enough()?;
    let script = format!(
        "import os,subprocess,time\n\
         p=subprocess.Popen(['{PYTHON}','-c','import os; os.remove(\"{}\")'])\n\
         while not os.path.exists('{enough}'): time.sleep(.05)\n\
         p.kill(); p.wait()",
        target()
    );
    begin(&mut session, &script)?;
    one(world, &session.id)?;
    ground::file(enough)?;
    ensure!(ended(&mut session)?.0 == 0, "it was not killed");
    let came = |story: &Value| -> Vec<String> {
        let holds = story["holds"].as_array().into_iter().flatten();
        holds.map(|hold| hold["outcome"].as_str().unwrap_or("?").to_owned()).collect()
    };
    until("the end of the hold on record", || {
        let story = world.ask_json(&["audit", "session", &session.id, "--json"])?;
        let [story] = &story[..] else { bail!("{story:?}") };
        Ok((came(story) == ["expired", "ended"] && story["counts"]["undecided"] == 1).then_some(()))
    })
}

fn scopes(world: &World) -> Result<()> {
    let mut session = session(world)?;
    let id = session.id.clone();
    let append = |name: &str| format!("open('{ASKED}/{name}','a').write('x')");
    for name in ["one", "two", "three"] {
        ground::file(&format!("{ASKED}/{name}"))?;
    }
    // Exactly this, for the session.
    begin(&mut session, &append("one"))?;
    let hold = one(world, &id)?;
    decide(world, User::Dev, &["approve", &number(&hold)?, "--session", "--reason", "it may"])?;
    ensure!(ended(&mut session)?.0 == 0, "approved");
    session.must_run(&[PYTHON, "-c", &append("one")])?;
    begin(&mut session, &append("two"))?;
    let hold = one(world, &id)?;
    // For the rule, for a time.
    decide(world, User::Dev, &["approve", &number(&hold)?, "--rule", "--for", "20s"])?;
    let approved = Instant::now();
    ensure!(ended(&mut session)?.0 == 0, "approved for the rule");
    session.must("write", &[format!("{ASKED}/three"), "x".to_owned()])?;
    std::thread::sleep(Duration::from_secs(21).saturating_sub(approved.elapsed()));
    begin(&mut session, &append("three"))?;
    answer(world, "deny", &one(world, &id)?)?;
    ensure!(ended(&mut session)?.0 == 1, "the approval outlived its time");
    // Another session has nothing of it.
    let mut other = world.session("asking")?;
    let other_id = other.id.clone();
    begin(&mut other, &append("one"))?;
    answer(world, "deny", &one(world, &other_id)?)?;
    ensure!(ended(&mut other)?.0 == 1, "an approval was good for another session");
    Ok(())
}

fn threads(world: &World) -> Result<()> {
    let mut session = session(world)?;
    let id = session.id.clone();
    for number in 0..32 {
        ground::file(&format!("{ASKED}/thread-{number}"))?;
    }
    let script = format!(
        "import os,threading\n\
         def go(n):\n os.remove('{ASKED}/thread-%d' % n)\n\
         ts=[threading.Thread(target=go,args=(n,)) for n in range(32)]\n\
         [t.start() for t in ts]; [t.join() for t in ts]\n"
    );
    begin(&mut session, &script)?;
    let mut decided = 0;
    while decided < 32 {
        for hold in waiting(world, &id, 1)? {
            answer(world, "approve", &hold)?;
            decided += 1;
        }
    }
    let (status, told) = ended(&mut session)?;
    ensure!(status == 0 && told.is_empty(), "{status}: {told}");
    ensure!(
        (0..32).all(|number| !Path::new(&format!("{ASKED}/thread-{number}")).exists()),
        "not all are gone"
    );
    ensure!(decided == 32, "{decided} decisions for 32 files");
    Ok(())
}

/// A decision is for the very file that was shown.
fn changed(world: &World) -> Result<()> {
    let mut session = session(world)?;
    let id = session.id.clone();
    file()?;
    begin(&mut session, &format!("open('{}','a').write('x')", target()))?;
    let hold = one(world, &id)?;
    // Another file takes the path while the person reads.
    fs::rename(target(), format!("{ASKED}/moved"))?;
    ground::file(&target())?;
    answer(world, "approve", &hold)?;
    let anew = until("the new hold", || {
        let holds = holds(world, &id)?;
        Ok(holds.into_iter().find(|other| other["hold"] != hold["hold"]))
    })?;
    let untouched = fs::read(target())?;
    sealed(!untouched.ends_with(b"x"), "the approval was good for another file")?;
    answer(world, "deny", &anew)?;
    sealed(ended(&mut session)?.0 == 1, "it was let")?;
    ensure!(fs::read(target())? == untouched, "it was written");
    Ok(())
}

fn rights(world: &World) -> Result<()> {
    let mut session = session(world)?;
    let id = session.id.clone();
    file()?;
    begin(&mut session, &format!("import os; os.remove('{}')", target()))?;
    let hold = number(&one(world, &id)?)?;
    ensure!(decide(world, User::Alice, &["approve", &hold]).is_err(), "another user approved");
    // From inside, though it is the owner who asks.
    let inside = world.session("suite")?;
    let (mut inside, _) = inside.parts();
    let told = inside.program(&["/usr/bin/gatekeeper", "approve", &hold])?;
    ensure!(matches!(&told, Ok((1, words)) if words.contains("from inside a session")), "{told:?}");
    decide(world, User::Root, &["deny", &hold, "--reason", "not today"])?;
    ensure!(ended(&mut session)?.0 == 1 && is_there(), "denied by root");
    // Two must agree, and the owner is not enough.
    let at = "/srv/suite/asked-two/file";
    ground::file(at)?;
    begin(&mut session, &format!("import os; os.remove('{at}')"))?;
    let hold = number(&one(world, &id)?)?;
    let mut follower = Follower::start(world)?;
    let number: u64 = hold.parse()?;
    follower.until(|line| line["hold"] == number)?;
    let told = decide(world, User::Dev, &["approve", &hold])?;
    ensure!(told.contains("others must agree"), "{told}");
    // Who decides next sees who has.
    follower.until(|line| line["amended"] == number && line["approved"][0]["name"] == "dev")?;
    ensure!(decide(world, User::Dev, &["approve", &hold]).is_err(), "the owner approved twice");
    std::thread::sleep(Duration::from_millis(500));
    sealed(Path::new(at).exists(), "one was enough")?;
    // Who is asked last alone does not say how much: the first approved once.
    let told = decide(world, User::Alice, &["approve", &hold, "--session"])?;
    ensure!(told.contains(", once") && told.contains("others approved no more"), "{told}");
    ensure!(ended(&mut session)?.0 == 0 && !Path::new(at).exists(), "two were not enough");
    ground::file(at)?;
    begin(&mut session, &format!("import os; os.remove('{at}')"))?;
    let again = one(world, &id)?;
    sealed(Path::new(at).exists(), "one of two approved it for the session")?;
    answer(world, "deny", &again)?;
    sealed(ended(&mut session)?.0 == 1 && Path::new(at).exists(), "it was let")?;
    Ok(())
}

/// What `gatekeeper why` tells in a session.
fn told_why(session: &mut Session) -> Result<Vec<Value>> {
    let (status, told) = session
        .program(&["/usr/bin/gatekeeper", "why", "--json"])?
        .map_err(|errno| anyhow::anyhow!("it did not start: {errno}"))?;
    ensure!(status == 0, "{status}: {told}");
    told.lines().map(|line| serde_json::from_str(line).with_context(|| line.to_owned())).collect()
}

/// A session is told what it was refused and what people said to it, and nothing of any other.
fn reasons(world: &World) -> Result<()> {
    let (mut session, mut other) = (session(world)?, world.session("asking")?);
    let shut = format!("{}/why", ground::SHUT);
    ground::file(&shut)?;
    ensure!(told_why(&mut session)?.is_empty(), "it is told of something before anything was refused");
    let read = format!("open('{shut}').read()");
    begin(&mut session, &read)?;
    ensure!(ended(&mut session)?.0 == 1, "it could be read");
    for (session, name, why) in
        [(&mut session, "mine", "not on a Friday"), (&mut other, "theirs", "nor on a Monday")]
    {
        let at = format!("{ASKED}/why-{name}");
        ground::file(&at)?;
        let id = session.id.clone();
        begin(session, &format!("import os; os.remove('{at}')"))?;
        decide(world, User::Dev, &["deny", &number(&one(world, &id)?)?, "--reason", why])?;
        ensure!(ended(session)?.0 == 1, "{name}: it was denied");
    }
    let told = told_why(&mut session)?;
    let denial = |record: &Value| {
        record["type"] == "event"
            && record["object"]["path"] == shut.as_str()
            && record["reason"] == ground::REASON
            && record["rule"]["id"] == "suite/shut"
    };
    let decision = |why: &str| {
        let why = why.to_owned();
        move |record: &Value| record["type"] == "decision" && record["reason"] == why.as_str()
    };
    ensure!(told.iter().any(denial), "the denial is missing: {told:?}");
    ensure!(told.iter().any(decision("not on a Friday")), "what was said is missing: {told:?}");
    let theirs = told_why(&mut other)?;
    ensure!(theirs.iter().any(decision("nor on a Monday")), "the other's is missing: {theirs:?}");
    sealed(!theirs.iter().any(denial), format!("the other is told of the denial: {theirs:?}"))?;
    for (told, id) in [(&told, &session.id), (&theirs, &other.id)] {
        let foreign: Vec<&Value> = told.iter().filter(|record| record["session"] != id.as_str()).collect();
        ensure!(foreign.is_empty(), "{id} is told of another session: {foreign:?}");
    }
    let outside = decide(world, User::Dev, &["why"]);
    ensure!(
        outside.is_err_and(|error| format!("{error:#}").contains("in a session")),
        "who is outside is told"
    );
    Ok(())
}

/// Who asks too often is shown to ask too often, and nobody is asked about the rest.
fn flood(world: &World) -> Result<()> {
    session(world)?;
    let policy = POLICY.replace("per_minute = 10000", "per_minute = 2").replace("\"asking\"", "\"flooding\"");
    world.policy("flooding", &policy)?;
    let mut session = world.session("flooding")?;
    let id = session.id.clone();
    for number in 0..6 {
        ground::file(&format!("{ASKED}/flood-{number}"))?;
    }
    let script = format!(
        "import os\n\
         for n in range(6):\n \
          if os.fork() == 0:\n  \
           try: os.remove('{ASKED}/flood-%d' % n)\n  \
           except PermissionError: os._exit(1)\n  \
           os._exit(0)\n\
         print(sum(os.waitstatus_to_exitcode(os.wait()[1]) for n in range(6)))"
    );
    let mut follower = Follower::start(world)?;
    begin(&mut session, &script)?;
    follower.until(|line| line["flood"] == 3)?;
    let shown = until("the flood", || {
        let holds = holds(world, &id)?;
        Ok(holds.iter().any(|hold| hold["flood"] == 3).then_some(holds))
    })?;
    ensure!(shown.len() == 3, "{} holds of six are shown: {shown:?}", shown.len());
    let told = world.ask(&["holds"])?;
    ensure!(told.contains("asks too often") && told.contains("3 so far"), "{told}");
    answer(world, "approve", &shown[0])?;
    answer(world, "deny", &shown[1])?;
    answer(world, "deny", &shown[2])?;
    ensure!(ended(&mut session)? == (0, "5\n".to_owned()), "one was approved");
    let left = (0..6).filter(|number| Path::new(&format!("{ASKED}/flood-{number}")).exists()).count();
    ensure!(left == 5, "{left} of six files are left");
    Ok(())
}

/// Signals from the session let nothing pass, and killing what is held ends the hold.
fn escape(world: &World) -> Result<()> {
    let mut session = session(world)?;
    let id = session.id.clone();
    file()?;
    let enough = enough()?;
    let script = format!(
        "import os,signal,subprocess\n\
         p=subprocess.Popen(['{PYTHON}','-c','import os; os.remove(\"{}\")'])\n\
         while not os.path.exists('{enough}'):\n  \
          for n in range(1000): os.kill(p.pid,signal.SIGCONT)\n\
         p.kill(); p.wait(); print(p.returncode)",
        target()
    );
    begin(&mut session, &script)?;
    one(world, &id)?;
    std::thread::sleep(Duration::from_secs(2));
    ground::file(enough)?;
    let (status, told) = ended(&mut session)?;
    ensure!(status == 0 && told == "-9\n", "{status}: {told}");
    ensure!(is_there(), "a storm of SIGCONT let it pass");
    until("the end of the hold", || Ok(holds(world, &id)?.is_empty().then_some(())))?;
    ensure!(is_there(), "it was done after all");
    Ok(())
}
