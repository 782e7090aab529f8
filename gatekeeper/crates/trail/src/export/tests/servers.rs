//! A small HTTP server with given answers.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// A request: its headers, each as `name: value` with the name in small letters, and its body.
pub struct Request {
    pub headers: Vec<String>,
    pub body: Vec<u8>,
}

impl Request {
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        found.unwrap_or_default()
    }
}

/// An answer: the status line's rest, more headers, and the body.
pub struct Answer(pub &'static str, pub &'static str, pub Vec<u8>);

/// A server; it is gone when this is dropped.
pub struct Server {
    pub address: SocketAddr,
    stop: Arc<AtomicBool>,
}

/// Serves at an address; port 0 for any.
pub fn serve(at: &str, answer: impl Fn(Request) -> Option<Answer> + Send + Sync + 'static) -> Server {
    let listener = TcpListener::bind(at).unwrap();
    let address = listener.local_addr().unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let (stopped, answer) = (Arc::clone(&stop), Arc::new(answer));
    thread::spawn(move || {
        for stream in listener.incoming() {
            if stopped.load(Ordering::SeqCst) {
                return;
            }
            let (answer, stopped) = (Arc::clone(&answer), Arc::clone(&stopped));
            thread::spawn(move || converse(stream.unwrap(), &stopped, &*answer));
        }
    });
    Server { address, stop }
}

fn converse(stream: TcpStream, stop: &AtomicBool, answer: &dyn Fn(Request) -> Option<Answer>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut stream = stream;
    loop {
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).ok()? == 0 || stop.load(Ordering::SeqCst) {
                return None;
            }
            let line = line.trim_end().to_owned();
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(": ").unwrap_or((&line, ""));
            headers.push(format!("{}: {value}", name.to_ascii_lowercase()));
        }
        let mut request = Request { headers, body: Vec::new() };
        let length: usize = request.header("content-length").parse().unwrap_or(0);
        request.body.resize(length, 0);
        reader.read_exact(&mut request.body).ok()?;
        let Answer(status, headers, body) = answer(request)?;
        write!(stream, "HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n", body.len()).ok()?;
        stream.write_all(&body).ok()?;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the listener, which then closes its socket.
        drop(TcpStream::connect(self.address));
    }
}
