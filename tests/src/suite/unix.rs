//! UNIX sockets of others: by path and by abstract name, connected to, sent to and named.

use std::io::ErrorKind;
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use crate::acts::address;
use crate::events::Denial;
use crate::failure::must_not_pass;
use crate::fixtures::{self, OPEN, REASON, SHUT};
use crate::policies::policy;
use crate::runner::Test;
use crate::world::{User, World, until};

pub fn tests() -> Vec<Test> {
    vec![
        Test::new("unix::connect", |world| each_kind(world, connect)),
        Test::new("unix::send", |world| each_kind(world, send)),
        Test::new("unix::bind", |world| each_kind(world, bind)),
        Test::new("unix::own_sockets_are_free", own),
        Test::new("unix::by_another_name", renamed),
    ]
}

/// A name that is open and one that is shut: of files, and abstract.
fn each_kind(world: &World, test: fn(&World, [String; 2]) -> Result<()>) -> Result<()> {
    let number = world.number();
    let folders = [OPEN, SHUT].map(|folder| format!("{folder}/unix-{number}"));
    folders.iter().try_for_each(|folder| fixtures::folder(folder))?;
    test(world, folders.map(|folder| format!("{folder}/socket"))).context("by path")?;
    test(world, ["open", "shut"].map(|name| format!("@suite-{name}-{number}"))).context("by abstract name")
}

fn listen(name: &str) -> Result<UnixListener> {
    let listener = UnixListener::bind_addr(&address(name.as_bytes())?).context("listening")?;
    if !name.starts_with('@') {
        fixtures::give(Path::new(name))?;
    }
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Takes a connection that must be there.
fn must_accept(listener: &UnixListener) -> Result<()> {
    until("a connection", || match listener.accept() {
        Ok(_) => Ok(Some(())),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error.into()),
    })
}

fn connect(world: &World, [open, shut]: [String; 2]) -> Result<()> {
    let (let_in, kept_out) = (listen(&open)?, listen(&shut)?);
    let mut free = world.free(User::Dev)?;
    free.must("connect-unix", &[&shut])?;
    must_accept(&kept_out)?;
    let mut session = world.session("suite")?;
    session.must("connect-unix", &[&open])?;
    must_accept(&let_in)?;
    session.must_not("connect-unix", &[&shut])?;
    session.must_not("in-child", &["connect-unix", &shut])?;
    ensure!(kept_out.accept().is_err(), "the server saw the refused connection");
    let denial = [Denial::of("unix-connect", shut, REASON)];
    world.expect(&session.id, &denial)?;
    world.expect_no_other(&session.id, &denial)
}

fn send(world: &World, [open, shut]: [String; 2]) -> Result<()> {
    let take = |name: &str| -> Result<UnixDatagram> {
        let socket = UnixDatagram::bind_addr(&address(name.as_bytes())?).context("a socket to send to")?;
        if !name.starts_with('@') {
            fixtures::give(Path::new(name))?;
        }
        socket.set_nonblocking(true)?;
        Ok(socket)
    };
    let must_take = |socket: &UnixDatagram, wanted: &str| -> Result<()> {
        let mut bytes = [0; 64];
        let length = socket.recv(&mut bytes).with_context(|| format!("taking {wanted:?}"))?;
        ensure!(bytes[..length] == *wanted.as_bytes(), "another message arrived");
        Ok(())
    };
    let (let_in, kept_out) = (take(&open)?, take(&shut)?);
    let mut free = world.free(User::Dev)?;
    free.must("send-unix", &[&shut, "from one free"])?;
    must_take(&kept_out, "from one free")?;
    let mut session = world.session("suite")?;
    session.must("send-unix", &[&open, "from one let"])?;
    must_take(&let_in, "from one let")?;
    session.must_not("send-unix", &[&shut, "from one bound"])?;
    free.must("send-unix", &[&shut, "the last"])?;
    must_take(&kept_out, "the last")?;
    let denial = [Denial::of("unix-send", shut, REASON)];
    world.expect(&session.id, &denial)?;
    world.expect_no_other(&session.id, &denial)
}

fn bind(world: &World, [open, shut]: [String; 2]) -> Result<()> {
    let other = format!("{shut}-by-one-free");
    world.free(User::Dev)?.must("bind-unix", &[&other])?;
    let mut session = world.session("suite")?;
    session.must("bind-unix", &[&open])?;
    session.must_not("bind-unix", &[&shut])?;
    if shut.starts_with('@') {
        let names = std::fs::read_to_string("/proc/net/unix").context("the sockets of the machine")?;
        must_not_pass(!names.contains(&shut), "the name is taken")?;
        return world.expect(&session.id, &[Denial::of("unix-bind", shut, REASON)]);
    }
    must_not_pass(!Path::new(&shut).exists() && Path::new(&other).exists(), "a socket's file was made")?;
    // The file is judged first, as a file.
    world.expect(&session.id, &[Denial::of("create", shut, REASON)])
}

/// Under a policy that lets a name be given but nobody be reached, the session reaches its own socket.
fn own(world: &World) -> Result<()> {
    world.policy("own-sockets", policy!("own-sockets"))?;
    each_kind(world, |world, [name, _]| {
        let others = format!("{name}-of-another");
        let kept_out = listen(&others)?;
        world.free(User::Dev)?.must("connect-unix", &[&others])?;
        must_accept(&kept_out)?;
        let mut session = world.session("own-sockets")?;
        session.must("reach-own-unix", &[&name])?;
        session.must_not("connect-unix", &[&others])?;
        ensure!(kept_out.accept().is_err(), "the server saw the refused connection");
        world.expect(&session.id, &[Denial::of("unix-connect", others, REASON)])
    })
}

/// A link to a socket, and another name of its file, lead to the same socket: judged by the name it was bound to.
fn renamed(world: &World) -> Result<()> {
    let number = world.number();
    let [open, shut] = [OPEN, SHUT].map(|folder| format!("{folder}/unix-names-{number}"));
    fixtures::folder(&open)?;
    fixtures::folder(&shut)?;
    let (socket, symbolic, hard) =
        (format!("{shut}/socket"), format!("{open}/symbolic"), format!("{open}/hard"));
    let kept_out = listen(&socket)?;
    std::os::unix::fs::symlink(&socket, &symbolic)?;
    std::fs::hard_link(&socket, &hard)?;
    let mut free = world.free(User::Dev)?;
    let mut session = world.session("suite")?;
    for name in [&symbolic, &hard] {
        free.must("connect-unix", &[name])?;
        must_accept(&kept_out)?;
        session.must_not("connect-unix", &[name])?;
    }
    if kept_out.accept().is_ok() {
        bail!("the server saw a refused connection");
    }
    world.expect(&session.id, &[Denial::of("unix-connect", socket, REASON)])
}
