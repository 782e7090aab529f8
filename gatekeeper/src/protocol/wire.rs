//! Requests and answers as bytes on the socket, bounded in size and time.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::bounds;
use super::messages::{Answer, Envelope, PROTOCOL, REQUEST_BYTES, Request};
use gatekeeper_record::refusal::{Reason, Refusal};

/// Time that a client has to send its request.
const ASKING: Duration = Duration::from_secs(15);
/// Time that a client has to read an answer; a follower of events may take for ever.
const ANSWERING: Duration = Duration::from_secs(10);

/// Reads the one request of a connection. `Ok(None)`: the client went away without a word.
///
/// # Errors
/// [`Reason::Malformed`] where the request is late, too long or not a request of this protocol.
pub async fn request(stream: &mut UnixStream) -> Result<Option<Request>, Refusal> {
    let malformed = |message: String| Refusal::new(Reason::Malformed, message);
    let line = match timeout(ASKING, line(stream)).await {
        Err(_) => return Err(malformed(format!("no whole request within {} s", ASKING.as_secs()))),
        Ok(Err(error)) => return Err(malformed(error.to_string())),
        Ok(Ok(line)) => line,
    };
    if line.is_empty() {
        return Ok(None);
    }
    parse(&line).map(Some)
}

/// Reads a request out of its line.
///
/// # Errors
/// [`Reason::Malformed`] where the line is not a request of this protocol.
pub fn parse(line: &[u8]) -> Result<Request, Refusal> {
    /// The part that every version has in common.
    #[derive(serde::Deserialize)]
    struct Version {
        protocol: u32,
    }
    let version: Version = serde_json::from_slice(line).map_err(|error| malformed(&error))?;
    if version.protocol != PROTOCOL {
        let message = format!("protocol {} is not spoken here, only {PROTOCOL}", version.protocol);
        return Err(Refusal::new(Reason::Malformed, message).help(
            "use the gatekeeper command that came with the daemon, and restart the daemon after an upgrade",
        ));
    }
    let envelope: Envelope = serde_json::from_slice(line).map_err(|error| malformed(&error))?;
    Ok(envelope.request)
}

/// Returns the refusal of a text that is no request. An error of one of our types may bring a help.
fn malformed(error: &serde_json::Error) -> Refusal {
    let text = error.to_string();
    let (problem, help) = text.split_once(bounds::HELP).unzip();
    let refusal = Refusal::new(Reason::Malformed, format!("not a request: {}", problem.unwrap_or(&text)));
    let Some(help) = help else { return refusal };
    // A request is one line: the place in it helps nobody.
    let place = format!(" at line {} column {}", error.line(), error.column());
    refusal.help(format!("help: {}", help.strip_suffix(&place).unwrap_or(help)))
}

/// Reads up to the newline, or the end of the stream.
async fn line(stream: &mut UnixStream) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    let mut chunk = vec![0; 16 << 10];
    loop {
        let count = stream.read(&mut chunk).await?;
        let fresh = &chunk[..count];
        if let Some(end) = fresh.iter().position(|&byte| byte == b'\n') {
            line.extend_from_slice(&fresh[..end]);
            return Ok(line);
        }
        line.extend_from_slice(fresh);
        if count == 0 {
            return Ok(line);
        }
        if line.len() > REQUEST_BYTES {
            let message = format!("the request is longer than {REQUEST_BYTES} bytes");
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
    }
}

/// Sends one answer to a client that is expected to read it soon.
///
/// # Errors
/// Where the connection broke or the client does not read within 10 s.
pub async fn send(stream: &mut UnixStream, answer: &Answer) -> io::Result<()> {
    timeout(ANSWERING, send_patiently(stream, answer)).await?
}

/// Sends one answer, however long the client takes.
///
/// # Errors
/// Where the connection broke.
pub async fn send_patiently(stream: &mut UnixStream, answer: &Answer) -> io::Result<()> {
    let mut line = serde_json::to_vec(answer)?;
    line.push(b'\n');
    stream.write_all(&line).await
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn exchange(sent: &[u8]) -> Result<Option<Request>, Refusal> {
        let (mut client, mut server) = UnixStream::pair().unwrap();
        let sent = sent.to_vec();
        let writer = tokio::spawn(async move {
            // The reader may hang up on a request that is too long.
            let _ = client.write_all(&sent).await;
            client.shutdown().await.ok();
            client
        });
        let found = request(&mut server).await;
        drop(server);
        writer.await.unwrap();
        found
    }

    #[test]
    fn a_number_beyond_its_bounds_is_refused_with_a_help() {
        let decide = |seconds: &str| {
            let request = r#"{"protocol":2,"request":{"verb":"decide","hold":1,"approve":true,"scope":{"breadth":"rule","seconds":N}}}"#;
            parse(request.replace('N', seconds).as_bytes())
        };
        assert!(decide("60").is_ok());
        let refusal = decide("18446744073709551615").unwrap_err();
        assert_eq!(refusal.reason, Reason::Malformed);
        assert_eq!(refusal.message, "not a request: 18446744073709551615 s is out of range");
        assert_eq!(refusal.help.unwrap(), "help: use 1 to 604800 seconds, which are 7 days");
        assert!(decide("-1").is_err() && decide("1.5").is_err() && decide("\"60\"").is_err());
    }

    #[tokio::test]
    async fn one_line_is_one_request() {
        let found = exchange(b"{\"protocol\":2,\"request\":{\"verb\":\"status\"}}\nrest").await.unwrap();
        assert_eq!(found, Some(Request::Status {}));
        assert_eq!(exchange(b"").await.unwrap(), None);
    }

    #[tokio::test]
    async fn each_mistake_gets_one_clear_answer() {
        let version = exchange(b"{\"protocol\":9,\"request\":{\"verb\":\"hold\"}}\n").await.unwrap_err();
        assert_eq!(version.message, "protocol 9 is not spoken here, only 2");
        let garbage = exchange(b"GET / HTTP/1.1\n").await.unwrap_err();
        assert!(garbage.message.starts_with("not a request:"), "{garbage}");
        let cut = exchange(b"{\"protocol\":2,\"request\":{\"verb\"").await.unwrap_err();
        assert_eq!(cut.reason, Reason::Malformed);
        let long = exchange(&vec![b' '; REQUEST_BYTES + 20_000]).await.unwrap_err();
        assert!(long.message.contains("longer than"), "{long}");
    }

    #[tokio::test]
    async fn who_says_nothing_does_not_hold_the_line() {
        let (_client, mut server) = UnixStream::pair().unwrap();
        tokio::time::pause();
        let refusal = request(&mut server).await.unwrap_err();
        assert!(refusal.message.contains("within 15 s"), "{refusal}");
    }
}
