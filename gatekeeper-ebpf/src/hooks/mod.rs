//! The hooks: from a hook's arguments to an operation. A body has the name of its hook, and above it stands a
//! line `// proto:` with the hook's prototype in the kernel.

mod builtin;
pub mod exec;
pub mod file;
pub mod ioctl;
pub mod ipc;
pub mod kernel;
pub mod key;
pub mod net;
pub mod process;
mod received;
pub mod unix;
