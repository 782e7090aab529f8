//! Where the kernel counts changes of paths: the sequences of `rename_lock` and `mount_lock`. The
//! programs' directory cache lives by them; see gatekeeper-ebpf/src/cache.rs.

use std::fs::File;
use std::io::{BufRead, BufReader};

use gatekeeper_common::limits::SEQUENCES_SPAN;

/// The address of the lower sequence and the bytes to the upper one; zeros, and so no cache, where they
/// are not known, lie too far apart, or on a machine that may show them out of order.
pub fn sequences() -> (u64, u32) {
    if !cfg!(target_arch = "x86_64") {
        return (0, 0);
    }
    File::open("/proc/kallsyms").map_or((0, 0), |symbols| find(BufReader::new(symbols)))
}

fn find(symbols: impl BufRead) -> (u64, u32) {
    let (mut renames, mut mounts) = (0, 0);
    for line in symbols.split(b'\n').map_while(Result::ok) {
        // Without a module's name behind it.
        let place = match line.rsplit(|byte| *byte == b' ').next() {
            Some(b"rename_lock") => &mut renames,
            Some(b"mount_lock") => &mut mounts,
            _ => continue,
        };
        let address = line.split(|byte| *byte == b' ').next().and_then(|digits| str::from_utf8(digits).ok());
        let address = address.and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or(0);
        if *place != 0 || address == 0 {
            // Two of the name, or addresses hidden from us: which one is meant can't be known.
            return (0, 0);
        }
        *place = address;
    }
    let span = u32::try_from(u64::abs_diff(renames, mounts)).unwrap_or(u32::MAX);
    let near = renames != 0 && mounts != 0 && (4..=SEQUENCES_SPAN).contains(&span) && span % 4 == 0;
    if near { (renames.min(mounts), span) } else { (0, 0) }
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn two_symbols_near_each_other_are_used() {
        let text =
            b"ffffffff81000000 T startup_64\nffffffffb1209680 D mount_lock\nffffffffb1209600 D rename_lock\n";
        assert_eq!(find(text.as_slice()), (0xffff_ffff_b120_9600, 128));
    }

    #[test]
    fn without_both_there_is_no_cache() {
        for text in [
            "ffffffffb1209600 D rename_lock\n",
            "0000000000000000 D rename_lock\n0000000000000000 D mount_lock\n",
            "ffffffffb1209600 D rename_lock\nffffffffb1309680 D mount_lock\n",
            "ffffffffb1209600 D rename_lock\nffffffffb1209680 D mount_lock\nffffffffb1209700 d mount_lock\n",
            "",
        ] {
            assert_eq!(find(text.as_bytes()), (0, 0), "{text}");
        }
    }
}
