//! Syslog servers: ours, over TCP, TLS and a UNIX socket, and rsyslog where it is installed.

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixDatagram;
use std::process::{Child, Command, Stdio};

use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::*;
use crate::export::setting::Address;

fn syslog(address: Address, ca: Option<std::path::PathBuf>) -> Target {
    Target::Syslog { address, ca, facility: 13 }
}

/// The record in a message.
fn record(message: &[u8]) -> &[u8] {
    let text = std::str::from_utf8(message).unwrap();
    let priority = text.strip_prefix('<').and_then(|rest| rest.split_once(">1 ")).unwrap().0;
    assert!((104..112).contains(&priority.parse::<u8>().unwrap()), "{text}");
    assert!(text.contains(" gatekeeper ") && text.contains("[meta sequenceId=\""), "{text}");
    let begins = text.find("] {").unwrap() + 2;
    &message[begins..]
}

/// Takes messages with their counted octets until the other end closes, or so many.
fn take(mut stream: impl Read, taken: &Taken, most: usize) {
    for _ in 0..most {
        let mut length = Vec::new();
        let mut byte = [0];
        loop {
            match stream.read(&mut byte) {
                Ok(1) if byte[0] == b' ' => break,
                Ok(1) => length.push(byte[0]),
                _ => return,
            }
        }
        let length: usize = String::from_utf8(length).unwrap().parse().unwrap();
        let mut message = vec![0; length];
        stream.read_exact(&mut message).unwrap();
        taken.add(record(&message));
    }
}

#[test]
fn a_server_over_tcp_that_goes_and_comes_back() {
    let mut trail = Trail::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let taken = Taken::default();
    let exports = trail.export(&syslog(Address::Tcp(address.to_string()), None));
    trail.write(120);
    let size = trail.settle();
    let (stream, _) = listener.accept().unwrap();
    take(&stream, &taken, size as usize);
    until("all of it", || state(&exports, &trail).next == size);
    // Gone while nothing is sent.
    drop((stream, listener));
    trail.write(80);
    until("word of the failure", || state(&exports, &trail).error.is_some());
    let size = trail.settle();
    let listener = TcpListener::bind(address).unwrap();
    let (stream, _) = listener.accept().unwrap();
    take(&stream, &taken, size as usize - taken.count());
    taken.all(size);
}

#[test]
fn a_server_over_tls_is_known_by_its_certificate() {
    let mut trail = Trail::new();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let ca = trail.path().join("ca.pem");
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let taken = Taken::default();
    let kept = taken.clone();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let server = ServerConnection::new(Arc::new(config.clone())).unwrap();
            let stream: TcpStream = stream.unwrap();
            take(StreamOwned::new(server, stream), &kept, usize::MAX);
        }
    });
    // Somebody else's word is not good enough.
    let other = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(&ca, other.cert.pem()).unwrap();
    let exports = trail.export(&syslog(Address::Tls(format!("localhost:{port}")), Some(ca.clone())));
    trail.write(150);
    until("a refusal", || state(&exports, &trail).error.is_some_and(|error| error.contains("certificate")));
    assert_eq!(taken.count(), 0);
    std::fs::write(&ca, made.cert.pem()).unwrap();
    taken.all(trail.settle());
}

#[test]
fn a_unix_socket_takes_a_datagram_a_record() {
    let mut trail = Trail::new();
    let path = trail.path().join("log");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    let _exports = trail.export(&syslog(Address::Unix(path), None));
    trail.write(100);
    let size = trail.settle();
    let taken = Taken::default();
    let mut bytes = vec![0; 1 << 18];
    for _ in 0..size {
        let length = socket.recv(&mut bytes).unwrap();
        taken.add(record(&bytes[..length]));
    }
    taken.all(size);
}

const RSYSLOG: &str = "/usr/sbin/rsyslogd";

struct Rsyslog(Child);

impl Rsyslog {
    fn start(folder: &Path, port: u16) -> Self {
        let conf = folder.join("rsyslog.conf");
        let folder = folder.display();
        let text = format!(
            "global(workDirectory=\"{folder}\" maxMessageSize=\"64k\")\n\
             module(load=\"imtcp\")\ninput(type=\"imtcp\" port=\"{port}\" address=\"127.0.0.1\")\n\
             module(load=\"imuxsock\" SysSock.Use=\"off\")\ninput(type=\"imuxsock\" Socket=\"{folder}/log\" UseSpecialParser=\"off\")\n\
             template(name=\"raw\" type=\"string\" string=\"%protocol-version% %app-name% %structured-data% %msg%\\n\")\n\
             *.* action(type=\"omfile\" file=\"{folder}/received\" template=\"raw\")\n"
        );
        std::fs::write(&conf, text).unwrap();
        let mut command = Command::new(RSYSLOG);
        command.arg("-n").arg("-f").arg(&conf).arg("-i").arg(format!("{folder}/pid"));
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        Self(child)
    }

    /// Ends it as its service does: what it has it writes.
    fn stop(mut self) {
        Command::new("kill").arg(self.0.id().to_string()).status().unwrap();
        self.0.wait().unwrap();
    }
}

/// The numbers of what rsyslog wrote, but for its own words.
fn received(folder: &Path) -> Vec<u64> {
    let text = std::fs::read_to_string(folder.join("received")).unwrap_or_default();
    let taken = Taken::default();
    for line in text.lines().filter(|line| line.starts_with("1 gatekeeper [meta")) {
        let begins = line.find("] ").map(|at| at + 2).unwrap();
        taken.add(line[begins..].trim_start().as_bytes());
    }
    taken.numbers()
}

#[test]
fn rsyslog_has_everything_after_it_was_down() {
    if !Path::new(RSYSLOG).exists() {
        eprintln!("not tried: {RSYSLOG} is not installed");
        return;
    }
    for unix in [false, true] {
        let mut trail = Trail::new();
        let folder = trail.path().join("rsyslog");
        std::fs::create_dir(&folder).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let address =
            if unix { Address::Unix(folder.join("log")) } else { Address::Tcp(format!("127.0.0.1:{port}")) };
        let server = Rsyslog::start(&folder, port);
        let exports = trail.export(&syslog(address, None));
        trail.write(300);
        let size = trail.settle();
        until("the first records", || {
            let now = received(&folder).len() as u64;
            assert!(now <= size);
            now == size
        });
        server.stop();
        trail.write(300);
        let size = trail.settle();
        until("word of the failure", || state(&exports, &trail).error.is_some());
        let server = Rsyslog::start(&folder, port);
        until("the rest", || received(&folder).len() as u64 >= size);
        assert_eq!(received(&folder), (0..size).collect::<Vec<_>>());
        server.stop();
    }
}
