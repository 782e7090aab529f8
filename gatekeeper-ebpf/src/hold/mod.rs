//! The hold: a task stops inside its system call until there is a decision, and the very same call then
//! passes or fails.
//!
//! The hook writes a hold, stops the process (SIGSTOP) and returns ERESTARTNOINTR. Whoever continues the
//! process, the kernel starts the call again, and the hook judges it anew and looks for a decision on exactly
//! this operation; there is none, and it stops again. An operation that can't be started again is refused.

mod ask;
mod compare;
mod exec;
mod grants;
mod slots;
mod stop;
mod table;

pub use ask::ask;
pub use exec::{ExecApproval, begin_exec, end_exec, is_exec_pending};
pub use slots::{end, leave};
