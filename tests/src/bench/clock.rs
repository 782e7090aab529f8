//! The guest's clock. Under `-icount shift=0` a nanosecond is an instruction, once the kernel has
//! found out how fast its counter runs, about two seconds after boot.

use std::arch::asm;
use std::time::{Duration, Instant};

const TURNS: u64 = 10_000_000;
/// Instructions of one turn of the loop below.
const TURN: u64 = 3;

fn spin() -> u64 {
    let start = Instant::now();
    // SAFETY: counts one register down to zero.
    unsafe {
        asm!("2:", "nop", "dec {0}", "jnz 2b", inout(reg) TURNS => _, options(nomem, nostack));
    }
    start.elapsed().as_nanos() as u64
}

/// Waits until a loop of known length reads right. Returns how far off it is.
pub fn settle() {
    let wanted = TURNS * TURN;
    let mut read = spin();
    for _ in 0..200 {
        if read.abs_diff(wanted) < wanted / 500 {
            println!("clock: {:.4} ns an instruction", read as f64 / wanted as f64);
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
        read = spin();
    }
    println!("clock: {:.4} ns an instruction; not settled: figures are times", read as f64 / wanted as f64);
}
