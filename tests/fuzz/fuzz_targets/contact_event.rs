#![no_main]
#![expect(missing_docs, reason = "the macro writes them")]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ledger_fuzz::contact_event(data));
