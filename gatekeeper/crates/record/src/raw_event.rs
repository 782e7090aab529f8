//! An event as the kernel sends it.

use gatekeeper_common::event::Header;

/// One event: the header and the object's bytes.
#[derive(Debug, Clone)]
pub struct RawEvent {
    /// The fixed part.
    pub header: Header,
    /// Path bytes or an address, see [`gatekeeper_common::event::Object`].
    pub object: Vec<u8>,
}

impl RawEvent {
    /// Takes an event apart; `None` where it is cut off, which the kernel side never does.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let (header, rest) = bytes.split_at_checked(size_of::<Header>())?;
        let header: Header = bytemuck::pod_read_unaligned(header);
        let object = rest.get(..header.length as usize)?.to_vec();
        Some(Self { header, object })
    }
}
