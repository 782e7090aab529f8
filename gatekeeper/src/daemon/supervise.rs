//! The tasks and threads that the daemon can't go on without. Where one of them ends, the daemon does: enforcement is pinned, and
//! systemd starts it again.

use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use tokio::task::{Id, JoinError, JoinSet};

use super::state::State;

/// Interval between looks at threads.
const LOOK: Duration = Duration::from_secs(1);

/// The tasks, each with its name.
#[derive(Debug, Default)]
pub struct Tasks {
    set: JoinSet<()>,
    names: HashMap<Id, &'static str>,
}

/// A task that has ended and must not.
#[derive(Debug, thiserror::Error)]
pub enum TaskEnded {
    /// It came to its end.
    #[error("the task `{0}` has ended")]
    Returned(&'static str),
    /// A thread came to its end.
    #[error("the thread `{0}` has ended")]
    Thread(String),
    /// It panicked.
    #[error("the task `{0}` failed: {1}")]
    Panicked(&'static str, String),
}

impl Tasks {
    /// Starts a task on the daemon's thread.
    pub fn start(&mut self, name: &'static str, task: impl Future<Output = ()> + 'static) {
        let id = self.set.spawn_local(task).id();
        self.names.insert(id, name);
    }

    /// Waits until one of them ends, or one of the daemon's threads, which none should.
    pub async fn ended(&mut self, daemon: &State) -> TaskEnded {
        tokio::select! {
            ended = self.one_ended() => ended,
            name = thread_ended(daemon) => TaskEnded::Thread(name),
        }
    }

    async fn one_ended(&mut self) -> TaskEnded {
        let name = |id: Id| self.names.get(&id).copied().unwrap_or("unknown");
        match self.set.join_next_with_id().await {
            Some(Ok((id, ()))) => TaskEnded::Returned(name(id)),
            Some(Err(error)) => TaskEnded::Panicked(name(error.id()), message(error)),
            None => TaskEnded::Returned("all"),
        }
    }
}

/// Waits until a thread of the daemon's has ended; its name.
async fn thread_ended(daemon: &State) -> String {
    loop {
        tokio::time::sleep(LOOK).await;
        if let Some(name) = daemon.trail().ended_thread() {
            return name;
        }
        if daemon.notifier().has_ended() {
            return "notices".to_owned();
        }
    }
}

/// The words of a panic.
fn message(error: JoinError) -> String {
    let Ok(panic) = error.try_into_panic() else { return "cancelled".to_owned() };
    let words = panic.downcast_ref::<String>().cloned();
    words.or_else(|| panic.downcast_ref::<&str>().map(|words| (*words).to_owned())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use tokio::task::LocalSet;

    use super::*;

    #[tokio::test]
    async fn the_end_of_a_task_is_noticed_by_its_name() {
        let local = LocalSet::new();
        local
            .run_until(async {
                let mut tasks = Tasks::default();
                tasks.start("waits", std::future::pending());
                tasks.start("panics", async { panic!("number {}", 7) });
                assert_eq!(tasks.one_ended().await.to_string(), "the task `panics` failed: number 7");
                tasks.start("returns", async {});
                assert_eq!(tasks.one_ended().await.to_string(), "the task `returns` has ended");
            })
            .await;
    }
}
