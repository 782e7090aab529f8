//! A connection to a syslog server that says how much the other end has taken.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::certificates;
use super::sink::SendError;
use crate::sys::unacknowledged;

/// A connection.
pub struct Stream {
    plain: TcpStream,
    secure: Option<ClientConnection>,
}

/// Connects, trying each address the name stands for.
fn connect(to: &str, timeout: Duration) -> Result<TcpStream, SendError> {
    let mut failed = io::Error::other("the name stands for no address");
    for address in to.to_socket_addrs().map_err(SendError::at(to))? {
        match TcpStream::connect_timeout(&address, timeout) {
            Ok(stream) => {
                let set = stream
                    .set_write_timeout(Some(timeout))
                    .and_then(|()| stream.set_read_timeout(Some(timeout)))
                    .and_then(|()| stream.set_nodelay(true));
                set.map_err(SendError::at(to))?;
                return Ok(stream);
            }
            Err(error) => failed = error,
        }
    }
    Err(SendError::at(to)(failed))
}

impl Stream {
    /// Connects to `host:port`, without secrecy.
    pub fn plain(to: &str, timeout: Duration) -> Result<Self, SendError> {
        Ok(Self { plain: connect(to, timeout)?, secure: None })
    }

    /// Connects to `host:port` over TLS.
    pub fn tls(to: &str, ca: Option<&Path>, timeout: Duration) -> Result<Self, SendError> {
        let mut roots = RootCertStore::empty();
        for root in certificates::roots(ca)? {
            roots.add(root).map_err(|error| SendError::new(format!("`ca`: {error}")))?;
        }
        let bad = |error: rustls::Error| SendError::new(format!("{to}: {error}"));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(bad)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let host = to.rsplit_once(':').map_or(to, |(host, _)| host).trim_matches(['[', ']']);
        let name = ServerName::try_from(host.to_owned())
            .map_err(|error| SendError::new(format!("{host}: {error}")))?;
        let secure = ClientConnection::new(Arc::new(config), name).map_err(bad)?;
        let mut stream = StreamOwned::new(secure, connect(to, timeout)?);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock).map_err(SendError::at(to))?;
        }
        let (secure, plain) = stream.into_parts();
        Ok(Self { plain, secure: Some(secure) })
    }

    /// Whether the other end is still there; reads what it may have sent.
    pub fn is_alive(&mut self) -> io::Result<bool> {
        self.plain.set_nonblocking(true)?;
        let alive = loop {
            let read = match &mut self.secure {
                None => self.plain.read(&mut [0; 512]),
                Some(secure) => match secure.read_tls(&mut self.plain) {
                    Ok(read) => match secure.process_new_packets() {
                        Ok(state) if state.peer_has_closed() => Ok(0),
                        Ok(_) => Ok(read),
                        Err(error) => Err(io::Error::other(error)),
                    },
                    Err(error) => Err(error),
                },
            };
            match read {
                Ok(0) => break Ok(false),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break Ok(true),
                Err(error) => break Err(error),
            }
        };
        self.plain.set_nonblocking(false)?;
        alive
    }

    /// Writes all of it to the kernel.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.secure {
            None => self.plain.write_all(bytes),
            Some(secure) => {
                secure.writer().write_all(bytes)?;
                while secure.wants_write() {
                    secure.write_tls(&mut self.plain)?;
                }
                Ok(())
            }
        }
    }

    /// Bytes written that the other end has not acknowledged.
    pub fn unacknowledged(&self) -> io::Result<usize> {
        unacknowledged(self.plain.as_fd())
    }
}
