//! systemd's journal, in its own protocol: one datagram a record
//! (<https://systemd.io/JOURNAL_NATIVE_PROTOCOL/>). A record fits a datagram: paths and arguments are bounded.

use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::time::Duration;

use super::fields::Fields;
use super::reader::Batch;
use super::sink::{SendError, Sink};

/// The journal's id of this kind of message: one for all records.
const MESSAGE_ID: &str = "3d0f5fd5a2c94e5b8c0f6c9a7b1e42d1";

/// The sink.
pub struct Journald {
    path: PathBuf,
    timeout: Duration,
    socket: Option<UnixDatagram>,
}

impl Journald {
    /// The journal behind this socket.
    pub fn new(path: PathBuf, timeout: Duration) -> Self {
        Self { path, timeout, socket: None }
    }

    fn connect(&self) -> std::io::Result<UnixDatagram> {
        let socket = UnixDatagram::unbound()?;
        socket.set_write_timeout(Some(self.timeout))?;
        socket.connect(&self.path)?;
        Ok(socket)
    }
}

fn put(entry: &mut Vec<u8>, name: &str, value: &[u8]) {
    entry.extend_from_slice(name.as_bytes());
    if value.contains(&b'\n') {
        entry.push(b'\n');
        entry.extend_from_slice(&(value.len() as u64).to_le_bytes());
    } else {
        entry.push(b'=');
    }
    entry.extend_from_slice(value);
    entry.push(b'\n');
}

/// A record as the journal takes it.
fn entry(line: &[u8]) -> Result<Vec<u8>, SendError> {
    let fields = Fields::of(line)?;
    let mut entry = Vec::with_capacity(line.len() + 512);
    put(&mut entry, "MESSAGE", fields.message.as_bytes());
    put(&mut entry, "PRIORITY", fields.priority().to_string().as_bytes());
    put(&mut entry, "SYSLOG_IDENTIFIER", b"gatekeeper");
    put(&mut entry, "MESSAGE_ID", MESSAGE_ID.as_bytes());
    put(&mut entry, "GATEKEEPER_RECORD", fields.metadata.sequence.to_string().as_bytes());
    put(&mut entry, "GATEKEEPER_TYPE", fields.unmapped.kind.as_bytes());
    let optional = [
        ("GATEKEEPER_SESSION", fields.session()),
        ("GATEKEEPER_OPERATION", fields.unmapped.operation.as_deref()),
        ("GATEKEEPER_VERDICT", fields.unmapped.verdict.as_deref()),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            put(&mut entry, name, value.as_bytes());
        }
    }
    put(&mut entry, "GATEKEEPER_OCSF", line);
    Ok(entry)
}

impl Sink for Journald {
    fn send(&mut self, batch: &Batch) -> Result<usize, SendError> {
        let path = self.path.display().to_string();
        let socket = match self.socket.take() {
            Some(socket) => socket,
            None => self.connect().map_err(SendError::at(&path))?,
        };
        for (sent, line) in batch.lines.iter().enumerate() {
            match socket.send(&entry(line)?) {
                Ok(_) => {}
                Err(_) if sent > 0 => return Ok(sent),
                Err(error) => return Err(SendError::at(&path)(error)),
            }
        }
        self.socket = Some(socket);
        Ok(batch.lines.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_with_line_breaks_have_their_length() {
        let mut entry = Vec::new();
        put(&mut entry, "A", b"x=y");
        put(&mut entry, "B", b"1\n2");
        assert_eq!(entry, b"A=x=y\nB\n\x03\0\0\0\0\0\0\x001\n2\n");
    }
}
