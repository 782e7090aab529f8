//! Real servers outside the session, to see what arrives.

use std::io::Read;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

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

/// Whether anything has reached a server since it was last made ready. The server starts once and lives as long as the
/// suite, because an address that a thread still waits at cannot be bound again.
pub struct Reached {
    has_started: Mutex<bool>,
    is_reached: AtomicBool,
}

impl Reached {
    pub const fn new() -> Self {
        Self { has_started: Mutex::new(false), is_reached: AtomicBool::new(false) }
    }

    /// Forgets what has come, and starts the server at the first call.
    pub fn ready(&self, start: impl FnOnce() -> Result<()>) -> Result<()> {
        self.is_reached.store(false, Ordering::SeqCst);
        let mut has_started = self.has_started.lock().unwrap_or_else(PoisonError::into_inner);
        if !*has_started {
            start()?;
            *has_started = true;
        }
        Ok(())
    }

    /// Notes that something has come.
    pub fn note(&self) {
        self.is_reached.store(true, Ordering::SeqCst);
    }

    /// Whether something has come. Waits a moment first: `connect` returns before the server has accepted.
    pub fn get(&self) -> bool {
        std::thread::sleep(Duration::from_millis(200));
        self.is_reached.load(Ordering::SeqCst)
    }
}
