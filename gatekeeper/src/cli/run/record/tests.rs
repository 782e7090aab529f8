//! A command on a terminal, and what of it is taken down.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{tcgetwinsize, tcsetwinsize};

use super::super::pty_proxy::PtyProxy;
use super::*;
use crate::sys::terminal;
use gatekeeper_record::time::Moment;
use gatekeeper_trail::cast::{self, Recording, Terminal};

const fn size(columns: u16, rows: u16) -> Winsize {
    Winsize { ws_col: columns, ws_row: rows, ws_xpixel: 0, ws_ypixel: 0 }
}

#[test]
fn a_character_is_not_cut_in_two() {
    assert_eq!(whole("aé".as_bytes()), 3);
    assert_eq!(whole(&"aé".as_bytes()[..2]), 1);
    assert_eq!(whole(b"a\xffb"), 3);
    assert_eq!(whole(b"\xffa\xe2\x82"), 2);
}

/// The daemon's part: says that it records, and writes down every line it is sent.
fn take_down(listener: &UnixListener, state: &Path, session: SessionId) {
    let (stream, _) = listener.accept().unwrap();
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    lines.next().unwrap().unwrap();
    let mut answer = serde_json::to_vec(&Answer::Recording).unwrap();
    answer.push(b'\n');
    (&stream).write_all(&answer).unwrap();
    let terminal = Terminal { cols: 70, rows: 20, kind: None };
    let now = || Moment::now();
    let mut recording = Recording::begin(state, session, terminal, "sh".into(), now()).unwrap();
    for line in lines {
        recording.add(&serde_json::from_str(&line.unwrap()).unwrap(), now()).unwrap();
    }
    recording.end().unwrap();
}

#[test]
fn a_terminal_that_changes_its_size_changes_the_sessions_and_is_recorded() {
    let state = tempfile::tempdir().unwrap();
    let session = SessionId::from_kernel(77).unwrap();
    // The person's terminal, as this process has it.
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap().into_string().unwrap();
    rustix::stdio::dup2_stdin(File::options().read(true).write(true).open(name).unwrap()).unwrap();
    tcsetwinsize(&terminal, size(70, 20)).unwrap();

    let socket = state.path().join("socket");
    let listener = UnixListener::bind(&socket).unwrap();
    let folder = state.path().to_owned();
    let daemon = thread::spawn(move || take_down(&listener, &folder, session));
    let taken = Taken::begin(&Config { socket, ..Config::default() }, session, size(70, 20)).unwrap();

    let (here, there) = UnixStream::pair().unwrap();
    let mut command = Command::new("sh");
    let script = "stty size; until [ \"$(stty size)\" = '30 100' ]; do sleep 0.05; done; echo larger; exit 3";
    command.args(["-c", script]);
    assert_eq!(terminal::size().ws_col, 70);
    let (child, master) = terminal::spawn(command, terminal::size(), there.into()).unwrap();
    let inner = master.try_clone().unwrap();
    let mut keeper = PtyProxy::new(child, File::from(master), size(70, 20));
    keeper.taken = Some(taken);
    keeper.begun = true;
    let recording = cast::path(state.path(), session);
    let person = thread::spawn(move || {
        let begun = Instant::now();
        while !std::fs::read_to_string(&recording).is_ok_and(|text| text.contains("20 70")) {
            assert!(begun.elapsed() < Duration::from_mins(1), "the first size was not recorded");
            thread::sleep(Duration::from_millis(20));
        }
        tcsetwinsize(&terminal, size(100, 30)).unwrap();
        terminal
    });
    let (signals, _nobody) = UnixStream::pair().unwrap();
    keeper.keep(&signals).unwrap();
    assert_eq!(tcgetwinsize(&inner).unwrap().ws_col, 100);
    keeper.end().unwrap();
    drop((person.join().unwrap(), here));
    daemon.join().unwrap();

    let file = cast::path(state.path(), session);
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("\"r\", \"100x30\"") || text.contains("\"r\",\"100x30\""), "{text}");
    let (_, happened) = cast::read(&file).unwrap();
    let place = |wanted: &dyn Fn(&CastEvent) -> bool| happened.iter().position(|one| wanted(&one.event));
    let says = |text: &'static str| move |one: &CastEvent| matches!(one, CastEvent::Output(output) if output.contains(text));
    let (small, resized) = (place(&says("20 70")), place(&|one| *one == CastEvent::Resize((100, 30))));
    let (large, ended) = (place(&says("larger")), place(&|one| *one == CastEvent::Exit(3)));
    assert!(small.is_some() && small < resized && resized < large && large < ended, "{happened:?}");
}
