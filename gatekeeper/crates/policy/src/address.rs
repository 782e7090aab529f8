//! Addresses as written in rules: `10.0.0.0/8`, `127.0.0.0/8:5432`, `[2001:db8::/32]:1-1024`, `*:53`.
//!
//! An IPv4 address that reaches the kernel mapped into IPv6 (`::ffff:10.0.0.1`) is judged as IPv4, so
//! IPv6 prefixes, `::/0` among them, never match it; `*` matches both.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use gatekeeper_common::verdict::Verdict;

use crate::error::Help;

/// A block of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Block {
    /// IPv4: address and prefix length.
    V4(Ipv4Addr, u8),
    /// IPv6: address and prefix length.
    V6(Ipv6Addr, u8),
}

/// Addresses and ports a rule names with one piece of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// As written, variables put in.
    pub text: String,
    /// The blocks: one, or for `*` one of each version.
    pub blocks: Vec<Block>,
    /// First port.
    pub first: u16,
    /// Last port.
    pub last: u16,
}

/// An address that can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Not an address at all; a host name, perhaps.
    #[error("`{0}` is not an IP address")]
    NotAnAddress(String),
    /// A prefix length out of range.
    #[error("prefix length of `{0}` is not a number from 0 to {1}")]
    Prefix(String, u8),
    /// Bits set below the prefix.
    #[error("`{0}` has bits set below its prefix")]
    HostBits(String, String),
    /// A port that is none.
    #[error("`{0}` is not a port or a range of ports")]
    Port(String),
    /// A range that runs backwards.
    #[error("port range `{0}` runs backwards")]
    Backwards(String),
    /// A bracket without its partner.
    #[error("`{0}` has an unbalanced `[`")]
    Unbalanced(String),
    /// An IPv6 block inside `::ffff:0:0/96`.
    #[error("`{0}` is IPv4 mapped into IPv6, which is judged as IPv4")]
    Mapped(String, String),
    /// No port where one is needed.
    #[error("`{0}` is not an address with a port")]
    NeedsPort(String),
}

impl Help for AddressError {
    fn help(&self) -> String {
        match self {
            Self::NotAnAddress(_) => {
                "write an IP address or a block such as `10.0.0.0/8`; names are not resolved, \
                 because what they stand for can change after the rule was made"
            }
            Self::Prefix(..) => "write a length such as `10.0.0.0/8` or `[2001:db8::/32]`",
            Self::HostBits(_, help) | Self::Mapped(_, help) => return format!("write `{help}`"),
            Self::Port(_) => "write a number from 0 to 65535, or two with a `-` between",
            Self::Backwards(_) => "write the smaller port first",
            Self::Unbalanced(_) => "write `[::1]:443`",
            Self::NeedsPort(_) => "write `93.184.216.34:443` or `[::1]:443`",
        }
        .to_owned()
    }
}

impl Target {
    /// Parses the text of a `to`.
    ///
    /// # Errors
    /// Where it is no address, block or range of ports.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let (address, ports) = split(text)?;
        let (first, last) = ports.map_or(Ok((0, u16::MAX)), parse_ports)?;
        let blocks = match address {
            "*" => vec![Block::V4(Ipv4Addr::UNSPECIFIED, 0), Block::V6(Ipv6Addr::UNSPECIFIED, 0)],
            _ => vec![parse_block(address)?],
        };
        Ok(Self { text: text.to_owned(), blocks, first, last })
    }
}

/// The unspecified address, where connecting or sending to it means the loopback address in these blocks.
///
/// Linux takes 0.0.0.0 for 127.0.0.1, and `::` for `::1` or, on a socket bound to mapped IPv4, for
/// 127.0.0.1 (`tcp_v6_connect` in `net/ipv6/tcp_ipv6.c`). Since `::` can be either, a rule that lets something
/// pass does not match it unless it is written.
#[must_use]
pub fn aliases(blocks: &[Block], verdict: Verdict) -> Vec<Block> {
    let holds = |address: IpAddr| blocks.iter().any(|block| block.holds(address));
    let (four, six) = (holds(Ipv4Addr::LOCALHOST.into()), holds(Ipv6Addr::LOCALHOST.into()));
    let mut aliases = Vec::new();
    if four {
        aliases.push(Block::V4(Ipv4Addr::UNSPECIFIED, 32));
    }
    if (four || six) && verdict >= Verdict::Ask {
        aliases.push(Block::V6(Ipv6Addr::UNSPECIFIED, 128));
    }
    aliases
}

impl Block {
    /// Whether the address lies in the block.
    #[must_use]
    pub fn holds(&self, address: IpAddr) -> bool {
        match (self, address) {
            (Self::V4(net, length), IpAddr::V4(ip)) => ip.to_bits() & mask4(*length) == net.to_bits(),
            (Self::V6(net, length), IpAddr::V6(ip)) => ip.to_bits() & mask6(*length) == net.to_bits(),
            _ => false,
        }
    }
}

fn split(text: &str) -> Result<(&str, Option<&str>), AddressError> {
    if let Some(inner) = text.strip_prefix('[') {
        let (address, rest) =
            inner.split_once(']').ok_or_else(|| AddressError::Unbalanced(text.to_owned()))?;
        return match rest.strip_prefix(':') {
            Some(ports) => Ok((address, Some(ports))),
            None if rest.is_empty() => Ok((address, None)),
            None => Err(AddressError::Port(rest.to_owned())),
        };
    }
    match text.split_once(':') {
        Some((address, ports)) if !ports.contains(':') => Ok((address, Some(ports))),
        _ => Ok((text, None)),
    }
}

fn parse_ports(text: &str) -> Result<(u16, u16), AddressError> {
    let number = |part: &str| match part.parse() {
        Ok(port) if part.bytes().all(|byte| byte.is_ascii_digit()) => Ok(port),
        _ => Err(AddressError::Port(text.to_owned())),
    };
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (number(first)?, number(last)?);
    if first > last {
        return Err(AddressError::Backwards(text.to_owned()));
    }
    Ok((first, last))
}

fn parse_block(text: &str) -> Result<Block, AddressError> {
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, Some(length)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().map_err(|_| AddressError::NotAnAddress(text.to_owned()))?;
    let bits = if address.is_ipv4() { 32 } else { 128 };
    let length = match length.map(str::parse) {
        None => bits,
        Some(Ok(length)) if length <= bits => length,
        Some(_) => return Err(AddressError::Prefix(text.to_owned(), bits)),
    };
    let block = match address {
        IpAddr::V4(address) => {
            let kept = address.to_bits() & mask4(length);
            Block::V4(Ipv4Addr::from_bits(kept), length)
        }
        IpAddr::V6(address) => Block::V6(Ipv6Addr::from_bits(address.to_bits() & mask6(length)), length),
    };
    match (address, block) {
        (IpAddr::V4(address), Block::V4(kept, length)) if address != kept => {
            Err(AddressError::HostBits(text.to_owned(), format!("{kept}/{length}` or `{address}")))
        }
        (IpAddr::V6(address), Block::V6(kept, length)) if address != kept => {
            Err(AddressError::HostBits(text.to_owned(), format!("{kept}/{length}` or `{address}")))
        }
        (_, Block::V6(kept, length)) if length >= 96 => match kept.to_ipv4_mapped() {
            Some(kept) => Err(AddressError::Mapped(text.to_owned(), format!("{kept}/{}", length - 96))),
            None => Ok(block),
        },
        _ => Ok(block),
    }
}

/// The mask of an IPv4 prefix.
fn mask4(length: u8) -> u32 {
    !u32::MAX.checked_shr(u32::from(length)).unwrap_or(0)
}

/// The mask of an IPv6 prefix.
fn mask6(length: u8) -> u128 {
    !u128::MAX.checked_shr(u32::from(length)).unwrap_or(0)
}

/// Parses an address and a port, as a question names them; IPv4 mapped into IPv6 becomes IPv4.
///
/// # Errors
/// Where it is no address with a port.
pub fn parse_exact(text: &str) -> Result<SocketAddr, AddressError> {
    let address: SocketAddr = text.parse().map_err(|_| AddressError::NeedsPort(text.to_owned()))?;
    Ok(SocketAddr::new(address.ip().to_canonical(), address.port()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_form() {
        for (text, blocks, first, last) in [
            ("127.0.0.0/8:5432", vec![Block::V4(Ipv4Addr::new(127, 0, 0, 0), 8)], 5432, 5432),
            ("10.0.0.0/8", vec![Block::V4(Ipv4Addr::new(10, 0, 0, 0), 8)], 0, 65535),
            ("[::1]:443", vec![Block::V6(Ipv6Addr::LOCALHOST, 128)], 443, 443),
            ("::1", vec![Block::V6(Ipv6Addr::LOCALHOST, 128)], 0, 65535),
            ("[2001:db8::/32]:1-1024", vec![Block::V6("2001:db8::".parse().unwrap(), 32)], 1, 1024),
            ("2001:db8::/32", vec![Block::V6("2001:db8::".parse().unwrap(), 32)], 0, 65535),
            ("1.2.3.4:8000-8999", vec![Block::V4(Ipv4Addr::new(1, 2, 3, 4), 32)], 8000, 8999),
            ("0.0.0.0/0", vec![Block::V4(Ipv4Addr::UNSPECIFIED, 0)], 0, 65535),
        ] {
            let target = Target::parse(text).expect(text);
            assert_eq!((target.blocks, target.first, target.last), (blocks, first, last), "{text}");
        }
        assert_eq!(Target::parse("*:53").unwrap().blocks.len(), 2);
        assert_eq!(Target::parse("*").unwrap().last, 65535);
    }

    #[test]
    fn refusals_help() {
        for (text, help) in [
            ("example.org:443", "names are not resolved"),
            ("", "IP address"),
            ("10.0.0.1/8", "write `10.0.0.0/8` or `10.0.0.1`"),
            ("[2001:db8::1/32]:1", "write `2001:db8::/32`"),
            ("10.0.0.0/33", "a length"),
            ("10.0.0.0/x", "a length"),
            ("10.0.0.0:http", "a number"),
            ("10.0.0.0:+80", "a number"),
            ("10.0.0.0:90-80", "smaller"),
            ("[::1", "[::1]:443"),
            ("[::1]443", "a number"),
            ("::ffff:10.0.0.0/104", "write `10.0.0.0/8`"),
        ] {
            let error = Target::parse(text).expect_err(text);
            assert!(error.help().contains(help), "{text}: {error} {}", error.help());
        }
    }

    #[test]
    fn loopback_has_other_names() {
        let aliases = |text: &str, verdict| aliases(&Target::parse(text).unwrap().blocks, verdict).len();
        assert_eq!(aliases("127.0.0.0/8", Verdict::Allow), 1);
        assert_eq!(aliases("127.0.0.0/8", Verdict::Deny), 2);
        assert_eq!(aliases("::1", Verdict::Allow), 0);
        assert_eq!(aliases("::1", Verdict::Ask), 1);
        assert_eq!(aliases("10.0.0.0/8", Verdict::Deny), 0);
    }

    #[test]
    fn questions_are_canonical() {
        assert_eq!(parse_exact("[::ffff:10.0.0.1]:80").unwrap(), "10.0.0.1:80".parse().unwrap());
        assert!(parse_exact("10.0.0.1").is_err());
        assert_eq!((mask4(0), mask4(8), mask4(32)), (0, 0xff00_0000, u32::MAX));
        assert_eq!((mask6(0), mask6(127), mask6(128)), (0, u128::MAX - 1, u128::MAX));
    }
}
