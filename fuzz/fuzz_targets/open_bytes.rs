//! Any bytes as a datagram or a serial message, signed or not.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::cell::RefCell;
use systole_core::LinkId;
use systole_wire::{Decoder, Keys, Method};

thread_local! {
    static WORLD: RefCell<(Decoder, Vec<Keys>)> = RefCell::new((Decoder::default(), keys()));
}

/// The keys of the captured messages. A fuzzer finds a checksum on its own, and so gets further with it than
/// with a real key.
fn keys() -> Vec<Keys> {
    let md5 = &b"TestKeyMd5"[..];
    let sha1 = &b"TestKeySha1"[..];
    let real = [(1, Method::Sha1, sha1), (2, Method::Md5, md5), (7, Method::Md5, md5)];
    let checksums = [(1, Method::Crc, md5), (2, Method::Crc, md5), (3, Method::Crc, md5)];
    [Keys::new(1, real), Keys::new(2, checksums)]
        .into_iter()
        .map(|keys| keys.expect("the keys above are usable"))
        .collect()
}

fuzz_target!(|bytes: &[u8]| {
    WORLD.with_borrow_mut(|(decoder, all)| {
        for keys in all.iter() {
            if let Ok(opened) = decoder.open(bytes, keys) {
                let _ = opened.ping();
                let _ = opened.heard(LinkId(0));
            }
        }
    });
});
