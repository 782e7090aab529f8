#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gatekeeper_fuzz::policy(bytes));
