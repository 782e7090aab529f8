//! The authorities that may say who the other end is.

use std::fs;
use std::path::Path;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::sink::SendError;

/// The files in which distributions keep the certificates of all authorities that they trust.
const BUNDLES: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem"];

/// The certificates in `ca`, or those that the system trusts.
pub fn roots(ca: Option<&Path>) -> Result<Vec<CertificateDer<'static>>, SendError> {
    let system = || BUNDLES.iter().map(Path::new).find(|bundle| bundle.exists());
    let path = ca.or_else(system).ok_or_else(|| {
        SendError::new("no certificates of authorities on this machine: install ca-certificates, or set `ca`")
    })?;
    let named = path.display();
    let pem = fs::read(path).map_err(SendError::at(named.to_string()))?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(SendError::new(format!("{named}: no certificate in it"))),
        Err(error) => Err(SendError::new(format!("{named}: {error}"))),
    }
}
