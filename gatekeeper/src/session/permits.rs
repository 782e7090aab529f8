//! Leave to compile a policy: one at a time for each user, and few at once in all, so that nobody's
//! policies keep anybody else waiting for more than a few of them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use std::sync::Arc;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

/// Policies compiled at the same time.
const AT_ONCE: usize = 2;

/// The users that wait and those that compile.
#[derive(Clone, Debug)]
pub struct Permits {
    all: Arc<Semaphore>,
    users: Rc<RefCell<BTreeMap<u32, Arc<Semaphore>>>>,
}

/// Leave to compile, until dropped.
#[derive(Debug)]
pub struct Turn {
    uid: u32,
    turns: Permits,
    own: Option<OwnedSemaphorePermit>,
    _all: OwnedSemaphorePermit,
}

impl Default for Permits {
    fn default() -> Self {
        Self { all: Arc::new(Semaphore::new(AT_ONCE)), users: Rc::default() }
    }
}

impl Permits {
    /// Waits for this user's turn.
    ///
    /// # Errors
    /// Where the permits are closed, which the daemon never does.
    pub async fn take(&self, uid: u32) -> Result<Turn, AcquireError> {
        let own =
            Arc::clone(self.users.borrow_mut().entry(uid).or_insert_with(|| Arc::new(Semaphore::new(1))));
        // A user's own turn first: waiting for it takes no place from others.
        let own = own.acquire_owned().await?;
        let all = Arc::clone(&self.all).acquire_owned().await?;
        Ok(Turn { uid, turns: self.clone(), own: Some(own), _all: all })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.own = None;
        let mut users = self.turns.users.borrow_mut();
        // Nobody else of this user's waits: whoever comes next begins a new queue.
        if users.get(&self.uid).is_some_and(|queue| Arc::strong_count(queue) == 1) {
            users.remove(&self.uid);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::time::timeout;

    const SOON: Duration = Duration::from_millis(20);

    #[tokio::test]
    async fn one_users_queue_is_not_anothers() {
        let turns = Permits::default();
        let first = turns.take(1000).await.unwrap();
        let greedy: Vec<_> = (0..20).map(|_| turns.take(1000)).collect();
        let waiting = futures(greedy);
        assert!(timeout(SOON, waiting).await.is_err());
        let other = timeout(SOON, turns.take(1001)).await.unwrap().unwrap();
        assert!(timeout(SOON, turns.take(1002)).await.is_err());
        drop(other);
        assert!(timeout(SOON, turns.take(1002)).await.is_ok());
        drop(first);
        assert!(timeout(SOON, turns.take(1000)).await.is_ok());
        assert!(turns.users.borrow().is_empty());
    }

    /// Waits for the first of them.
    async fn futures<F: Future>(all: Vec<F>) -> F::Output {
        let mut all: Vec<_> = all.into_iter().map(Box::pin).collect();
        std::future::poll_fn(|context| {
            all.iter_mut()
                .map(|one| one.as_mut().poll(context))
                .find(std::task::Poll::is_ready)
                .unwrap_or(std::task::Poll::Pending)
        })
        .await
    }
}
