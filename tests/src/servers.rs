//! Real servers on loopback, to see what arrives.

use std::io::Read;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};

use crate::world::until;

/// A TCP and a UDP server on one address, that count and keep what comes.
pub struct Server {
    pub address: SocketAddr,
    connections: Arc<AtomicUsize>,
    received: Arc<Mutex<Vec<u8>>>,
}

impl Server {
    /// Listens until the suite ends.
    pub fn start(address: &str) -> Result<Self> {
        let address: SocketAddr = address.parse().context("a server's address")?;
        let tcp = TcpListener::bind(address).with_context(|| format!("listening on {address}"))?;
        let udp = UdpSocket::bind(address).with_context(|| format!("listening on {address}"))?;
        let (connections, received) = (Arc::<AtomicUsize>::default(), Arc::<Mutex<Vec<u8>>>::default());
        let (count, kept) = (Arc::clone(&connections), Arc::clone(&received));
        std::thread::spawn(move || {
            for stream in tcp.incoming() {
                count.fetch_add(1, Ordering::SeqCst);
                let Ok(mut stream) = stream else { continue };
                let kept = Arc::clone(&kept);
                std::thread::spawn(move || {
                    let mut bytes = Vec::new();
                    // A peer that resets the connection sends nothing more.
                    let _ = stream.read_to_end(&mut bytes);
                    kept.lock().unwrap_or_else(PoisonError::into_inner).extend(bytes);
                });
            }
        });
        let kept = Arc::clone(&received);
        std::thread::spawn(move || {
            let mut bytes = [0; 2048];
            while let Ok(length) = udp.recv(&mut bytes) {
                kept.lock().unwrap_or_else(PoisonError::into_inner).extend(&bytes[..length]);
            }
        });
        Ok(Self { address, connections, received })
    }

    /// Connections accepted so far.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Whether this text has arrived.
    pub fn saw(&self, text: &str) -> bool {
        let received = self.received.lock().unwrap_or_else(PoisonError::into_inner);
        received.windows(text.len()).any(|part| part == text.as_bytes())
    }

    /// Waits for text that must arrive.
    pub fn must_see(&self, text: &str) -> Result<()> {
        until(&format!("{text:?} at {}", self.address), || Ok(self.saw(text).then_some(())))
    }

    /// Waits for a connection beyond so many.
    pub fn must_accept(&self, beyond: usize) -> Result<()> {
        until(
            &format!("a connection to {}", self.address),
            || Ok((self.connections() > beyond).then_some(())),
        )
    }
}
