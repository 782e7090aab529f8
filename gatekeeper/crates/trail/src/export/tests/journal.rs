//! The journal's protocol, at a socket of our own, and systemd's journal where it is installed.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal};

use super::*;

#[test]
fn a_journal_gets_a_datagram_a_record() {
    let mut trail = Trail::new();
    let path = trail.path().join("journal");
    let exports = trail.export(&Target::Journald { socket: path.clone() });
    trail.write(60);
    let size = trail.settle();
    until("word of the failure", || state(&exports, &trail).error.is_some());
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    let taken = Taken::default();
    let mut bytes = vec![0; 1 << 18];
    for _ in 0..size {
        let length = socket.recv(&mut bytes).unwrap();
        let entry = std::str::from_utf8(&bytes[..length]).unwrap();
        let value = |name: &str| entry.lines().find_map(|line| line.strip_prefix(name));
        assert!(value("MESSAGE=").is_some() && value("PRIORITY=").is_some(), "{entry}");
        assert_eq!(value("SYSLOG_IDENTIFIER="), Some("gatekeeper"));
        taken.add(value("GATEKEEPER_OCSF=").unwrap().as_bytes());
    }
    taken.all(size);
}

const JOURNALD: &str = "/lib/systemd/systemd-journald";

/// A journal of its own: a namespace that nobody else uses.
struct Journal {
    name: String,
    server: Option<Child>,
}

impl Journal {
    fn folder(&self) -> PathBuf {
        PathBuf::from(format!("/run/systemd/journal.{}", self.name))
    }

    fn start(&mut self) {
        fs::create_dir_all(self.folder()).unwrap();
        let server = Command::new(JOURNALD)
            .arg(&self.name)
            .env("RUNTIME_DIRECTORY", self.folder())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        self.server = Some(server.unwrap());
        until("journald", || UnixDatagram::unbound().unwrap().connect(self.folder().join("socket")).is_ok());
    }

    fn stop(&mut self) {
        let Some(mut server) = self.server.take() else { return };
        let _ = rustix::process::kill_process(Pid::from_child(&server), Signal::TERM);
        let _ = server.wait();
    }

    /// Returns the entries that are ours, in its order.
    fn records(&self) -> Taken {
        let output = Command::new("journalctl")
            .arg(format!("--namespace={}", self.name))
            .args(["--output=json", "--all", "--quiet", "--no-pager", "SYSLOG_IDENTIFIER=gatekeeper"])
            .output()
            .unwrap();
        let taken = Taken::default();
        for line in String::from_utf8(output.stdout).unwrap().lines() {
            let entry: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(entry["MESSAGE_ID"], "3d0f5fd5a2c94e5b8c0f6c9a7b1e42d1", "{entry}");
            taken.add(entry["GATEKEEPER_OCSF"].as_str().unwrap().as_bytes());
        }
        taken
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.stop();
        let _ = fs::remove_dir_all(self.folder());
        for place in ["/run/log/journal", "/var/log/journal"] {
            for entry in fs::read_dir(place).into_iter().flatten().flatten() {
                if entry.file_name().to_string_lossy().ends_with(&format!(".{}", self.name)) {
                    let _ = fs::remove_dir_all(entry.path());
                }
            }
        }
    }
}

#[test]
fn systemds_own_journal_has_everything_after_it_was_down() {
    let installed = Path::new(JOURNALD).exists() && Path::new("/etc/machine-id").exists();
    if !installed || !rustix::process::geteuid().is_root() {
        eprintln!("not tried: {JOURNALD} is not installed, or this is not root");
        return;
    }
    let mut journal = Journal { name: format!("gatekeeper-test-{}", std::process::id()), server: None };
    journal.start();
    let mut trail = Trail::new();
    let exports = trail.export(&Target::Journald { socket: journal.folder().join("socket") });
    trail.write(60);
    let size = trail.settle();
    until("the first records", || journal.records().count() as u64 >= size);
    journal.stop();
    trail.write(60);
    let size = trail.settle();
    until("word of the failure", || state(&exports, &trail).error.is_some());
    journal.start();
    until("the rest", || journal.records().count() as u64 >= size);
    journal.records().all(size);
}
