//! The offsets the programs are loaded with.

use super::btf::{Btf, BtfError};

macro_rules! table {
    ($($global:ident, $structure:literal, $member:literal;)*) => {
        /// Global, structure, member.
        pub const FIELDS: &[(&str, &str, &str)] = &[$((stringify!($global), $structure, $member),)*];
    };
}
gatekeeper_common::kernel_fields!(table);

/// The value of every offset on the kernel that `btf` describes.
///
/// # Errors
/// Where the kernel lacks a field.
pub fn offsets(btf: &Btf) -> Result<Vec<(&'static str, u32)>, BtfError> {
    FIELDS.iter().map(|(global, structure, member)| Ok((*global, btf.offset(structure, member)?))).collect()
}
