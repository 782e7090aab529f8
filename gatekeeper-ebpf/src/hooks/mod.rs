//! The hooks: arguments → operation. Above each a line `// proto:` with its prototype in the kernel.

pub mod exec;
pub mod file;
pub mod ioctl;
pub mod ipc;
pub mod kernel;
pub mod net;
pub mod process;
pub mod unix;
