//! The offsets the programs are loaded with.

use gatekeeper_btf::{Btf, BtfError};

use super::attachment::Attachment;

type Field = (&'static str, &'static str, &'static str);

macro_rules! table {
    ($($global:ident, $structure:literal, $member:literal;)*) => {
        &[$((stringify!($global), $structure, $member),)*]
    };
}
/// Global, structure, member.
const FIELDS: &[Field] = gatekeeper_common::kernel_fields!(table);
/// Those that some kernels lack.
const OPTIONAL: &[Field] = gatekeeper_common::optional_kernel_fields!(table);
/// The global with the place of the entry among `inode_setattr`'s arguments: the first, or behind an idmapping
/// (since Linux 6.9).
const SETATTR_ENTRY: &str = "SETATTR_ENTRY";

/// The value of every offset on the kernel that `btf` describes.
///
/// # Errors
/// Where the kernel lacks a field.
pub fn offsets(btf: &Btf, attachment: Attachment) -> Result<Vec<(&'static str, u32)>, BtfError> {
    let hook = match attachment {
        Attachment::Lsm => "bpf_lsm_inode_setattr",
        Attachment::Function => "security_inode_setattr",
    };
    let mut offsets = Vec::new();
    for (global, structure, member) in FIELDS {
        offsets.push((*global, btf.offset(structure, member)?));
    }
    for (global, structure, member) in OPTIONAL {
        offsets.push((*global, btf.offset(structure, member).unwrap_or(0)));
    }
    offsets.push((SETATTR_ENTRY, u32::from(btf.parameters(hook) == Some(3))));
    Ok(offsets)
}
