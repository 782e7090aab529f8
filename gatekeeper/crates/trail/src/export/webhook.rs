//! A webhook: batches of records as a JSON array, signed.
//!
//! `Gatekeeper-Signature: t=SECONDS,v1=HEX` is the HMAC-SHA256, under the secret, of the seconds since 1970, a dot and
//! the body. `Idempotency-Key` names the records: where an answer was lost they come again under the same key.

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::fields::Fields;
use super::http::{Client, Url, secret};
use super::reader::Batch;
use super::sink::{SendError, Sink};
use crate::log::merkle::hex;

/// The sink.
pub struct Webhook {
    client: Client,
    secret: PathBuf,
}

impl Webhook {
    /// A webhook with a file that holds its secret.
    #[must_use]
    pub fn new(url: Url, secret: PathBuf, timeout: Duration) -> Self {
        Self { client: Client::new(url, timeout), secret }
    }
}

/// Returns the signature, which the receiver also makes of the secret, the time and the body.
///
/// # Errors
/// Where the secret can't be a key, which any text can.
pub fn signature(secret: &str, seconds: u64, body: &[u8]) -> Result<String, SendError> {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())
        .map_err(|error| SendError::new(format!("the secret: {error}")))?;
    let tag = mac.chain_update(format!("{seconds}.")).chain_update(body).finalize().into_bytes();
    Ok(hex(&tag.into()))
}

impl Sink for Webhook {
    fn send(&mut self, batch: &Batch) -> Result<usize, SendError> {
        let secret = secret(&self.secret)?;
        let (Some(first), Some(last)) = (batch.lines.first(), batch.lines.last()) else { return Ok(0) };
        let (first, last) = (Fields::of(first)?, Fields::of(last)?);
        let body = [&b"["[..], &batch.lines.join(&b','), b"]"].concat();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let headers = [
            ("Gatekeeper-Signature", format!("t={now},v1={}", signature(&secret, now, &body)?)),
            ("Idempotency-Key", format!("{}-{}", first.name(), last.metadata.sequence)),
        ];
        self.client.post(&body, "application/json", &headers)?;
        Ok(batch.lines.len())
    }
}
