//! The checksum of method `crc`: that of POSIX `cksum`, but without the length at the end.

const POLYNOMIAL: u32 = 0x04c1_1db7;

const TABLE: [u32; 256] = table();

/// Returns the CRC-32, most significant bit first, starting from zero, complemented.
pub(super) fn checksum(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(0_u32, |crc, &byte| {
        let [top, ..] = crc.to_be_bytes();
        (crc << 8) ^ TABLE[usize::from(top ^ byte)]
    })
}

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut top = 0_u32;
    while top < 256 {
        let mut crc = top << 24;
        let mut bit = 0;
        while bit < 8 {
            let carry = crc >> 31;
            crc = (crc << 1) ^ (carry * POLYNOMIAL);
            bit += 1;
        }
        table[top as usize] = crc;
        top += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crc_checksum_matches_known_values() {
        assert_eq!(checksum(b"123456789"), 0x765e_7680);
        assert_eq!(checksum(b""), 0xffff_ffff);
    }
}
