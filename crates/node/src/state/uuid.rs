//! The identity of a node: random and stored, or derived from its name.

use super::StateError;
use std::path::Path;
use systole_core::Uuid;

/// Returns the uuid in the file, or a new one that is stored there, and whether it is new.
pub(super) fn stored(path: &Path) -> Result<(Uuid, bool), StateError> {
    if let Some(bytes) = super::read(path)?
        && let Ok(bytes) = <[u8; 16]>::try_from(bytes)
        && bytes != [0; 16]
    {
        return Ok((Uuid(bytes), false));
    }
    let uuid = fresh()?;
    super::replace(path, &uuid.0)?;
    Ok((uuid, true))
}

/// Returns a random uuid.
pub(super) fn fresh() -> Result<Uuid, StateError> {
    let mut bytes = [0; 16];
    systole_sys::clock::random_bytes(&mut bytes).map_err(StateError::Random)?;
    // Version 4, variant 1 (RFC 9562, section 5.4).
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    Ok(Uuid(bytes))
}

/// Returns the uuid that `uuidfrom nodename` gives: 32 hexadecimal digits from the C library's generator,
/// seeded with a hash of the name.
pub(super) fn of_name(node: &str) -> Uuid {
    let mut name = node.bytes();
    let first = u32::from(name.next().unwrap_or(0));
    let seed = name.fold(first, |hash, byte| hash.wrapping_mul(31).wrapping_add(u32::from(byte)));
    let mut generator = Additive::new(seed);
    let mut digit = || u8::try_from(generator.next() % 16).unwrap_or(0);
    Uuid(std::array::from_fn(|_| digit() << 4 | digit()))
}

/// The additive feedback generator of glibc (random(3)), which every heartbeat on Linux uses.
struct Additive {
    table: [u32; Self::LONG],
    at: usize,
}

impl Additive {
    /// x(n) = x(n - 31) + x(n - 3).
    const LONG: usize = 31;
    const SHORT: usize = 3;
    /// Number of values that are discarded until the seed has spread.
    const WARM_UP: usize = 310;

    fn new(seed: u32) -> Self {
        let mut table = [0; Self::LONG];
        let mut number = i64::from(seed.max(1).cast_signed());
        for entry in &mut table {
            *entry = u32::try_from(number.rem_euclid(1 << 32)).unwrap_or(0);
            number = next_seed(number);
        }
        let mut generator = Self { table, at: Self::SHORT };
        for _ in 0..Self::WARM_UP {
            generator.next();
        }
        generator
    }

    fn next(&mut self) -> u32 {
        let from = (self.at + Self::LONG - Self::SHORT) % Self::LONG;
        let sum = self.table[self.at].wrapping_add(self.table[from]);
        self.table[self.at] = sum;
        self.at = (self.at + 1) % Self::LONG;
        sum >> 1
    }
}

/// The generator of Park and Miller, with Schrage's division so that the signs are the same as in C.
fn next_seed(number: i64) -> i64 {
    let next = 16_807 * (number % 127_773) - 2_836 * (number / 127_773);
    if next < 0 { next + 2_147_483_647 } else { next }
}
