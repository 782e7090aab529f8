//! The errors of the reader.

use std::io;
use std::path::PathBuf;

/// The reason why a question about the kernel's types has no answer.
#[derive(Debug, thiserror::Error)]
pub enum BtfError {
    /// No BTF to read.
    #[error("{path}: {source} (the kernel must be built with CONFIG_DEBUG_INFO_BTF)", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// Not BTF, or cut off.
    #[error("malformed BTF: {0}")]
    Malformed(&'static str),
    /// A kind of type newer than this reader, which can't know its length.
    #[error("BTF kind {0} is unknown")]
    UnknownKind(u32),
    /// A structure or field that the kernel lacks, or a field that does not begin on a byte.
    #[error("this kernel has no field {0}.{1}")]
    NoField(&'static str, &'static str),
}
