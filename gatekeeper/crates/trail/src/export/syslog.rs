//! Syslog as RFC 5424 has it: over a UNIX socket, over TCP (RFC 6587, counted octets), over TLS (RFC 5425).
//!
//! Syslog has no answer. Over TCP and TLS a record counts as taken once the other end's kernel has acknowledged its
//! bytes.

use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use super::fields::Fields;
use super::reader::Batch;
use super::sink::{SendError, Sink};
use super::stream::Stream;

/// The interval at which it asks how much was acknowledged.
const ASKING: Duration = Duration::from_millis(2);

/// The address of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A datagram socket.
    Unix(PathBuf),
    /// `host:port`.
    Tcp(String),
    /// `host:port`, over TLS.
    Tls(String),
}

enum Connection {
    Unix(UnixDatagram),
    Stream(Box<Stream>),
}

/// The sink.
pub struct Syslog {
    address: Address,
    ca: Option<PathBuf>,
    facility: u8,
    timeout: Duration,
    connection: Option<Connection>,
}

impl Syslog {
    /// A server.
    pub fn new(address: Address, ca: Option<PathBuf>, facility: u8, timeout: Duration) -> Self {
        Self { address, ca, facility, timeout, connection: None }
    }

    fn connect(&self) -> Result<Connection, SendError> {
        Ok(match &self.address {
            Address::Unix(path) => {
                let socket = UnixDatagram::unbound().and_then(|socket| {
                    socket.set_write_timeout(Some(self.timeout))?;
                    socket.connect(path)?;
                    Ok(socket)
                });
                Connection::Unix(socket.map_err(SendError::at(path.display()))?)
            }
            Address::Tcp(to) => Connection::Stream(Stream::plain(to, self.timeout)?.into()),
            Address::Tls(to) => Connection::Stream(Stream::tls(to, self.ca.as_deref(), self.timeout)?.into()),
        })
    }

    /// A record as a message.
    fn message(&self, line: &[u8]) -> Result<Vec<u8>, SendError> {
        let fields = Fields::of(line)?;
        let priority = self.facility * 8 + fields.priority();
        let host: String = fields.device.hostname.chars().filter(char::is_ascii_graphic).take(255).collect();
        let host = if host.is_empty() { "-" } else { &host };
        // From 1 to 2,147,483,647, and from there on again.
        let number = fields.metadata.sequence % 2_147_483_647 + 1;
        let head = format!(
            "<{priority}>1 {} {host} gatekeeper {} {} [meta sequenceId=\"{number}\"][origin software=\"gatekeeper\" swVersion=\"{}\"] ",
            fields.time_dt,
            std::process::id(),
            fields.unmapped.kind,
            env!("CARGO_PKG_VERSION"),
        );
        Ok([head.as_bytes(), line].concat())
    }

    fn datagrams(&self, socket: &UnixDatagram, batch: &Batch) -> Result<usize, SendError> {
        for (sent, line) in batch.lines.iter().enumerate() {
            match socket.send(&self.message(line)?) {
                Ok(_) => {}
                Err(_) if sent > 0 => return Ok(sent),
                Err(error) => return Err(SendError::at("the syslog socket")(error)),
            }
        }
        Ok(batch.lines.len())
    }

    fn stream(&self, stream: &mut Stream, batch: &Batch) -> Result<usize, SendError> {
        let failed = |taken: usize, error: io::Error| match taken {
            0 => Err(SendError::at("the syslog server")(error)),
            taken => Ok(taken),
        };
        match stream.is_alive() {
            Ok(true) => {}
            Ok(false) => return failed(0, io::Error::other("it closed the connection")),
            Err(error) => return failed(0, error),
        }
        // Where each record ends, in bytes written.
        let (mut ends, mut written, mut taken) = (Vec::new(), 0, 0);
        let acknowledged = |stream: &Stream, ends: &[usize], written: usize| {
            let waiting = stream.unacknowledged()?;
            Ok::<_, io::Error>(ends.partition_point(|end| *end + waiting <= written))
        };
        for line in &batch.lines {
            let message = self.message(line)?;
            let framed = [format!("{} ", message.len()).as_bytes(), &message].concat();
            if let Err(error) = stream.write(&framed) {
                return failed(taken, error);
            }
            written += framed.len();
            ends.push(written);
            taken = taken.max(acknowledged(stream, &ends, written).unwrap_or(0));
        }
        let mut moved = Instant::now();
        while taken < ends.len() {
            if let Ok(false) | Err(_) = stream.is_alive() {
                return failed(taken, io::Error::other("it closed the connection"));
            }
            match acknowledged(stream, &ends, written) {
                Ok(now) if now > taken => (taken, moved) = (now, Instant::now()),
                Ok(_) if moved.elapsed() > self.timeout => {
                    return failed(taken, io::ErrorKind::TimedOut.into());
                }
                Ok(_) => thread::sleep(ASKING),
                Err(error) => return failed(taken, error),
            }
        }
        Ok(taken)
    }
}

impl Sink for Syslog {
    fn send(&mut self, batch: &Batch) -> Result<usize, SendError> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connect()?,
        };
        let taken = match &mut connection {
            Connection::Unix(socket) => self.datagrams(socket, batch),
            Connection::Stream(stream) => self.stream(stream, batch),
        }?;
        // What was not taken is sent again, over a connection that knows nothing of it.
        if taken == batch.lines.len() {
            self.connection = Some(connection);
        }
        Ok(taken)
    }
}
