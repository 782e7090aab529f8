//! Work on all processors at once.

use std::num::NonZero;
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Does a job on each item, in as many threads as there are processors; the results in the items' order.
///
/// # Errors
/// The first error in the items' order. After an error no further item is begun.
pub fn each<T: Send, R: Send, E: Send>(
    items: Vec<T>,
    job: impl Fn(T) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(items.len());
    let queue = Mutex::new(items.into_iter().enumerate());
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    let done = Mutex::new(Vec::new());
    let work = || {
        while let Some((index, item)) = next() {
            let result = job(item);
            let failed = result.is_err();
            done.lock().unwrap_or_else(PoisonError::into_inner).push((index, result));
            if failed {
                while next().is_some() {}
            }
        }
    };
    thread::scope(|scope| {
        // This thread is one of them.
        for _ in 1..threads {
            // Where no thread can be made, fewer do the work.
            let _ = thread::Builder::new().name("load".to_owned()).spawn_scoped(scope, work);
        }
        work();
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::each;

    #[test]
    fn results_come_in_order_and_the_first_error_ends_it() {
        assert_eq!(each((0..100).collect(), |n: u32| Ok::<_, ()>(n * 2)), Ok((0..200).step_by(2).collect()));
        assert_eq!(each(Vec::<u32>::new(), Ok::<_, ()>), Ok(vec![]));
        let begun = AtomicUsize::new(0);
        let result = each((0..10_000).collect(), |n: u32| {
            begun.fetch_add(1, Ordering::Relaxed);
            std::thread::sleep(std::time::Duration::from_micros(100));
            if n == 3 { Err(n) } else { Ok(n) }
        });
        assert_eq!(result, Err(3));
        assert!(begun.into_inner() < 10_000);
    }
}
