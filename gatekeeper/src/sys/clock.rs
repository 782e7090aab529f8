//! The clocks: since boot (what the kernel stamps on events) and of the wall.

use std::io;
use std::mem::MaybeUninit;
use std::time::Duration;

fn read(clock: libc::clockid_t) -> io::Result<Duration> {
    let mut time = MaybeUninit::<libc::timespec>::uninit();
    // SAFETY: the pointer is to a timespec of ours, which the call fills.
    super::check(unsafe { libc::clock_gettime(clock, time.as_mut_ptr()) })?;
    // SAFETY: the call succeeded, so it wrote the whole structure.
    let time = unsafe { time.assume_init() };
    Ok(Duration::new(time.tv_sec as u64, time.tv_nsec as u32))
}

/// Time since boot, time asleep included.
pub fn since_boot() -> io::Result<Duration> {
    read(libc::CLOCK_BOOTTIME)
}

/// Time since 1970, UTC.
pub fn wall() -> io::Result<Duration> {
    read(libc::CLOCK_REALTIME)
}

/// Seconds east of UTC here, at that moment.
#[must_use]
pub fn offset_at(unix_seconds: i64) -> i64 {
    let mut parts = MaybeUninit::<libc::tm>::zeroed();
    // SAFETY: both pointers are to values of ours; localtime_r keeps neither.
    let answer = unsafe { libc::localtime_r(&unix_seconds, parts.as_mut_ptr()) };
    if answer.is_null() {
        return 0;
    }
    // SAFETY: the call succeeded, so it filled the structure (and all zeros is valid before).
    unsafe { parts.assume_init() }.tm_gmtoff
}
