//! Atomic instructions. The compiler offers none for this target, though BPF has had them since Linux 5.12
//! (kernel/bpf/verifier.c `check_atomic`).

use core::arch::asm;

/// Adds to a word in a map's value; returns the value before.
#[inline(always)]
pub fn fetch_add(word: *mut u64, addend: u64) -> u64 {
    let mut value = addend;
    // SAFETY: the verifier proves that `word` lies in a map's value, and the instruction touches no other
    // memory.
    unsafe {
        asm!("{value} = atomic_fetch_add((u64 *)({word} + 0), {value})",
             value = inout(reg) value, word = in(reg) word, options(nostack));
    }
    value
}

/// Stores a word in a map's value; returns the value before.
#[inline(always)]
pub fn swap(word: *mut u64, new: u64) -> u64 {
    let mut value = new;
    // SAFETY: as above.
    unsafe {
        asm!("{value} = xchg_64({word} + 0, {value})",
             value = inout(reg) value, word = in(reg) word, options(nostack));
    }
    value
}

/// Stores zero in a word in a map's value, after all earlier accesses: the compiler moves none over it.
#[inline(always)]
pub fn clear(word: *mut u64) {
    // SAFETY: as above.
    unsafe {
        asm!("*(u64 *)({word} + 0) = {zero}", word = in(reg) word, zero = in(reg) 0_u64, options(nostack));
    }
}
