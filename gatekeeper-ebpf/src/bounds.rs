//! Indexes that the verifier sees bounded, without the compiler's own checks.

/// Cuts a number to the bits of `MASK`, in an instruction of our own: the compiler can neither leave it
/// out nor move it behind the arithmetic that the verifier must see bounded.
#[inline(always)]
pub fn masked<const MASK: i32>(number: u32) -> usize {
    const { assert!(MASK > 0 && (MASK.cast_unsigned() + 1).is_power_of_two()) }
    let mut masked = u64::from(number);
    // SAFETY: changes one register.
    unsafe { core::arch::asm!("{0} &= {1}", inout(reg) masked, const MASK, options(nomem, nostack)) };
    masked as usize
}

/// The number cut to an index of an array whose length is a power of two.
#[inline(always)]
fn index<T, const N: usize>(_: &[T; N], number: u32) -> usize {
    const { assert!(N.is_power_of_two() && N <= 1 << 30) }
    let mut index = u64::from(number);
    // SAFETY: changes one register.
    unsafe { core::arch::asm!("{0} &= {1}", inout(reg) index, const N as i32 - 1, options(nomem, nostack)) };
    index as usize
}

/// An element of an array; a number beyond its end wraps around. Without the compiler's own check of bounds,
/// whose panic no program can hold.
#[inline(always)]
pub fn pick<T, const N: usize>(array: &[T; N], number: u32) -> &T {
    let at = index(array, number);
    // SAFETY: at < N.
    unsafe { array.get_unchecked(at) }
}

/// A mutable element of an array, as [`pick`].
#[inline(always)]
pub fn pick_mut<T, const N: usize>(array: &mut [T; N], number: u32) -> &mut T {
    let at = index(array, number);
    // SAFETY: at < N.
    unsafe { array.get_unchecked_mut(at) }
}
